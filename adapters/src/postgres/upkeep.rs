//! What time takes away and what is tidied: superseded heads and marks, small segments, transactions, erased payloads.
//!
//! The tombstone of a key is written before its payloads go and before the key database destroys it (A21). The tree never
//! changes: leaves, hashes and proofs stay.

use super::rows::{bound, index, log_of};
use super::writer::{Role, Seals};
use super::{shards, statements};
use crate::master::RowKey;
use crate::segment::{self, Span};
use crate::store::{TombRow, open_tombs, seal_tomb};
use sluis_core::log::Millis;
use sluis_core::subject::SubjectRef;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgExecutor, PgTransaction};
use std::collections::BTreeSet;

/// How many small segments make a larger one.
const MERGED: i64 = 64;
/// Segments read at a time.
pub(super) const SEGMENTS_READ: i64 = 1000;

/// Removes heads and marks that newer ones supersede, and merges small segments when there are enough.
pub(super) async fn prune(c: &mut PgConnection, role: Role, index: &RowKey) -> Result<(), sqlx::Error> {
    sqlx::query(statements::PRUNE_HEADS).bind(role.log).execute(&mut *c).await?;
    sqlx::query(statements::PRUNE_MARKS).bind(role.replica).execute(&mut *c).await?;
    merge(c, role.log, index).await
}

/// Merges the oldest small segments, by one replica at a time. If the process dies here, they stay as they were.
async fn merge(c: &mut PgConnection, log: i16, key: &RowKey) -> Result<(), sqlx::Error> {
    let mut transaction = c.begin().await?;
    while let Some((whole, sealed)) = merged(&mut transaction, log, key).await? {
        let insert = sqlx::query(statements::INSERT_SEGMENT).bind(log).bind(1i16);
        let insert = insert.bind(bound(whole.first)).bind(bound(whole.last)).bind(sealed);
        insert.execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// Takes 64 small segments away and gives what stands for them; `None` when there are fewer, or another replica merges.
async fn merged(t: &mut PgTransaction<'_>, log: i16, key: &RowKey) -> Result<Option<(Span, Vec<u8>)>, sqlx::Error> {
    let alone: bool = sqlx::query_scalar(statements::MERGING).bind(i32::from(log)).fetch_one(&mut **t).await?;
    if !alone {
        return Ok(None);
    }
    let small: Vec<(i64, i64, Vec<u8>)> =
        sqlx::query_as(statements::SMALL_SEGMENTS).bind(log).bind(MERGED).fetch_all(&mut **t).await?;
    let (Some(first), Some(last)) = (small.first(), small.last()) else { return Ok(None) };
    if (small.len() as i64) < MERGED {
        return Ok(None);
    }
    let whole = span(log, 1, first.0, last.1);
    let mut records = zeroize::Zeroizing::new(Vec::new());
    for (first, last, sealed) in &small {
        let opened = segment::open(key, span(log, 0, *first, *last), sealed);
        records.extend_from_slice(&opened.ok_or(sqlx::Error::Decode("a segment does not open".into()))?);
    }
    sqlx::query(statements::DROP_SMALL_SEGMENTS).bind(log).bind(last.0).execute(&mut **t).await?;
    let sealed = segment::seal(key, whole, &records).map_err(|e| sqlx::Error::Encode(e.to_string().into()))?;
    Ok(Some((whole, sealed)))
}

/// What a segment covers, as its row says.
pub(super) fn span(log: i16, level: u8, first: i64, last: i64) -> Span {
    let [first, last] = [first, last].map(|n| u64::try_from(n).unwrap_or(u64::MAX));
    Span { log: i64::from(log), level, first, last }
}

/// Every segment of every shard that is there as it is opened, in pages: what is left of one that goes is nobody's any more.
async fn scan(c: &mut PgConnection, key: &RowKey, mut each: impl FnMut(Span, &[u8])) -> Result<(), sqlx::Error> {
    for (log, _, _, _, pruned) in shards::rows(&mut *c).await? {
        if pruned.is_some() {
            continue;
        }
        scan_shard(c, log, key, &mut each).await?;
    }
    Ok(())
}

async fn scan_shard(
    c: &mut PgConnection,
    log: i16,
    key: &RowKey,
    mut each: impl FnMut(Span, &[u8]),
) -> Result<(), sqlx::Error> {
    let mut from = 0i64;
    loop {
        let page: Vec<(i16, i64, i64, Vec<u8>)> =
            sqlx::query_as(statements::SEGMENTS).bind(log).bind(from).bind(SEGMENTS_READ).fetch_all(&mut *c).await?;
        for (level, first, last, sealed) in &page {
            let span = span(log, u8::try_from(*level).unwrap_or(u8::MAX), *first, *last);
            let records = segment::open(key, span, sealed);
            each(span, &records.ok_or(sqlx::Error::Decode("a segment does not open".into()))?);
        }
        let Some(next) = page.last().and_then(|last| last.1.checked_add(1)) else { return Ok(()) };
        from = next;
    }
}

/// The entries that concern a subject, by position and item. Reads the whole index, in pages.
pub(super) async fn entries_of(
    c: &mut PgConnection,
    key: &RowKey,
    subject: SubjectRef,
) -> Result<Vec<(u64, u32)>, sqlx::Error> {
    let mut found = Vec::new();
    scan(c, key, |_, records| found.extend(segment::entries_of(records, subject))).await?;
    found.sort_unstable();
    Ok(found)
}

/// Takes entries of a subject, or of whomever they concern, out of the index: what stays at rest no longer says that they do.
async fn forget(
    t: &mut PgTransaction<'_>,
    key: &RowKey,
    subject: Option<SubjectRef>,
    gone: &BTreeSet<u64>,
) -> Result<(), sqlx::Error> {
    let mut changed = Vec::new();
    let each = |span, records: &[u8]| changed.extend(segment::without(records, subject, gone).map(|rest| (span, rest)));
    scan(t, key, each).await?;
    for (span, rest) in changed {
        let sealed = segment::seal(key, span, &rest).map_err(|e| sqlx::Error::Encode(e.to_string().into()))?;
        let rewrite = sqlx::query(statements::REWRITE_SEGMENT).bind(span.log as i16).bind(i16::from(span.level));
        rewrite.bind(bound(span.first)).bind(sealed).execute(&mut **t).await?;
    }
    Ok(())
}

/// Removes transaction ids and digests of entries before a moment (A13). Gives how many.
pub(super) async fn forget_transactions(c: &mut PgConnection, before: Millis) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query(statements::FORGET_TRANSACTIONS).bind(bound(before)).execute(c).await?;
    Ok(forgotten.rows_affected())
}

/// Buries keys, removes the payloads they opened and takes those entries out of the subject index, in one transaction,
/// while no replica merges segments. Gives the number of payloads removed.
pub(super) async fn erase(
    c: &mut PgConnection,
    seals: &Seals,
    subject: SubjectRef,
    keys: &[[u8; 16]],
) -> Result<u64, sqlx::Error> {
    let mut transaction = c.begin().await?;
    sqlx::query(statements::UNHURRIED).execute(&mut *transaction).await?;
    not_merging(&mut transaction).await?;
    let tombs: Result<Vec<Vec<u8>>, _> = keys.iter().map(|key| seal_tomb(&seals.tomb, key)).collect();
    let tombs = tombs.map_err(|e| sqlx::Error::Encode(e.into()))?;
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; 16]>::as_slice).collect();
    sqlx::query(statements::BURY).bind(&keys).bind(&tombs).execute(&mut *transaction).await?;
    let entries = entries_of(&mut transaction, &seals.index, subject).await?;
    let entries: Vec<u64> = entries.into_iter().map(|(at, _)| at).collect();
    let gone = remove(&mut transaction, &entries, &keys).await?;
    forget(&mut transaction, &seals.index, Some(subject), &gone).await?;
    transaction.commit().await?;
    Ok(gone.len() as u64)
}

