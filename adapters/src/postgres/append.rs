//! One append: lock, read, let the core decide, write, commit, and only then let it count.
//!
//! INVARIANT (committed): `Finalised::committed` is called after COMMIT returned success, after a standby has it where one
//! is required, and after what others wrote was folded onto our own tree; and nowhere else. If the process dies before
//! COMMIT returns, the whole batch exists or none of it; the next start finds which.

use super::errors::{before_commit, is_data, is_usable};
use super::look::{Look, look, places};
use super::rows::leaf_hashes;
use super::settle::Pending;
use super::write::{Failure, Write};
use super::writer::{Desk, PATIENCE, Role};
use crate::store::{LOG, Learned, Mark, corrupt, reject};
use sluis_core::log::Millis;
use sluis_core::log::draft::{Draft, GuardKey};
use sluis_core::log::finalise::{Committed, Finalised, Head, Snapshot, Wanted, finalise, wanted};
use sluis_core::log::tree::Frontier;
use sluis_core::ports::StoreError;
use sqlx::postgres::PgConnection;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;

/// How far this machine's clock may stand from the database's: one fast clock must not stop all replicas (A7).
const CLOCK_APART_MS: u64 = 2_000;
/// Hashes of others' leaves that are read at a time.
const FOLD_PAGE: u64 = 16_384;

/// A batch that is written and not committed.
struct Written<'d> {
    finalised: Finalised<'d>,
    /// The head under the lock, before the batch.
    before: Head,
    learned: Vec<Learned>,
    low: u64,
}

impl Desk {
    /// Appends drafts as one transaction. When the engine rejects the data of some draft, the drafts are written one by
    /// one to find it; it is then rejected, which the core answers with `Malformed`, and the others are written (A4).
    pub(super) async fn append(&mut self, mut drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        let mut singly = false;
        for _ in 0..=2 * drafts.len() + 1 {
            match self.attempt(&drafts, singly).await {
                Ok(finalised) => return Ok(finalised.committed()),
                Err(Failure::Store(error)) => return Err(error),
                Err(Failure::Some) => singly = true,
                Err(Failure::Closed) => self.follow().await?,
                Err(Failure::Draft(position)) => reject(&mut drafts, position)?,
            }
        }
        Err(StoreError::Unavailable { store: LOG, state: "REJECTED" })
    }

    /// An append without drafts: lock, head and clock are as an append needs them.
    pub(super) async fn rehearse(&mut self) -> Result<(), StoreError> {
        match self.attempt(&[], false).await {
            Ok(_empty) => Ok(()),
            Err(Failure::Store(error)) => Err(error),
            Err(Failure::Closed) => self.follow().await,
            Err(Failure::Some | Failure::Draft(_)) => Err(corrupt("log_leaf")),
        }
    }

