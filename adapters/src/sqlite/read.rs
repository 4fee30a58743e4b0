//! The ledger port: appends go to the writer, reads are answered here.

use super::rows::{head_row, log_of, position_of, row_end, row_of};
use super::writer::{Command, KeptCheckpoint};
use super::{SqliteLog, shards, statements};
use crate::store::corrupt;
use async_trait::async_trait;
use rusqlite::types::FromSql;
use rusqlite::{OptionalExtension, Params, Row};
use sluis_core::log::draft::{Draft, SealedPayload};
use sluis_core::log::finalise::{Committed, Head};
use sluis_core::log::shard::{Next, Shard, index_of};
use sluis_core::log::{Hash, LeafKind, Millis};
use sluis_core::organisation::Oin;
use sluis_core::ports::{Ledger, StoreError, StoredEntry};
use std::sync::atomic::Ordering;

/// Most rows that one call reads: no reader holds a snapshot for long.
const ROWS_MAX: u64 = 65_536;

#[async_trait]
impl Ledger for SqliteLog {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        self.ask(|answer| Command::Append { drafts, answer }).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.ask(|answer| Command::Probe { answer }).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.readers.read("log_head", |connection| head_row(connection, self.newest()))?.open()
    }

    async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        self.readers.read("log_shard", shards::all)?
    }

    async fn open_shard(&self, next: Next) -> Result<(), StoreError> {
        self.ask(|answer| Command::OpenShard { next: Box::new(next), answer }).await
    }

    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        let to = from.saturating_add(u64::from(count).min(ROWS_MAX));
        self.column("log_leaf", statements::LEAVES, (row_of(from), row_end(from, to)))
    }

    async fn leaves_of(&self, kind: LeafKind, from: u64, count: u32) -> Result<Vec<(u64, String)>, StoreError> {
        let rare = match kind {
            LeafKind::Erase => statements::ERASE_LEAVES,
            LeafKind::Admin => statements::ADMIN_LEAVES,
            LeafKind::Manual => statements::MANUAL_LEAVES,
            LeafKind::ObligationDone => statements::DONE_LEAVES,
            _ => return self.leaves_read(kind, from, count).await,
        };
        self.placed(rare, (row_of(from), u64::from(count).min(ROWS_MAX) as i64))
    }

    async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        let to = to.min(from.saturating_add(ROWS_MAX));
        self.column("log_leaf", statements::LEAF_HASHES, (row_of(from), row_end(from, to)))
    }

    async fn subtree_hashes(&self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        let to = to.min(from.saturating_add(ROWS_MAX));
        let [first, end] = [from, to].map(|n| i64::try_from(index_of(n)).unwrap_or(i64::MAX));
        self.column("log_subtree", statements::SUBTREE_HASHES, (log_of(from), level, first, end))
    }

    async fn transaction(&self, oin: &Oin, id: uuid::Uuid) -> Result<Option<StoredEntry>, StoreError> {
        self.stored(statements::TRANSACTION, (oin.as_str(), id.as_bytes()))
    }

    async fn entry(&self, index: u64) -> Result<Option<StoredEntry>, StoreError> {
        self.stored(statements::ENTRY, [row_of(index)])
    }

    /// Buffered: written with the next append, or after a second without one. A crash loses a note that the same
    /// head can be signed for again.
    async fn keep_checkpoint(&self, size: u64, note: &str, time: Millis) -> Result<(), StoreError> {
        self.tell(Command::Keep(KeptCheckpoint { size, note: note.to_owned(), time }))
    }

    /// An atomic maximum; the writer reads it in each commit, and when the log is closed.
    fn delivered_below(&self, index: u64) {
        self.low.fetch_max(index, Ordering::AcqRel);
    }
}

impl SqliteLog {
    /// The newest kept checkpoint of the newest shard: size and note.
    ///
    /// # Errors
    /// [`StoreError`] when the log does not answer.
    pub fn newest_checkpoint(&self) -> Result<Option<(u64, String)>, StoreError> {
        let found = self.readers.read("log_checkpoint", |connection| {
            let mut statement = connection.prepare_cached(statements::NEWEST_CHECKPOINT)?;
            statement.query_row([self.newest()], note).optional()
        })?;
        found.map(sized).transpose()
    }

    /// Kept checkpoints of one shard of at least this size, which names it as a position does, smallest first: size and note.
    ///
    /// # Errors
    /// [`StoreError`] when the log does not answer.
    pub fn checkpoints(&self, from: u64, count: u32) -> Result<Vec<(u64, String)>, StoreError> {
        let (log, from) = (log_of(from), i64::try_from(index_of(from)).unwrap_or(i64::MAX));
        let found: Vec<(i64, String)> = self.readers.read("log_checkpoint", |connection| {
            let mut statement = connection.prepare_cached(statements::CHECKPOINTS)?;
            statement.query_map((log, from, count), note)?.collect()
        })?;
        found.into_iter().map(sized).collect()
    }

    fn column<T: FromSql>(
        &self,
        table: &'static str,
        sql: &'static str,
        keys: impl Params,
    ) -> Result<Vec<T>, StoreError> {
        self.readers.read(table, |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(keys, |row| row.get(0))?;
            rows.collect()
        })
    }

    /// Leaves with their positions.
    fn placed(&self, sql: &'static str, keys: impl Params) -> Result<Vec<(u64, String)>, StoreError> {
        self.readers.read("log_leaf", |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(keys, |row| Ok((position_of(row.get(0)?), row.get(1)?)))?;
            rows.collect()
        })
    }

    pub(super) fn stored(&self, sql: &'static str, keys: impl Params) -> Result<Option<StoredEntry>, StoreError> {
        self.readers.read("log_leaf", |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row(keys, stored_entry).optional()
        })
    }
}

fn note(row: &Row<'_>) -> Result<(i64, String), rusqlite::Error> {
    Ok((row.get(0)?, row.get(1)?))
}

fn sized((size, note): (i64, String)) -> Result<(u64, String), StoreError> {
    Ok((u64::try_from(size).map_err(|_| corrupt("log_checkpoint"))?, note))
}

pub(super) fn stored_entry(row: &Row<'_>) -> Result<StoredEntry, rusqlite::Error> {
    let key_id: Option<[u8; 16]> = row.get(2)?;
    let ciphertext: Option<Vec<u8>> = row.get(3)?;
    let payload = key_id.zip(ciphertext).map(|(key_id, ciphertext)| SealedPayload { key_id, ciphertext });
    Ok(StoredEntry { index: position_of(row.get(0)?), leaf: row.get(1)?, payload })
}
