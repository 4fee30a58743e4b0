//! Indexes: every column by which one client's rows are looked up should have one.

use super::schema::Schema;
use super::{Findings, Weight};
use crate::holder::map::HolderMap;
use crate::holder::name::{Alias, Name};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// Says which indexes to ask for.
pub(super) fn look(
    connection: &Connection,
    map: &HolderMap,
    schema: &Schema,
    findings: &mut Findings,
) -> rusqlite::Result<()> {
    for (table, columns) in searched(map) {
        let Some(found) = schema.table(table.as_str()) else { continue };
        if found.is_view {
            let is = format!("`{}` is a view, whose indexes are those of the tables under it", table.as_str());
            let to_do = format!("see that {} can be looked up there by an index", spoken(&columns));
            findings.add(Weight::Note, is, to_do);
            continue;
        }
        let first = first_columns(connection, table.as_str())?;
        if columns.iter().any(|column| first.contains(column.as_str())) {
            continue;
        }
        let index =
            format!("{}_by_{}", table.as_str(), columns.iter().map(|c| c.as_str()).collect::<Vec<_>>().join("_"));
        let list: Vec<String> = columns.iter().map(|column| column.quoted()).collect();
        findings.add(
            Weight::Warning,
            format!(
                "no index finds rows of `{}` by {}: every question reads the whole table",
                table.as_str(),
                spoken(&columns)
            ),
            format!("ask for: CREATE INDEX \"{index}\" ON {} ({});", table.quoted(), list.join(", ")),
        );
    }
    Ok(())
}

fn spoken(columns: &[&Name]) -> String {
    columns.iter().map(|column| format!("`{}`", column.as_str())).collect::<Vec<_>>().join(" and ")
}

/// Each table with the columns by which its rows are found together; one of them with an index is enough.
fn searched(map: &HolderMap) -> BTreeSet<(&Name, Vec<&Name>)> {
    let mut all = BTreeSet::new();
    let identifiers = std::iter::once(&map.client.client_number).chain(&map.client.bsn);
    for identifier in identifiers {
        if let Some(table) = map.named_table(identifier.column.at) {
            all.insert((table, vec![&identifier.column.column]));
        }
    }
    let bsn_elsewhere = map.client.bsn.iter().any(|bsn| bsn.column.at != Alias::Client);
    if map.client.client_number.column.at != Alias::Client || bsn_elsewhere || map.billing.is_some() {
        all.insert((&map.client.table, vec![&map.client.key]));
    }
    for (_, joined) in &map.tables {
        all.insert((&joined.table, joined.on.keys().collect()));
    }
    if let Some(parent) = &map.parent {
        all.extend(parent.client.iter().map(|client| (&parent.table, vec![client])));
        all.extend(parent.link.iter().map(|link| (&link.table, vec![&link.client])));
        all.extend(parent.link.iter().map(|_| (&parent.table, vec![&parent.key])));
    }
    if let Some(billing) = &map.billing {
        all.insert((&billing.table, vec![&billing.key]));
        all.insert((&billing.table, vec![&billing.client]));
    }
    all
}

/// The columns that are first in an index of the table, or are its row number.
fn first_columns(connection: &Connection, table: &str) -> rusqlite::Result<BTreeSet<String>> {
    let sql = "SELECT c.name FROM pragma_index_list(?1) AS i JOIN pragma_index_xinfo(i.name) AS c
                 WHERE c.seqno = 0 AND i.partial = 0 AND c.name IS NOT NULL
               UNION SELECT name FROM pragma_table_xinfo(?1) WHERE pk = 1 AND upper(type) = 'INTEGER'
                 AND (SELECT COUNT(*) FROM pragma_table_xinfo(?1) WHERE pk > 0) = 1";
    let mut statement = connection.prepare(sql)?;
    statement.query_map([table], |row| row.get(0))?.collect()
}
