//! Rows of state that were authenticated before, kept opened: bounded, and for 60 seconds at most.
//!
//! A kept state counts only when its row, read anew every time, has the very bytes that were authenticated (A14): a
//! row that somebody changed is found before it is used, and what is saved is deciphering and parsing it again.

use super::rows::GuardRow;
use crate::master::RowKey;
use moka::ops::compute::Op;
use moka::sync::Cache;
use sluis_core::log::draft::{GuardKey, GuardState, Versioned};
use sluis_core::ports::StoreError;
use std::sync::Arc;
use std::time::Duration;

const LIFE: Duration = Duration::from_secs(60);
const ENTRIES_MAX: u64 = 16_384;

/// One row, sealed and opened.
struct Known {
    version: u64,
    sealed: Vec<u8>,
    state: GuardState,
}

/// The rows known to one process.
pub(super) struct GuardCache(Cache<GuardKey, Arc<Known>>);

impl GuardCache {
    pub fn new() -> Self {
        Self(Cache::builder().max_capacity(ENTRIES_MAX).time_to_live(LIFE).build())
    }

    /// The state of a row: authenticated now, or before when the bytes are the same.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row does not open.
    pub fn open(&self, key: &GuardKey, row: GuardRow, with: &RowKey) -> Result<Versioned<GuardState>, StoreError> {
        if let Some(known) = self.0.get(key).filter(|known| row.is(known.version, &known.sealed)) {
            return Ok(Versioned { version: known.version, state: known.state.clone() });
        }
        let sealed = row.sealed().to_vec();
        let opened = row.open(with, key)?;
        self.learn(key, opened.version, sealed, opened.state.clone());
        Ok(opened)
    }

    /// Keeps a row unless a newer one is known: a slow reader must not put an old state over the writer's.
    pub fn learn(&self, key: &GuardKey, version: u64, sealed: Vec<u8>, state: GuardState) {
        self.0.entry_by_ref(key).and_compute_with(|known| match known {
            Some(entry) if entry.value().version > version => Op::Nop,
            _ => Op::Put(Arc::new(Known { version, sealed, state })),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluis_core::standing::Standing;
    use sluis_core::subject::SubjectRef;

    #[test]
    fn an_older_state_never_replaces_a_newer_one() {
        let (cache, key) = (GuardCache::new(), GuardKey::Subject(SubjectRef([1; 16])));
        let state = || GuardState::Subject(Standing::default());
        cache.learn(&key, 2, vec![2], state());
        cache.learn(&key, 1, vec![1], state());
        assert_eq!(cache.0.get(&key).map(|k| k.version), Some(2));
        cache.learn(&key, 3, vec![3], state());
        assert_eq!(cache.0.get(&key).map(|k| k.version), Some(3));
    }
}
