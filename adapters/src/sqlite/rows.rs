//! Places of rows: one integer per leaf, guards by kind and key, and the head.

use super::statements;
use crate::state_row;
use crate::store::{GuardRow, LOG, corrupt};
use rusqlite::{Connection, OptionalExtension};
use sluis_core::log::draft::GuardKey;
use sluis_core::log::finalise::Head;
use sluis_core::log::shard::{self, base_of};
use sluis_core::log::tree::Frontier;
use sluis_core::ports::StoreError;

/// Bits of a leaf's row that hold its index; as those of a position, which counts shards from 0 where rows count from 1.
const INDEX_BITS: u32 = shard::INDEX_BITS;

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

/// The row of a position; beyond every shard the last there can be.
pub(super) fn row_of(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX).saturating_add(1 << INDEX_BITS)
}

/// The row after the last of so many from a position on, within its shard.
pub(super) fn row_end(from: u64, to: u64) -> i64 {
    row_of(to.min(base_of(from).saturating_add(1 << INDEX_BITS)))
}

/// The position of a leaf by its row.
pub(super) fn position_of(row: i64) -> u64 {
    u64::try_from(row - (1 << INDEX_BITS)).unwrap_or(u64::MAX)
}

/// The number in rows of the shard that a position is in.
pub(super) fn log_of(position: u64) -> i64 {
    row_of(position) >> INDEX_BITS
}

/// The head as it stands in its row, not yet read as a tree.
pub(super) struct HeadRow(i64, String, i64, Vec<u8>, i64);

pub(super) fn head_row(connection: &Connection, log: i64) -> Result<HeadRow, rusqlite::Error> {
    let mut statement = connection.prepare_cached(statements::HEAD)?;
    statement.query_row([log], |row| Ok(HeadRow(log, row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
}

impl HeadRow {
    pub fn open(self) -> Result<Head, StoreError> {
        let Self(log, origin, size, frontier, last_time) = self;
        let shard = u16::try_from(log - 1).map_err(|_| corrupt("log_shard"))?;
        let size = u64::try_from(size).map_err(|_| corrupt("log_head"))?;
        let frontier = Frontier::from_parts(size, &frontier).ok_or(corrupt("log_head"))?;
        let last_time = u64::try_from(last_time).map_err(|_| corrupt("log_head"))?;
        Ok(Head { origin, shard, frontier, last_time })
    }
}

pub(super) fn guard_row(connection: &Connection, key: &GuardKey) -> Result<Option<GuardRow>, rusqlite::Error> {
    let (kind, bytes) = state_row::place(key);
    let mut statement = connection.prepare_cached(statements::STATE)?;
    statement.query_row((kind, bytes), |row| Ok(GuardRow(row.get(0)?, row.get(1)?, row.get(2)?))).optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluis_core::log::shard::position;

    #[test]
    fn rows_and_positions_are_each_others_inverse() {
        for index in [0, 1, (1 << INDEX_BITS) - 1] {
            assert_eq!(position_of(leaf_row(3, index).unwrap()), position(2, index));
            assert_eq!(row_of(position(2, index)), leaf_row(3, index).unwrap());
            assert_eq!(log_of(position(2, index)), 3);
        }
        assert_eq!(row_end(position(2, 5), u64::MAX), leaf_row(4, 0).unwrap());
        assert!(leaf_row(3, 1 << INDEX_BITS).is_err());
        assert_eq!(leaf_row_end(3, u64::MAX), leaf_row(4, 0).unwrap());
    }
}
