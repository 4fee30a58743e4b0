//! A log that gateways serve, opened for reading only: for exports and inspections. Takes no lock.

use super::connect::Place;
use super::halts;
use super::open::LOG_KIND;
use super::open_error::OpenError;
use super::read::{self, ROWS_MAX, last};
use super::rows::{index, log_of, refused, stored_entry};
use super::settle::on_standby;
use super::writer::PATIENCE;
use super::{shards, statements};
use crate::master::MasterKey;
use crate::store::LOG;
use async_trait::async_trait;
use sluis_core::log::finalise::Head;
use sluis_core::log::shard::Shard;
use sluis_core::ports::{StoreError, StoredEntry};
use sluis_core::upkeep::LogArchive;
use sqlx::postgres::PgPool;

/// Leaves, head and kept checkpoints of a log.
pub struct PostgresLogReader {
    pool: PgPool,
    /// Whether nothing counts as durable before a synchronous standby has it.
    standby: bool,
}

impl PostgresLogReader {
    /// Opens the log of a database for reading.
    ///
    /// # Errors
    /// [`OpenError`] names the place and what to do.
    pub async fn open(place: &Place, master: &MasterKey) -> Result<Self, OpenError> {
        place.open(&LOG_KIND, master).await?;
        Ok(Self { pool: place.readers(), standby: false })
    }

    /// Nothing counts as durable before a synchronous standby has it, where one is required.
    #[must_use]
    pub fn with_standby(self, standby: bool) -> Self {
        Self { standby, ..self }
    }
}

#[async_trait]
impl LogArchive for PostgresLogReader {
    async fn head(&self) -> Result<Head, StoreError> {
        shards::newest(&self.pool).await
    }

    async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        shards::all(&self.pool).await
    }

    async fn durable(&self) -> Result<(), StoreError> {
        if !self.standby {
            return Ok(());
        }
        let mut session = self.pool.acquire().await.map_err(refused("log_head"))?;
        let told = tokio::time::timeout(PATIENCE, on_standby(&mut session)).await;
        let told = told.map_err(|_elapsed| StoreError::Unavailable { store: LOG, state: "NO_STANDBY" })?;
        told.map_err(refused("log_head"))
    }

    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        read::leaves(&self.pool, from, count).await
    }

    async fn entries(&self, from: u64, count: u32) -> Result<Vec<StoredEntry>, StoreError> {
        let to = from.saturating_add(u64::from(count).min(ROWS_MAX));
        let found = sqlx::query_as(statements::ENTRIES).bind(log_of(from)).bind(index(from)).bind(last(from, to));
        let found = found.fetch_all(&self.pool).await.map_err(refused("log_leaf"))?;
        found.into_iter().map(stored_entry).collect()
    }

    async fn checkpoints(&self, size: u64) -> Result<Vec<String>, StoreError> {
        let found = sqlx::query_scalar(statements::CHECKPOINTS).bind(log_of(size)).bind(index(size));
        found.fetch_all(&self.pool).await.map_err(refused("log_checkpoint"))
    }

    async fn halted(&self) -> Result<Vec<String>, StoreError> {
        halts::in_force(&self.pool).await.map_err(refused("log_halt"))
    }
}
