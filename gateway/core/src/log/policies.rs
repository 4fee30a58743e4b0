//! Which policy was in force at which entry, from the leaves alone (invariant 12).
//!
//! It promises that every answer names the policy that the newest POLICY leaf before it put in force, with the same field
//! catalogue, and that numbers of policies never went back, over all shards that are taken in order. What a shard that continues
//! another cannot tell, when that one was not taken before it, is counted.

use super::leaf::{Key, Leaf};
use super::{LeafKind, Millis};
use std::fmt;
use std::sync::Arc;

/// An entry, in the words of [`Key::Ref`]: its index, after the name of its shard where several are replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    shard: Option<Arc<str>>,
    index: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shard, index } = self;
        shard.as_ref().map_or(Ok(()), |shard| write!(f, "{shard}:"))?;
        write!(f, "{index}")
    }
}

impl From<u64> for Place {
    fn from(index: u64) -> Self {
        Self { shard: None, index }
    }
}

/// A policy, from the entry that put it in force on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The entry that put it in force.
    pub since: Place,
    /// When, milliseconds since the epoch.
    pub time: Millis,
    /// SHA-256 over its canonical form, hex digits.
    pub digest: String,
    /// Its number.
    pub number: u64,
    /// Version of the field catalogue.
    pub catalogue: u64,
    /// Version of the engine that decides under it, where the leaf says it (A28).
    pub engine: Option<String>,
    /// SHA-256 over the register of those who signed it, where the leaf says it (A28).
    pub signers: Option<String>,
    /// Answers under it.
    pub answers: u64,
}

/// An entry that does not follow from the policies before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Other {
    /// It names another policy than the one in force.
    #[error("entry {index} names policy {named:.16}, but entry {since} had put {in_force:.16} in force")]
    Policy {
        /// The entry.
        index: Place,
        /// What it names.
        named: String,
        /// What was in force.
        in_force: String,
        /// Since which entry.
        since: Place,
    },
    /// It names a policy, and none was in force.
    #[error("entry {index} names policy {named:.16} before any entry put one in force")]
    None {
        /// The entry.
        index: Place,
        /// What it names.
        named: String,
    },
    /// It names another field catalogue than the policy in force: its fields would be read as other ones.
    #[error("entry {index} names field catalogue {named}, but the policy of entry {since} is over {in_force}")]
    Catalogue {
        /// The entry.
        index: Place,
        /// What it names.
        named: u64,
        /// What was in force.
        in_force: u64,
        /// Since which entry.
        since: Place,
    },
    /// It puts a lower number in force than was in force before: an old policy came back.
    #[error("entry {index} puts policy number {number} in force after number {before} of entry {since}")]
    Older {
        /// The entry.
        index: Place,
        /// Its number.
        number: u64,
        /// The number before.
        before: u64,
        /// Of which entry.
        since: Place,
    },
}

/// The policies of a log, entry by entry.
#[derive(Debug, Default)]
pub struct Policies {
    all: Vec<InForce>,
    shard: Option<Arc<str>>,
    /// The shard continues another: what was in force there is not here.
    continued: bool,
    unknown: u64,
}

impl Policies {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next entries are of the shard with this name, which continues the one before.
    pub fn begin_shard(&mut self, name: &str) {
        self.shard = Some(name.into());
    }

    /// Takes the next entry, in the order of the log; gives what does not follow from those before it.
    pub fn entry(&mut self, leaf: &Leaf) -> Option<Other> {
        match leaf.kind() {
            LeafKind::Epoch => {
                self.continued |= leaf.text(Key::Pv).is_some();
                None
            }
            LeafKind::Policy => self.put(leaf),
            _ => self.compare(leaf, relied_on(leaf)?),
        }
    }

    /// Every policy that was in force, in the order of the log.
    #[must_use]
    pub fn all(&self) -> &[InForce] {
        &self.all
    }

    /// Answers in a shard that continues one that was not taken, before it says which policy is in force.
    #[must_use]
    pub const fn unknown(&self) -> u64 {
        self.unknown
    }

    fn place(&self, leaf: &Leaf) -> Place {
        Place { shard: self.shard.clone(), index: leaf.index() }
    }

    fn put(&mut self, leaf: &Leaf) -> Option<Other> {
        let (number, index) = (leaf.number(Key::N)?, self.place(leaf));
        let older = self.all.last().filter(|last| number < last.number);
        let older = older.map(|last| Other::Older {
            index: index.clone(),
            number,
            before: last.number,
            since: last.since.clone(),
        });
        self.all.push(InForce {
            since: index,
            time: leaf.time(),
            digest: leaf.text(Key::Po)?.to_owned(),
            number,
            catalogue: leaf.number(Key::Ca)?,
            engine: leaf.text(Key::Ev).map(str::to_owned),
            signers: leaf.text(Key::Sg).map(str::to_owned),
            answers: 0,
        });
        older
    }

    fn compare(&mut self, leaf: &Leaf, named: &str) -> Option<Other> {
        let (index, named) = (self.place(leaf), named.to_owned());
        let Some(last) = self.all.last_mut() else {
            if self.continued {
                self.unknown += 1;
                return None;
            }
            return Some(Other::None { index, named });
        };
        let (since, in_force) = (last.since.clone(), last.catalogue);
        if last.digest != named {
            return Some(Other::Policy { index, named, in_force: last.digest.clone(), since });
        }
        last.answers += 1;
        let other = leaf.number(Key::Ca).filter(|named| *named != in_force);
        other.map(|named| Other::Catalogue { index, named, in_force, since })
    }
}

/// The policy that an answer names. What is recorded of a disclosure outside the gateway was decided by people, under
/// whatever they had.
pub(super) fn relied_on(leaf: &Leaf) -> Option<&str> {
    let is_answer = leaf.text(Key::Rt).is_some() && leaf.kind() != LeafKind::Manual;
    leaf.text(Key::Po).filter(|_| is_answer)
}
