//! From a set of permitted fields to the text of a statement: a pure function over the closed map.
//!
//! What a statement selects is the identifier (column 0, compared with the permit's subject, A15) and the columns of
//! exactly the fields asked for. Values are bound, names are quoted, and there is no way in for a column name.

use super::bind::{Bind, Binds, only};
use super::dialect::same_key;
use super::form::Form;
use super::identifier::{IdForm, Identifier, Kept, Kind};
use super::join::{Tables, certain, client_by, holds, identifier, is_subject};
use super::map::{BillingTable, HolderMap, ParentTable};
use super::name::{Alias, Reference, qualified};
use super::value::Value;
use sluis_core::field::{Field, FieldSet};
use std::collections::BTreeMap;

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

/// A statement and how to read its rows. Column 0 is the identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) binds: Binds,
    /// How the identifier in column 0 is kept.
    pub(super) identifier: IdForm,
    /// What the columns after it tell, in order.
    pub(super) selected: Vec<(Field, Value)>,
}

impl Statement {
    /// The statement that reads the part of `fields` that `source` holds. `None` when it holds nothing of them,
    /// but for the client's own row, which always proves who the subject is, and when the holder does not keep
    /// this kind of identifier.
    pub(super) fn build(map: &HolderMap, source: Source, by: Kind, fields: FieldSet) -> Option<Self> {
        let mut list = SelectList::starting_with(map, by)?;
        match source {
            Source::Client => list.add_fields(&map.client.fields, fields),
            Source::Parents => list.add_fields(&map.parent.as_ref()?.fields, fields),
            Source::Billing => list.add_fields(&map.billing.as_ref()?.fields, fields),
        }
        if list.selected.is_empty() && source != Source::Client {
            return None;
        }
        let origin = match source {
            Source::Client => list.of_client(" LIMIT 2"),
            Source::Parents => list.of_parents(map.parent.as_ref()?),
            Source::Billing => list.of_record(map.billing.as_ref()?),
        };
        Some(list.finish(&origin))
    }

    /// The holder's facts of one subject: client number, BSN where it is kept, then what `[facts]` reads.
    pub(super) fn facts(map: &HolderMap, by: Kind) -> Option<Self> {
        let mut list = SelectList::starting_with(map, by)?;
        list.add_identifiers();
        map.facts.references().into_iter().for_each(|reference| list.add(reference));
        let origin = list.of_client(" LIMIT 2");
        Some(list.finish(&origin))
    }

    /// The billing records of one subject that begin on one day: key, then the columns of `[billing.line]`.
    pub(super) fn records(map: &HolderMap, by: Kind) -> Option<Self> {
        let billing = map.billing.as_ref()?;
        let mut list = SelectList::starting_with(map, by)?;
        list.columns.push(qualified(Alias::Billing, &billing.key));
        billing.line.parts().into_iter().for_each(|part| list.add(&part.column));
        let origin = list.of_records(billing);
        Some(list.finish(&origin))
    }

    /// The identifiers of the clients after a client number, in its order.
    pub(super) fn subjects(map: &HolderMap) -> Option<Self> {
        let mut list = SelectList::starting_with(map, Kind::ClientNumber)?;
        if let Some(bsn) = &map.client.bsn {
            list.add(&bsn.column);
        }
        let number = &map.client.client_number;
        let after = list.binds.placeholder(if number.kept == Kept::Number { Bind::AfterNumber } else { Bind::Key });
        let mut conditions = vec![format!("{} > {after}", number.column.sql())];
        conditions.extend(only(&map.client.only, "c", &mut list.binds));
        let joins = list.tables.joins(&[Alias::Client], &mut list.binds);
        let count = list.binds.placeholder(Bind::Count);
        let origin = format!(
            "FROM {} AS c{joins} WHERE {} ORDER BY {} LIMIT {count}",
            map.client.table.quoted(),
            conditions.join(" AND "),
            number.column.sql(),
        );
        Some(list.finish(&origin))
    }
}

impl Statement {
    /// The same statement for every client: what a check of the whole database reads.
    pub(super) fn of_everybody(map: &HolderMap) -> Option<Self> {
        let mut list = SelectList::starting_with(map, Kind::ClientNumber)?;
        list.tables = Tables::new(map);
        list.add_identifiers();
        let conditions = only(&map.client.only, "c", &mut list.binds);
        let joins = list.tables.joins(&[Alias::Client], &mut list.binds);
        let wanted = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        let origin = format!("FROM {} AS c{joins}{wanted}", map.client.table.quoted());
        Some(list.finish(&origin))
    }
}

struct SelectList<'m> {
    map: &'m HolderMap,
    by: &'m Identifier,
    form: IdForm,
    tables: Tables<'m>,
    binds: Binds,
    columns: Vec<String>,
    selected: Vec<(Field, Value)>,
}

