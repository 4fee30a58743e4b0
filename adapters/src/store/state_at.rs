//! A row of state with its place in the table.

use super::{GuardCache, GuardRow, corrupt};
use crate::master::RowKey;
use crate::state_row;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{StatePlace, StateRow};

/// Rows of state read at a time when a log is opened.
pub(crate) const STATES_READ: u32 = 4096;
/// Before every row.
pub(crate) const FIRST_PLACE: StatePlace = (0, Vec::new());

/// Kind, key, and the row.
pub(crate) struct StateAt {
    pub kind: i64,
    pub key: Vec<u8>,
    pub row: GuardRow,
}

impl StateAt {
    /// Remembers the version of this row, so that an older one is found; it is authenticated when it is read (A14).
    pub fn remember(&self, guards: &GuardCache) {
        let key = u8::try_from(self.kind).ok().and_then(|kind| state_row::key_at(kind, &self.key));
        if let (Some(key), Some(mark)) = (key, self.row.mark()) {
            guards.found(&key, mark);
        }
    }

    /// Where it stands.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a kind that no row of ours has.
    pub fn place(&self) -> Result<StatePlace, StoreError> {
        Ok((u8::try_from(self.kind).map_err(|_| corrupt("state"))?, self.key.clone()))
    }

    /// The row for whoever compares it with the leaves, authenticated.
    ///
    /// # Errors
    /// As [`StateAt::place`].
    pub fn compared(self, with: &RowKey) -> Result<StateRow, StoreError> {
        let place = self.place()?;
        let key = state_row::key_at(place.0, &place.1);
        let mark = self.row.mark();
        let opens = key.as_ref().is_some_and(|key| self.row.open(with, key).is_ok());
        let (version, index) = mark.map_or((0, u64::MAX), |mark| (mark.version, mark.index));
        Ok(StateRow { place, key, version, index, opens })
    }
}
