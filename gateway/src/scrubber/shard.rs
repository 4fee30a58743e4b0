//! One shard under the scrubber: what can be compared when every leaf of it was seen, and that it continues the one before.

use super::{Hearing, Stores, page};
use sluis_core::log::checkpoint::{self, OpenedCheckpoint};
use sluis_core::log::leaf::Leaf;
use sluis_core::log::pruned::{divide, vouches};
use sluis_core::log::scrub::{Found, Grave, Walk};
use sluis_core::log::shard::{Boundary, Shard, boundary, continues, position};
use sluis_core::ports::{KeyStore, StoreError};
use sluis_core::upkeep::LogUpkeep;
use std::sync::Arc;

/// What is read of one shard.
pub(super) struct OfShard<'a> {
    pub log: &'a Arc<dyn LogUpkeep>,
    pub keys: &'a Arc<dyn KeyStore>,
    pub origin: &'a str,
    /// Its verifier key: the same key under its name.
    pub verifier_key: String,
    /// The position of its first entry.
    pub base: u64,
    shard: &'a Shard,
    newest: bool,
}

impl<'a> OfShard<'a> {
    pub fn of(stores: &'a Stores, shard: &'a Shard, newest: bool) -> Self {
        let origin = shard.head.origin.as_str();
        let verifier_key = checkpoint::under_name(&stores.verifier_key, origin).unwrap_or_default();
        let (log, keys, base) = (&stores.log, &stores.keys, position(shard.head.shard, 0));
        Self { log, keys, origin, verifier_key, base, shard, newest }
    }

    /// Entries it had when the pass began.
    pub const fn size(&self) -> u64 {
        self.shard.head.size()
    }

    /// Tells what was found, with the name of this shard and as grave as it makes it: nothing is appended to a closed one, so it is
    /// an alarm (A27).
    pub fn tell(&self, found: &[Found], hearing: &dyn Hearing) {
        for found in found {
            let grave = if self.newest { found.grave } else { Grave::Beside };
            hearing.found(&Found { grave, ..found.clone() }.within(self.origin));
        }
    }

    /// What can be compared at the end of the shard; head and leaves only when every leaf was seen, by the walk over them.
    pub async fn end(&self, walk: Option<&Walk>, before: Option<&Shard>) -> Result<Vec<Found>, StoreError> {
        let mut wrong = Vec::new();
        match self.compared(walk, before, &mut wrong).await {
            Err(StoreError::Corrupt { table, .. }) => {
                wrong.push(Found::open(table, self.size(), "a row cannot be read"))
            }
            compared => compared?,
        }
        Ok(wrong)
    }

    async fn compared(
        &self,
        walk: Option<&Walk>,
        before: Option<&Shard>,
        wrong: &mut Vec<Found>,
    ) -> Result<(), StoreError> {
        let head = &self.shard.head;
        if let Some(walk) = walk {
            self.under_head(walk, wrong);
        }
        let after = self.log.leaf_rows(self.base + self.size_now().await?, 1).await?;
        if let Some(row) = after.first()
            && row.index >= self.size_now().await?
        {
            wrong.push(Found::open("log_leaf", row.index, "there is a row beyond the head"));
        }
        let beyond = self.log.checkpoint_rows(self.base + head.size().saturating_add(1), 1).await?;
        if let Some(row) = beyond.first()
            && self.size_now().await? < row.size
            && page::opened(self, row, wrong).is_some()
        {
            wrong.push(Found::open("log_head", row.size, "we signed more entries than there are"));
        }
        self.chain(before, wrong).await
    }

    fn under_head(&self, walk: &Walk, wrong: &mut Vec<Found>) {
        let head = &self.shard.head;
        if *walk.tree() != head.frontier {
            wrong.push(Found::open("log_head", head.size(), "the head is not that of the leaves"));
        }
        if walk.size() > 0 && walk.last_time() != head.last_time {
            wrong.push(Found::open("log_head", head.size(), "the time of the head is not that of the last leaf"));
        }
    }

