//! Reading rows: the head with the database's clock, guards, entries.

use super::errors::before_commit;
use super::statements;
use crate::store::{GuardRow, LOG, corrupt};
use sluis_core::log::Millis;
use sluis_core::log::draft::SealedPayload;
use sluis_core::log::finalise::Head;
use sluis_core::log::shard;
use sluis_core::log::tree::Frontier;
use sluis_core::ports::{StoreError, StoredEntry};
use sqlx::postgres::{PgConnection, PgPool};

/// The error of a read from this table.
pub(super) fn refused(table: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| before_commit(LOG, table, &error)
}

/// A number as the engine gives it.
pub(super) fn unsigned(number: i64, table: &'static str) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| corrupt(table))
}

/// A number as the engine takes it; what is beyond is the last there can be.
pub(super) fn bound(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Newest head as a row: size, frontier, time of the last leaf, the database's clock now.
pub(super) type HeadRow = (i64, Vec<u8>, i64, i64);

/// The number in rows of the shard that a position is in.
pub(super) fn log_of(position: u64) -> i16 {
    i16::try_from(shard::number_of(position)).unwrap_or(i16::MAX).saturating_add(1)
}

/// The index of a position, as the engine takes it.
pub(super) fn index(position: u64) -> i64 {
    bound(shard::index_of(position))
}

/// The head of a shard and the database's clock.
pub(super) fn head_of(log: i16, origin: &str, row: HeadRow) -> Result<(Head, Millis), StoreError> {
    let (size, frontier, last_time, clock) = row;
    let size = unsigned(size, "log_head")?;
    let frontier = Frontier::from_parts(size, &frontier).ok_or(corrupt("log_head"))?;
    let last_time = unsigned(last_time, "log_head")?;
    let shard = u16::try_from(i32::from(log) - 1).map_err(|_| corrupt("log_shard"))?;
    Ok((Head { origin: origin.to_owned(), shard, frontier, last_time }, unsigned(clock, "log_head")?))
}

/// The newest head of a shard that is committed.
pub(super) async fn head(connection: &mut PgConnection, log: i16, origin: &str) -> Result<(Head, Millis), StoreError> {
    let row = sqlx::query_as(statements::HEAD).bind(log).fetch_one(connection).await;
    head_of(log, origin, row.map_err(refused("log_head"))?)
}

/// The leaf hashes `from..to`, in order.
pub(super) async fn leaf_hashes(
    connection: &mut PgConnection,
    log: i16,
    from: u64,
    to: u64,
) -> Result<Vec<[u8; 32]>, StoreError> {
    let rows = sqlx::query_scalar(statements::LEAF_HASHES).bind(log).bind(bound(from)).bind(bound(to));
    rows.fetch_all(connection).await.map_err(refused("log_leaf"))
}

/// A guard as it stands, still sealed.
pub(super) async fn guard_row(pool: &PgPool, kind: u8, key: &[u8]) -> Result<Option<GuardRow>, StoreError> {
    let row = sqlx::query_as::<_, (i64, i64, Vec<u8>)>(statements::STATE).bind(i16::from(kind)).bind(key);
    let row = row.fetch_optional(pool).await.map_err(refused("state"))?;
    Ok(row.map(|(version, index, sealed)| GuardRow(version, index, sealed)))
}

/// An entry as a row: position, leaf, key id, ciphertext.
pub(super) type EntryRow = (i64, String, Option<[u8; 16]>, Option<Vec<u8>>);

/// The entry in a row.
pub(super) fn stored_entry(row: EntryRow) -> Result<StoredEntry, StoreError> {
    let (position, leaf, key_id, ciphertext) = row;
    let payload = key_id.zip(ciphertext).map(|(key_id, ciphertext)| SealedPayload { key_id, ciphertext });
    Ok(StoredEntry { index: unsigned(position, "log_leaf")?, leaf, payload })
}
