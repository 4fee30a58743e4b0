//! The offline verifier: from the leaves of an export and the signed checkpoints, without any database.
//!
//! Checkpoints first, then every leaf in order, then [`LogVerifier::finish`]. It promises that every leaf is in the
//! one form, that none is missing, doubled or out of order, that time never goes back, that every signed checkpoint
//! is of exactly these leaves, and that the newest one covers all of them.

use super::checkpoint::{self, NoteError};
use super::leaf::{Leaf, LeafError};
use super::shard::{Boundary, boundary};
use super::tree::Frontier;
pub use super::whole_leaf::WholeLeaf;
use super::{Hash, LeafKind, Millis};
use std::collections::BTreeMap;

pub use super::receipt::{VerifiedReceipt, verify_text as verify_receipt};

/// What is wrong with a log, at the first place where it shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A text that is not a leaf.
    #[error("leaf {index}: {error}")]
    NotALeaf {
        /// Where it stands.
        index: u64,
        /// Why.
        error: LeafError,
    },
    /// A leaf with another index than its place: one is missing, doubled or moved.
    #[error("leaf {index} says that it is leaf {says}")]
    OtherIndex {
        /// Where it stands.
        index: u64,
        /// What it says.
        says: u64,
    },
    /// Time goes back.
    #[error("leaf {index} is earlier than the leaf before it")]
    TimeGoesBack {
        /// Where.
        index: u64,
    },
    /// A leaf that refers to itself or to a later one.
    #[error("leaf {index} refers to a leaf that does not come before it")]
    RefersForward {
        /// Where.
        index: u64,
    },
    /// An entry after the one that ends the shard.
    #[error("leaf {index} stands after the entry that ends its shard")]
    AfterTheEnd {
        /// Where.
        index: u64,
    },
    /// An entry that begins a shard, not at its beginning.
    #[error("leaf {index} begins a shard that has begun")]
    BeginsAgain {
        /// Where.
        index: u64,
    },
    /// A checkpoint that does not count.
    #[error("a checkpoint does not count: {0}")]
    Note(NoteError),
    /// A signed root that these leaves do not have: something below that size was changed, or history was split.
    #[error("the signed checkpoint of size {size} is not of these leaves: one of the leaves before {size} was changed")]
    OtherRoot {
        /// Size of the checkpoint.
        size: u64,
    },
    /// Two signed checkpoints of one size with different roots: the log showed two histories.
    #[error("two signed checkpoints of size {size} differ: the log has shown two histories")]
    TwoHistories {
        /// Their size.
        size: u64,
    },
    /// A checkpoint of more leaves than there are: the end was cut off.
    #[error("the checkpoint of size {signed} covers more than the {size} leaves that are here: the end is missing")]
    CutOff {
        /// Size of the checkpoint.
        signed: u64,
        /// Leaves that are here.
        size: u64,
    },
    /// Leaves that no checkpoint covers.
    #[error("no checkpoint covers the leaves from {from} to the end")]
    NotSigned {
        /// The first of them.
        from: u64,
    },
    /// A checkpoint that was given after the leaves it is about.
    #[error("the checkpoint of size {size} came after its leaves: give checkpoints first")]
    TooLate {
        /// Size of the checkpoint.
        size: u64,
    },
}

/// What the first entry of a shard says of the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continued {
    /// Its name: `<year>-<epoch>`.
    pub after: String,
    /// Entries it had.
    pub size: u64,
    /// Its root then, 64 hex digits.
    pub root: String,
    /// Whether an operator began anew because something was lost.
    pub broken: bool,
}

/// What a verified log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Which log.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// The root over all of them.
    pub root: Hash,
    /// Leaves of each kind that occurs.
    pub kinds: BTreeMap<LeafKind, u64>,
    /// Checkpoints that were compared, each size once.
    pub checkpoints: u64,
    /// Time of the first leaf.
    pub first_time: Millis,
    /// Time of the last leaf.
    pub last_time: Millis,
    /// Whether it ends with the entry that says so.
    pub closed: bool,
    /// The shard that it says it continues.
    pub continues: Option<Continued>,
}

/// Verifies one log, leaf by leaf, in constant memory.
#[derive(Debug)]
pub struct LogVerifier {
    vkey: String,
    origin: String,
    /// Signed roots by size, not reached yet.
    ahead: BTreeMap<u64, Hash>,
    compared: u64,
    newest: Option<u64>,
    frontier: Frontier,
    first_time: Option<Millis>,
    last_time: Millis,
    kinds: BTreeMap<LeafKind, u64>,
    closed: bool,
    continues: Option<Continued>,
}

