//! Removing a shard whose term is over, step by step, while no other process serves the log (A30).
//!
//! A step is one transaction, with the time that erasing has: its entry was written before it, and what a first step empties may
//! be large. Process dies between two steps, or no answer comes: the row of
//! the shard says that it is gone or that it is not, and the next call goes on from there. The partition of the leaves is
//! emptied, which frees its pages at once; what is deleted from the other tables [`compact`](LogPruning::compact) frees. What an
//! old snapshot still sees, archived WAL and backups stay: that is what the date in the entry is for.

use super::rows::{bound, refused};
use super::writer::{Command, Desk, UNHURRIED};
use super::{PostgresLog, statements};
use crate::store::LOG;
use async_trait::async_trait;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{Cut, LogPruning};
use sqlx::Connection;
use sqlx::postgres::PgConnection;

/// Rows of each table that one step removes: on a slow server too, a step ends long before it is given up.
const AT_ONCE: i64 = 500;

#[async_trait]
impl LogPruning for PostgresLog {
    async fn is_alone(&self) -> Result<bool, StoreError> {
        let others = sqlx::query_scalar::<_, i64>(statements::OTHERS).bind(self.replica).fetch_one(&self.pool).await;
        others.map(|others| others == 0).map_err(refused("replica_mark"))
    }

    async fn prune(&self, cut: &Cut) -> Result<bool, StoreError> {
        let cut = cut.clone();
        self.ask(|answer| Command::Prune { cut, answer }).await
    }

    async fn compact(&self) -> Result<(), StoreError> {
        let tables = [
            "VACUUM page_blob",
            "VACUUM subject_segment",
            "VACUUM log_subtree",
            "VACUUM log_checkpoint",
            "VACUUM state",
            "VACUUM log_leaf",
        ];
        self.place.vacuum(&tables).await.map_err(refused("log_leaf"))
    }
}

impl Desk {
    /// One step; durable on a standby where one is required.
    pub(super) async fn prune(&mut self, cut: &Cut) -> Result<bool, StoreError> {
        let replica = self.role.replica;
        // Others know the shards they started with, and would miss what is gone.
        if self.outside_lock(async |c| others(c, replica).await).await? > 0 {
            return Err(StoreError::Unavailable { store: LOG, state: "IN_USE" });
        }
        let removed = self.within(UNHURRIED, async |c| step(c, cut).await).await?;
        let mut session = self.session().await?;
        self.until_durable(&mut session).await?;
        self.session = Some(session);
        Ok(removed)
    }
}

async fn others(c: &mut PgConnection, replica: i16) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(statements::OTHERS).bind(replica).fetch_one(c).await
}

async fn step(c: &mut PgConnection, cut: &Cut) -> Result<bool, sqlx::Error> {
    let log = i16::try_from(cut.shard).unwrap_or(i16::MAX).saturating_add(1);
    let kinds: Result<Vec<i16>, _> = cut.states.iter().map(|(kind, _)| i16::try_from(*kind)).collect();
    let kinds = kinds.map_err(|error| sqlx::Error::Encode(error.into()))?;
    let keys: Vec<&[u8]> = cut.states.iter().map(|(_, key)| key.as_slice()).collect();
    let mut transaction = c.begin().await?;
    sqlx::query(statements::UNHURRIED).execute(&mut *transaction).await?;
    let prune = sqlx::query_scalar::<_, i64>(statements::PRUNE).bind(log).bind(bound(cut.announced_at));
    let removed = prune.bind(kinds).bind(keys).bind(AT_ONCE).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(removed > 0)
}
