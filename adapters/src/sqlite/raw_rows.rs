//! Rows as they stand, for the scrubber: past every cache, a page at a time.

use super::rows::{log_of, position_of, row_end, row_of};
use super::{SqliteLog, segments, statements};
use crate::segment;
use crate::store::{GuardCache, GuardRow, STATES_READ, StateAt, corrupt, kind_of, readable};
use async_trait::async_trait;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use sluis_core::log::draft::SealedPayload;
use sluis_core::log::shard::{base_of, index_of};
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{CheckpointRow, FIRST_PLACE, LeafRow, LogRows, SegmentRow, StatePlace, StateRow};

#[async_trait]
impl LogRows for SqliteLog {
    async fn leaf_rows(&self, from: u64, count: u32) -> Result<Vec<LeafRow>, StoreError> {
        let (first, end) = (row_of(from), row_end(from, from.saturating_add(u64::from(count))));
        self.readers.read("log_leaf", |connection| {
            let mut statement = connection.prepare_cached(statements::LEAF_ROWS)?;
            statement.query_map((first, end), as_it_stands)?.collect()
        })
    }

    async fn any_leaf(&self, shard: u16) -> Result<bool, StoreError> {
        let log = i64::from(shard) + 1;
        self.readers.read("log_leaf", |c| c.query_row(statements::ANY_LEAF, [log], |row| row.get(0)))
    }

    async fn state_rows(&self, after: &StatePlace, count: u32) -> Result<Vec<StateRow>, StoreError> {
        let rows = self.readers.read("state", |connection| states(connection, after, count))?;
        Ok(rows.into_iter().map(|row| row.compared(&self.seals.state)).collect())
    }

    async fn segment_rows(&self, from: u64, count: u32) -> Result<Vec<SegmentRow>, StoreError> {
        let (log, first) = (log_of(from), index_of(from));
        let sealed =
            self.readers.read("subject_segment", |connection| segments::from(connection, log, first, count))?;
        let opened = sealed.into_iter().map(|(span, sealed)| {
            let records = segment::open(&self.seals.index, span, &sealed);
            SegmentRow {
                first: base_of(from).saturating_add(span.first),
                records: records.map(|records| segment::all(&records).collect()),
            }
        });
        Ok(opened.collect())
    }

    async fn checkpoint_rows(&self, from: u64, count: u32) -> Result<Vec<CheckpointRow>, StoreError> {
        let (log, from) = (log_of(from), i64::try_from(index_of(from)).unwrap_or(i64::MAX));
        let kept: Vec<(i64, String)> = self.readers.read("log_checkpoint", |connection| {
            let mut statement = connection.prepare_cached(statements::CHECKPOINTS)?;
            let note = |row: &Row<'_>| Ok((row.get(0)?, text(row, 1)?.unwrap_or_default()));
            statement.query_map((log, from, count), note)?.collect()
        })?;
        let sized = |(size, note): (i64, String)| {
            Ok(CheckpointRow { size: u64::try_from(size).map_err(|_| corrupt("log_checkpoint"))?, note })
        };
        kept.into_iter().map(sized).collect()
    }
}

/// Remembers the version of every row of state there is.
pub(super) fn remember_states(connection: &Connection, guards: &GuardCache) -> Result<(), rusqlite::Error> {
    let mut after = FIRST_PLACE;
    loop {
        let page = states(connection, &after, STATES_READ)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.place();
        page.iter().for_each(|row| row.remember(guards));
    }
}

/// Rows of state after a place.
fn states(connection: &Connection, after: &StatePlace, count: u32) -> Result<Vec<StateAt>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(statements::STATES)?;
    let rows = statement.query_map((after.0, &after.1, count), |row| {
        let sealed = GuardRow(row.get(2)?, row.get(3)?, row.get(4)?);
        Ok(StateAt { kind: row.get(0)?, key: row.get(1)?, row: sealed })
    })?;
    rows.collect()
}

/// A text as it stands, for comparison. One that is none is no row of ours, and hides no other.
fn text(row: &Row<'_>, at: usize) -> Result<Option<String>, rusqlite::Error> {
    match row.get_ref(at)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => Ok(Some(readable(bytes))),
        _ => row.get(at),
    }
}

fn as_it_stands(row: &Row<'_>) -> Result<LeafRow, rusqlite::Error> {
    let (key_id, ciphertext): (Option<[u8; 16]>, Option<Vec<u8>>) = (row.get(8)?, row.get(9)?);
    let whole = key_id.is_some() == ciphertext.is_some();
    Ok(LeafRow {
        index: index_of(position_of(row.get(0)?)),
        leaf: text(row, 1)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?,
        hash: row.get(2)?,
        kind: kind_of(row.get(3)?),
        time: u64::try_from(row.get::<_, i64>(4)?).ok(),
        rid: row.get(5)?,
        oin: text(row, 6)?,
        transaction: row.get(7)?,
        digest: row.get(10)?,
        payload: key_id.zip(ciphertext).map(|(key_id, ciphertext)| SealedPayload { key_id, ciphertext }),
        whole,
    })
}
