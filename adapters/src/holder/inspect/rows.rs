//! Keys and joins: who can be found, under what, and of whom a row is ambiguous.

use super::{Bsns, Findings, Weight, counted};
use crate::holder::bind::{Binds, Given};
use crate::holder::identifier::{IdForm, Kind};
use crate::holder::join::{Tables, others};
use crate::holder::map::HolderMap;
use crate::holder::name::Name;
use crate::holder::read::cell;
use crate::holder::statement::Statement;
use jiff::civil::Date;
use rusqlite::{Connection, params_from_iter};
use sluis_core::subject::SubjectId;
use std::collections::BTreeMap;

/// Looks at keys, identifiers and joins; gives the number of clients, and in which range their BSNs lie.
pub(super) fn look(
    connection: &Connection,
    map: &HolderMap,
    today: Date,
    findings: &mut Findings,
) -> rusqlite::Result<(usize, Bsns)> {
    let parent = map.parent.iter().map(|parent| (&parent.table, &parent.key));
    let billing = map.billing.iter().map(|billing| (&billing.table, &billing.key));
    for (table, key) in std::iter::once((&map.client.table, &map.client.key)).chain(parent).chain(billing) {
        unique(connection, table, key, findings)?;
    }
    for n in 0..map.tables.len() {
        ambiguous(connection, map, n, today, findings)?;
    }
    identifiers(connection, map, today, findings)
}

fn unique(connection: &Connection, table: &Name, key: &Name, findings: &mut Findings) -> rusqlite::Result<()> {
    let (table_sql, key_sql) = (table.quoted(), key.quoted());
    let sql = format!(
        "SELECT (SELECT COUNT(*) FROM {table_sql} WHERE {key_sql} IS NULL), (SELECT COUNT(*) FROM (SELECT 1 FROM \
         {table_sql} WHERE {key_sql} IS NOT NULL GROUP BY {key_sql} HAVING COUNT(*) > 1))"
    );
    let (empty, twice): (i64, i64) = connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let place = format!("key `{}` of table `{}`", key.as_str(), table.as_str());
    if twice > 0 {
        let is =
            format!("{place} is not unique: {} stand in more than one row", counted(twice.unsigned_abs(), "value"));
        findings.add(Weight::Fault, is, "name the column that is unique, or ask for a UNIQUE index and mend the rows");
    }
    if empty > 0 {
        let is = format!("{place} is empty in {}: nothing can be joined to it", counted(empty.unsigned_abs(), "row"));
        findings.add(Weight::Warning, is, "have them filled in");
    }
    Ok(())
}

/// Of how many rows the joined table has a row, several that could be meant, or none.
fn ambiguous(
    connection: &Connection,
    map: &HolderMap,
    n: usize,
    today: Date,
    findings: &mut Findings,
) -> rusqlite::Result<()> {
    let Some((name, joined)) = map.tables.get(n) else { return Ok(()) };
    let Some(base) = map.named_table(joined.base) else { return Ok(()) };
    let (mut tables, mut binds) = (Tables::new(map), Binds::default());
    joined.on.values().for_each(|target| tables.need(target.at));
    let joins = tables.joins(&[joined.base], &mut binds);
    let several = others(joined, map.head.dates, &mut binds);
    let sql = format!("SELECT COUNT(*) FROM {} AS {}{joins} WHERE {several} > 1", base.quoted(), joined.base.sql(),);
    let given = Given { key: "", today, begin: None, count: 0 };
    let count: i64 = connection.query_row(&sql, params_from_iter(binds.values(&given)), |row| row.get(0))?;
    if count > 0 {
        findings.add(
            Weight::Warning,
            format!(
                "`[tables.{}]`: for {} of `{}` more than one row of `{}` could be meant today: all of it is withheld",
                name.as_str(),
                counted(count.unsigned_abs(), "row"),
                base.as_str(),
                joined.table.as_str(),
            ),
            "have the dates mended, or say with `only`, `valid` or `latest` which row is meant",
        );
    }
    Ok(())
}

