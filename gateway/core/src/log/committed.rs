//! What a batch comes to: the rows to write, and after the commit the receipts.

use super::checkpoint::SignedCheckpoint;
use super::draft::{Draft, GuardKey, GuardState, Outcome};
use super::finalise::Head;
use super::growth::Growth;
use super::receipt::Receipt;
use super::{Hash, LeafKind, Millis, shard};
use std::sync::Arc;

/// One entry to be written.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Which draft it comes from.
    pub position: usize,
    /// That draft: request id, payload, transaction, whom it concerns, the items of a page.
    pub draft: &'a Draft,
    /// Index in the shard.
    pub index: u64,
    /// The time in the leaf.
    pub time: Millis,
    /// The exact bytes of the leaf.
    pub text: String,
    /// Their leaf hash.
    pub hash: Hash,
    /// Its kind.
    pub kind: LeafKind,
}

/// The state of a guard after the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardRow {
    /// Which guard.
    pub key: GuardKey,
    /// Its new version.
    pub version: u64,
    /// Its state.
    pub state: Arc<GuardState>,
    /// The position of the leaf that set it (A14).
    pub index: u64,
}

/// A complete sub-tree of `256^level` leaves that the batch finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubtreeRow {
    /// 1 for 256 leaves, 2 for 65,536, and so on.
    pub level: u8,
    /// Its number on that level.
    pub number: u64,
    /// Its root.
    pub hash: Hash,
}

/// What a batch comes to; nothing of it is durable yet.
#[derive(Debug)]
pub struct Finalised<'a> {
    entries: Vec<Entry<'a>>,
    guards: Vec<GuardRow>,
    subtrees: Vec<SubtreeRow>,
    head: Head,
    outcomes: Vec<Outcome>,
    growth: Option<Growth>,
}

impl<'a> Finalised<'a> {
    pub(super) const fn new(
        entries: Vec<Entry<'a>>,
        guards: Vec<GuardRow>,
        subtrees: Vec<SubtreeRow>,
        head: Head,
        outcomes: Vec<Outcome>,
        growth: Option<Growth>,
    ) -> Self {
        Self { entries, guards, subtrees, head, outcomes, growth }
    }

    /// The entries to write, in order of index.
    #[must_use]
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// The guards to write: the last state of each that changed.
    #[must_use]
    pub fn guards(&self) -> &[GuardRow] {
        &self.guards
    }

    /// The sub-tree hashes to write.
    #[must_use]
    pub fn subtrees(&self) -> &[SubtreeRow] {
        &self.subtrees
    }

    /// The head after the batch.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// One outcome for each draft, in their order.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Whether the batch ends its shard: nothing is appended to it any more.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.entries.last().is_some_and(|entry| shard::closes(&entry.draft.leaf))
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Declares the batch durable. Only the driver calls this, after its commit returned success, and nowhere else.
    #[must_use]
    pub fn committed(self) -> Committed {
        let leaf = |entry: Entry<'_>| CommittedLeaf {
            position: entry.position,
            index: entry.index,
            kind: entry.kind,
            text: entry.text.into(),
        };
        let leaves = self.entries.into_iter().map(leaf).collect();
        Committed { leaves, head: self.head, outcomes: self.outcomes, growth: self.growth }
    }
}

#[derive(Debug)]
struct CommittedLeaf {
    position: usize,
    index: u64,
    kind: LeafKind,
    text: Arc<str>,
}

/// A batch that is durable, and all that its receipts are made of.
#[derive(Debug)]
pub struct Committed {
    leaves: Vec<CommittedLeaf>,
    head: Head,
    outcomes: Vec<Outcome>,
    growth: Option<Growth>,
}

impl Committed {
    /// One outcome for each draft, in their order.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The head, now durable.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// One receipt for each draft that was recorded, in the order of the drafts.
    ///
    /// Proofs come from the old frontier and the batch's own hashes, never from rows. All are `None` when the
    /// checkpoint is not of this head.
    #[must_use]
    pub fn receipts(&self, checkpoint: &SignedCheckpoint) -> Vec<Option<Receipt>> {
        let mut receipts = vec![None; self.outcomes.len()];
        let Some(growth) = self.growth.as_ref() else { return receipts };
        if checkpoint.size != self.head.size() || checkpoint.root != self.head.root() {
            return receipts;
        }
        let note: Arc<str> = checkpoint.note.as_str().into();
        for leaf in &self.leaves {
            if let Some(place) = receipts.get_mut(leaf.position) {
                let path = growth.path(leaf.index);
                *place = Some(Receipt::new(Arc::clone(&leaf.text), leaf.kind, leaf.index, path, Arc::clone(&note)));
            }
        }
        receipts
    }
}
