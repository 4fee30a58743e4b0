//! One append: read inside the lock, let the core decide, write, commit.
//!
//! INVARIANT (committed): `Finalised::committed` is called after COMMIT returned success, and nowhere else.
//! If the process dies before COMMIT returns, the whole batch exists or none of it; the next start finds which.

use super::errors::{at_commit, before_commit, is_data};
use super::rows::{guard_row, head_row, leaf_row, log_of, position_of};
use super::writer::{Desk, KeptCheckpoint};
use super::{segments, statements};
use crate::state_row;
use crate::store::{LOG, Mark, corrupt, kind_number, kind_of, organisation_of, reject, signed};
use rusqlite::OptionalExtension;
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::{Committed, Entry, Finalised, Seen, Snapshot, finalise, wanted};
use sluis_core::log::shard;
use sluis_core::ports::{SHARD_CLOSED, StoreError};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The replica number of the only process on a SQLite log.
pub(super) const REPLICA: i64 = 1;

/// Why an attempt wrote nothing.
pub(super) enum Failure {
    /// The engine rejects the row of the draft at this position.
    Draft(usize),
    /// Everything else.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Desk {
    /// Appends drafts as one transaction. A draft whose row the engine rejects fails alone: it is rejected in the
    /// next attempt, which the core answers with `Malformed` (A4).
    pub fn append(
        &mut self,
        mut drafts: Vec<Draft>,
        kept: &mut Option<KeptCheckpoint>,
    ) -> Result<Committed, StoreError> {
        for _ in 0..=drafts.len() {
            if self.halted {
                break;
            }
            if self.closed {
                return Err(StoreError::Unavailable { store: LOG, state: SHARD_CLOSED });
            }
            match self.attempt(&drafts, kept.as_ref()) {
                Ok(finalised) => {
                    if !finalised.is_empty() {
                        *kept = None;
                    }
                    return Ok(finalised.committed());
                }
                Err(Failure::Store(error)) => return Err(error),
                Err(Failure::Draft(position)) => reject(&mut drafts, position)?,
            }
        }
        Err(StoreError::Unknown { store: LOG })
    }