/// Every tombstone as it stands.
pub(super) async fn tombs(at: impl PgExecutor<'_>) -> Result<Vec<TombRow>, sqlx::Error> {
    sqlx::query_as(statements::ERASED).fetch_all(at).await
}

/// Removes those of these payloads of which the key has a tombstone, and takes their entries out of the index.
pub(super) async fn erase_late(c: &mut PgConnection, seals: &Seals, entries: &[u64]) -> Result<(), sqlx::Error> {
    let mut transaction = c.begin().await?;
    not_merging(&mut transaction).await?;
    let keys = open_tombs(&seals.tomb, tombs(&mut *transaction).await?).map_err(|e| sqlx::Error::Decode(e.into()))?;
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; 16]>::as_slice).collect();
    let gone = remove(&mut transaction, entries, &keys).await?;
    forget(&mut transaction, &seals.index, None, &gone).await?;
    transaction.commit().await
}

/// Keeps every replica from merging segments until the transaction ends.
async fn not_merging(t: &mut PgTransaction<'_>) -> Result<(), sqlx::Error> {
    for (log, ..) in shards::rows(&mut **t).await? {
        sqlx::query(statements::NOT_MERGING).bind(i32::from(log)).execute(&mut **t).await?;
    }
    Ok(())
}

/// Removes those of these payloads that one of these keys opened. Gives their positions.
async fn remove(t: &mut PgTransaction<'_>, entries: &[u64], keys: &[&[u8]]) -> Result<BTreeSet<u64>, sqlx::Error> {
    let mut gone = BTreeSet::new();
    for (log, ..) in shards::rows(&mut **t).await? {
        let here = entries.iter().filter(|at| log_of(**at) == log);
        let indices: Vec<i64> = here.map(|at| index(*at)).collect();
        let erase = sqlx::query_scalar::<_, i64>(statements::ERASE_PAYLOADS).bind(log).bind(indices).bind(keys);
        gone.extend(erase.fetch_all(&mut **t).await?.into_iter().filter_map(|at| u64::try_from(at).ok()));
    }
    Ok(gone)
}
