//! From drafts to bytes, inside the lock: the one place that decides what becomes of an entry.
//!
//! Pure. The driver reads the head and what [`wanted`] names inside its transaction, calls [`finalise`], writes what
//! it returns, commits, and only then calls [`Finalised::committed`]. Log order is legal order: a change of standing,
//! enrolment or policy earlier in the log, or earlier in the same batch, makes every later entry that relied on the
//! old version stale.

pub use super::committed::{Committed, Entry, Finalised, GuardRow, SubtreeRow};
use super::draft::{Draft, GuardKey, GuardState, Outcome, Transaction, Versioned};
use super::growth::Growth;
use super::overlay::{Overlay, key_of, matches};
use super::tree::{Frontier, leaf_hash};
use super::{Hash, LeafKind, Millis, shard};
use crate::organisation::Oin;
use crate::ports::StoreError;
use crate::subject::dutch_date;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// How far the clock may stand before the last entry; within it, time stands still instead of going back.
pub const CLOCK_TOLERANCE_MS: u64 = 5_000;

/// Where the tree stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// `sluis-log.<domain>/<OIN>/<year>-<epoch>`.
    pub origin: String,
    /// The number of the shard in its log, from 0: what positions are made of.
    pub shard: u16,
    /// The right edge.
    pub frontier: Frontier,
    /// Time of the last leaf; of an empty shard, of the last leaf of the shard before it (A8).
    pub last_time: Millis,
}

impl Head {
    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The position of an index in this shard.
    #[must_use]
    pub const fn position(&self, index: u64) -> u64 {
        shard::position(self.shard, index)
    }

    /// The position of the next entry.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.position(self.size())
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }
}

/// What the driver must read inside the lock before it calls [`finalise`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The guards relied on or changed.
    pub guards: BTreeSet<GuardKey>,
    /// The transactions that may have been seen.
    pub transactions: Vec<(Oin, uuid::Uuid)>,
}

/// Names what to read for these drafts.
#[must_use]
pub fn wanted(drafts: &[Draft]) -> Wanted {
    let relied = drafts.iter().flat_map(|draft| draft.relies_on.iter().map(|(key, _)| key.clone()));
    let changed = drafts.iter().flat_map(|draft| draft.effects.iter().map(key_of));
    let transactions = drafts.iter().filter_map(|draft| draft.transaction.as_ref());
    Wanted {
        guards: relied.chain(changed).collect(),
        transactions: transactions.map(|transaction| (transaction.oin.clone(), transaction.id)).collect(),
    }
}

/// A transaction that is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// HMAC of its request.
    pub digest: Hash,
    /// At which position.
    pub index: u64,
    /// As what.
    pub kind: LeafKind,
}

/// What the driver read inside the lock. A guard without a row may be absent: version 0, nothing set.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Guards by key.
    pub guards: BTreeMap<GuardKey, Versioned<Arc<GuardState>>>,
    /// Transactions that were found.
    pub transactions: HashMap<(Oin, uuid::Uuid), Seen>,
    /// Whether the log is halted for this replica: no answer is recorded upon it (A27).
    pub halted: bool,
}

/// Decides what becomes of each draft and gives the bytes to write.
///
/// In this order a draft is: `Stale` under another origin, after the entry that ends its shard, or when it opens a shard that is
/// open; `Halted` when it answers a question, or ends the shard, and the log is halted; `Duplicate` or `Conflict` when its transaction is known;
/// `Stale` when a version or the day it relied on is not today's; `Refused` or `PolicyTooOld` when its change cannot
/// be applied; `Malformed` when its leaf breaks the key table; else `Recorded` at the next index.
///
/// # Errors
/// [`StoreError::ClockBehind`] when `now` is more than [`CLOCK_TOLERANCE_MS`] before the last entry, and
/// [`StoreError::Corrupt`] when a guard holds the state of another sort. Nothing may then be written.
pub fn finalise<'a>(
    head: &Head,
    snapshot: Snapshot,
    now: Millis,
    drafts: &'a [Draft],
) -> Result<Finalised<'a>, StoreError> {
    if now.saturating_add(CLOCK_TOLERANCE_MS) < head.last_time {
        return Err(StoreError::ClockBehind { behind_ms: head.last_time - now });
    }
    if snapshot.guards.iter().any(|(key, guard)| !matches(key, &guard.state)) {
        return Err(StoreError::Corrupt { store: "log database", table: "guard" });
    }
    let time = now.max(head.last_time);
    let mut batch = Batch {
        before: head,
        time,
        today: dutch_date(time),
        halted: snapshot.halted,
        next: head.size(),
        closed: false,
        overlay: Overlay::new(snapshot.guards),
        seen: snapshot.transactions,
        entries: Vec::with_capacity(drafts.len()),
    };
    let outcomes = drafts.iter().enumerate().map(|(position, draft)| batch.place(position, draft)).collect();
    Ok(batch.close(head, outcomes))
}