impl LogVerifier {
    /// A verifier that trusts this verifier key and nothing else.
    ///
    /// # Errors
    /// [`Finding::Note`] when it is not a verifier key.
    pub fn new(vkey: &str) -> Result<Self, Finding> {
        let vkey = vkey.trim_end_matches(['\r', '\n']);
        let origin = checkpoint::key_name(vkey).map_err(Finding::Note)?.to_owned();
        Ok(Self {
            vkey: vkey.to_owned(),
            origin,
            ahead: BTreeMap::new(),
            compared: 0,
            newest: None,
            frontier: Frontier::empty(),
            first_time: None,
            last_time: 0,
            kinds: BTreeMap::new(),
            closed: false,
            continues: None,
        })
    }

    /// The log that is verified.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Number of leaves seen so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Takes a signed checkpoint: the newest and every kept one, before the leaves it covers.
    ///
    /// # Errors
    /// [`Finding`] when it does not count, or contradicts another one or the leaves seen.
    pub fn checkpoint(&mut self, note: &str) -> Result<(), Finding> {
        let opened = checkpoint::open(note, &self.vkey).map_err(Finding::Note)?;
        let size = opened.size;
        if size < self.size() {
            return Err(Finding::TooLate { size });
        }
        if self.ahead.insert(size, opened.root).is_some_and(|root| root != opened.root) {
            return Err(Finding::TwoHistories { size });
        }
        self.newest = self.newest.max(Some(size));
        self.compare()
    }

    /// Takes the next leaf.
    ///
    /// # Errors
    /// [`Finding`] names the place and what is wrong.
    pub fn leaf(&mut self, text: &str) -> Result<(), Finding> {
        self.next(WholeLeaf::read(text)).map(|_hash| ())
    }

    /// Takes the next leaf as it was read; gives its hash.
    ///
    /// # Errors
    /// As [`LogVerifier::leaf`].
    pub fn next(&mut self, read: Result<WholeLeaf, LeafError>) -> Result<Hash, Finding> {
        let index = self.size();
        let leaf = read.map_err(|error| Finding::NotALeaf { index, error })?;
        if leaf.index != index {
            return Err(Finding::OtherIndex { index, says: leaf.index });
        }
        if leaf.time < self.last_time {
            return Err(Finding::TimeGoesBack { index });
        }
        self.boundary(leaf.epoch.as_ref(), index)?;
        if leaf.references.iter().any(|reference| self.refers_forward(reference)) {
            return Err(Finding::RefersForward { index });
        }
        self.first_time.get_or_insert(leaf.time);
        self.last_time = leaf.time;
        *self.kinds.entry(leaf.kind).or_default() += 1;
        self.frontier.push(leaf.hash);
        self.compare()?;
        Ok(leaf.hash)
    }

    /// Ends the verification.
    ///
    /// # Errors
    /// [`Finding::CutOff`] when a checkpoint covers more leaves, [`Finding::NotSigned`] when none covers the last.
    pub fn finish(self) -> Result<Summary, Finding> {
        let size = self.size();
        if let Some((signed, _)) = self.ahead.last_key_value() {
            return Err(Finding::CutOff { signed: *signed, size });
        }
        if self.newest != Some(size) {
            return Err(Finding::NotSigned { from: self.newest.unwrap_or(0) });
        }
        Ok(Summary {
            origin: self.origin,
            size,
            root: self.frontier.root(),
            kinds: self.kinds,
            checkpoints: self.compared,
            first_time: self.first_time.unwrap_or(0),
            last_time: self.last_time,
            closed: self.closed,
            continues: self.continues,
        })
    }

    /// A shard begins once, at its beginning, and nothing follows its end. `epoch` is the next leaf where it says so.
    fn boundary(&mut self, epoch: Option<&Leaf>, index: u64) -> Result<(), Finding> {
        if self.closed {
            return Err(Finding::AfterTheEnd { index });
        }
        match epoch.and_then(boundary) {
            Some(Boundary::Closes) => self.closed = true,
            Some(Boundary::Opens { .. }) if index > 0 => return Err(Finding::BeginsAgain { index }),
            Some(Boundary::Opens { after, size, root, broken }) => {
                let (after, root) = (after.to_owned(), root.to_owned());
                self.continues = Some(Continued { after, size, root, broken });
            }
            Some(Boundary::OpensFirst) | None => {}
        }
        Ok(())
    }

    fn compare(&mut self) -> Result<(), Finding> {
        let size = self.size();
        match self.ahead.remove(&size) {
            None => Ok(()),
            Some(root) if root == self.frontier.root() => {
                self.compared += 1;
                Ok(())
            }
            Some(_) => Err(Finding::OtherRoot { size }),
        }
    }

    /// Whether a reference points into this shard at a leaf that was not seen yet.
    fn refers_forward(&self, reference: &str) -> bool {
        let shard = self.origin.rsplit('/').next();
        let Some((in_shard, index)) = reference.split_once(':') else { return true };
        Some(in_shard) == shard && index.parse::<u64>().map_or(true, |index| index >= self.size())
    }
}
