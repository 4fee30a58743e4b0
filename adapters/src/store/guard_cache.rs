//! Rows of state that were authenticated before, kept opened: bounded, and for a time that the engine sets.
//!
//! The writer teaches every row it commits before it answers: so a question may be decided on what is known here
//! ([`GuardCache::known`]), for 60 seconds where this process alone writes the log, for one where others do too. Nothing
//! leaves on that alone: the append reads the row anew,
//! inside its lock, and a kept state then counts only when the row has the very bytes that were authenticated (A14,
//! [`GuardCache::open`]). A row that somebody changed is found there, before anything is released; one that is newer
//! than what was decided on makes the entry stale, and is learned.

use super::guard_row::GuardRow;
use crate::master::RowKey;
use moka::ops::compute::Op;
use moka::sync::Cache;
use sluis_core::log::draft::{GuardKey, GuardState, Versioned};
use sluis_core::ports::StoreError;
use std::sync::Arc;
use std::time::Duration;

const ENTRIES_MAX: u64 = 16_384;

/// A row that was written and is to be learned after its commit: key, version, sealed bytes, state.
pub(crate) type Learned = (GuardKey, u64, Vec<u8>, Arc<GuardState>);

/// One row, sealed and opened.
struct Known {
    version: u64,
    sealed: Vec<u8>,
    state: Arc<GuardState>,
}

/// The rows known to one process.
pub(crate) struct GuardCache(Cache<GuardKey, Arc<Known>>);

impl GuardCache {
    /// A cache that answers [`GuardCache::known`] for this long after a row was read or written.
    pub fn new(life: Duration) -> Self {
        Self(Cache::builder().max_capacity(ENTRIES_MAX).time_to_live(life).build())
    }

    /// The state as this process knows it, or `None`: read the row then.
    pub fn known(&self, key: &GuardKey) -> Option<Versioned<Arc<GuardState>>> {
        let known = self.0.get(key)?;
        Some(Versioned { version: known.version, state: Arc::clone(&known.state) })
    }

    /// The state of a row: authenticated now, or before when the bytes are the same.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row does not open.
    pub fn open(&self, key: &GuardKey, row: GuardRow, with: &RowKey) -> Result<Versioned<Arc<GuardState>>, StoreError> {
        if let Some(known) = self.0.get(key).filter(|known| row.is(known.version, &known.sealed)) {
            return Ok(Versioned { version: known.version, state: Arc::clone(&known.state) });
        }
        let sealed = row.sealed().to_vec();
        // A bent row: what was known of it no longer counts either.
        let Versioned { version, state } = row.open(with, key).inspect_err(|_| self.0.invalidate(key))?;
        let state = Arc::new(state);
        self.learn(key, version, sealed, Arc::clone(&state));
        Ok(Versioned { version, state })
    }

    /// Keeps a row unless a newer one is known: a slow reader must not put an old state over the writer's.
    pub fn learn(&self, key: &GuardKey, version: u64, sealed: Vec<u8>, state: Arc<GuardState>) {
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
        let (cache, key) = (GuardCache::new(Duration::from_secs(60)), GuardKey::Subject(SubjectRef([1; 16])));
        let state = || Arc::new(GuardState::Subject(Standing::default()));
        cache.learn(&key, 2, vec![2], state());
        cache.learn(&key, 1, vec![1], state());
        assert_eq!(cache.0.get(&key).map(|k| k.version), Some(2));
        cache.learn(&key, 3, vec![3], state());
        assert_eq!(cache.0.get(&key).map(|k| k.version), Some(3));
    }
}