/// A batch while its drafts are placed one after the other.
struct Batch<'a, 'd> {
    before: &'a Head,
    time: Millis,
    today: jiff::civil::Date,
    halted: bool,
    next: u64,
    /// An entry of this batch ended the shard.
    closed: bool,
    overlay: Overlay,
    seen: HashMap<(Oin, uuid::Uuid), Seen>,
    entries: Vec<Entry<'d>>,
}

impl<'d> Batch<'_, 'd> {
    fn place(&mut self, position: usize, draft: &'d Draft) -> Outcome {
        match self.try_place(position, draft) {
            Ok(outcome) | Err(outcome) => outcome,
        }
    }

    fn try_place(&mut self, position: usize, draft: &'d Draft) -> Result<Outcome, Outcome> {
        // A shard is opened once, by its first entry: of two gateways that start on an empty log, the second finds it open.
        let opened_before = self.next > 0 && shard::opens(&draft.leaf);
        if self.closed || *draft.origin != *self.before.origin || opened_before {
            return Err(Outcome::Stale);
        }
        if self.halted && (draft.leaf.kind().answers() || shard::closes(&draft.leaf)) {
            return Err(Outcome::Halted);
        }
        self.check_transaction(draft.transaction.as_ref())?;
        self.check_fresh(draft)?;
        let changes = self.overlay.attempt(&draft.effects)?;
        let (index, time, kind) = (self.next, self.time, draft.leaf.kind());
        let position_in_log = self.before.position(index);
        let text = draft.leaf.encode(draft.rid, index, time).map_err(Outcome::Malformed)?;
        let hash = leaf_hash(text.as_bytes());
        self.overlay.accept(changes, position_in_log);
        if let Some(Transaction { oin, id, digest }) = draft.transaction.clone() {
            self.seen.insert((oin, id), Seen { digest, index: position_in_log, kind });
        }
        self.closed = shard::closes(&draft.leaf);
        self.entries.push(Entry { position, draft, index, time, text, hash, kind });
        self.next += 1;
        Ok(Outcome::Recorded { index: position_in_log, time })
    }

    fn check_transaction(&self, transaction: Option<&Transaction>) -> Result<(), Outcome> {
        let Some(transaction) = transaction else { return Ok(()) };
        match self.seen.get(&(transaction.oin.clone(), transaction.id)) {
            None => Ok(()),
            Some(seen) if seen.digest == transaction.digest => {
                Err(Outcome::Duplicate { index: seen.index, kind: seen.kind })
            }
            Some(_) => Err(Outcome::Conflict),
        }
    }

    fn check_fresh(&self, draft: &Draft) -> Result<(), Outcome> {
        let same_day = draft.decided_on.is_none_or(|day| day == self.today);
        let same_versions = draft.relies_on.iter().all(|(key, version)| self.overlay.version(key) == *version);
        if same_day && same_versions { Ok(()) } else { Err(Outcome::Stale) }
    }

    fn close(self, head: &Head, outcomes: Vec<Outcome>) -> Finalised<'d> {
        let hashes: Vec<Hash> = self.entries.iter().map(|entry| entry.hash).collect();
        let growth = (!hashes.is_empty()).then(|| Growth::new(&head.frontier, hashes));
        let head = match &growth {
            None => head.clone(),
            Some(growth) => Head { frontier: growth.frontier(), last_time: self.time, ..head.clone() },
        };
        let subtrees = growth.as_ref().map(Growth::subtrees).unwrap_or_default();
        Finalised::new(self.entries, self.overlay.into_rows(), subtrees, head, outcomes, growth)
    }
}
