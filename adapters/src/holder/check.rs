//! Whether the holder's schema has what the map names: asked once at the start, explained for people.

use super::fault::store_error;
use super::map::{HolderMap, Name};
use rusqlite::Connection;
use sluis_core::ports::StoreError;
use std::collections::BTreeMap;

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
    #[error("column `{1}` of table `{0}` must hold text: an identifier kept as a number loses its leading zeros")]
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
        for (table, columns) in self.named() {
            let present = columns_of(connection, table).map_err(store_error)?;
            if present.is_empty() {
                mismatches.push(Mismatch::Table(table.to_owned()));
                continue;
            }
            for column in columns {
                let found = present.get(column.as_str());
                let is_identifier = [&self.client.bsn, &self.client.client_number].contains(&column);
                match found {
                    None => mismatches.push(Mismatch::Column(table.to_owned(), column.as_str().to_owned())),
                    Some(kind) if is_identifier && is_numeric(kind) => {
                        mismatches.push(Mismatch::NotText(table.to_owned(), column.as_str().to_owned()));
                    }
                    Some(_) => {}
                }
            }
        }
        if mismatches.is_empty() { Ok(()) } else { Err(OpenFault::Map(mismatches)) }
    }

    /// Every table with every column of it that the map names.
    fn named(&self) -> Vec<(&str, Vec<&Name>)> {
        let (c, p, l, b) = (&self.client, &self.parent, &self.parent.link, &self.billing);
        let mut client =
            vec![&c.client_number, &c.bsn, &c.birth_date, &c.municipality_code, &c.active_case, &c.residence_secret];
        client.extend(c.optional_facts().into_iter().flatten());
        client.extend(c.fields.values().flat_map(|shape| shape.columns()));
        let mut parent = vec![&p.id];
        parent.extend(p.fields.values().flat_map(|shape| &shape.columns));
        let mut link = vec![&l.client_number, &l.parent];
        link.extend(p.fields.values().flat_map(|shape| &shape.link));
        let mut billing = vec![
            &b.record_id,
            &b.client_number,
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
        billing.extend(b.fields.values().flat_map(|shape| shape.columns()));
        let tables = [(&c.table, client), (&p.table, parent), (&l.table, link), (&b.table, billing)];
        tables.into_iter().map(|(table, columns)| (table.as_str(), columns)).collect()
    }
}

/// The columns of a table or view with their declared types; empty when there is no such table.
fn columns_of(connection: &Connection, table: &str) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement = connection.prepare("SELECT name, type FROM pragma_table_info(?1)")?;
    let rows = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn is_numeric(declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    ["INT", "REAL", "FLOA", "DOUB", "NUM", "DEC"].iter().any(|kind| declared.contains(kind))
}
