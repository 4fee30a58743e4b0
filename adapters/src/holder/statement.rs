//! From a set of permitted fields to the text of a statement: a pure function over the closed map.
//!
//! What a statement selects is the identifier (column 0, compared with the permit's subject, A15) and the columns of
//! exactly the fields asked for. Values are bound, names are quoted, and there is no way in for a column name.

use super::map::{HolderMap, Name, Shape};
use sluis_core::field::{Field, FieldSet};
use sluis_core::subject::SubjectId;
use std::ops::Range;

/// By which identifier the subject was named, and so which column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Identifier {
    Bsn,
    ClientNumber,
}

impl Identifier {
    /// The kind of this subject's identifier.
    pub(super) const fn of(subject: &SubjectId) -> Self {
        match subject {
            SubjectId::Bsn(_) => Self::Bsn,
            SubjectId::ClientNumber(_) => Self::ClientNumber,
        }
    }

    fn column(self, map: &HolderMap) -> String {
        let name = match self {
            Self::Bsn => &map.client.bsn,
            Self::ClientNumber => &map.client.client_number,
        };
        format!("c.{}", name.quoted())
    }
}

/// Which of the holder's tables a statement reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// The client's own row, found by the identifier.
    Client,
    /// One row per parent, found by the identifier of the child.
    Parents,
    /// One billing record, found by its key.
    Billing,
}

/// Where the value of a field stands in a row, and how its parts become one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selected {
    pub(super) field: Field,
    pub(super) columns: Range<usize>,
    /// Between the parts.
    pub(super) glue: &'static str,
    /// Whether every part must have a value.
    pub(super) whole: bool,
}

/// A statement and how to read its rows. Column 0 is the identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) selected: Vec<Selected>,
}

impl Statement {
    /// The statement that reads the part of `fields` that `source` holds. `None` when it holds nothing of them,
    /// but for the client's own row, which always proves who the subject is.
    pub(super) fn build(map: &HolderMap, source: Source, by: Identifier, fields: FieldSet) -> Option<Self> {
        let mut list = SelectList::starting_with(by.column(map));
        match source {
            Source::Client => list.add_shapes(map.client.fields.iter(), "c", fields),
            Source::Billing => list.add_shapes(map.billing.fields.iter(), "b", fields),
            Source::Parents => list.add_parents(map, fields),
        }
        if list.selected.is_empty() && source != Source::Client {
            return None;
        }
        let sql = format!("SELECT {} {}", list.columns.join(", "), origin(map, source, by));
        Some(Self { sql, selected: list.selected })
    }
}

/// `FROM` to the end: which row, and at most as many as prove that it is the only one.
fn origin(map: &HolderMap, source: Source, by: Identifier) -> String {
    let (client, id) = (map.client.table.quoted(), by.column(map));
    let number = map.client.client_number.quoted();
    match source {
        Source::Client => format!("FROM {client} AS c WHERE {id} = ?1 LIMIT 2"),
        Source::Parents => {
            let (parent, link) = (&map.parent, &map.parent.link);
            format!(
                "FROM {client} AS c JOIN {} AS l ON l.{} = c.{number} JOIN {} AS p ON p.{key} = l.{} \
                 WHERE {id} = ?1 ORDER BY p.{key}",
                link.table.quoted(),
                link.client_number.quoted(),
                parent.table.quoted(),
                link.parent.quoted(),
                key = parent.id.quoted(),
            )
        }
        Source::Billing => {
            let billing = &map.billing;
            format!(
                "FROM {} AS b JOIN {client} AS c ON c.{number} = b.{} WHERE b.{} = ?1 LIMIT 2",
                billing.table.quoted(),
                billing.client_number.quoted(),
                billing.record_id.quoted(),
            )
        }
    }
}

struct SelectList {
    columns: Vec<String>,
    selected: Vec<Selected>,
}

impl SelectList {
    fn starting_with(identifier: String) -> Self {
        Self { columns: vec![identifier], selected: Vec::new() }
    }

    fn add(&mut self, field: Field, columns: impl Iterator<Item = String>, glue: &'static str, whole: bool) {
        let start = self.columns.len();
        self.columns.extend(columns);
        self.selected.push(Selected { field, columns: start..self.columns.len(), glue, whole });
    }

    fn add_shapes<'a>(&mut self, shapes: impl Iterator<Item = (&'a Field, &'a Shape)>, alias: &str, fields: FieldSet) {
        for (field, shape) in shapes.filter(|(field, _)| fields.contains(**field)) {
            let columns = shape.columns().into_iter().map(|name| qualified(alias, name));
            match shape {
                Shape::Column(_) | Shape::Join(_) => self.add(*field, columns, " ", false),
                Shape::Span(..) => self.add(*field, columns, "/", true),
            }
        }
    }

    fn add_parents(&mut self, map: &HolderMap, fields: FieldSet) {
        for (field, shape) in map.parent.fields.iter().filter(|(field, _)| fields.contains(**field)) {
            let own = shape.columns.iter().map(|name| qualified("p", name));
            let link = shape.link.iter().map(|name| qualified("l", name));
            self.add(*field, own.chain(link), " ", false);
        }
    }
}

fn qualified(alias: &str, name: &Name) -> String {
    format!("{alias}.{}", name.quoted())
}

