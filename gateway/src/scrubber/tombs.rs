//! The keys that were erased, as a pass knows them: they explain payloads that are gone.
//!
//! Read once, and again only when a key is met that is neither there nor among them: it may have been erased meanwhile.

use super::payload::{GONE, NO_KEY};
use super::shard::OfShard;
use sluis_core::log::scrub::Found;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::LeafRow;
use std::collections::HashSet;

/// 16 bytes for each erased key.
#[derive(Default)]
pub(super) struct Tombs {
    read: bool,
    erased: HashSet<[u8; 16]>,
}

impl Tombs {
    /// Strikes the findings that a tombstone explains. Gives the entries that have a payload all the same: they were written with
    /// a key that somebody remembered for a moment after it was erased.
    ///
    /// # Errors
    /// A store that does not answer.
    pub async fn explain(
        &mut self,
        stores: &OfShard<'_>,
        rows: &[LeafRow],
        wrong: &mut Vec<Found>,
    ) -> Result<Vec<u64>, StoreError> {
        let key_of = |index| rows.iter().find(|row| row.index == index)?.payload.as_ref().map(|sealed| sealed.key_id);
        let explains = |erased: &HashSet<_>, found: &Found| match found.what {
            GONE => !erased.is_empty(),
            NO_KEY => key_of(found.index).is_some_and(|key| erased.contains(&key)),
            _ => true,
        };
        let asked = wrong.iter().any(|found| found.what == GONE || found.what == NO_KEY);
        if asked && !(self.read && wrong.iter().all(|found| explains(&self.erased, found))) {
            self.load(stores).await?;
        }
        let mut late = Vec::new();
        wrong.retain(|found| {
            let stays = !matches!(found.what, GONE | NO_KEY) || !explains(&self.erased, found);
            if !stays && found.what == NO_KEY {
                late.push(stores.base + found.index);
            }
            stays
        });
        Ok(late)
    }

    async fn load(&mut self, stores: &OfShard<'_>) -> Result<(), StoreError> {
        self.erased = match stores.log.erased_keys().await {
            // Said by whoever compares the tombstones; until then none counts.
            Err(StoreError::Corrupt { .. }) => HashSet::new(),
            erased => erased?.into_iter().collect(),
        };
        self.read = true;
        Ok(())
    }
}
