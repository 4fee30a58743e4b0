//! Tables, columns and declared types: what the map names and the database has.

use super::near::nearest;
use super::{Findings, Weight};
use crate::holder::check::{columns_of, is_numeric};
use crate::holder::identifier::Kept;
use crate::holder::map::HolderMap;
use rusqlite::Connection;
use std::collections::BTreeMap;

/// Names of columns that are not read that are told per table; more are counted.
const UNREAD_MAX: usize = 8;

/// The tables and views of a database.
pub(super) struct Schema {
    tables: BTreeMap<String, Table>,
}

/// A table or view.
pub(super) struct Table {
    /// Whether it is a view.
    pub(super) is_view: bool,
    /// Columns with their declared types.
    pub(super) columns: BTreeMap<String, String>,
}

impl Schema {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT name, type = 'view' FROM sqlite_schema WHERE type IN ('table', 'view')
                   AND name NOT LIKE 'sqlite#_%' ESCAPE '#'";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)))?;
        let mut tables = BTreeMap::new();
        for row in rows {
            let (name, is_view) = row?;
            // A view over a table that is gone has no columns to tell.
            let columns = columns_of(connection, &name).unwrap_or_default();
            tables.insert(name, Table { is_view, columns });
        }
        Ok(Self { tables })
    }

    /// A table by its name in the database.
    pub(super) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// Compares what the map names with what is there.
    pub(super) fn compare(&self, map: &HolderMap, findings: &mut Findings) {
        for (table, columns) in map.named() {
            let Some(found) = self.tables.get(table.as_str()) else {
                let near = nearest(table.as_str(), self.tables.keys().map(String::as_str));
                let is = format!("there is no table or view `{}`", table.as_str());
                findings.add(Weight::Fault, is, do_with(near, "correct `table`, or ask for the right to read it"));
                continue;
            };
            for column in &columns {
                if !found.columns.contains_key(column.as_str()) {
                    let near = nearest(column.as_str(), found.columns.keys().map(String::as_str));
                    let is = format!("table `{}` has no column `{}`", table.as_str(), column.as_str());
                    findings.add(Weight::Fault, is, do_with(near, "correct the map"));
                }
            }
            let unread = found.columns.keys().filter(|name| !columns.iter().any(|column| column.as_str() == *name));
            unread_columns(table.as_str(), &unread.map(String::as_str).collect::<Vec<_>>(), findings);
        }
        self.identifier_types(map, findings);
    }

    fn identifier_types(&self, map: &HolderMap, findings: &mut Findings) {
        let bsn = map.client.bsn.iter().map(|bsn| ("bsn", bsn));
        for (key, identifier) in std::iter::once(("client_number", &map.client.client_number)).chain(bsn) {
            let Some(table) = map.named_table(identifier.column.at) else { continue };
            let column = identifier.column.column.as_str();
            let Some(declared) = self.table(table.as_str()).and_then(|found| found.columns.get(column)) else {
                continue;
            };
            let is = format!("`{key}`: column `{column}` of table `{}` is declared `{declared}`", table.as_str());
            match (identifier.kept, is_numeric(declared)) {
                (Kept::Text | Kept::Digits, true) => {
                    let to_do = format!("it holds numbers: write `{key} = {{ column = \"…\", kept = \"number\" }}`");
                    findings.add(Weight::Fault, is, to_do);
                }
                (Kept::Number, false) if !declared.is_empty() => {
                    let to_do = "it holds text: take out `kept = \"number\"`, or write `kept = \"digits\"` for a BSN that \
                                 may have lost its zero";
                    findings.add(Weight::Fault, is, to_do);
                }
                _ => {}
            }
        }
    }
}

fn do_with(near: Option<&str>, to_do: &str) -> String {
    near.map_or(to_do.to_owned(), |near| format!("{to_do}; there is `{near}`"))
}

/// The fewer columns the gateway could read, the less a fault of ours could cost.
fn unread_columns(table: &str, unread: &[&str], findings: &mut Findings) {
    if unread.is_empty() {
        return;
    }
    let names: Vec<String> = unread.iter().take(UNREAD_MAX).map(|name| format!("`{name}`")).collect();
    let more =
        unread.len().checked_sub(UNREAD_MAX).filter(|n| *n > 0).map_or(String::new(), |n| format!(" and {n} more"));
    findings.add(
        Weight::Note,
        format!("table `{table}` has columns that the map never reads: {}{more}", names.join(", ")),
        "where it can be arranged, let the gateway see a view without them",
    );
}
