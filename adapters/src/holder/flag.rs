//! Yes or no, as holders keep it: codes, dates between which something runs, or whether anything is filled in.
//!
//! What is neither a yes nor a no by the map is unknown, and unknown never permits.

use super::date::DateForm;
use super::form::{Cell, Form, Told};
use super::name::{Alias, Reference};
use super::written::{Codes, TextOr};
use jiff::civil::Date;
use serde::Deserialize;

/// How a yes or no is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TextOr<Written>")]
pub(super) enum Flag {
    /// From the code in a column.
    Coded {
        /// Which.
        column: Reference,
        /// Codes that say yes.
        yes: Vec<String>,
        /// Codes that say no.
        no: Vec<String>,
        /// What nothing says.
        empty: Option<bool>,
        /// What anything says that is no code of the map.
        filled: Option<bool>,
    },
    /// From two dates: yes from the first on and before the second, or through it.
    Running {
        /// First day. Nothing in it is unknown.
        from: Reference,
        /// The end. Nothing in it is no end.
        end: Option<Reference>,
        /// Whether the last day still counts.
        through: bool,
        /// How the dates are kept; the map's own form when absent.
        dates: Option<DateForm>,
    },
}

impl Flag {
    /// The columns it reads, in the order in which [`Self::read`] takes their cells.
    pub(super) fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Coded { column, .. } => vec![column],
            Self::Running { from, end, .. } => std::iter::once(from).chain(end).collect(),
        }
    }

    /// The same, to be resolved.
    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        match self {
            Self::Coded { column, .. } => vec![column],
            Self::Running { from, end, .. } => std::iter::once(from).chain(end).collect(),
        }
    }

    /// Whether nothing, or anything, can mean no: then a row that is not found would be a no too.
    pub(super) fn is_no_by_absence(&self) -> bool {
        matches!(self, Self::Coded { empty: Some(false), .. } | Self::Coded { filled: Some(false), .. })
    }

    /// The column of a joined table by which a row that is missing, or not the only one, would be an answer: nothing
    /// has a meaning in it, or an end stands in another table than the beginning.
    pub(super) fn answers_without_row(&self) -> Option<&Reference> {
        match self {
            Self::Coded { column, empty: Some(_), .. } => Some(column),
            Self::Coded { .. } => None,
            Self::Running { from, end, .. } => end.as_ref().filter(|end| end.at != from.at),
        }
        .filter(|column| matches!(column.at, Alias::Joined(_)))
    }

    /// Yes, no, or unknown, on a day.
    pub(super) fn read<'a>(
        &self,
        cells: &mut impl Iterator<Item = Cell<'a>>,
        today: Date,
        map_dates: DateForm,
    ) -> Option<bool> {
        match self {
            Self::Coded { yes, no, empty, filled, .. } => {
                let text = cells.next()?.text()?;
                if yes.contains(&text) {
                    Some(true)
                } else if no.contains(&text) {
                    Some(false)
                } else if text.is_empty() {
                    *empty
                } else {
                    *filled
                }
            }
            Self::Running { end, through, dates, .. } => {
                let form = Form::Date(dates.unwrap_or(map_dates));
                let from = form.read(cells.next()?);
                let end = end.as_ref().map_or(Some(Told::Absent), |_| Some(form.read(cells.next()?)))?;
                let (Told::Value(from), false) = (from, end == Told::Unreadable) else { return None };
                let begun = from.parse::<Date>().ok()? <= today;
                let Told::Value(end) = end else { return Some(begun) };
                let end: Date = end.parse().ok()?;
                Some(begun && (today < end || (*through && today == end)))
            }
        }
    }
}

/// The keys with which a yes or no is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    column: Option<Reference>,
    #[serde(default)]
    yes: Codes,
    #[serde(default)]
    no: Codes,
    empty: Option<bool>,
    filled: Option<bool>,
    from: Option<Reference>,
    until: Option<Reference>,
    through: Option<Reference>,
    dates: Option<DateForm>,
}

impl TryFrom<TextOr<Written>> for Flag {
    type Error = String;

    fn try_from(written: TextOr<Written>) -> Result<Self, String> {
        let written = match written {
            TextOr::Text(name) => {
                let (yes, no) = (vec!["1".to_owned()], vec!["0".to_owned()]);
                let column = Reference::try_from(name)?;
                return Ok(Self::Coded { column, yes, no, empty: None, filled: None });
            }
            TextOr::Table(written) => written,
        };
        match (&written.column, &written.from) {
            (Some(_), None) => written.coded(),
            (None, Some(_)) => written.running(),
            _ => Err("write `column` with the codes of `yes` and `no`, or `from` with `until` or `through`".to_owned()),
        }
    }
}