impl<'m> SelectList<'m> {
    fn starting_with(map: &'m HolderMap, by: Kind) -> Option<Self> {
        let id = identifier(map, by)?;
        let mut tables = Tables::new(map);
        tables.require(id.column.at);
        let form = IdForm { kind: by, kept: id.kept };
        let columns = vec![id.column.sql()];
        Some(Self { map, by: id, form, tables, binds: Binds::default(), columns, selected: Vec::new() })
    }

    fn add(&mut self, reference: &Reference) {
        self.tables.need(reference.at);
        self.columns.push(reference.sql());
    }

    fn add_identifiers(&mut self) {
        let client = &self.map.client;
        self.add(&client.client_number.column);
        if let Some(bsn) = &client.bsn {
            self.add(&bsn.column);
        }
    }

    fn add_fields(&mut self, map: &BTreeMap<Field, Value>, fields: FieldSet) {
        for (field, value) in map.iter().filter(|(field, _)| fields.contains(**field)) {
            value.parts().into_iter().for_each(|part| self.add(&part.column));
            self.selected.push((*field, value.clone()));
        }
    }

    fn finish(self, origin: &str) -> Statement {
        let sql = format!("SELECT {} {origin}", self.columns.join(", "));
        Statement { sql, binds: self.binds, identifier: self.form, selected: self.selected }
    }

    /// The client found by the identifier, in as many rows as prove that it is the only one.
    fn of_client(&mut self, end: &str) -> String {
        let mut conditions = vec![is_subject(self.by, &mut self.binds)];
        conditions.extend(only(&self.map.client.only, "c", &mut self.binds));
        let joins = self.tables.joins(&[Alias::Client], &mut self.binds);
        format!("FROM {} AS c{joins} WHERE {}{end}", self.map.client.table.quoted(), conditions.join(" AND "))
    }

    fn of_parents(&mut self, parent: &ParentTable) -> String {
        let dates = self.map.head.dates;
        let mut conditions = vec![is_subject(self.by, &mut self.binds)];
        conditions.extend(only(&self.map.client.only, "c", &mut self.binds));
        conditions.extend(only(&parent.only, "p", &mut self.binds));
        if let Some(valid) = &parent.valid {
            conditions.extend(holds(valid, "p", dates, &mut self.binds));
            conditions.extend(certain(valid, "p", dates));
        }
        let client_key = qualified(Alias::Client, &self.map.client.key);
        let (table, key) = (parent.table.quoted(), qualified(Alias::Parent, &parent.key));
        let mut joins = self.tables.joins(&[Alias::Client], &mut self.binds);
        if let Some(link) = &parent.link {
            conditions.extend(only(&link.only, "l", &mut self.binds));
            if let Some(valid) = &link.valid {
                conditions.extend(holds(valid, "l", dates, &mut self.binds));
                conditions.extend(certain(valid, "l", dates));
            }
            let to_client = same_key(&qualified(Alias::Link, &link.client), &client_key);
            let to_parent = same_key(&key, &qualified(Alias::Link, &link.parent));
            joins.push_str(&format!(
                " JOIN {} AS l ON {to_client} JOIN {table} AS p ON {to_parent}",
                link.table.quoted()
            ));
        }
        if let Some(column) = &parent.client {
            let same = same_key(&qualified(Alias::Parent, column), &client_key);
            joins.push_str(&format!(" JOIN {table} AS p ON {same}"));
        }
        joins.push_str(&self.tables.joins(&[Alias::Parent, Alias::Link], &mut self.binds));
        let client = self.map.client.table.quoted();
        format!("FROM {client} AS c{joins} WHERE {} ORDER BY {key}", conditions.join(" AND "))
    }

    /// One billing record by its key, with the client it bills.
    fn of_record(&mut self, billing: &BillingTable) -> String {
        let key = qualified(Alias::Billing, &billing.key);
        let mut conditions = vec![format!("{key} = {}", self.binds.placeholder(Bind::Key))];
        conditions.extend(only(&self.map.client.only, "c", &mut self.binds));
        conditions.extend(only(&billing.only, "b", &mut self.binds));
        let client = client_by(self.map, Alias::Billing, &billing.client);
        let joins = self.tables.joins(&[Alias::Client, Alias::Billing], &mut self.binds);
        let table = billing.table.quoted();
        format!("FROM {table} AS b {client}{joins} WHERE {} LIMIT 2", conditions.join(" AND "))
    }

    fn of_records(&mut self, billing: &BillingTable) -> String {
        let mut conditions = vec![is_subject(self.by, &mut self.binds)];
        let begin = &billing.line.begin;
        // A form that has more than a day cannot be asked for by a day: those records are all compared.
        if let Form::Date(form) = begin.form
            && form.write(jiff::civil::Date::ZERO).is_some()
        {
            conditions.push(format!("{} = {}", begin.column.sql(), self.binds.placeholder(Bind::Begin(form))));
        }
        conditions.extend(only(&self.map.client.only, "c", &mut self.binds));
        conditions.extend(only(&billing.only, "b", &mut self.binds));
        let of_client = self.tables.joins(&[Alias::Client], &mut self.binds);
        let of_billing = self.tables.joins(&[Alias::Billing], &mut self.binds);
        let key = qualified(Alias::Client, &self.map.client.key);
        let same = same_key(&qualified(Alias::Billing, &billing.client), &key);
        format!(
            "FROM {} AS c{of_client} JOIN {} AS b ON {same}{of_billing} WHERE {} ORDER BY {}",
            self.map.client.table.quoted(),
            billing.table.quoted(),
            conditions.join(" AND "),
            qualified(Alias::Billing, &billing.key),
        )
    }
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

