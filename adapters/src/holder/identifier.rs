//! The identifiers of a client as holders keep them, and the one form in which they are compared (A15).

use super::form::Cell;
use super::name::Reference;
use super::written::TextOr;
use serde::Deserialize;
use sluis_core::subject::{Bsn, SubjectId};

/// By which identifier a subject is named, and so which column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Burgerservicenummer.
    Bsn,
    /// The holder's client number.
    ClientNumber,
}

impl Kind {
    /// The kind of this subject's identifier.
    pub(super) const fn of(subject: &SubjectId) -> Self {
        match subject {
            SubjectId::Bsn(_) => Self::Bsn,
            SubjectId::ClientNumber(_) => Self::ClientNumber,
        }
    }
}

/// How the column keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kept {
    /// As text, exactly.
    #[default]
    Text,
    /// As a whole number, which has no leading zero.
    Number,
    /// A BSN as text that may have lost its leading zero.
    Digits,
}

/// A kind of identifier in the way a holder keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IdForm {
    /// What it is.
    pub(super) kind: Kind,
    /// How it is kept.
    pub(super) kept: Kept,
}

impl IdForm {
    /// The identifier in a cell, or `None` when the cell holds none. A BSN of eight digits gets its leading zero back
    /// where the map says that it may be lost, and must pass the 11-test either way.
    pub(super) fn read(self, cell: Cell<'_>) -> Option<SubjectId> {
        let text = match (self.kept, cell) {
            (Kept::Text | Kept::Digits, Cell::Text(text)) => text.to_owned(),
            (Kept::Number, Cell::Integer(number)) => number.to_string(),
            _ => return None,
        };
        match self.kind {
            Kind::ClientNumber => SubjectId::client_number(&text),
            Kind::Bsn if self.kept != Kept::Text && text.len() == 8 => bsn(&format!("0{text}")),
            Kind::Bsn => bsn(&text),
        }
    }
}

fn bsn(digits: &str) -> Option<SubjectId> {
    Bsn::parse(digits).ok().map(SubjectId::Bsn)
}

/// Where an identifier is kept, and how.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TextOr<Written>")]
pub(super) struct Identifier {
    /// Which column.
    pub(super) column: Reference,
    /// How it is kept there.
    pub(super) kept: Kept,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    column: Reference,
    #[serde(default)]
    kept: Kept,
}

impl TryFrom<TextOr<Written>> for Identifier {
    type Error = String;

    fn try_from(written: TextOr<Written>) -> Result<Self, String> {
        match written {
            TextOr::Text(name) => Ok(Self { column: Reference::try_from(name)?, kept: Kept::Text }),
            TextOr::Table(Written { column, kept }) => Ok(Self { column, kept }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_zero_is_restored_where_the_map_says_so_and_nowhere_else() {
        let bsn = |kept, cell| IdForm { kind: Kind::Bsn, kept }.read(cell).map(|id| id.value());
        let whole = Some("012345672".to_owned());
        assert_eq!(bsn(Kept::Text, Cell::Text("012345672")), whole);
        assert_eq!(bsn(Kept::Digits, Cell::Text("12345672")), whole);
        assert_eq!(bsn(Kept::Digits, Cell::Text("012345672")), whole);
        assert_eq!(bsn(Kept::Number, Cell::Integer(12_345_672)), whole);
        for (kept, cell) in [
            (Kept::Text, Cell::Text("12345672")),
            (Kept::Text, Cell::Integer(12_345_672)),
            (Kept::Number, Cell::Text("12345672")),
            (Kept::Number, Cell::Real(12_345_672.0)),
            (Kept::Number, Cell::Integer(12_345_673)),
            (Kept::Number, Cell::Integer(-12_345_672)),
            (Kept::Number, Cell::Integer(1_234_567)),
            (Kept::Digits, Cell::Text("1234567")),
            (Kept::Digits, Cell::Text(" 12345672")),
            (Kept::Digits, Cell::Null),
        ] {
            assert_eq!(bsn(kept, cell), None, "{kept:?} {cell:?}");
        }
    }

    #[test]
    fn a_client_number_is_exact() {
        let number = |kept, cell| IdForm { kind: Kind::ClientNumber, kept }.read(cell).map(|id| id.value());
        assert_eq!(number(Kept::Text, Cell::Text("KR-1")), Some("KR-1".to_owned()));
        assert_eq!(number(Kept::Text, Cell::Text("KR-1 ")), None);
        assert_eq!(number(Kept::Text, Cell::Integer(7)), None);
        assert_eq!(number(Kept::Number, Cell::Integer(7)), Some("7".to_owned()));
    }
}