    async fn attempt<'d>(&mut self, drafts: &'d [Draft], singly: bool) -> Result<Finalised<'d>, Failure> {
        self.settle().await?;
        let mut session = self.session().await?;
        match tokio::time::timeout(PATIENCE, self.write(&mut session, drafts, singly)).await {
            // The session is dropped with its transaction.
            Err(_elapsed) => Err(StoreError::Unavailable { store: LOG, state: "SLOW" }.into()),
            Ok(Err((failure, usable))) => {
                if usable {
                    self.give_back(session).await;
                }
                // A head that does not extend ours, or rows of it that do not open: nothing more is built upon it.
                if matches!(failure, Failure::Store(StoreError::Corrupt { table: "log_head" | "log_shard", .. })) {
                    self.halted = true;
                }
                Err(failure)
            }
            Ok(Ok(written)) if written.finalised.is_empty() => {
                self.give_back(session).await;
                self.rests_on(&written.before).await?;
                Ok(written.finalised)
            }
            Ok(Ok(written)) => self.commit(session, written).await.map_err(Failure::Store),
        }
    }

    /// From COMMIT to durable. Whatever goes wrong here leaves the outcome to [`Desk::settle`].
    async fn commit<'d>(
        &mut self,
        mut session: PgConnection,
        written: Written<'d>,
    ) -> Result<Finalised<'d>, StoreError> {
        let Written { finalised, before, learned, low } = written;
        self.pending = finalised.entries().first().map(Pending::of);
        // Process dies here: the batch exists whole or not at all, and no caller has an answer.
        match tokio::time::timeout(PATIENCE, sqlx::query("COMMIT").execute(&mut session)).await {
            Ok(Ok(_)) => self.until_durable(&mut session).await?,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the commit of the log gave no clear answer");
                drop(session);
                session = self.stands().await?;
            }
            Err(_elapsed) => {
                drop(session);
                session = self.stands().await?;
            }
        }
        match self.fold(&mut session, &before).await {
            Ok(()) => self.pending = None,
            Err(error @ StoreError::Corrupt { .. }) => return Err(error),
            // The batch stands, and `Unavailable` would say that it does not.
            Err(_) => return Err(StoreError::Unknown { store: LOG }),
        }
        self.anchor = finalised.head().frontier.clone();
        for (key, mark, sealed, state) in learned {
            self.guards.learn(&key, mark, sealed, state);
        }
        (self.low_written, self.written_since_upkeep) = (low, true);
        self.session = Some(session);
        Ok(finalised)
    }

    /// Returns when an answer that writes nothing may rest on a head: a duplicate of what another replica wrote is told with
    /// a receipt, so a standby must have it, and it must extend our tree, as if we had written after it.
    pub(super) async fn rests_on(&mut self, head: &Head) -> Result<(), StoreError> {
        // As large is not the same: a backup that was put back may have grown again.
        if head.frontier == self.anchor {
            return Ok(());
        }
        let mut session = self.session().await?;
        let durable = self.until_durable(&mut session).await;
        durable.map_err(|_unknown| StoreError::Unavailable { store: LOG, state: "NO_STANDBY" })?;
        self.fold(&mut session, head).await?;
        self.session = Some(session);
        Ok(())
    }

    /// Everything before COMMIT. The flag tells whether the session may be used again.
    async fn write<'d>(
        &self,
        session: &mut PgConnection,
        drafts: &'d [Draft],
        singly: bool,
    ) -> Result<Written<'d>, (Failure, bool)> {
        let engine =
            |table| move |error: sqlx::Error| (Failure::Store(before_commit(LOG, table, &error)), is_usable(&error));
        sqlx::query("BEGIN").execute(&mut *session).await.map_err(engine("log_shard"))?;
        let store = |error: StoreError| (Failure::Store(error), true);
        let wanted = wanted(drafts);
        let found = look(session, self.role, &wanted).await.map_err(engine("log_shard"))?;
        let (before, clock) = found.head(self.role.log).map_err(store)?.ok_or((Failure::Closed, true))?;
        let now = self.clock.now();
        self.check_clock(now, clock).map_err(store)?;
        let bent = before.size() == self.anchor.size() && before.frontier != self.anchor;
        if self.halted || before.size() < self.anchor.size() || bent {
            return Err(store(corrupt("log_head")));
        }
        let snapshot = self.snapshot(&wanted, found).map_err(store)?;
        let finalised = finalise(&before, snapshot, now, drafts).map_err(store)?;
        let low = self.low.load(Ordering::Acquire);
        let mut learned = Vec::new();
        if !finalised.is_empty() {
            let write = Write { role: self.role, seals: &self.seals, finalised: &finalised };
            learned = write.learned().map_err(store)?;
            let written = write.all(session, &learned, (low != self.low_written).then_some(low), singly).await;
            written.map_err(|(failure, error)| {
                let failure = failure.unwrap_or_else(|table| match is_data(&error) && !singly {
                    true => Failure::Some,
                    false => Failure::Store(before_commit(LOG, table, &error)),
                });
                (failure, is_usable(&error))
            })?;
            if finalised.closes() {
                self.close(session, finalised.head()).await.map_err(engine("log_shard"))?;
            }
        }
        Ok(Written { finalised, before, learned, low })
    }

    pub(super) fn check_clock(&self, now: Millis, database: Millis) -> Result<(), StoreError> {
        let apart = now.abs_diff(database);
        let tells = self.clock.tells_real_time() && apart > CLOCK_APART_MS;
        if tells { Err(StoreError::Unavailable { store: LOG, state: "CLOCK_APART" }) } else { Ok(()) }
    }

    /// What the core compares, of what was read inside the lock.
    fn snapshot(&self, wanted: &Wanted, found: Look) -> Result<Snapshot, StoreError> {
        let mut snapshot =
            Snapshot { transactions: found.transactions()?, halted: found.halted()?, ..Snapshot::default() };
        let mut unread: BTreeMap<&GuardKey, Option<Mark>> =
            wanted.guards.iter().map(|key| (key, self.guards.mark(key))).collect();
        let by_place: HashMap<(i16, &[u8]), &GuardKey> =
            places(wanted).map(|(kind, bytes, key)| ((kind, bytes), key)).collect();
        for (kind, bytes, row) in found.states()? {
            let key = by_place.get(&(kind, bytes.as_slice())).ok_or(corrupt("state"))?;
            let mark = unread.remove(key).flatten();
            if let Some(guard) = self.guards.read(key, mark, Some(row), &self.seals.state)? {
                snapshot.guards.insert((*key).clone(), guard);
            }
        }
        for (key, mark) in unread {
            self.guards.read(key, mark, None, &self.seals.state)?;
        }
        Ok(snapshot)
    }

    /// Folds what others wrote since we last looked onto our own tree: it must give the head that we built upon (A5).
    ///
    /// Nothing of our batch was released yet. If the process dies here, the batch stands and nobody has its answer.
    pub(super) async fn fold(&mut self, session: &mut PgConnection, before: &Head) -> Result<(), StoreError> {
        let mut tree: Frontier = self.anchor.clone();
        while tree.size() < before.size() {
            let to = before.size().min(tree.size() + FOLD_PAGE);
            let hashes = leaf_hashes(session, self.role.log, tree.size(), to);
            let hashes = tokio::time::timeout(PATIENCE, hashes).await;
            let hashes = hashes.map_err(|_elapsed| StoreError::Unavailable { store: LOG, state: "SLOW" })??;
            if hashes.is_empty() {
                return Err(self.halt("log_leaf"));
            }
            hashes.into_iter().for_each(|hash| tree.push(hash));
        }
        if tree != before.frontier {
            return Err(self.halt("log_head"));
        }
        self.anchor = tree;
        Ok(())
    }
}

/// Writes the first entry of a shard that was just made, in the transaction that makes it.
pub(super) async fn write_opening(
    desk: &Desk,
    session: &mut PgConnection,
    log: i16,
    empty: &Head,
    opening: &Draft,
) -> Result<(), StoreError> {
    let finalised = finalise(empty, Snapshot::default(), desk.clock.now(), std::slice::from_ref(opening))?;
    if finalised.is_empty() {
        return Err(corrupt("log_shard"));
    }
    let write = Write { role: Role { log, ..desk.role }, seals: &desk.seals, finalised: &finalised };
    let written = write.all(session, &[], None, false).await;
    written.map_err(|(failure, error)| before_commit(LOG, failure.err().unwrap_or("log_leaf"), &error))
}
