//! Whether the holder's schema has what the map names: asked once at the start, explained for people.

use super::fault::store_error;
use super::identifier::Kept;
use super::map::HolderMap;
use super::name::{Alias, Name, Reference};
use super::value::Value;
use rusqlite::Connection;
use sluis_core::ports::StoreError;
use std::collections::{BTreeMap, BTreeSet};

/// One thing the map names that the database does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// No such table or view.
    #[error("the holder database has no table `{0}`: correct the column map, or grant access to it")]
    Table(String),
    /// No such column.
    #[error("table `{0}` of the holder database has no column `{1}`: correct the column map")]
    Column(String, String),
    /// An identifier kept as a number, which loses its leading zeros.
    #[error(
        "column `{1}` of table `{0}` must hold text: an identifier kept as a number loses its leading zeros; where it \
         is a number on purpose, write `kept = \"number\"`"
    )]
    NotText(String, String),
}

/// Why a holder database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// It does not open or answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not the database that the map describes.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Map(Vec<Mismatch>),
}

impl HolderMap {
    /// Compares the map with the schema and names everything that is missing, not the first fault only.
    ///
    /// # Errors
    /// [`OpenFault::Map`] with every mismatch; [`OpenFault::Store`] when the database does not answer.
    pub fn check(&self, connection: &Connection) -> Result<(), OpenFault> {
        let mut mismatches = Vec::new();
        let identifiers = self.identifiers_of_text();
        for (table, columns) in self.named() {
            let present = columns_of(connection, table.as_str()).map_err(store_error)?;
            if present.is_empty() {
                mismatches.push(Mismatch::Table(table.as_str().to_owned()));
                continue;
            }
            for column in columns {
                let place = || (table.as_str().to_owned(), column.as_str().to_owned());
                match present.get(column.as_str()) {
                    None => mismatches.push(Mismatch::Column(place().0, place().1)),
                    Some(kind) if identifiers.contains(&(table, column)) && is_numeric(kind) => {
                        mismatches.push(Mismatch::NotText(place().0, place().1));
                    }
                    Some(_) => {}
                }
            }
        }
        if mismatches.is_empty() { Ok(()) } else { Err(OpenFault::Map(mismatches)) }
    }

    fn identifiers_of_text(&self) -> Vec<(&Name, &Name)> {
        let identifiers = std::iter::once(&self.client.client_number).chain(&self.client.bsn);
        let text = identifiers.filter(|identifier| identifier.kept != Kept::Number);
        text.filter_map(|id| Some((self.named_table(id.column.at)?, &id.column.column))).collect()
    }

    /// Every table with every column of it that the map names.
    pub(super) fn named(&self) -> BTreeMap<&Name, BTreeSet<&Name>> {
        let mut named: BTreeMap<&Name, BTreeSet<&Name>> = BTreeMap::new();
        let references = self.references().into_iter().map(|reference| (reference.at, &reference.column));
        for (at, column) in self.keys().into_iter().chain(references) {
            if let Some(table) = self.named_table(at) {
                named.entry(table).or_default().insert(column);
            }
        }
        named
    }

    /// Every column that is read as a value.
    pub(super) fn references(&self) -> Vec<&Reference> {
        let mut all: Vec<&Reference> = std::iter::once(&self.client.client_number).map(|id| &id.column).collect();
        all.extend(self.client.bsn.iter().map(|id| &id.column));
        let parent = self.parent.iter().flat_map(|parent| parent.fields.values());
        let billing = self.billing.iter().flat_map(|billing| billing.fields.values());
        let values = self.client.fields.values().chain(parent).chain(billing);
        all.extend(values.flat_map(Value::parts).map(|part| &part.column));
        all.extend(self.facts.references());
        all.extend(self.billing.iter().flat_map(|billing| billing.line.parts()).map(|part| &part.column));
        all
    }

    /// Every column by which rows are found and told apart.
    fn keys(&self) -> Vec<(Alias, &Name)> {
        let of = |at: Alias| move |name| (at, name);
        let mut all = vec![(Alias::Client, &self.client.key)];
        all.extend(self.client.only.keys().map(of(Alias::Client)));
        if let Some(parent) = &self.parent {
            let own = std::iter::once(&parent.key).chain(&parent.client).chain(parent.only.keys());
            all.extend(own.chain(parent.valid.iter().flat_map(|valid| valid.columns())).map(of(Alias::Parent)));
            if let Some(link) = &parent.link {
                let own = [&link.client, &link.parent].into_iter().chain(link.only.keys());
                all.extend(own.chain(link.valid.iter().flat_map(|valid| valid.columns())).map(of(Alias::Link)));
            }
        }
        if let Some(billing) = &self.billing {
            let own = [&billing.key, &billing.client].into_iter().chain(billing.only.keys());
            all.extend(own.map(of(Alias::Billing)));
        }
        for (n, (_, joined)) in self.tables.iter().enumerate() {
            all.extend(joined.own_columns().map(of(Alias::Joined(n))));
            all.extend(joined.on.values().map(|target| (target.at, &target.column)));
        }
        all
    }
}

/// The columns of a table or view with their declared types; empty when there is no such table.
pub(super) fn columns_of(connection: &Connection, table: &str) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement = connection.prepare("SELECT name, type FROM pragma_table_xinfo(?1)")?;
    let rows = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Whether a declared type makes numbers of digits.
pub(super) fn is_numeric(declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    ["INT", "REAL", "FLOA", "DOUB", "NUM", "DEC"].iter().any(|kind| declared.contains(kind))
}
