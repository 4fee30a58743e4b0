//! A log that gateways serve, opened for reading only: for exports and inspections. Takes no lock.

use super::connect::Place;
use super::halts;
use super::open::LOG_KIND;
use super::open_error::OpenError;
use super::read::{self, ROWS_MAX};
use super::rows::{bound, refused, stored_entry};
use super::statements;
use crate::master::MasterKey;
use async_trait::async_trait;
use sluis_core::log::finalise::Head;
use sluis_core::ports::{StoreError, StoredEntry};
use sluis_core::upkeep::LogArchive;
use sqlx::postgres::PgPool;

/// Leaves, head and kept checkpoints of a log.
pub struct PostgresLogReader {
    log: i16,
    origin: String,
    pool: PgPool,
}

impl PostgresLogReader {
    /// Opens the newest open shard of a database for reading.
    ///
    /// # Errors
    /// [`OpenError`] names the place and what to do.
    pub async fn open(place: &Place, master: &MasterKey) -> Result<Self, OpenError> {
        let mut session = place.open(&LOG_KIND, master).await?;
        let shard = sqlx::query_as(statements::OPEN_SHARD).fetch_one(&mut session).await;
        let (log, origin) = shard.map_err(|source| place.engine(source))?;
        Ok(Self { log, origin, pool: place.readers() })
    }
}

#[async_trait]
impl LogArchive for PostgresLogReader {
    async fn head(&self) -> Result<Head, StoreError> {
        read::head(&self.pool, self.log, &self.origin).await
    }

    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        read::leaves(&self.pool, self.log, from, count).await
    }

    async fn entries(&self, from: u64, count: u32) -> Result<Vec<StoredEntry>, StoreError> {
        let to = from.saturating_add(u64::from(count).min(ROWS_MAX));
        let found = sqlx::query_as(statements::ENTRIES).bind(self.log).bind(bound(from)).bind(bound(to));
        let found = found.fetch_all(&self.pool).await.map_err(refused("log_leaf"))?;
        found.into_iter().map(stored_entry).collect()
    }

    async fn checkpoints(&self, size: u64) -> Result<Vec<String>, StoreError> {
        let found = sqlx::query_scalar(statements::CHECKPOINTS).bind(self.log).bind(bound(size));
        found.fetch_all(&self.pool).await.map_err(refused("log_checkpoint"))
    }

    async fn halted(&self) -> Result<Vec<String>, StoreError> {
        halts::in_force(&self.pool).await.map_err(refused("log_halt"))
    }
}