/// The holder's facts of one subject.
pub(super) fn facts(map: &HolderMap, by: Identifier) -> String {
    let c = &map.client;
    let kept = [&c.birth_date, &c.municipality_code, &c.active_case, &c.residence_secret, &c.client_number, &c.bsn];
    let mut columns: Vec<String> = kept.map(|n| qualified("c", n)).into();
    columns.extend(c.optional_facts().map(|n| n.map_or_else(|| "NULL".to_owned(), |n| qualified("c", n))));
    let id = by.column(map);
    format!("SELECT {id}, {} FROM {} AS c WHERE {id} = ?1 LIMIT 2", columns.join(", "), c.table.quoted())
}

/// The billing records of one subject (?1), provider (?2), allocation (?3) and period (?4, ?5).
pub(super) fn billing_records(map: &HolderMap, by: Identifier) -> String {
    let b = &map.billing;
    let columns = [
        &b.record_id,
        &b.provider_agb,
        &b.allocation_number,
        &b.product_category,
        &b.product_code,
        &b.begin,
        &b.end,
        &b.volume,
        &b.unit,
        &b.tariff,
        &b.amount,
    ];
    let id = by.column(map);
    format!(
        "SELECT {id}, {} FROM {} AS c JOIN {} AS b ON b.{} = c.{} \
         WHERE {id} = ?1 AND b.{} = ?2 AND b.{} = ?3 AND b.{} = ?4 AND b.{} = ?5 ORDER BY b.{}",
        columns.map(|n| qualified("b", n)).join(", "),
        map.client.table.quoted(),
        b.table.quoted(),
        b.client_number.quoted(),
        map.client.client_number.quoted(),
        b.provider_agb.quoted(),
        b.allocation_number.quoted(),
        b.begin.quoted(),
        b.end.quoted(),
        b.record_id.quoted(),
    )
}

/// The identifiers of the clients after a client number (?1), at most ?2, in order.
pub(super) fn subjects(map: &HolderMap) -> String {
    let c = &map.client;
    let number = c.client_number.quoted();
    format!(
        "SELECT {number}, {} FROM {} WHERE {number} > ?1 ORDER BY {number} LIMIT ?2",
        c.bsn.quoted(),
        c.table.quoted()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holder::fixture::{MAP, sets};

    /// What stands between `SELECT` and `FROM`.
    fn select_list(sql: &str) -> Vec<String> {
        let (list, _) = sql.strip_prefix("SELECT ").unwrap().split_once(" FROM ").unwrap();
        list.split(", ").map(str::to_owned).collect()
    }

    #[test]
    fn a_statement_names_exactly_the_permitted_columns() {
        let map = HolderMap::parse(MAP).unwrap();
        for set in sets() {
            for by in [Identifier::Bsn, Identifier::ClientNumber] {
                let id = if by == Identifier::Bsn { "c.\"bsn\"" } else { "c.\"client_number\"" };
                let mut wanted = vec![id.to_owned()];
                for (field, shape) in map.client.fields.iter().filter(|(f, _)| set.contains(**f)) {
                    let _ = field;
                    wanted.extend(shape.columns().iter().map(|n| format!("c.\"{}\"", n.as_str())));
                }
                let statement = Statement::build(&map, Source::Client, by, set).unwrap();
                assert_eq!(select_list(&statement.sql), wanted, "{}", set.to_hex());

                let billing = Statement::build(&map, Source::Billing, by, set);
                let fields = map.billing.fields.iter().filter(|(f, _)| set.contains(**f));
                let mut wanted = vec![id.to_owned()];
                wanted.extend(fields.flat_map(|(_, s)| s.columns()).map(|n| format!("b.\"{}\"", n.as_str())));
                assert_eq!(billing.is_some(), wanted.len() > 1);
                assert_eq!(billing.map_or(wanted.clone(), |s| select_list(&s.sql)), wanted);
            }
        }
    }

    #[test]
    fn the_text_of_a_small_set() {
        let map = HolderMap::parse(MAP).unwrap();
        let set = FieldSet::of(&[Field::Postcode, Field::ParentsAuthority, Field::Period]);
        let text = |source| Statement::build(&map, source, Identifier::Bsn, set).unwrap().sql;
        assert_eq!(
            text(Source::Client),
            r#"SELECT c."bsn", c."postcode" FROM "client" AS c WHERE c."bsn" = ?1 LIMIT 2"#
        );
        assert_eq!(
            text(Source::Parents),
            r#"SELECT c."bsn", p."first_name", p."prefix", p."last_name", l."authority" FROM "client" AS c JOIN "client_parent" AS l ON l."client_number" = c."client_number" JOIN "parent" AS p ON p."parent_id" = l."parent_id" WHERE c."bsn" = ?1 ORDER BY p."parent_id""#
        );
        assert_eq!(
            text(Source::Billing),
            r#"SELECT c."bsn", b."period_begin", b."period_end" FROM "billing" AS b JOIN "client" AS c ON c."client_number" = b."client_number" WHERE b."record_id" = ?1 LIMIT 2"#
        );
        assert!(Statement::build(&map, Source::Parents, Identifier::Bsn, FieldSet::of(&[Field::Name])).is_none());
    }
}
