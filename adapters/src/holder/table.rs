//! Joined tables: by which columns they belong to another, which of their rows count, and which one is taken.

use super::date::DateForm;
use super::name::{Alias, Name, Reference};
use super::written::{Codes, TextOr};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which rows of a table count at all: each named column holds one of the codes. The code `""` is nothing.
pub(super) type Only = BTreeMap<Name, Codes>;

/// The days between which a row holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Valid {
    /// First day; nothing in it is since ever.
    pub(super) from: Option<Name>,
    /// First day on which it no longer holds; nothing in it is no end.
    pub(super) until: Option<Name>,
    /// Last day on which it holds; nothing in it is no end.
    pub(super) through: Option<Name>,
    /// How the dates are kept; the map's own form when absent.
    pub(super) dates: Option<DateForm>,
}

/// The date by which the newest row is taken; rows of the future do not count.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TextOr<LatestKeys>")]
pub(super) struct Latest {
    /// Which column.
    pub(super) column: Name,
    /// How the date is kept; the map's own form when absent.
    pub(super) dates: Option<DateForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LatestKeys {
    column: Name,
    dates: Option<DateForm>,
}

impl TryFrom<TextOr<LatestKeys>> for Latest {
    type Error = String;

    fn try_from(written: TextOr<LatestKeys>) -> Result<Self, String> {
        match written {
            TextOr::Text(name) => Ok(Self { column: Name::try_from(name)?, dates: None }),
            TextOr::Table(LatestKeys { column, dates }) => Ok(Self { column, dates }),
        }
    }
}

/// A table that is joined to another. Of its rows for one row there, one is taken; where more than one could be,
/// none is, and every field and fact from it is withheld.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Joined {
    /// The table in the database.
    pub(super) table: Name,
    /// Own column, and the column of the other table that must be equal.
    #[serde(rename = "match")]
    pub(super) on: BTreeMap<Name, Reference>,
    /// Which rows count.
    #[serde(default)]
    pub(super) only: Only,
    /// Take the row that holds today.
    pub(super) valid: Option<Valid>,
    /// Take the newest row.
    pub(super) latest: Option<Latest>,
    /// Which table with a section of its own it hangs on in the end; set when the map is resolved.
    #[serde(skip, default = "client")]
    pub(super) base: Alias,
}

const fn client() -> Alias {
    Alias::Client
}

impl Valid {
    /// The columns with dates.
    pub(super) fn columns(&self) -> impl Iterator<Item = &Name> {
        [&self.from, &self.until, &self.through].into_iter().flatten()
    }

    /// What is wrong with it as written.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if self.until.is_some() && self.through.is_some() {
            return Some("keep one of `until` (first day after) and `through` (last day)");
        }
        self.columns().next().is_none().then_some("`valid` needs `from`, `until` or `through`")
    }
}

impl Joined {
    /// What is wrong with it as written.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if self.on.is_empty() {
            return Some("`match` needs a column, as `{ own_column = \"client.column\" }`");
        }
        if self.valid.is_some() && self.latest.is_some() {
            return Some("keep one of `valid` and `latest`");
        }
        self.valid.as_ref().and_then(Valid::fault)
    }

    /// Its own columns that are not read as values.
    pub(super) fn own_columns(&self) -> impl Iterator<Item = &Name> {
        let valid = self.valid.iter().flat_map(Valid::columns);
        let latest = self.latest.iter().map(|latest| &latest.column);
        self.on.keys().chain(self.only.keys()).chain(valid).chain(latest)
    }
}
