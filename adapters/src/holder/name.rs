//! Names of tables and columns as a holder has them, and how a column map refers to one.
//!
//! A name is data for quoting, never SQL: its alphabet has no quote, no dot, no semicolon and no control character.

use super::dialect;
use serde::Deserialize;

/// Longest name; PostgreSQL cuts longer ones.
const NAME_MAX: usize = 63;

/// The name of a table or column: letters of any language, digits, `_ - $ # /` and spaces inside, at most 63.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Name(String);

impl Name {
    /// The name as it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it stands in a statement.
    pub(super) fn quoted(&self) -> String {
        dialect::quoted(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let allowed = text.chars().all(|c| c.is_alphanumeric() || "_-$#/ ".contains(c));
        let count = text.chars().count();
        if allowed && text.trim() == text && (1..=NAME_MAX).contains(&count) {
            return Ok(Self(text));
        }
        Err(format!(
            "`{}` is not a table or column name: use letters, digits, `_ - $ # /` and spaces inside, at most \
             {NAME_MAX}; for other names, ask for a view",
            text.escape_debug()
        ))
    }
}

/// Where a column stands: one of the tables with a section of their own, or a joined one by its place in the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alias {
    /// One row per client.
    Client,
    /// Between clients and parents.
    Link,
    /// One row per parent.
    Parent,
    /// One row per billing record.
    Billing,
    /// One of the map's joined tables.
    Joined(usize),
}

impl Alias {
    /// Its name in a statement.
    pub(super) fn sql(self) -> String {
        match self {
            Self::Client => "c".to_owned(),
            Self::Link => "l".to_owned(),
            Self::Parent => "p".to_owned(),
            Self::Billing => "b".to_owned(),
            Self::Joined(n) => format!("t{n}"),
        }
    }
}

/// A column as the map names it: `column` of the section's own table, or `table.column`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Reference {
    /// The name before the dot.
    pub(super) table: Option<Name>,
    /// The column.
    pub(super) column: Name,
    /// Which table that is; set when the map is resolved.
    pub(super) at: Alias,
}

impl Reference {
    /// The column as it stands in a statement.
    pub(super) fn sql(&self) -> String {
        qualified(self.at, &self.column)
    }
}

impl TryFrom<String> for Reference {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (table, column) = match text.split_once('.') {
            Some((table, column)) => (Some(Name::try_from(table.to_owned())?), column.to_owned()),
            None => (None, text),
        };
        Ok(Self { table, column: Name::try_from(column)?, at: Alias::Client })
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.table {
            Some(table) => write!(f, "{}.{}", table.as_str(), self.column.as_str()),
            None => f.write_str(self.column.as_str()),
        }
    }
}

/// A column of a table in a statement.
pub(super) fn qualified(at: Alias, column: &Name) -> String {
    format!("{}.{}", at.sql(), column.quoted())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_holders_have_them_and_hold_nothing_that_ends_a_quote() {
        for good in ["client", "Cliënt", "Geboorte datum", "tel-nr", "1e_contact", "Ø", "BSN#", "naam/adres"] {
            assert_eq!(Name::try_from(good.to_owned()).unwrap().quoted(), format!("\"{good}\""));
        }
        let long = "a".repeat(64);
        let bad = ["", " a", "a ", "a\"b", "a;b", "a.b", "a'b", "a`b", "a[b", "a\\b", "a\nb", "a\0b", "a(b", &long];
        for bad in bad {
            assert!(Name::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_reference_has_at_most_one_dot() {
        let reference = Reference::try_from("adres.Post code".to_owned()).unwrap();
        assert_eq!(reference.to_string(), "adres.Post code");
        assert!(Reference::try_from("a.b.c".to_owned()).is_err() && Reference::try_from("a.".to_owned()).is_err());
    }
}
