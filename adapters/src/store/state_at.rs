//! A row of state with its place in the table.

use super::{GuardCache, GuardRow};
use crate::master::RowKey;
use crate::state_row;
use sluis_core::log::draft::GuardKey;
use sluis_core::upkeep::{StatePlace, StateRow};

/// Rows of state read at a time when a log is opened.
pub(crate) const STATES_READ: u32 = 4096;

/// Kind, key, and the row.
pub(crate) struct StateAt {
    pub kind: i64,
    pub key: Vec<u8>,
    pub row: GuardRow,
}

impl StateAt {
    /// Remembers the version of this row, so that an older one is found; it is authenticated when it is read (A14).
    pub fn remember(&self, guards: &GuardCache) {
        if let (Some(key), Some(mark)) = (self.guard(), self.row.mark()) {
            guards.found(&key, mark);
        }
    }

    /// Where it stands, whatever number stands there: who reads on from it comes to the next row.
    pub fn place(&self) -> StatePlace {
        (self.kind, self.key.clone())
    }

    fn guard(&self) -> Option<GuardKey> {
        u8::try_from(self.kind).ok().and_then(|kind| state_row::key_at(kind, &self.key))
    }

    /// The row for whoever compares it with the leaves, authenticated. One of a kind that no row of ours has does not open.
    pub fn compared(self, with: &RowKey) -> StateRow {
        let (place, key) = (self.place(), self.guard());
        let mark = self.row.mark();
        let opens = key.as_ref().is_some_and(|key| self.row.open(with, key).is_ok());
        let (version, index) = mark.map_or((0, u64::MAX), |mark| (mark.version, mark.index));
        StateRow { place, key, version, index, opens }
    }
}
