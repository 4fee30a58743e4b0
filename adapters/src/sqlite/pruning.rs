//! Removing a shard whose term is over, step by step, by the writer (A30).
//!
//! Process dies between two steps: the row of the shard says that it is gone, nobody reads what is left of it, and the next call
//! goes on. Deleted pages are overwritten with zeros (`secure_delete`); [`compact`](LogPruning::compact) gives them back.

use super::errors::before_commit;
use super::writer::{Command, Desk};
use super::{SqliteLog, statements};
use crate::store::{LOG, corrupt, signed};
use async_trait::async_trait;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{Cut, LogPruning};

/// Rows of each table that one step removes: the WAL and the wait of others stay bounded.
const AT_ONCE: i64 = 500;

/// The tables of a shard in the order in which they go: the items of pages refer to leaves.
const STEPS: [(&str, &str); 5] = [
    ("page_blob", statements::PRUNE_PAGES),
    ("log_leaf", statements::PRUNE_LEAVES),
    ("subject_segment", statements::PRUNE_SEGMENTS),
    ("log_subtree", statements::PRUNE_SUBTREES),
    ("log_checkpoint", statements::PRUNE_CHECKPOINTS),
];

#[async_trait]
impl LogPruning for SqliteLog {
    /// The lock on the file is ours.
    async fn is_alone(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn prune(&self, cut: &Cut) -> Result<bool, StoreError> {
        let cut = cut.clone();
        self.ask(|answer| Command::Prune { cut, answer }).await
    }

    async fn compact(&self) -> Result<(), StoreError> {
        self.ask(|answer| Command::Compact { answer }).await
    }
}

impl Desk {
    /// One step, in the transaction of the caller.
    pub(super) fn prune(&self, cut: &Cut) -> Result<bool, StoreError> {
        let refused = |table| move |error: rusqlite::Error| before_commit(LOG, table, &error);
        let log = i64::from(cut.shard) + 1;
        if log == self.log {
            return Err(corrupt("log_shard"));
        }
        let mut mark = self.connection.prepare_cached(statements::PRUNE_SHARD).map_err(refused("log_shard"))?;
        mark.execute((log, signed(cut.announced_at)?)).map_err(refused("log_shard"))?;
        let mut gone = self.connection.prepare_cached(statements::IS_PRUNED).map_err(refused("log_shard"))?;
        if !gone.query_row([log], |row| row.get::<_, bool>(0)).map_err(refused("log_shard"))? {
            return Err(corrupt("log_shard"));
        }
        let mut removed = 0;
        for (table, sql) in STEPS {
            let mut step = self.connection.prepare_cached(sql).map_err(refused(table))?;
            removed += step.execute((log, AT_ONCE)).map_err(refused(table))?;
        }
        for (kind, key) in &cut.states {
            let mut step = self.connection.prepare_cached(statements::PRUNE_STATE).map_err(refused("state"))?;
            removed += step.execute((log, kind, key)).map_err(refused("state"))?;
        }
        Ok(removed > 0)
    }

    /// Writes the file anew without free pages. What the WAL then holds goes into the file when it is opened next.
    pub(super) fn compact(&self) -> Result<(), StoreError> {
        self.connection.execute_batch("VACUUM").map_err(|error| before_commit(LOG, "log_leaf", &error))
    }
}
