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

/// Whether two keys are one: the same value of the same type, and not empty. SQLite alone would take the text `007`
/// for the number 7. The equality stands bare, so that an index serves it.
pub(super) fn same_key(own: &str, other: &str) -> String {
    format!("{own} = {other} AND typeof({own}) = typeof({other}) AND {own} <> ''")
}

/// A column of this form as eight digits, or as something else when it holds no day.
pub(super) fn sortable(column: &str, form: DateForm) -> String {
    let text = text_of(column);
    let (shape, day) = match form {
        DateForm::YearFirst => (format!("{text} GLOB '????-??-??'"), format!("replace({text}, '-', '')")),
        DateForm::YearFirstTime => (
            format!("{text} GLOB '????-??-??' OR {text} GLOB '????-??-??[ T]*'"),
            format!("replace(substr({text}, 1, 10), '-', '')"),
        ),
        DateForm::DayFirst => (
            format!("{text} GLOB '??-??-????'"),
            format!("substr({text}, 7) || substr({text}, 4, 2) || substr({text}, 1, 2)"),
        ),
        DateForm::Compact => return text,
    };
    // Of another shape: marked, so that eight digits in it are no day.
    format!("CASE WHEN {shape} THEN {day} ELSE '-' || {text} END")
}

/// Whether a sortable text is a whole day that the calendar has. Never NULL: what is no day must count as such.
pub(super) fn is_day(sortable: &str) -> String {
    let iso = format!("substr({sortable}, 1, 4) || '-' || substr({sortable}, 5, 2) || '-' || substr({sortable}, 7)");
    // Without `+0 days` SQLite may give 30 February back as it is.
    format!("(strftime('%Y%m%d', {iso}, '+0 days') IS {sortable})")
}

/// Whether a sortable text says that there is no day: nothing, or zeros only, whatever stands between them.
pub(super) fn is_no_day(sortable: &str) -> String {
    format!("ltrim({sortable}, '0-') = ''")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    /// What the statement says of a text and what is read of it must not differ.
    #[test]
    fn a_day_is_one_that_the_calendar_has_in_the_form_of_the_map() {
        let connection = Connection::open_in_memory().unwrap();
        let said = |text: &str, form| -> (bool, bool) {
            let day = sortable("?1", form);
            let sql = format!("SELECT {}, {}", is_day(&day), is_no_day(&day));
            connection.query_row(&sql, [text], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
        };
        let texts = [
            "2026-01-01",
            "2024-02-29",
            "2026-02-29",
            "2026-02-30",
            "2026-00-15",
            "2026-01-00",
            "2026-13-01",
            "2026-01-01junk",
            "2026-01-01 10:00",
            "2026-01-01T10:00",
            "20260101",
            "20260230",
            "20260015",
            "202601011",
            "01-01-2026",
            "31-02-2026",
            "00-01-2026",
            "01x01x2026",
            "2026x01x01",
            "now",
            "1 maart",
            "",
            "0",
            "00000000",
            "0000-00-00",
            "00-00-0000",
            "0000000x",
            "2460000",
        ];
        for form in DateForm::ALL {
            for text in texts {
                let whole = form.read(text).is_some_and(|iso| !iso.contains("-00"));
                assert_eq!(said(text, form), (whole, super::super::date::is_nothing(text)), "{form:?} {text}");
            }
        }
        let null = format!("SELECT {}", is_no_day(&sortable("NULL", DateForm::DayFirst)));
        assert!(connection.query_row(&null, [], |row| row.get::<_, bool>(0)).unwrap());
    }

    #[test]
    fn keys_are_one_when_value_and_type_are_and_nothing_is_no_key() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE a (t TEXT, i INTEGER); CREATE TABLE b (t TEXT, i INTEGER)").unwrap();
        let joined = |a: &str, b: &str, own: &str, other: &str| -> i64 {
            let rows = format!("DELETE FROM a; DELETE FROM b; INSERT INTO a VALUES ({a}); INSERT INTO b VALUES ({b})");
            connection.execute_batch(&rows).unwrap();
            let sql = format!("SELECT COUNT(*) FROM a JOIN b ON {}", same_key(own, other));
            connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        assert_eq!(joined("'007', 7", "'007', 7", "a.t", "b.t"), 1);
        assert_eq!(joined("'007', 7", "'007', 7", "a.i", "b.i"), 1);
        assert_eq!(joined("'x', 0", "'x', 0", "a.i", "b.i"), 1);
        assert_eq!(joined("'007', 7", "'007', 7", "a.t", "b.i"), 0);
        assert_eq!(joined("'007', 7", "'007', 7", "b.i", "a.t"), 0);
        assert_eq!(joined("'', ''", "'', ''", "a.t", "b.t"), 0);
        assert_eq!(joined("'', ''", "'', ''", "a.i", "b.i"), 0);
        assert_eq!(joined("NULL, NULL", "NULL, NULL", "a.t", "b.t"), 0);
    }
}
