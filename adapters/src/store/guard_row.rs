//! A guard as it stands in its row, still sealed.

use super::{Mark, corrupt};
use crate::master::RowKey;
use crate::state_row;
use sluis_core::log::draft::{GuardKey, GuardState, Versioned};
use sluis_core::ports::StoreError;

/// Version, index of the leaf that set it, sealed bytes: as the engine gave them.
pub(crate) struct GuardRow(pub i64, pub i64, pub Vec<u8>);

impl GuardRow {
    /// Version and leaf.
    pub fn mark(&self) -> Option<Mark> {
        Mark::of(self.0, self.1)
    }

    /// Whether this is that version by that leaf with exactly those sealed bytes.
    pub fn is(&self, mark: Mark, sealed: &[u8]) -> bool {
        self.mark() == Some(mark) && self.2 == sealed
    }

    /// The sealed bytes.
    pub fn sealed(&self) -> &[u8] {
        &self.2
    }

    /// Authenticates and opens the row (A14).
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not what was written for this key, version and leaf.
    pub fn open(self, with: &RowKey, key: &GuardKey) -> Result<Versioned<GuardState>, StoreError> {
        let Self(version, index, sealed) = self;
        let version = u64::try_from(version).map_err(|_| corrupt("state"))?;
        let index = u64::try_from(index).map_err(|_| corrupt("state"))?;
        let state = state_row::open(with, key, version, index, &sealed).ok_or(corrupt("state"))?;
        Ok(Versioned { version, state })
    }
}
