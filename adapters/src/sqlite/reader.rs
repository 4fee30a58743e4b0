//! A log that another process serves, opened for reading only: for exports on the same machine.
//!
//! Takes no lock, needs no key and sees leaves, heads and kept checkpoints; payloads and state are sealed.

use super::halts;
use super::open::{self, LOG_KIND, Limits, OpenError, engine};
use super::pool::Readers;
use super::read::stored_entry;
use super::rows::{head_row, log_of, row_end, row_of};
use super::{shards, statements};
use crate::store::LOG;
use async_trait::async_trait;
use sluis_core::log::finalise::Head;
use sluis_core::log::shard::{Shard, index_of};
use sluis_core::ports::{StoreError, StoredEntry};
use sluis_core::upkeep::LogArchive;
use std::path::Path;

/// Leaves, head and kept checkpoints of a log.
pub struct SqliteLogReader {
    log: i64,
    readers: Readers,
}

impl SqliteLogReader {
    /// Opens the shards of a file for reading, up to the newest of now.
    ///
    /// # Errors
    /// [`OpenError`] names the file and what to do.
    pub fn open(file: &Path) -> Result<Self, OpenError> {
        if !file.exists() {
            return Err(OpenError::Missing { file: file.to_owned() });
        }
        let connection = open::reader(file, Limits::default()).map_err(engine(file))?;
        open::identify(&connection, file, &LOG_KIND)?;
        let newest = shards::rows(&connection).map_err(engine(file))?.pop();
        let (log, ..) = newest.ok_or(OpenError::Corrupt { file: file.to_owned(), table: "log_shard" })?;
        Ok(Self { log, readers: Readers::new(file.to_owned(), LOG, Limits::default()) })
    }
}

#[async_trait]
impl LogArchive for SqliteLogReader {
    async fn head(&self) -> Result<Head, StoreError> {
        self.readers.read("log_head", |connection| head_row(connection, self.log))?.open()
    }

    async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        self.readers.read("log_shard", shards::all)?
    }

    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        let (first, end) = (row_of(from), row_end(from, from.saturating_add(u64::from(count))));
        self.readers.read("log_leaf", |connection| {
            let mut statement = connection.prepare_cached(statements::LEAVES)?;
            let rows = statement.query_map((first, end), |row| row.get(0))?;
            rows.collect()
        })
    }

    async fn entries(&self, from: u64, count: u32) -> Result<Vec<StoredEntry>, StoreError> {
        let (first, end) = (row_of(from), row_end(from, from.saturating_add(u64::from(count))));
        self.readers.read("log_leaf", |connection| {
            let mut statement = connection.prepare_cached(statements::ENTRIES)?;
            let rows = statement.query_map((first, end), stored_entry)?;
            rows.collect()
        })
    }

    async fn checkpoints(&self, size: u64) -> Result<Vec<String>, StoreError> {
        let found: Vec<(i64, String)> = self.readers.read("log_checkpoint", |connection| {
            let mut statement = connection.prepare_cached(statements::CHECKPOINTS)?;
            let rows = statement.query_map((log_of(size), 0, u32::MAX), |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })?;
        let within =
            |(at, note): (i64, String)| (u64::try_from(at).is_ok_and(|at| at <= index_of(size))).then_some(note);
        Ok(found.into_iter().filter_map(within).collect())
    }

    async fn halted(&self) -> Result<Vec<String>, StoreError> {
        self.readers.read("log_halt", halts::in_force)
    }
}
