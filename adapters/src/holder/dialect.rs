//! The pieces of SQL that differ between engines: quoting, placeholders, the shape of a day. SQLite's for now.
//!
//! Days are compared as eight digits, `YYYYMMDD`, made in the statement from what the holder keeps, so that rows of
//! other times never leave the database.

use super::date::DateForm;

/// A name in double quotes. Names hold no quote ([`super::name::Name`]); one would be doubled all the same.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The `n`-th bound value, from 1.
pub(super) fn placeholder(n: usize) -> String {
    format!("?{n}")
}

/// A column as text without spaces around it, empty for NULL.
pub(super) fn text_of(column: &str) -> String {
    format!("COALESCE(trim(CAST({column} AS TEXT)), '')")
}

/// A column of this form as eight digits, or as something else when it holds no day.
pub(super) fn sortable(column: &str, form: DateForm) -> String {
    let text = text_of(column);
    match form {
        DateForm::YearFirst | DateForm::YearFirstTime => format!("replace(substr({text}, 1, 10), '-', '')"),
        DateForm::DayFirst => format!("(substr({text}, 7) || substr({text}, 4, 2) || substr({text}, 1, 2))"),
        DateForm::Compact => text,
    }
}

/// Whether a sortable text is a whole day.
pub(super) fn is_day(sortable: &str) -> String {
    let digits = "[0-9][0-9][0-9][0-9][01][0-9][0-3][0-9]";
    format!("({sortable} GLOB '{digits}' AND {sortable} NOT LIKE '%00')")
}

/// Whether a sortable text says that there is no day: nothing, or zeros only.
pub(super) fn is_no_day(sortable: &str) -> String {
    format!("{sortable} IN ('', '0', '00000000')")
}
