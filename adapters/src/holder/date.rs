//! Dates as holders keep them, and our one form: `YYYY-MM-DD` with `00` for what is unknown (COD170).

use jiff::civil::Date;
use serde::Deserialize;
use sluis_core::subject::BirthDate;

/// How a column holds a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(super) enum DateForm {
    /// ISO 8601.
    #[default]
    #[serde(rename = "YYYY-MM-DD")]
    YearFirst,
    /// ISO 8601 with a time behind it, which is not looked at.
    #[serde(rename = "YYYY-MM-DD hh:mm:ss")]
    YearFirstTime,
    /// As people write it in Dutch.
    #[serde(rename = "DD-MM-YYYY")]
    DayFirst,
    /// Eight digits, as text or as a number.
    #[serde(rename = "YYYYMMDD")]
    Compact,
}

impl DateForm {
    /// Every form.
    pub(super) const ALL: [Self; 4] = [Self::YearFirst, Self::YearFirstTime, Self::DayFirst, Self::Compact];

    /// Reads a text of this form; the year must be known. `None` when it is no date.
    pub(super) fn read(self, text: &str) -> Option<String> {
        let parts = match self {
            Self::YearFirst => separated(text, false),
            Self::YearFirstTime => separated(day_of(text)?, false),
            Self::DayFirst => separated(text, true),
            Self::Compact => compact(text),
        };
        let (year, month, day) = parts?;
        let iso = format!("{year}-{month}-{day}");
        let digits = [year, month, day].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
        (digits && year != "0000" && BirthDate::parse(&iso).is_some()).then_some(iso)
    }

    /// The form as it is written in a map.
    pub(super) const fn written(self) -> &'static str {
        match self {
            Self::YearFirst => "YYYY-MM-DD",
            Self::YearFirstTime => "YYYY-MM-DD hh:mm:ss",
            Self::DayFirst => "DD-MM-YYYY",
            Self::Compact => "YYYYMMDD",
        }
    }

    /// Writes a day in this form; `None` for a form that has more than a day.
    pub(super) fn write(self, day: Date) -> Option<String> {
        match self {
            Self::YearFirst => Some(day.to_string()),
            Self::DayFirst => Some(day.strftime("%d-%m-%Y").to_string()),
            Self::Compact => Some(digits(day)),
            Self::YearFirstTime => None,
        }
    }
}

/// A day as eight digits.
pub(super) fn digits(day: Date) -> String {
    day.strftime("%Y%m%d").to_string()
}

/// A text that says that there is no date: zeros only, whatever stands between them.
pub(super) fn is_nothing(text: &str) -> bool {
    text.bytes().all(|b| b == b'0' || b == b'-')
}

fn day_of(text: &str) -> Option<&str> {
    let (day, rest) = text.split_at_checked(10)?;
    (rest.is_empty() || rest.starts_with([' ', 'T'])).then_some(day)
}

fn separated(text: &str, day_first: bool) -> Option<(&str, &str, &str)> {
    let mut parts = text.split('-');
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, month, day) = if day_first { (c, b, a) } else { (a, b, c) };
    (parts.next().is_none() && year.len() == 4 && month.len() == 2 && day.len() == 2).then_some((year, month, day))
}

fn compact(text: &str) -> Option<(&str, &str, &str)> {
    let (year, rest) = text.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    (day.len() == 2).then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_gives_the_one_form_or_nothing() {
        let iso = |form: DateForm, text| form.read(text);
        let day = Some("2010-11-21".to_owned());
        assert_eq!(iso(DateForm::YearFirst, "2010-11-21"), day);
        assert_eq!(iso(DateForm::YearFirstTime, "2010-11-21 00:00:00"), day);
        assert_eq!(iso(DateForm::YearFirstTime, "2010-11-21T00:00"), day);
        assert_eq!(iso(DateForm::DayFirst, "21-11-2010"), day);
        assert_eq!(iso(DateForm::Compact, "20101121"), day);
        assert_eq!(iso(DateForm::DayFirst, "00-00-2010"), Some("2010-00-00".to_owned()));
        assert_eq!(iso(DateForm::Compact, "20101100"), Some("2010-11-00".to_owned()));
        for form in [DateForm::YearFirst, DateForm::YearFirstTime, DateForm::DayFirst, DateForm::Compact] {
            for bad in ["", "0", "2010", "2010-13-01", "31-02-2010", "+201-01-01", "0000-00-00", "2010-11-211", "é"] {
                assert_eq!(iso(form, bad), None, "{form:?} {bad}");
            }
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let day = jiff::civil::date(2026, 3, 9);
        for form in [DateForm::YearFirst, DateForm::DayFirst, DateForm::Compact] {
            assert_eq!(form.read(&form.write(day).unwrap()), Some("2026-03-09".to_owned()));
        }
    }
}
