//! Rows of state that were authenticated before, kept opened: bounded, and for a time that the engine sets.
//!
//! The writer teaches every row it commits before it answers: so a question may be decided on what is known here
//! ([`GuardCache::known`]), for 60 seconds; policy and enrolments for one second only where others write the log too, because
//! not everything that asks for them appends. Nothing leaves on that alone: the append reads the row anew, inside its lock, and a kept state then counts only when the row has the very bytes that were authenticated (A14,
//! [`GuardCache::read`]). A row that somebody changed is found there, before anything is released; one that is newer
//! than what was decided on makes the entry stale, and is learned; one that is older than anything seen, or gone, is found
//! by its mark ([`super::guard_marks`]).

use super::corrupt;
use super::guard_marks::{GuardMarks, Mark, not_older};
use super::guard_row::GuardRow;
use crate::master::RowKey;
use moka::ops::compute::Op;
use moka::sync::Cache;
use sluis_core::log::draft::{GuardKey, GuardState, Versioned};
use sluis_core::ports::StoreError;
use std::sync::Arc;
use std::time::Duration;

const ENTRIES_MAX: u64 = 16_384;
/// How long an opened row is kept.
const KEPT: Duration = Duration::from_secs(60);

/// A row that was written and is to be learned after its commit: key, version and leaf, sealed bytes, state.
pub(crate) type Learned = (GuardKey, Mark, Vec<u8>, Arc<GuardState>);

/// One row, sealed and opened.
struct Known {
    mark: Mark,
    sealed: Vec<u8>,
    state: Arc<GuardState>,
}

/// The rows known to one process.
pub(crate) struct GuardCache {
    rows: Cache<GuardKey, Arc<Known>>,
    /// The rows of policy and organisations that were read or written a moment ago.
    fresh: Cache<GuardKey, ()>,
    marks: GuardMarks,
}

impl GuardCache {
    /// A cache that answers [`GuardCache::known`] about policy and organisations for this long after a row was read or written.
    pub fn new(life: Duration) -> Self {
        let rows = Cache::builder().max_capacity(ENTRIES_MAX).time_to_live(KEPT).build();
        let fresh = Cache::builder().max_capacity(ENTRIES_MAX).time_to_live(life).build();
        Self { rows, fresh, marks: GuardMarks::default() }
    }

    /// The state as this process knows it, or `None`: read the row then.
    pub fn known(&self, key: &GuardKey) -> Option<Versioned<Arc<GuardState>>> {
        if !matches!(key, GuardKey::Subject(_)) && !self.fresh.contains_key(key) {
            return None;
        }
        let known = self.rows.get(key)?;
        Some(Versioned { version: known.mark.version, state: Arc::clone(&known.state) })
    }

    /// What is known of a guard; to be taken before its row is read.
    pub fn mark(&self, key: &GuardKey) -> Option<Mark> {
        self.marks.get(key)
    }

    /// Remembers that a row stood there when the log was opened; it is authenticated when it is read.
    pub fn found(&self, key: &GuardKey, mark: Mark) {
        self.marks.raise(key, mark);
    }

    /// The state of a guard by its row: authenticated now, or before when the bytes are the same. `mark` was taken before
    /// the row was read.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row does not open, is older than what was seen, or is gone.
    pub fn read(
        &self,
        key: &GuardKey,
        mark: Option<Mark>,
        row: Option<GuardRow>,
        with: &RowKey,
    ) -> Result<Option<Versioned<Arc<GuardState>>>, StoreError> {
        // What was known of a bent row no longer counts either.
        let read = self.checked(key, mark, row, with);
        read.inspect_err(|_| self.rows.invalidate(key))
    }

    fn checked(
        &self,
        key: &GuardKey,
        mark: Option<Mark>,
        row: Option<GuardRow>,
        with: &RowKey,
    ) -> Result<Option<Versioned<Arc<GuardState>>>, StoreError> {
        not_older(mark, row.as_ref().and_then(GuardRow::mark))?;
        let Some(row) = row else { return Ok(None) };
        if let Some(known) = self.rows.get(key).filter(|known| row.is(known.mark, &known.sealed)) {
            self.refresh(key);
            return Ok(Some(Versioned { version: known.mark.version, state: Arc::clone(&known.state) }));
        }
        let (mark, sealed) = (row.mark().ok_or(corrupt("state"))?, row.sealed().to_vec());
        let Versioned { version, state } = row.open(with, key)?;
        let state = Arc::new(state);
        self.learn(key, mark, sealed, Arc::clone(&state));
        Ok(Some(Versioned { version, state }))
    }

    /// Keeps a row unless a newer one is known: a slow reader must not put an old state over the writer's.
    pub fn learn(&self, key: &GuardKey, mark: Mark, sealed: Vec<u8>, state: Arc<GuardState>) {
        self.marks.raise(key, mark);
        self.rows.entry_by_ref(key).and_compute_with(|known| match known {
            Some(entry) if entry.value().mark > mark => Op::Nop,
            _ => Op::Put(Arc::new(Known { mark, sealed, state })),
        });
        self.refresh(key);
    }

    fn refresh(&self, key: &GuardKey) {
        if !matches!(key, GuardKey::Subject(_)) {
            self.fresh.insert(key.clone(), ());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluis_core::standing::Standing;
    use sluis_core::subject::SubjectRef;

    /// What this process knows of a subject is compared at every append; of an organisation some ask who do not append.
    #[test]
    fn an_organisation_is_known_for_its_time_and_a_subject_for_longer() {
        let (cache, subject) = (GuardCache::new(Duration::ZERO), GuardKey::Subject(SubjectRef([1; 16])));
        let state = Arc::new(GuardState::Subject(Standing::default()));
        for (key, known) in [(subject, true), (GuardKey::Policy, false)] {
            cache.learn(&key, Mark { version: 1, index: 1 }, vec![1], Arc::clone(&state));
            assert_eq!(cache.known(&key).is_some(), known, "{key:?}");
        }
    }

    #[test]
    fn an_older_state_never_replaces_a_newer_one() {
        let (cache, key) = (GuardCache::new(Duration::from_secs(60)), GuardKey::Subject(SubjectRef([1; 16])));
        let state = || Arc::new(GuardState::Subject(Standing::default()));
        let learn = |version: u8| {
            let mark = Mark { version: version.into(), index: version.into() };
            cache.learn(&key, mark, vec![version], state());
            cache.rows.get(&key).map(|k| k.mark.version)
        };
        assert_eq!([learn(2), learn(1), learn(3)], [Some(2), Some(2), Some(3)]);
    }
}