impl Written {
    fn coded(self) -> Result<Flag, String> {
        let Self { column: Some(column), yes, no, empty, filled, until: None, through: None, dates: None, .. } = self
        else {
            return Err("`until`, `through` and `dates` belong to `from`".to_owned());
        };
        let (yes, no) = (yes.0, no.0);
        if yes.iter().any(|code| no.contains(code)) {
            return Err("a code cannot be both `yes` and `no`".to_owned());
        }
        if yes.iter().chain(&no).any(String::is_empty) {
            return Err("say with `empty` what nothing means, not with an empty code".to_owned());
        }
        if filled.is_some() && !(yes.is_empty() && no.is_empty()) {
            return Err("`filled` says what any value means: leave out `yes` and `no`".to_owned());
        }
        let says = |answer: bool, codes: &[String]| !codes.is_empty() || [empty, filled].contains(&Some(answer));
        if !says(true, &yes) || !says(false, &no) {
            return Err(
                "say what is a yes and what is a no: codes in `yes` and `no`, or `empty`, or `filled`".to_owned()
            );
        }
        Ok(Flag::Coded { column, yes, no, empty, filled })
    }

    fn running(self) -> Result<Flag, String> {
        let bare = self.yes.0.is_empty() && self.no.0.is_empty() && self.empty.is_none() && self.filled.is_none();
        let Self { from: Some(from), until, through, dates, .. } = self else {
            return Err("`from` is needed".to_owned());
        };
        if !bare || (until.is_some() && through.is_some()) {
            return Err("with `from` goes one of `until` (first day after) and `through` (last day)".to_owned());
        }
        let last_counts = through.is_some();
        Ok(Flag::Running { from, end: until.or(through), through: last_counts, dates })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[derive(Debug, Deserialize)]
    struct One {
        v: Flag,
    }

    fn read(text: &str, cells: &[Cell<'_>]) -> Option<bool> {
        let flag = toml::from_str::<One>(&format!("v = {text}")).unwrap().v;
        flag.read(&mut cells.iter().copied(), date(2026, 11, 22), DateForm::YearFirst)
    }

    #[test]
    fn what_is_no_code_of_the_map_is_unknown() {
        for (cell, said) in [(Cell::Integer(1), Some(true)), (Cell::Text("0"), Some(false)), (Cell::Null, None)] {
            assert_eq!(read(r#""a""#, &[cell]), said);
        }
        let coded = r#"{ column = "a", yes = ["J", 1], no = "N" }"#;
        let said = [Cell::Text("J "), Cell::Integer(1), Cell::Text("N"), Cell::Text("j"), Cell::Null, Cell::Real(1.0)];
        assert_eq!(said.map(|cell| read(coded, &[cell])), [Some(true), Some(true), Some(false), None, None, None]);
        let filled = r#"{ column = "a", filled = true, empty = false }"#;
        let said = [Cell::Text("x"), Cell::Text(" "), Cell::Null, Cell::Other];
        assert_eq!(said.map(|cell| read(filled, &[cell])), [Some(true), Some(false), Some(false), None]);
    }

    #[test]
    fn what_runs_between_dates_has_begun_and_not_ended() {
        let until = |from, end| read(r#"{ from = "a", until = "b" }"#, &[from, end]);
        let day = Cell::Text;
        assert_eq!(until(day("2026-11-22"), Cell::Null), Some(true));
        assert_eq!(until(day("2026-11-23"), Cell::Null), Some(false));
        assert_eq!(until(day("2026-01-01"), day("2026-11-22")), Some(false));
        assert_eq!(until(day("2026-01-01"), day("2026-11-23")), Some(true));
        assert_eq!(until(Cell::Null, Cell::Null), None);
        assert_eq!(until(day("2026-01-01"), day("soon")), None);
        assert_eq!(until(day("2026-00-00"), Cell::Null), None);
        let through = r#"{ from = "a", through = "b", dates = "YYYYMMDD" }"#;
        assert_eq!(read(through, &[Cell::Integer(20_260_101), Cell::Integer(20_261_122)]), Some(true));
    }

    #[test]
    fn a_flag_says_what_is_yes_and_what_is_no_once() {
        for (text, said) in [
            (r#"{ column = "a", yes = "J" }"#, "what is a yes and what is a no"),
            (r#"{ column = "a", yes = "J", no = "J" }"#, "both `yes` and `no`"),
            (r#"{ column = "a", yes = "J", no = "N", filled = true }"#, "leave out"),
            (r#"{ column = "a", yes = "J", no = "" }"#, "say with `empty`"),
            (r#"{ yes = "J", no = "N" }"#, "write `column`"),
            (r#"{ from = "a", until = "b", through = "c" }"#, "goes one of"),
            (r#"{ column = "a", yes = "J", no = "N", until = "c" }"#, "belong to `from`"),
            (r#"{ column = "a", yes = [], no = "N" }"#, "needs a code"),
        ] {
            let fault = toml::from_str::<One>(&format!("v = {text}")).unwrap_err().to_string();
            assert!(fault.contains(said), "{text}: {fault}");
        }
    }
}
