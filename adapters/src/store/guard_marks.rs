//! The highest version of every guard that this process has seen: an older row put back, once valid, is found before it is
//! used, and so is a row that was deleted (A14).
//!
//! Promise: what a decision relies on is never older than anything this process wrote, read or found at its start. A mark is
//! taken *before* its row is read, so that a change between the two is not mistaken for an older row. Where this ends: what
//! was put back before the start; the scrubber compares that with the leaves.

use super::corrupt;
use sluis_core::log::draft::GuardKey;
use sluis_core::ports::StoreError;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A version of a guard and the leaf that set it. The order is that of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub version: u64,
    pub index: u64,
}

impl Mark {
    /// What a row says; `None` for numbers that no row of ours has, which then does not open either.
    pub fn of(version: i64, index: i64) -> Option<Self> {
        Some(Self { version: u64::try_from(version).ok()?, index: u64::try_from(index).ok()? })
    }
}

/// The marks of one process: some 60 bytes for each guard, for as long as it lives.
#[derive(Default)]
pub(crate) struct GuardMarks(Mutex<HashMap<GuardKey, Mark>>);

impl GuardMarks {
    /// What is known of a guard; to be taken before its row is read.
    pub fn get(&self, key: &GuardKey) -> Option<Mark> {
        self.map().get(key).copied()
    }

    /// Remembers a version unless a higher one is known.
    pub fn raise(&self, key: &GuardKey, mark: Mark) {
        let mut map = self.map();
        match map.get_mut(key) {
            Some(known) => *known = (*known).max(mark),
            None => _ = map.insert(key.clone(), mark),
        }
    }

    // Nothing panics while it holds this lock, so a poisoned one is whole.
    fn map(&self) -> MutexGuard<'_, HashMap<GuardKey, Mark>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compares what was read with what was known before reading.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row that is gone, of a lower version, or of the same version by another leaf.
pub(crate) fn not_older(known: Option<Mark>, read: Option<Mark>) -> Result<(), StoreError> {
    let sound = match (known, read) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(known), Some(read)) => read.version > known.version || read == known,
    };
    if sound {
        return Ok(());
    }
    tracing::error!(
        ?known,
        ?read,
        "a row of state is older than what this process has seen, or gone: nothing relies on it"
    );
    Err(corrupt("state"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_row_or_a_higher_version_passes() {
        let mark = |version, index| Some(Mark { version, index });
        for read in [mark(3, 9), mark(4, 12)] {
            assert_eq!(not_older(mark(3, 9), read), Ok(()));
        }
        for read in [None, mark(2, 9), mark(2, 5), mark(3, 8), mark(3, 10)] {
            assert_eq!(not_older(mark(3, 9), read), Err(corrupt("state")), "{read:?}");
        }
        assert_eq!([not_older(None, None), not_older(None, mark(1, 0))], [Ok(()), Ok(())]);
    }

    #[test]
    fn marks_only_rise() {
        let (marks, key) = (GuardMarks::default(), GuardKey::Policy);
        for version in [2, 1, 5, 4] {
            marks.raise(&key, Mark { version, index: version });
        }
        assert_eq!(marks.get(&key), Some(Mark { version: 5, index: 5 }));
    }
}