    /// What can be compared of a shard that was removed at the end of its term: nothing of it is left but its head and its last
    /// checkpoint, and an entry announced exactly that.
    pub async fn gone(&self, all: &[Shard], before: Option<&Shard>) -> Result<Vec<Found>, StoreError> {
        let mut wrong = Vec::new();
        if self.log.any_leaf(self.shard.head.shard).await? || !self.log.segment_rows(self.base, 1).await?.is_empty() {
            wrong.push(Found::beside("log_leaf", 0, "the shard was removed, and rows of it are left: remove it again"));
        }
        for row in self.log.checkpoint_rows(self.base, 2).await? {
            let last = page::opened(self, &row, &mut wrong);
            if last.is_some_and(|last| last != (self.size(), self.shard.head.root())) {
                wrong.push(Found::beside(
                    "log_checkpoint",
                    row.size,
                    "the note is not the last of the shard that was removed",
                ));
            }
        }
        let announced = match divide(all) {
            Ok(Some(prefix)) => {
                let text = self.log.leaves(prefix.announced_at, 1).await?.into_iter().next();
                let leaf = text.and_then(|text| Leaf::decode(&text).ok());
                leaf.is_some_and(|leaf| vouches(&leaf, prefix.gone))
            }
            Ok(None) | Err(_) => false,
        };
        if !announced {
            wrong.push(Found::open("log_shard", self.size(), "the shard was removed, and no entry announced that"));
        }
        self.kept_note(before, &mut wrong);
        Ok(wrong)
    }

    /// Entries in the shard now: the newest grows while it is read.
    async fn size_now(&self) -> Result<u64, StoreError> {
        let shards = self.log.shards().await?;
        let now = shards.into_iter().find(|shard| shard.head.shard == self.shard.head.shard);
        Ok(now.map_or(self.shard.head.size(), |shard| shard.head.size()))
    }

    /// A closed shard ends with the entry that says so; a later one begins with the checkpoint over the one before.
    async fn chain(&self, before: Option<&Shard>, wrong: &mut Vec<Found>) -> Result<(), StoreError> {
        let size = self.shard.head.size();
        if !self.shard.open {
            let last = self.leaf(size.saturating_sub(1)).await?;
            if !last.is_some_and(|leaf| boundary(&leaf) == Some(Boundary::Closes)) {
                wrong.push(Found::open(
                    "log_shard",
                    size,
                    "the shard is closed and does not end with the entry that says so",
                ));
            }
        }
        if self.shard.open && !self.newest {
            wrong.push(Found::open("log_shard", size, "the shard takes entries, and another follows it"));
        }
        let Some(before) = before else {
            let orphan = self.shard.head.shard > 0;
            wrong.extend(orphan.then(|| Found::open("log_shard", 0, "the row of the shard before it is gone")));
            return Ok(());
        };
        let first = self.leaf(0).await?;
        if !first.is_some_and(|leaf| continues(&leaf, &last_of(before))) {
            wrong.push(Found::open("log_leaf", 0, "the shard does not continue the one before it"));
        }
        self.kept_note(Some(before), wrong);
        Ok(())
    }

    /// The note that is kept of the shard before is its last checkpoint.
    fn kept_note(&self, before: Option<&Shard>, wrong: &mut Vec<Found>) {
        let Some(last) = before.map(last_of) else { return };
        let key = checkpoint::under_name(&self.verifier_key, &last.origin).unwrap_or_default();
        let note = self.shard.before.as_deref().and_then(|note| checkpoint::open(note, &key).ok());
        if note != Some(last) {
            wrong.push(Found::open("log_shard", 0, "the kept note is not the last checkpoint of the shard before it"));
        }
    }

    async fn leaf(&self, index: u64) -> Result<Option<Leaf>, StoreError> {
        let text = self.log.leaves(self.base + index, 1).await?.into_iter().next();
        Ok(text.and_then(|text| Leaf::decode(&text).ok()))
    }
}

/// The checkpoint over the whole of a shard.
fn last_of(shard: &Shard) -> OpenedCheckpoint {
    let head = &shard.head;
    OpenedCheckpoint { origin: head.origin.clone(), size: head.size(), root: head.root() }
}
