//! The ledger port: appends go to the writer, reads are answered by a few sessions that only read.

use super::rows::{bound, head_of, refused, stored_entry};
use super::writer::Command;
use super::{PostgresLog, statements};
use crate::store::{corrupt, kind_number};
use async_trait::async_trait;
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::{Committed, Head};
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
        head(&self.pool, self.log, &self.origin).await
    }

    async fn durable_head(&self) -> Result<Head, StoreError> {
        let origin = self.origin.clone();
        self.ask(|answer| Command::Head { origin, answer }).await
    }

    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        leaves(&self.pool, self.log, from, count).await
    }

    async fn leaves_of(&self, kind: LeafKind, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        let count = bound(u64::from(count).min(ROWS_MAX));
        let few = |sql| sqlx::query_scalar(sql).bind(self.log).bind(bound(from)).bind(count);
        let found = match kind {
            LeafKind::Manual => few(statements::MANUAL_LEAVES),
            LeafKind::ObligationDone => few(statements::DONE_LEAVES),
            _ => {
                let kind = i16::try_from(kind_number(kind)).map_err(|_| corrupt("log_leaf"))?;
                sqlx::query_scalar(statements::LEAVES_OF).bind(self.log).bind(kind).bind(bound(from)).bind(count)
            }
        };
        found.fetch_all(&self.pool).await.map_err(refused("log_leaf"))
    }

    async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        let to = to.min(from.saturating_add(ROWS_MAX));
        let found = sqlx::query_scalar(statements::LEAF_HASHES).bind(self.log).bind(bound(from)).bind(bound(to));
        found.fetch_all(&self.pool).await.map_err(refused("log_leaf"))
    }

    async fn subtree_hashes(&self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        let to = to.min(from.saturating_add(ROWS_MAX));
        let found = sqlx::query_scalar(statements::SUBTREE_HASHES).bind(self.log).bind(i16::from(level));
        found.bind(bound(from)).bind(bound(to)).fetch_all(&self.pool).await.map_err(refused("log_subtree"))
    }

    async fn transaction(&self, oin: &Oin, id: uuid::Uuid) -> Result<Option<StoredEntry>, StoreError> {
        let found = sqlx::query_as(statements::TRANSACTION).bind(oin.as_str()).bind(id.as_bytes().as_slice());
        found.fetch_optional(&self.pool).await.map_err(refused("log_leaf"))?.map(stored_entry).transpose()
    }

    async fn entry(&self, index: u64) -> Result<Option<StoredEntry>, StoreError> {
        let found = sqlx::query_as(statements::ENTRY).bind(self.log).bind(bound(index));
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

/// The newest head that is committed.
pub(super) async fn head(pool: &PgPool, log: i16, origin: &str) -> Result<Head, StoreError> {
    let row = sqlx::query_as(statements::HEAD).bind(log).fetch_one(pool).await.map_err(refused("log_head"))?;
    head_of(origin, row).map(|(head, _)| head)
}

/// The exact bytes of leaves.
pub(super) async fn leaves(pool: &PgPool, log: i16, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
    let to = from.saturating_add(u64::from(count).min(ROWS_MAX));
    let found = sqlx::query_scalar(statements::LEAVES).bind(log).bind(bound(from)).bind(bound(to));
    found.fetch_all(pool).await.map_err(refused("log_leaf"))
}
