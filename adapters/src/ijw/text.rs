//! Element names of JW323 in their order, and the checks of one value each (Basisschema 3.2).

use crate::code_list::{CATEGORY, UNIT};
use jiff::civil::Date;

/// Namespace of the message.
pub(super) const MESSAGE_NS: &str = "http://www.istandaarden.nl/ijw/3_2/jw323/schema";
/// Namespace of the shared types.
pub(super) const BASE_NS: &str = "http://www.istandaarden.nl/ijw/3_2/basisschema/schema";
/// Code of the message.
pub(super) const MESSAGE_CODE: &str = "490";
/// Version and subversion of the standard.
pub(super) const VERSION: (&str, &str) = ("3", "2");
/// The schema versions written by us; others of the same form are read.
pub(super) const XSD_VERSION: &str = "0.1.0";
/// The unit whose volume is an amount in eurocents.
pub(super) const EUROS: &str = "83";

/// Digits, exactly `length` of them.
pub(super) fn is_digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit())
}

/// Text of 1 to `most` characters that is not blank.
pub(super) fn is_filled(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && text.chars().any(|c| !c.is_whitespace())
}

/// A declaration number: 1 to 12 letters and digits.
pub(super) fn is_number(text: &str) -> bool {
    (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// A schema version: three numbers without leading zeros.
pub(super) fn is_version(text: &str) -> bool {
    let part = |p: &str| p == "0" || (!p.starts_with('0') && !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    text.split('.').count() == 3 && text.split('.').all(part)
}

/// A product category of JZ020.
pub(super) fn is_category(text: &str) -> bool {
    CATEGORY.has(text)
}

/// A unit of WJ756.
pub(super) fn is_unit(text: &str) -> bool {
    UNIT.has(text)
}

/// A whole number of 0 to `most`, digits only.
pub(super) fn number(text: &str, most: u64) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|n| *n <= most)
}

/// A date `YYYY-MM-DD` without time zone (RS032).
pub(super) fn date(text: &str) -> Option<Date> {
    let form = text.len() == 10
        && text.bytes().enumerate().all(|(n, b)| match n {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    form.then(|| text.parse().ok()).flatten()
}
