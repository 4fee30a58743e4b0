//! Closing a shard and opening the next, in one file with one writer.
//!
//! The entry that ends a shard and the state of its row are one commit (see [`super::append`]); the next shard, its first entry
//! and the note of the one before are another. If the process dies between the two, the next start finds a log of which the
//! newest shard is closed, signs the same head again, which gives the same bytes, and opens the next.

use super::append::Failure;
use super::errors::before_commit;
use super::rows::head_row;
use super::statements;
use super::writer::{Desk, KeptCheckpoint, in_transaction};
use crate::store::{LOG, corrupt, pruned, signed};
use rusqlite::Connection;
use sluis_core::log::finalise::Head;
use sluis_core::log::shard::{Next, Shard};
use sluis_core::log::tree::Frontier;
use sluis_core::ports::{SHARD_CLOSED, StoreError};
use std::sync::atomic::Ordering;

/// Number, whether it takes entries, the note of the one before it, the entry that announced its removal.
type ShardRow = (i64, bool, Option<String>, Option<u64>);

/// The shards of a file, in order.
pub(super) fn rows(connection: &Connection) -> Result<Vec<ShardRow>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(statements::SHARDS)?;
    let rows = statement.query_map([], |row| {
        let state = row.get(1)?;
        Ok((row.get(0)?, state == 1, row.get(2)?, pruned(state, row.get(3)?)))
    })?;
    rows.collect()
}

/// The shards of a file with their heads, in order.
pub(super) fn all(connection: &Connection) -> Result<Result<Vec<Shard>, StoreError>, rusqlite::Error> {
    let mut shards = Vec::new();
    for (log, open, before, pruned) in rows(connection)? {
        match head_row(connection, log)?.open() {
            Ok(head) => shards.push(Shard { head, open, before, pruned }),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(if shards.is_empty() { Err(corrupt("log_shard")) } else { Ok(shards) })
}

impl Desk {
    /// Marks the shard as closed, in the commit that ends it.
    pub(super) fn close(&self, head: &Head) -> Result<(), StoreError> {
        let refused = |error: rusqlite::Error| before_commit(LOG, "log_shard", &error);
        let mut statement = self.connection.prepare_cached(statements::CLOSE_SHARD).map_err(refused)?;
        match statement.execute((self.log, signed(head.last_time)?)).map_err(refused)? {
            1 => Ok(()),
            _ => Err(corrupt("log_shard")),
        }
    }

    /// Opens the next shard; does nothing when the newest takes entries.
    pub(super) fn open_shard(&mut self, next: &Next) -> Result<(), StoreError> {
        if !self.closed {
            return Ok(());
        }
        if !next.is_after(&self.head) {
            return Err(StoreError::Unavailable { store: LOG, state: SHARD_CLOSED });
        }
        let before = (self.log, self.head.clone());
        match in_transaction(self, |desk| desk.begin_shard(next)) {
            Ok(head) => {
                (self.head, self.closed, self.segments) = (head, false, 0);
                self.newest.store(self.log, Ordering::Release);
                Ok(())
            }
            Err(error) => {
                (self.log, self.head) = before;
                Err(error)
            }
        }
    }

    fn begin_shard(&mut self, next: &Next) -> Result<Head, StoreError> {
        let kept = KeptCheckpoint { size: self.head.end(), note: next.before.clone(), time: next.now };
        self.write_checkpoint(&kept)?;
        let (before, last_time) = (self.log, self.head.last_time);
        self.log = before + 1;
        let refused = |table| move |error: rusqlite::Error| before_commit(LOG, table, &error);
        let mut shard = self.connection.prepare_cached(statements::NEXT_SHARD).map_err(refused("log_shard"))?;
        let row = (self.log, &next.origin, before, &next.before, signed(next.now)?);
        shard.execute(row).map_err(refused("log_shard"))?;
        drop(shard);
        let mut head = self.connection.prepare_cached(statements::INSERT_HEAD).map_err(refused("log_head"))?;
        head.execute((self.log, 0, Vec::<u8>::new(), signed(last_time)?)).map_err(refused("log_head"))?;
        drop(head);
        let shard = self.head.shard.checked_add(1).ok_or(corrupt("log_shard"))?;
        self.head = Head { origin: next.origin.clone(), shard, frontier: Frontier::empty(), last_time };
        let opening = std::slice::from_ref(&next.opening);
        let written = self.write(opening, None).map_err(|failure| match failure {
            Failure::Store(error) => error,
            Failure::Draft(_) => corrupt("log_leaf"),
        })?;
        if written.is_empty() { Err(corrupt("log_shard")) } else { Ok(written.head().clone()) }
    }
}
