//! The ledger port: appends go to the writer, reads are answered by a few sessions that only read.

use super::rows::{bound, index, log_of, refused, stored_entry, unsigned};
use super::writer::Command;
use super::{PostgresLog, shards, statements};
use async_trait::async_trait;
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::{Committed, Head};
use sluis_core::log::shard::{Next, Shard, base_of};
use sluis_core::log::{Hash, LeafKind, Millis};
use sluis_core::organisation::Oin;
use sluis_core::ports::{Ledger, StoreError, StoredEntry};
use sqlx::postgres::PgPool;
use std::sync::atomic::Ordering;

/// Most rows that one call reads: no reader holds a snapshot for long.
pub(super) const ROWS_MAX: u64 = 65_536;

#[async_trait]
impl Ledger for PostgresLog {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        self.ask(|answer| Command::Append { drafts, answer }).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.ask(|answer| Command::Probe { answer }).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        shards::newest(&self.pool).await
    }

    async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        shards::all(&self.pool).await
    }

    async fn open_shard(&self, next: Next) -> Result<(), StoreError> {
        self.ask(|answer| Command::OpenShard { next: Box::new(next), answer }).await
    }

    async fn durable_head(&self) -> Result<Head, StoreError> {
        self.ask(|answer| Command::Head { answer }).await
    }

    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        leaves(&self.pool, from, count).await
    }

    async fn leaves_of(&self, kind: LeafKind, from: u64, count: u32) -> Result<Vec<(u64, String)>, StoreError> {
        let rare = match kind {
            LeafKind::Erase => statements::ERASE_LEAVES,
            LeafKind::Admin => statements::ADMIN_LEAVES,
            LeafKind::Manual => statements::MANUAL_LEAVES,
            LeafKind::ObligationDone => statements::DONE_LEAVES,
            _ => return self.leaves_read(kind, from, count).await,
        };
        let count = bound(u64::from(count).min(ROWS_MAX));
        let found = sqlx::query_as::<_, (i64, String)>(rare).bind(bound(from)).bind(count);
        let found = found.fetch_all(&self.pool).await.map_err(refused("log_leaf"))?;
        found.into_iter().map(|(at, leaf)| Ok((unsigned(at, "log_leaf")?, leaf))).collect()
    }

    async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        let to = to.min(from.saturating_add(ROWS_MAX));
        let found =
            sqlx::query_scalar(statements::LEAF_HASHES).bind(log_of(from)).bind(index(from)).bind(last(from, to));
        found.fetch_all(&self.pool).await.map_err(refused("log_leaf"))
    }

    async fn subtree_hashes(&self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        let to = to.min(from.saturating_add(ROWS_MAX));
        let found = sqlx::query_scalar(statements::SUBTREE_HASHES).bind(log_of(from)).bind(i16::from(level));
        found.bind(index(from)).bind(last(from, to)).fetch_all(&self.pool).await.map_err(refused("log_subtree"))
    }

    async fn transaction(&self, oin: &Oin, id: uuid::Uuid) -> Result<Option<StoredEntry>, StoreError> {
        let found = sqlx::query_as(statements::TRANSACTION).bind(oin.as_str()).bind(id.as_bytes().as_slice());
        found.fetch_optional(&self.pool).await.map_err(refused("log_leaf"))?.map(stored_entry).transpose()
    }

    async fn entry(&self, at: u64) -> Result<Option<StoredEntry>, StoreError> {
        let found = sqlx::query_as(statements::ENTRY).bind(log_of(at)).bind(index(at));
        found.fetch_optional(&self.pool).await.map_err(refused("log_leaf"))?.map(stored_entry).transpose()
    }

    /// Written by the writer between appends. A crash loses a note that the same head can be signed for again.
    async fn keep_checkpoint(&self, size: u64, note: &str, time: Millis) -> Result<(), StoreError> {
        self.tell(Command::Keep { size, note: note.to_owned(), time })
    }

    /// The writer looks for what it left unknown before anything else; see [`super::settle`].
    fn settles(&self) -> bool {
        true
    }

    /// An atomic maximum; the writer reads it in each commit, and when the log is closed.
    fn delivered_below(&self, index: u64) {
        self.low.fetch_max(index, Ordering::AcqRel);
    }
}

/// The index after the last of a range that begins at a position and ends in its shard.
pub(super) fn last(from: u64, to: u64) -> i64 {
    bound(to - base_of(from).min(to))
}

/// The exact bytes of leaves.
pub(super) async fn leaves(pool: &PgPool, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
    let to = from.saturating_add(u64::from(count).min(ROWS_MAX));
    let found = sqlx::query_scalar(statements::LEAVES).bind(log_of(from)).bind(index(from)).bind(last(from, to));
    found.fetch_all(pool).await.map_err(refused("log_leaf"))
}
