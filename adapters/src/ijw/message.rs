//! What a declaration says, apart from how it is written down.

use jiff::civil::Date;
use sluis_core::claim::ClaimLine;
use sluis_core::subject::Bsn;

/// The head of a declaration: who declares to whom, over which month, how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// AGB code of the sender (Afzender), 8 digits.
    pub sender_agb: String,
    /// CBS code of the receiving municipality (Ontvanger), 4 digits.
    pub municipality_code: String,
    /// Identification of the message, 1 to 12 characters, unique per sender (TR056).
    pub identification: String,
    /// Date of the message.
    pub sent: Date,
    /// Number of the declaration, 1 to 12 letters and digits, unique per sender (TR333).
    pub number: String,
    /// First day of the declared calendar month.
    pub begin: Date,
    /// Last day of the declared calendar month.
    pub end: Date,
    /// Date of signing.
    pub signed: Date,
    /// The signed sum of the lines in eurocents: debit adds, credit subtracts (TR358).
    pub total: i64,
}

/// One line of a declaration with the person it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredLine {
    /// The person.
    pub bsn: Bsn,
    /// The line.
    pub line: ClaimLine,
    /// The reference of the line that is credited; there exactly when the line is a credit (CD060).
    pub previous_reference: Option<String>,
}

/// The signed sum of lines in eurocents: what [`Header::total`] must say.
#[must_use]
pub fn signed_total(lines: &[DeclaredLine]) -> i64 {
    lines.iter().map(|declared| signed_amount(&declared.line)).sum()
}

/// The amount of a line, negative for a credit.
pub(super) fn signed_amount(line: &ClaimLine) -> i64 {
    let amount = i64::from(line.amount);
    if line.credit { -amount } else { amount }
}
