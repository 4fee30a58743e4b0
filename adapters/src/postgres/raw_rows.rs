//! Rows as they stand, for the scrubber: past every cache, a page at a time.

use super::read::last;
use super::rows::{index, log_of, refused, unsigned};
use super::{PostgresLog, statements, upkeep};
use crate::segment;
use crate::store::{GuardCache, GuardRow, STATES_READ, StateAt, kind_of, readable};
use async_trait::async_trait;
use sluis_core::log::draft::SealedPayload;
use sluis_core::log::shard::{base_of, position};
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{CheckpointRow, FIRST_PLACE, LeafRow, LogRows, SegmentRow, StatePlace, StateRow};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{PgExecutor, Row, ValueRef};

#[async_trait]
impl LogRows for PostgresLog {
    async fn leaf_rows(&self, from: u64, count: u32) -> Result<Vec<LeafRow>, StoreError> {
        let to = from.saturating_add(u64::from(count));
        let rows = sqlx::query(statements::LEAF_ROWS).bind(log_of(from)).bind(index(from)).bind(last(from, to));
        let rows = rows.fetch_all(&self.pool).await.map_err(refused("log_leaf"))?;
        rows.iter().map(as_it_stands).collect::<Result<_, _>>().map_err(refused("log_leaf"))
    }

    async fn any_leaf(&self, shard: u16) -> Result<bool, StoreError> {
        let any = sqlx::query_scalar(statements::ANY_LEAF).bind(log_of(position(shard, 0)));
        any.fetch_one(&self.pool).await.map_err(refused("log_leaf"))
    }

    async fn state_rows(&self, after: &StatePlace, count: u32) -> Result<Vec<StateRow>, StoreError> {
        let rows = states(&self.pool, after, count).await.map_err(refused("state"))?;
        Ok(rows.into_iter().map(|row| row.compared(&self.seals.state)).collect())
    }

    async fn segment_rows(&self, from: u64, count: u32) -> Result<Vec<SegmentRow>, StoreError> {
        let log = log_of(from);
        let rows = sqlx::query_as::<_, (i16, i64, i64, Vec<u8>)>(statements::SEGMENTS).bind(log).bind(index(from));
        let rows = rows.bind(i64::from(count)).fetch_all(&self.pool).await.map_err(refused("subject_segment"))?;
        let opened = rows.into_iter().map(|(level, first, last, sealed)| {
            let span = upkeep::span(log, u8::try_from(level).unwrap_or(u8::MAX), first, last);
            let records = segment::open(&self.seals.index, span, &sealed);
            SegmentRow {
                first: base_of(from).saturating_add(span.first),
                records: records.map(|records| segment::all(&records).collect()),
            }
        });
        Ok(opened.collect())
    }

    async fn checkpoint_rows(&self, from: u64, count: u32) -> Result<Vec<CheckpointRow>, StoreError> {
        let rows = sqlx::query(statements::CHECKPOINTS_FROM).bind(log_of(from)).bind(index(from));
        let rows = rows.bind(i64::from(count)).fetch_all(&self.pool).await.map_err(refused("log_checkpoint"))?;
        rows.iter().map(kept).collect()
    }
}

/// Remembers the version of every row of state there is.
pub(super) async fn remember_states(c: &mut PgConnection, guards: &GuardCache) -> Result<(), sqlx::Error> {
    let mut after = FIRST_PLACE;
    loop {
        let page = states(&mut *c, &after, STATES_READ).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.place();
        page.iter().for_each(|row| row.remember(guards));
    }
}

async fn states<'e>(from: impl PgExecutor<'e>, after: &StatePlace, count: u32) -> Result<Vec<StateAt>, sqlx::Error> {
    let rows = sqlx::query_as::<_, (i16, Vec<u8>, i64, i64, Vec<u8>)>(statements::STATES_AFTER);
    let kind = i16::try_from(after.0).unwrap_or(if after.0 < 0 { i16::MIN } else { i16::MAX });
    let rows = rows.bind(kind).bind(&after.1).bind(i64::from(count)).fetch_all(from).await?;
    let at = |(kind, key, version, index, sealed): (i16, _, _, _, _)| StateAt {
        kind: i64::from(kind),
        key,
        row: GuardRow(version, index, sealed),
    };
    Ok(rows.into_iter().map(at).collect())
}

fn kept(row: &PgRow) -> Result<CheckpointRow, StoreError> {
    let refused = refused("log_checkpoint");
    let size = row.try_get::<i64, _>(0).map_err(&refused)?;
    let note = text(row, 1).map_err(&refused)?.unwrap_or_default();
    Ok(CheckpointRow { size: unsigned(size, "log_checkpoint")?, note })
}

/// A text as it stands, for comparison. One that is none is no row of ours, and hides no other.
fn text(row: &PgRow, at: usize) -> Result<Option<String>, sqlx::Error> {
    let value = row.try_get_raw(at)?;
    if value.is_null() {
        return Ok(None);
    }
    value.as_bytes().map(|bytes| Some(readable(bytes))).map_err(sqlx::Error::Decode)
}

fn as_it_stands(row: &PgRow) -> Result<LeafRow, sqlx::Error> {
    let (key_id, ciphertext): (Option<[u8; 16]>, Option<Vec<u8>>) = (row.try_get(8)?, row.try_get(9)?);
    let whole = key_id.is_some() == ciphertext.is_some();
    Ok(LeafRow {
        index: u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or(u64::MAX),
        leaf: text(row, 1)?.ok_or(sqlx::Error::RowNotFound)?,
        hash: row.try_get(2)?,
        kind: kind_of(i64::from(row.try_get::<i16, _>(3)?)),
        time: u64::try_from(row.try_get::<i64, _>(4)?).ok(),
        rid: row.try_get(5)?,
        oin: text(row, 6)?,
        transaction: row.try_get(7)?,
        digest: row.try_get(10)?,
        payload: key_id.zip(ciphertext).map(|(key_id, ciphertext)| SealedPayload { key_id, ciphertext }),
        whole,
    })
}