    fn attempt<'d>(&mut self, drafts: &'d [Draft], kept: Option<&KeptCheckpoint>) -> Result<Finalised<'d>, Failure> {
        self.begin()?;
        match self.write(drafts, kept) {
            Ok(finalised) if finalised.is_empty() => {
                self.rollback();
                Ok(finalised)
            }
            Ok(finalised) => {
                self.commit()?;
                self.head = finalised.head().clone();
                self.closed = finalised.closes();
                for (key, mark, sealed, state) in self.learned.drain(..) {
                    self.guards.learn(&key, mark, sealed, state);
                }
                Ok(finalised)
            }
            Err(failure) => {
                self.rollback();
                Err(failure)
            }
        }
    }

    pub(super) fn begin(&self) -> Result<(), StoreError> {
        self.run(statements::BEGIN).map_err(|error| before_commit(LOG, "log_head", &error))
    }

    /// After an error that is not known to have written nothing, this desk never writes again (A6).
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        self.run(statements::COMMIT).map_err(|error| {
            let error = at_commit(LOG, &error);
            if matches!(error, StoreError::Unknown { .. }) {
                self.halted = true;
            }
            self.rollback();
            error
        })
    }

    pub(super) fn rollback(&mut self) {
        self.low_written = None; // whatever was written of it is gone again
        if !self.connection.is_autocommit() && self.run(statements::ROLLBACK).is_err() {
            self.halted = true;
        }
    }

    fn run(&self, sql: &str) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached(sql)?.execute([]).map(|_| ())
    }

    pub(super) fn write<'d>(
        &mut self,
        drafts: &'d [Draft],
        kept: Option<&KeptCheckpoint>,
    ) -> Result<Finalised<'d>, Failure> {
        let head = head_row(&self.connection, self.log).map_err(|e| before_commit(LOG, "log_head", &e))?.open()?;
        if head != self.head {
            return Err(corrupt("log_head").into()); // somebody else wrote, or the file went back in time
        }
        let mut snapshot = self.snapshot(drafts)?;
        snapshot.halted = self.is_halted_by_row()?;
        let finalised = finalise(&head, snapshot, self.clock.now(), drafts)?;
        if finalised.is_empty() {
            return Ok(finalised);
        }
        self.write_leaves(&finalised)?;
        let refused = |table| move |error: rusqlite::Error| before_commit(LOG, table, &error);
        self.write_guards(&finalised)?;
        self.write_subtrees(&finalised).map_err(refused("log_subtree"))?;
        self.write_head(&finalised)?;
        segments::write(self, finalised.entries())?;
        self.write_low()?;
        if let Some(kept) = kept {
            self.write_checkpoint(kept)?;
        }
        if finalised.closes() {
            self.close(finalised.head())?;
        }
        Ok(finalised)
    }

    /// Reads, inside the lock, what the core wants to compare.
    fn snapshot(&self, drafts: &[Draft]) -> Result<Snapshot, StoreError> {
        let wanted = wanted(drafts);
        let mut snapshot = Snapshot::default();
        for key in wanted.guards {
            let mark = self.guards.mark(&key);
            let row = guard_row(&self.connection, &key).map_err(|e| before_commit(LOG, "state", &e))?;
            if let Some(guard) = self.guards.read(&key, mark, row, &self.seals.state)? {
                snapshot.guards.insert(key, guard);
            }
        }
        for (oin, id) in wanted.transactions {
            let refused = |error| before_commit(LOG, "log_leaf", &error);
            let mut statement = self.connection.prepare_cached(statements::SEEN).map_err(refused)?;
            let found = statement.query_row((oin.as_str(), id.as_bytes()), |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?, row.get::<_, i64>(2)?))
            });
            if let Some((row, digest, kind)) = found.optional().map_err(refused)? {
                let kind = kind_of(kind).ok_or(corrupt("log_leaf"))?;
                snapshot.transactions.insert((oin, id), Seen { digest, index: position_of(row), kind });
            }
        }
        Ok(snapshot)
    }

    fn write_leaves(&self, finalised: &Finalised<'_>) -> Result<(), Failure> {
        let refused = |error: rusqlite::Error| Failure::Store(before_commit(LOG, "log_leaf", &error));
        let mut statement = self.connection.prepare_cached(statements::INSERT_LEAF).map_err(refused)?;
        for entry in finalised.entries() {
            let row = leaf_row(self.log, entry.index)?;
            let (transaction, payload) = (entry.draft.transaction.as_ref(), entry.draft.payload.as_ref());
            let inserted = statement.execute((
                row,
                &entry.text,
                &entry.hash,
                kind_number(entry.kind),
                signed(entry.time)?,
                entry.draft.rid.0.as_bytes(),
                organisation_of(entry.draft),
                transaction.map(|t| t.id.as_bytes()),
                transaction.map(|t| &t.digest),
                payload.map(|p| &p.key_id),
                payload.map(|p| &p.ciphertext),
            ));
            let page = inserted.and_then(|_| self.write_page(row, entry));
            page.map_err(|error| if is_data(&error) { Failure::Draft(entry.position) } else { refused(error) })?;
        }
        Ok(())
    }

    fn write_page(&self, row: i64, entry: &Entry<'_>) -> Result<(), rusqlite::Error> {
        let Some(page) = &entry.draft.page else { return Ok(()) };
        self.connection.prepare_cached(statements::INSERT_PAGE)?.execute((row, page.to_bytes())).map(|_| ())
    }

    /// What is written here is learned only after the commit.
    fn write_guards(&mut self, finalised: &Finalised<'_>) -> Result<(), StoreError> {
        self.learned.clear();
        let refused = |error: rusqlite::Error| before_commit(LOG, "state", &error);
        for row in finalised.guards() {
            let sealed = state_row::seal(&self.seals.state, &row.key, row.version, row.index, &row.state);
            let sealed = sealed.map_err(|_| corrupt("state"))?;
            let (kind, key) = state_row::place(&row.key);
            let mut statement = self.connection.prepare_cached(statements::WRITE_STATE).map_err(refused)?;
            statement.execute((kind, key, signed(row.version)?, signed(row.index)?, &sealed)).map_err(refused)?;
            let mark = Mark { version: row.version, index: row.index };
            self.learned.push((row.key.clone(), mark, sealed, Arc::clone(&row.state)));
        }
        Ok(())
    }

    fn write_subtrees(&self, finalised: &Finalised<'_>) -> Result<(), rusqlite::Error> {
        for row in finalised.subtrees() {
            let number =
                i64::try_from(row.number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(2, i64::MAX))?;
            self.connection
                .prepare_cached(statements::INSERT_SUBTREE)?
                .execute((self.log, row.level, number, &row.hash))?;
        }
        Ok(())
    }

    fn write_head(&self, finalised: &Finalised<'_>) -> Result<(), StoreError> {
        let refused = |error: rusqlite::Error| before_commit(LOG, "log_head", &error);
        let head = finalised.head();
        let size = signed(head.size())?;
        let mut insert = self.connection.prepare_cached(statements::INSERT_HEAD).map_err(refused)?;
        insert.execute((self.log, size, head.frontier.to_bytes(), signed(head.last_time)?)).map_err(refused)?;
        let mut prune = self.connection.prepare_cached(statements::PRUNE_HEADS).map_err(refused)?;
        prune.execute((self.log, size)).map(|_| ()).map_err(refused)
    }

    /// The in-flight mark, where it moved (A9).
    pub(super) fn write_low(&mut self) -> Result<(), StoreError> {
        let low = self.low.load(Ordering::Acquire);
        if self.low_written == Some(low) {
            return Ok(());
        }
        let refused = |error: rusqlite::Error| before_commit(LOG, "replica", &error);
        let mut statement = self.connection.prepare_cached(statements::WRITE_LOW).map_err(refused)?;
        statement.execute((REPLICA, signed(low)?)).map_err(refused)?;
        drop(statement);
        self.low_written = Some(low);
        Ok(())
    }

    /// What an append needs of head, clock and disk, without an entry: the in-flight mark is written as it is.
    pub(super) fn probe(&mut self) -> Result<(), StoreError> {
        let head = head_row(&self.connection, self.log).map_err(|e| before_commit(LOG, "log_head", &e))?.open()?;
        if head != self.head {
            return Err(corrupt("log_head"));
        }
        finalise(&head, Snapshot::default(), self.clock.now(), &[])?;
        self.low_written = None;
        self.write_low()
    }

    /// Keeps the newest note, and of the older ones the last of each minute.
    pub(super) fn write_checkpoint(&self, kept: &KeptCheckpoint) -> Result<(), StoreError> {
        let refused = |error: rusqlite::Error| before_commit(LOG, "log_checkpoint", &error);
        let log = log_of(kept.size);
        let (size, time) = (signed(shard::index_of(kept.size))?, signed(kept.time)?);
        let mut thin = self.connection.prepare_cached(statements::THIN_CHECKPOINTS).map_err(refused)?;
        thin.execute((log, size, time)).map_err(refused)?;
        let mut insert = self.connection.prepare_cached(statements::WRITE_CHECKPOINT).map_err(refused)?;
        insert.execute((log, size, &kept.note, time)).map(|_| ()).map_err(refused)
    }
}
