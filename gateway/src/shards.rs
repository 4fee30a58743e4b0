//! The shards of the log as this process knows them: names, verifier keys, and the last checkpoint of every closed one.
//!
//! One key signs all shards of a log, under the name of each: the text that is signed begins with that name, so a signature
//! for one says nothing of another, and whoever trusts the key of one year can write down that of the next.

pub(crate) mod turn;

use sluis_core::log::checkpoint::{self, OpenedCheckpoint, SignedCheckpoint, verifier_key};
use sluis_core::log::shard::{self, Shard, index_of, name_of, number_of, position};
use sluis_core::ports::StoreError;
use std::sync::Arc;

/// Every shard there is, in order.
#[derive(Debug)]
pub struct Shards(Vec<Known>);

/// One shard.
#[derive(Debug)]
struct Known {
    origin: Arc<str>,
    verifier_key: Arc<str>,
    /// The checkpoint over all of it, of a closed one that another continues.
    last: Option<SignedCheckpoint>,
}

impl Shards {
    /// Takes over what the store says, whose notes must be signed with our key.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when there is none, or a note is not that of its shard.
    pub fn of(shards: &[Shard], public: &[u8; 32]) -> Result<Self, StoreError> {
        const CORRUPT: StoreError = StoreError::Corrupt { store: "log database", table: "log_shard" };
        let mut known: Vec<Known> = Vec::with_capacity(shards.len());
        for (shard, next) in shards.iter().zip(shards.iter().skip(1).map(Some).chain([None])) {
            let verifier_key: Arc<str> = verifier_key(&shard.head.origin, public).into();
            let last = match next.and_then(|next| next.before.as_deref()) {
                Some(note) => Some(last_of(shard, note, &verifier_key).ok_or(CORRUPT)?),
                None if next.is_some() => return Err(CORRUPT),
                None => None,
            };
            known.push(Known { origin: shard.head.origin.as_str().into(), verifier_key, last });
        }
        if known.is_empty() { Err(CORRUPT) } else { Ok(Self(known)) }
    }

    fn newest(&self) -> Option<&Known> {
        self.0.last()
    }

    /// The origin of the newest shard: what entries are made for.
    #[must_use]
    pub fn origin(&self) -> Arc<str> {
        self.newest().map_or_else(Arc::default, |known| Arc::clone(&known.origin))
    }

    /// The verifier key of the newest shard.
    #[must_use]
    pub fn verifier_key(&self) -> Arc<str> {
        self.newest().map_or_else(Arc::default, |known| Arc::clone(&known.verifier_key))
    }

    /// The verifier keys of all shards, oldest first.
    pub fn verifier_keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|known| &*known.verifier_key)
    }

    /// The origin of the shard that a position is in.
    #[must_use]
    pub fn origin_at(&self, position: u64) -> Option<&str> {
        self.0.get(usize::from(number_of(position))).map(|known| &*known.origin)
    }

    /// The name of the shard that a position is in: `<year>-<epoch>`.
    #[must_use]
    pub fn name_at(&self, position: u64) -> Option<&str> {
        self.origin_at(position).map(name_of)
    }

    /// The names of all shards, oldest first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|known| name_of(&known.origin))
    }

    /// The checkpoint over the whole shard that a position is in; `None` while it is the newest.
    #[must_use]
    pub fn last_checkpoint_at(&self, position: u64) -> Option<&SignedCheckpoint> {
        self.0.get(usize::from(number_of(position)))?.last.as_ref()
    }

    /// A position as leaves name it: `<year>-<epoch>:<index>`.
    #[must_use]
    pub fn reference(&self, position: u64) -> String {
        format!("{}:{}", self.origin_at(position).map_or("", name_of), index_of(position))
    }

    /// The position that a leaf names; `None` for one of a shard that there is not.
    #[must_use]
    pub fn position(&self, reference: &str) -> Option<u64> {
        let (name, index) = reference.split_once(':')?;
        self.position_in(name, index.parse().ok()?)
    }

    /// The position of an index in the shard with this name; in the newest when the name is empty.
    #[must_use]
    pub fn position_in(&self, name: &str, index: u64) -> Option<u64> {
        let number = match name {
            "" => self.0.len().checked_sub(1)?,
            name => self.0.iter().position(|known| name_of(&known.origin) == name)?,
        };
        (index < 1 << shard::INDEX_BITS).then(|| u16::try_from(number).ok().map(|number| position(number, index)))?
    }
}

/// The checkpoint over a closed shard; `None` when the note is of something else.
fn last_of(shard: &Shard, note: &str, verifier_key: &str) -> Option<SignedCheckpoint> {
    let OpenedCheckpoint { size, root, .. } = checkpoint::open(note, verifier_key).ok()?;
    let same = size == shard.head.size() && root == shard.head.root();
    same.then(|| SignedCheckpoint { size, root, note: note.to_owned() })
}
