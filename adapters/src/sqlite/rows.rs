//! Places of rows: one integer per leaf, guards by kind and key, and the head.

use super::errors::LOG;
use super::statements;
use crate::master::RowKey;
use crate::state_row;
use rusqlite::{Connection, OptionalExtension};
use sluis_core::log::LeafKind;
use sluis_core::log::draft::{GuardKey, GuardState, Versioned};
use sluis_core::log::finalise::Head;
use sluis_core::log::tree::Frontier;
use sluis_core::ports::StoreError;

/// Bits of a leaf's row that hold its index: room for 10^12 leaves per log.
const INDEX_BITS: u32 = 40;

/// The row of a leaf: `log_id << 40 | index`.
pub(super) fn leaf_row(log: i64, index: u64) -> Result<i64, StoreError> {
    let index = i64::try_from(index).ok().filter(|index| index >> INDEX_BITS == 0);
    let row = index.map(|index| (log << INDEX_BITS) | index);
    row.ok_or(StoreError::Unavailable { store: LOG, state: "SHARD_FULL" })
}

/// The row after the last one of a range of leaves; past the end of the log it is the first row of the next one.
pub(super) fn leaf_row_end(log: i64, end: u64) -> i64 {
    leaf_row(log, end).unwrap_or((log + 1) << INDEX_BITS)
}

/// The index of a leaf by its row.
pub(super) fn index_of(row: i64) -> u64 {
    u64::try_from(row & ((1 << INDEX_BITS) - 1)).unwrap_or(u64::MAX)
}

/// A number as SQLite keeps it. Times and versions never come near 2^63.
pub(super) fn signed(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| corrupt("log_leaf"))
}

/// The number of a kind in rows: its place in the closed list, from 1.
pub(super) fn kind_number(kind: LeafKind) -> i64 {
    let place = LeafKind::ALL.iter().position(|k| *k == kind).unwrap_or(usize::MAX - 1);
    i64::try_from(place + 1).unwrap_or(0)
}

/// The kind of a number, or `None`.
pub(super) fn kind_of(number: i64) -> Option<LeafKind> {
    LeafKind::ALL.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
}

pub(super) const fn corrupt(table: &'static str) -> StoreError {
    StoreError::Corrupt { store: LOG, table }
}

/// The head as it stands in its row, not yet read as a tree.
pub(super) struct HeadRow(String, i64, Vec<u8>, i64);

pub(super) fn head_row(connection: &Connection, log: i64) -> Result<HeadRow, rusqlite::Error> {
    let mut statement = connection.prepare_cached(statements::HEAD)?;
    statement.query_row([log], |row| Ok(HeadRow(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
}

impl HeadRow {
    pub fn open(self) -> Result<Head, StoreError> {
        let Self(origin, size, frontier, last_time) = self;
        let size = u64::try_from(size).map_err(|_| corrupt("log_head"))?;
        let frontier = Frontier::from_parts(size, &frontier).ok_or(corrupt("log_head"))?;
        let last_time = u64::try_from(last_time).map_err(|_| corrupt("log_head"))?;
        Ok(Head { origin, frontier, last_time })
    }
}

/// A guard as it stands in its row, still sealed: version, leaf, sealed bytes.
pub(super) struct GuardRow(i64, i64, Vec<u8>);

pub(super) fn guard_row(connection: &Connection, key: &GuardKey) -> Result<Option<GuardRow>, rusqlite::Error> {
    let (kind, bytes) = state_row::place(key);
    let mut statement = connection.prepare_cached(statements::STATE)?;
    statement.query_row((kind, bytes), |row| Ok(GuardRow(row.get(0)?, row.get(1)?, row.get(2)?))).optional()
}

impl GuardRow {
    /// Whether this is that version with exactly those sealed bytes.
    pub fn is(&self, version: u64, sealed: &[u8]) -> bool {
        u64::try_from(self.0) == Ok(version) && self.2 == sealed
    }

    /// The sealed bytes.
    pub fn sealed(&self) -> &[u8] {
        &self.2
    }

    /// Authenticates and opens the row (A14).
    pub fn open(self, with: &RowKey, key: &GuardKey) -> Result<Versioned<GuardState>, StoreError> {
        let Self(version, index, sealed) = self;
        let version = u64::try_from(version).map_err(|_| corrupt("state"))?;
        let index = u64::try_from(index).map_err(|_| corrupt("state"))?;
        let state = state_row::open(with, key, version, index, &sealed).ok_or(corrupt("state"))?;
        Ok(Versioned { version, state })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_indices_are_each_others_inverse_within_their_log() {
        for index in [0, 1, (1 << INDEX_BITS) - 1] {
            assert_eq!(index_of(leaf_row(3, index).unwrap()), index);
            assert_eq!(leaf_row(3, index).unwrap() >> INDEX_BITS, 3);
        }
        assert!(leaf_row(3, 1 << INDEX_BITS).is_err());
        assert_eq!(leaf_row_end(3, u64::MAX), leaf_row(4, 0).unwrap());
    }

    // Frozen: these numbers stand in databases.
    #[test]
    fn kinds_keep_their_numbers() {
        let numbered: Vec<String> = LeafKind::ALL.iter().map(|k| format!("{}{k}", kind_number(*k))).collect();
        let expected = "1RELEASE 2DENY 3ESCALATE 4EXPLAIN 5BATCH_OPEN 6PAGE 7BATCH_REPIN 8BATCH_SUSPEND 9BATCH_CLOSE \
            10REDELIVERY 11OUTCOME 12RECEIPT 13CONSENT 14RESTRICTION 15OBJECTION 16AUTHORITY 17STANDING 18POLICY \
            19RECIPIENT 20ERASE 21ADMIN 22MANUAL 23EPOCH 24AUDIT_OPEN 25AUDIT_CLOSE 26OBLIGATION_DONE 27IDENTITY 28SOURCE_GAP";
        assert_eq!(numbered.join(" "), expected);
        assert!(LeafKind::ALL.iter().all(|k| kind_of(kind_number(*k)) == Some(*k)));
        assert_eq!((kind_of(0), kind_of(29), kind_of(-1)), (None, None, None));
    }
}