/// Reads every client's identifiers as provisioning does.
fn identifiers(
    connection: &Connection,
    map: &HolderMap,
    today: Date,
    findings: &mut Findings,
) -> rusqlite::Result<(usize, Bsns)> {
    let Some(statement) = Statement::of_everybody(map) else { return Ok((0, Bsns::default())) };
    let mut prepared = connection.prepare(&statement.sql)?;
    let given = Given { key: "", today, begin: None, count: 0 };
    let mut rows = prepared.query(params_from_iter(statement.binds.values(&given)))?;
    let number = Count::of("client_number", statement.identifier);
    let bsn = map.client.bsn.as_ref().map(|bsn| Count::of("bsn", IdForm { kind: Kind::Bsn, kept: bsn.kept }));
    let mut counts: Vec<Count> = std::iter::once(number).chain(bsn).collect();
    let mut clients = 0;
    while let Some(row) = rows.next()? {
        clients += 1;
        for (column, count) in counts.iter_mut().enumerate() {
            count.take(cell(row.get_ref(column + 1)?));
        }
    }
    if clients == 0 {
        findings.add(Weight::Fault, "there is no client in the database", "see that `table` and `only` are right");
    }
    counts.iter().for_each(|count| count.tell(clients, findings));
    let bsns = counts.iter().fold(Bsns::default(), |all, count| Bsns {
        test: all.test + count.bsns.test,
        other: all.other + count.bsns.other,
    });
    Ok((clients, bsns))
}

struct Count {
    key: &'static str,
    form: IdForm,
    seen: BTreeMap<String, usize>,
    empty: usize,
    unusable: usize,
    bsns: Bsns,
}

impl Count {
    const fn of(key: &'static str, form: IdForm) -> Self {
        let bsns = Bsns { test: 0, other: 0 };
        Self { key, form, seen: BTreeMap::new(), empty: 0, unusable: 0, bsns }
    }

    fn take(&mut self, cell: crate::holder::form::Cell<'_>) {
        match self.form.read(cell) {
            Some(id) => {
                if let SubjectId::Bsn(bsn) = &id {
                    self.bsns.test += usize::from(bsn.is_test());
                    self.bsns.other += usize::from(!bsn.is_test());
                }
                *self.seen.entry(id.value()).or_default() += 1;
            }
            None if cell.text().is_some_and(|text| text.is_empty()) => self.empty += 1,
            None => self.unusable += 1,
        }
    }

    fn tell(&self, clients: usize, findings: &mut Findings) {
        let (key, is_number) = (self.key, self.form.kind == Kind::ClientNumber);
        let twice = self.seen.values().filter(|count| **count > 1).count();
        if twice > 0 {
            let is = format!(
                "`{key}`: {} with more than one client: nobody is known under it",
                counted(twice as u64, "value")
            );
            findings.add(if is_number { Weight::Fault } else { Weight::Warning }, is, "have the rows mended");
        }
        if self.unusable > 0 {
            let (is, to_do) = if is_number {
                (
                    "no client number (1 to 20 letters, digits and hyphens): the gateway cannot begin",
                    "name another column",
                )
            } else {
                (
                    "no BSN (nine digits, 11-test): those clients are known by client number only",
                    "see `kept`, mend the rest",
                )
            };
            let weight = if is_number || self.unusable * 2 > clients { Weight::Fault } else { Weight::Warning };
            findings.add(weight, format!("`{key}`: {} of {clients} are {is}", self.unusable), to_do);
        }
        match (is_number, self.empty) {
            (_, 0) => {}
            (true, n) => {
                let is = format!("`{key}`: {n} of {clients} are empty: those clients are known to nobody");
                findings.add(Weight::Warning, is, "have them filled in, or leave them out with `only`");
            }
            (false, n) => {
                findings.add(Weight::Note, format!("`{key}`: {n} of {clients} clients have none today"), String::new());
            }
        }
    }
}
