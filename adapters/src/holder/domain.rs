//! What a value of each field and fact means and may be, whatever the holder's columns hold.
//!
//! One table: the reading of facts and billing records, `source check` and the guide (docs/holder-source.md) all go by it.
//! A FACT that has not its shape is unknown, and a billing record that has not is not confirmed: a rule would otherwise
//! be decided on a word nobody defined. A FIELD leaves as the column map reads it; `source check` reports what has not
//! its shape.

mod facts;
mod fields;

pub(super) use facts::{BIRTH_DATE, MUNICIPALITY_CODE, all as of_facts, beside, of_held};
pub(super) use fields::of_field;

use super::date::{DateForm, is_nothing};
use crate::code_list::CodeList;
use sluis_core::fact::Fact;
use sluis_core::organisation::Oin;
use sluis_core::subject::{Bsn, SubjectId};

/// What a field or fact is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Domain {
    /// In a few words.
    pub(super) meaning: &'static str,
    /// What its values look like.
    pub(super) shape: Shape,
}

impl Domain {
    const fn of(meaning: &'static str, shape: Shape) -> Self {
        Self { meaning, shape }
    }
}

/// What a value looks like, after the column map has read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Text of at most so many characters.
    Text(usize),
    /// Exactly so many digits.
    Digits(usize),
    /// A code of a list.
    Code(&'static CodeList),
    /// A word of a fact in policy files.
    Word(Fact),
    /// Organisatie-identificatienummer.
    Oin,
    /// Dutch postal code.
    Postcode,
    /// `YYYY-MM-DD`, with `00` for an unknown month or day.
    Date,
    /// `YYYY-MM-DD/YYYY-MM-DD`.
    Period,
    /// A whole number from the first to the second.
    Whole(u32, u32),
    /// Whole eurocents, not below zero.
    Cents,
    /// Citizen service number.
    Bsn,
    /// Client number.
    ClientNumber,
    /// Yes or no.
    Flag,
}

impl Shape {
    /// Whether a value looks so.
    pub(super) fn has(self, text: &str) -> bool {
        let number = |least: u32, most: u32| text.parse::<u32>().is_ok_and(|n| (least..=most).contains(&n));
        match self {
            Self::Text(most) => !text.trim().is_empty() && text.chars().count() <= most,
            Self::Digits(count) => text.len() == count && text.bytes().all(|b| b.is_ascii_digit()),
            Self::Code(list) => list.has(text),
            Self::Word(fact) => fact.values().contains(&text),
            Self::Oin => Oin::parse(text).is_ok(),
            Self::Postcode => is_postcode(text),
            Self::Date => is_date(text),
            Self::Period => text.split_once('/').is_some_and(|(first, last)| is_date(first) && is_date(last)),
            Self::Whole(least, most) => number(least, most),
            Self::Cents => number(0, u32::MAX),
            Self::Bsn => Bsn::parse(text).is_ok(),
            Self::ClientNumber => SubjectId::client_number(text).is_some(),
            Self::Flag => matches!(text, "0" | "1"),
        }
    }

    /// What a value may be, for people.
    pub(super) fn words(self) -> String {
        match self {
            Self::Text(most) => format!("text of at most {most} characters"),
            Self::Digits(count) => format!("{count} digits"),
            Self::Code(list) => list.words(),
            Self::Word(fact) => fact.values().join(", "),
            Self::Oin => "an OIN of 20 positions".to_owned(),
            Self::Postcode => "four digits and two letters, with or without a space between".to_owned(),
            Self::Date => "a date (once read `YYYY-MM-DD`, `00` for an unknown month or day)".to_owned(),
            Self::Period => "first and last day (once read `YYYY-MM-DD/YYYY-MM-DD`)".to_owned(),
            Self::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Self::Cents => "an amount (once read whole eurocents, not below zero)".to_owned(),
            Self::Bsn => "9 digits, 11-test".to_owned(),
            Self::ClientNumber => "1 to 20 letters, digits and hyphens".to_owned(),
            Self::Flag => "yes or no: 1 or 0, your own codes, or dates".to_owned(),
        }
    }
}

fn is_date(text: &str) -> bool {
    !is_nothing(text) && DateForm::YearFirst.read(text).is_some()
}

/// `1234AB` or `1234 AB`; the first digit is never 0.
fn is_postcode(text: &str) -> bool {
    let (digits, letters) = text.split_at_checked(4).unwrap_or_default();
    let letters = letters.strip_prefix(' ').unwrap_or(letters);
    Shape::Digits(4).has(digits)
        && !digits.starts_with('0')
        && letters.len() == 2
        && letters.bytes().all(|b| b.is_ascii_uppercase())
}

/// Every field and fact with its place in a map, its meaning and its values: the rows of the guide.
#[cfg(test)]
pub(super) fn rows() -> (Vec<String>, Vec<String>) {
    use sluis_core::field::Field;
    let row = |name: &str, domain: Domain| format!("| `{name}` | {} | {} |", domain.meaning, domain.shape.words());
    let fields = Field::ALL.iter().map(|field| row(field.code(), of_field(*field))).collect();
    let facts = of_facts().into_iter().map(|(name, domain)| row(name, domain)).collect();
    (fields, facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code_list::{GENDER, UNIT};

    #[test]
    fn a_value_has_its_shape_exactly_or_not_at_all() {
        let cases: [(Shape, &[&str], &[&str]); 12] = [
            (Shape::Text(3), &["a", "één"], &["", "  ", "four"]),
            (Shape::Digits(4), &["0518"], &["518", "05180", "051a", "", " 518", "٠٥١٨"]),
            (Shape::Code(&GENDER), &["0", "1", "2"], &["V", "vrouw", "9", "01", ""]),
            (Shape::Code(&UNIT), &["01", "84"], &["1", "min", "99", "uur"]),
            (Shape::Word(Fact::Financing), &["jeugdwet", "zvw", "other"], &["zin", "JW", "Zvw", ""]),
            (Shape::Oin, &["00000099000000001000"], &["0000009900000000100", "99999999000000001000", "x"]),
            (Shape::Postcode, &["2514EA", "2514 EA"], &["2514", "2514ea", "0514EA", "2514  EA", "EA2514", "é514EA"]),
            (Shape::Date, &["2010-11-21", "2010-00-00"], &["21-11-2010", "20101121", "2010-13-01", "", "0000-00-00"]),
            (Shape::Period, &["2010-01-01/2010-01-31"], &["2010-01-01", "2010-01-01/x"]),
            (Shape::Whole(1, 10), &["1", "10"], &["0", "11", "7.5", "-1", "seven"]),
            (Shape::Cents, &["0", "13440"], &["134,40", "-1", ""]),
            (Shape::Flag, &["0", "1"], &["J", "true"]),
        ];
        for (shape, good, bad) in cases {
            good.iter().for_each(|text| assert!(shape.has(text), "{shape:?}: {text}"));
            bad.iter().for_each(|text| assert!(!shape.has(text), "{shape:?}: {text}"));
        }
    }
}
