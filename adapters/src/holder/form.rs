//! How the value of one column is read: text, dates, amounts, whole numbers, code lists. Exact, or not at all.

use super::date::{DateForm, is_nothing};
use super::domain::Shape;
use super::identifier::IdForm;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What stands in a column, whatever the engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number with a fraction, or that could have one.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes, or text that is not UTF-8.
    Other,
}

impl Cell<'_> {
    /// The text without spaces around it, a whole number in digits; `None` when it is neither.
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Null => Some(String::new()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.trim().to_owned()),
            Self::Real(_) | Self::Other => None,
        }
    }

    /// As [`Self::text`], and a number with a fraction in its shortest exact digits: nothing is computed with it.
    fn number(self) -> Option<String> {
        match self {
            Self::Real(number) => Some(number.to_string()),
            other => other.text(),
        }
    }
}

/// What a column, or several together, tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing is kept here.
    Absent,
    /// This.
    Value(String),
    /// Something that does not read as the map says: it is withheld, never passed on.
    Unreadable,
}

impl Told {
    /// The value, when there is one that reads.
    pub(super) fn value(self) -> Option<String> {
        match self {
            Self::Value(text) => Some(text),
            Self::Absent | Self::Unreadable => None,
        }
    }

    /// The same, when a value has this shape; one that has not does not read.
    pub(super) fn of_shape(self, shape: Shape) -> Self {
        match self {
            Self::Value(text) if !shape.has(&text) => Self::Unreadable,
            other => other,
        }
    }

    fn of(value: Option<String>) -> Self {
        value.map_or(Self::Unreadable, Self::Value)
    }
}

/// How a column holds an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Money {
    /// Whole eurocents.
    Cents,
    /// Euros, with at most two decimals behind a comma or a point.
    Euros,
}

/// How the value of a column is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// As it stands, without spaces around it.
    Text,
    /// One of the holder's codes, translated. The code `""` stands for nothing.
    Codes(BTreeMap<String, String>),
    /// A date, given as `YYYY-MM-DD`.
    Date(DateForm),
    /// An amount, given in eurocents.
    Money(Money),
    /// A whole number.
    Whole,
    /// The client's own identifier, in its one form. No map writes this: it follows from the section of the client.
    Identifier(IdForm),
}

impl Form {
    /// Reads a cell.
    pub(super) fn read(&self, cell: Cell<'_>) -> Told {
        let text = match self {
            Self::Identifier(_) if cell == Cell::Null => return Told::Absent,
            Self::Identifier(form) => return Told::of(form.read(cell).map(|id| id.value())),
            Self::Money(_) | Self::Whole => cell.number(),
            Self::Text | Self::Codes(_) | Self::Date(_) => cell.text(),
        };
        let Some(text) = text else { return Told::Unreadable };
        match self {
            Self::Codes(codes) => match codes.get(&text) {
                None if text.is_empty() => Told::Absent,
                found => Told::of(found.cloned()),
            },
            _ if text.is_empty() => Told::Absent,
            Self::Text | Self::Identifier(_) => Told::Value(text),
            Self::Date(_) if is_nothing(&text) => Told::Absent,
            Self::Date(form) => Told::of(form.read(&text)),
            Self::Money(Money::Cents) | Self::Whole => Told::of(text.parse::<i64>().ok().map(|n| n.to_string())),
            Self::Money(Money::Euros) => Told::of(cents(&text)),
        }
    }
}

/// `134`, `134,4`, `-134.40` as eurocents; `None` for anything else, thousands separators and third decimals too.
fn cents(text: &str) -> Option<String> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (euros, cents) = digits.split_once([',', '.']).unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if euros.is_empty() || !plain(euros) || !plain(cents) || cents.len() > 2 || digits.ends_with([',', '.']) {
        return None;
    }
    let whole: i64 = format!("{euros}{cents:0<2}").parse().ok()?;
    Some(if whole == 0 { "0".to_owned() } else { format!("{sign}{whole}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Told {
        Told::Value(text.to_owned())
    }

    #[test]
    fn amounts_are_exact_or_withheld() {
        let euros = Form::Money(Money::Euros);
        for (cell, cents) in [
            (Cell::Integer(134), "13400"),
            (Cell::Real(134.4), "13440"),
            (Cell::Real(0.29), "29"),
            (Cell::Real(1.0e6), "100000000"),
            (Cell::Text("134,40"), "13440"),
            (Cell::Text(" 134.4 "), "13440"),
            (Cell::Text("-0,05"), "-5"),
            (Cell::Text("-0"), "0"),
        ] {
            assert_eq!(euros.read(cell), value(cents), "{cell:?}");
        }
        let fractions = [0.1 + 0.2, 1.0 / 3.0, f64::NAN, f64::INFINITY, 1e300].map(Cell::Real);
        let texts = ["1.234,50", "1,234", "12,", ",5", "€ 12", "1e3", "12,5,0", "+5", "- 5"].map(Cell::Text);
        for cell in fractions.into_iter().chain(texts).chain([Cell::Other]) {
            assert_eq!(euros.read(cell), Told::Unreadable, "{cell:?}");
        }
        assert_eq!(Form::Money(Money::Cents).read(Cell::Integer(13440)), value("13440"));
        assert_eq!(Form::Money(Money::Cents).read(Cell::Real(134.4)), Told::Unreadable);
        assert_eq!(Form::Whole.read(Cell::Real(120.0)), value("120"));
    }

    #[test]
    fn a_code_outside_the_list_is_never_passed_on() {
        let codes = [("V", "female"), ("1", "male"), ("", "unknown")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let mut form = Form::Codes(codes.into());
        assert_eq!(form.read(Cell::Text("V ")), value("female"));
        assert_eq!(form.read(Cell::Integer(1)), value("male"));
        assert_eq!(form.read(Cell::Null), value("unknown"));
        for cell in [Cell::Text("v"), Cell::Text("X"), Cell::Integer(2), Cell::Real(1.0), Cell::Other] {
            assert_eq!(form.read(cell), Told::Unreadable, "{cell:?}");
        }
        form = Form::Codes(BTreeMap::from([("V".to_owned(), "female".to_owned())]));
        assert_eq!(form.read(Cell::Null), Told::Absent);
    }

    #[test]
    fn text_is_trimmed_and_fractions_and_bytes_are_no_text() {
        assert_eq!(Form::Text.read(Cell::Text("  a b ")), value("a b"));
        assert_eq!(Form::Text.read(Cell::Text("   ")), Told::Absent);
        assert_eq!(Form::Text.read(Cell::Integer(7)), value("7"));
        assert_eq!(Form::Text.read(Cell::Real(7.5)), Told::Unreadable);
        assert_eq!(Form::Text.read(Cell::Other), Told::Unreadable);
    }

    #[test]
    fn zeros_are_no_date_and_nonsense_is_none_either() {
        let form = Form::Date(DateForm::Compact);
        assert_eq!(form.read(Cell::Integer(20_101_121)), value("2010-11-21"));
        assert_eq!(form.read(Cell::Integer(0)), Told::Absent);
        assert_eq!(form.read(Cell::Text("00000000")), Told::Absent);
        assert_eq!(form.read(Cell::Text("onbekend")), Told::Unreadable);
    }
}