    fn columns<'a>(fields: impl IntoIterator<Item = (&'a Field, &'a Value)>, set: FieldSet) -> Vec<String> {
        let asked = fields.into_iter().filter(|(field, _)| set.contains(**field));
        asked.flat_map(|(_, value)| value.parts()).map(|part| part.column.sql()).collect()
    }

    #[test]
    fn a_statement_names_exactly_the_permitted_columns() {
        let map = HolderMap::parse(MAP).unwrap();
        for set in sets() {
            for by in [Kind::Bsn, Kind::ClientNumber] {
                let id = if by == Kind::Bsn { "c.\"bsn\"" } else { "c.\"client_number\"" };
                let mut wanted = vec![id.to_owned()];
                wanted.extend(columns(&map.client.fields, set));
                let statement = Statement::build(&map, Source::Client, by, set).unwrap();
                assert_eq!(select_list(&statement.sql), wanted, "{}", set.to_hex());

                let billing = Statement::build(&map, Source::Billing, by, set);
                let mut wanted = vec![id.to_owned()];
                wanted.extend(columns(&map.billing.as_ref().unwrap().fields, set));
                assert_eq!(billing.is_some(), wanted.len() > 1);
                assert_eq!(billing.map_or(wanted.clone(), |s| select_list(&s.sql)), wanted);
            }
        }
    }

    #[test]
    fn the_text_of_a_small_set() {
        let map = HolderMap::parse(MAP).unwrap();
        let set = FieldSet::of(&[Field::Postcode, Field::ParentsAuthority, Field::Period]);
        let text = |source| Statement::build(&map, source, Kind::Bsn, set).unwrap().sql;
        assert_eq!(
            text(Source::Client),
            r#"SELECT c."bsn", c."postcode" FROM "client" AS c WHERE c."bsn" = ?1 LIMIT 2"#
        );
        assert_eq!(
            text(Source::Parents),
            r#"SELECT c."bsn", p."first_name", p."prefix", p."last_name", l."authority" FROM "client" AS c JOIN "client_parent" AS l ON l."client_number" = c."client_number" AND typeof(l."client_number") = typeof(c."client_number") AND l."client_number" <> '' JOIN "parent" AS p ON p."parent_id" = l."parent_id" AND typeof(p."parent_id") = typeof(l."parent_id") AND p."parent_id" <> '' WHERE c."bsn" = ?1 ORDER BY p."parent_id""#
        );
        assert_eq!(
            text(Source::Billing),
            r#"SELECT c."bsn", b."period_begin", b."period_end" FROM "billing" AS b JOIN "client" AS c ON c."client_number" = b."client_number" AND typeof(c."client_number") = typeof(b."client_number") AND c."client_number" <> '' WHERE b."record_id" = ?1 LIMIT 2"#
        );
        assert!(Statement::build(&map, Source::Parents, Kind::Bsn, FieldSet::of(&[Field::Name])).is_none());
    }

    #[test]
    fn a_table_that_no_asked_field_needs_is_not_read() {
        let map = MAP.replace("postcode = \"postcode\"", "postcode = \"adres.Post code\"");
        let tables = "[tables.adres]\ntable = \"Adres\"\nmatch = { \"cliënt\" = \"client.client_number\" }\n\
                      only = { soort = \"W\" }";
        let map = HolderMap::parse(&format!("{map}\n{tables}")).unwrap();
        let text = |field| Statement::build(&map, Source::Client, Kind::Bsn, FieldSet::of(&[field])).unwrap().sql;
        assert_eq!(text(Field::Place), r#"SELECT c."bsn", c."place" FROM "client" AS c WHERE c."bsn" = ?1 LIMIT 2"#);
        assert_eq!(
            text(Field::Postcode),
            r#"SELECT c."bsn", t0."Post code" FROM "client" AS c LEFT JOIN "Adres" AS t0 ON t0."cliënt" = c."client_number" AND typeof(t0."cliënt") = typeof(c."client_number") AND t0."cliënt" <> '' AND COALESCE(trim(CAST(t0."soort" AS TEXT)), '') IN (?2) AND (SELECT COUNT(*) FROM "Adres" AS o WHERE o."cliënt" = c."client_number" AND typeof(o."cliënt") = typeof(c."client_number") AND o."cliënt" <> '' AND COALESCE(trim(CAST(o."soort" AS TEXT)), '') IN (?2)) = 1 WHERE c."bsn" = ?1 LIMIT 2"#
        );
        assert!(!Statement::facts(&map, Kind::Bsn).unwrap().sql.contains("Adres"));
    }
}
