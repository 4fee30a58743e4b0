//! Writing and merging the subject index inside the commit that it belongs to (A19).
//!
//! Every 64th segment is merged with those before it in the same commit: no flush of its own, and the cost per entry
//! is 28 bytes once more.

use super::errors::before_commit;
use super::writer::Desk;
use super::{shards, statements};
use crate::segment::{self, Span};
use crate::store::{LOG, corrupt, signed};
use rusqlite::Connection;
use sluis_core::log::finalise::Entry;
use sluis_core::ports::StoreError;
use sluis_core::subject::SubjectRef;
use std::collections::BTreeSet;

/// How many small segments make a larger one.
pub(super) const MERGED: u32 = 64;

const TABLE: &str = "subject_segment";

fn refused(error: rusqlite::Error) -> StoreError {
    before_commit(LOG, TABLE, &error)
}

/// Writes the segment of a commit, if any of its entries concerns somebody, and merges when there are enough.
pub(super) fn write(desk: &mut Desk, entries: &[Entry<'_>]) -> Result<(), StoreError> {
    let Some((span, records)) = segment::of(desk.log, entries) else { return Ok(()) };
    insert(desk, span, &records)?;
    desk.segments += 1; // after a rollback one too high: the next merge is then of 63
    if desk.segments >= MERGED { merge(desk) } else { Ok(()) }
}

fn insert(desk: &Desk, span: Span, records: &[u8]) -> Result<(), StoreError> {
    let sealed = segment::seal(&desk.seals.index, span, records).map_err(|_| corrupt(TABLE))?;
    let mut statement = desk.connection.prepare_cached(statements::INSERT_SEGMENT).map_err(refused)?;
    statement
        .execute((span.log, span.level, signed(span.first)?, signed(span.last)?, sealed))
        .map(|_| ())
        .map_err(refused)
}

fn merge(desk: &mut Desk) -> Result<(), StoreError> {
    let small = rows(&desk.connection, statements::SMALL_SEGMENTS, desk.log, MERGED).map_err(refused)?;
    let (Some(first), Some(last)) = (small.first(), small.last()) else { return Ok(()) };
    let whole = Span { log: desk.log, level: 1, first: first.0.first, last: last.0.last };
    let small_last = signed(last.0.first)?;
    let mut records = zeroize::Zeroizing::new(Vec::new());
    for (span, sealed) in &small {
        records.extend_from_slice(&segment::open(&desk.seals.index, *span, sealed).ok_or(corrupt(TABLE))?);
    }
    let mut drop_small = desk.connection.prepare_cached(statements::DROP_SMALL_SEGMENTS).map_err(refused)?;
    drop_small.execute((desk.log, small_last)).map_err(refused)?;
    drop(drop_small);
    insert(desk, whole, &records)?;
    desk.segments = 0;
    Ok(())
}

/// The small segments, in order; at most `count`.
fn rows(connection: &Connection, sql: &str, log: i64, count: u32) -> Result<Vec<(Span, Vec<u8>)>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((log, count), |row| Ok((span(log, 0, row.get(0)?, row.get(1)?), row.get(2)?)))?;
    rows.collect()
}

/// What a segment covers, as its row says. Numbers that no segment of ours has make one that does not open.
fn span(log: i64, level: i64, first: i64, last: i64) -> Span {
    let [first, last] = [first, last].map(|n| u64::try_from(n).unwrap_or(u64::MAX));
    Span { log, level: u8::try_from(level).unwrap_or(u8::MAX), first, last }
}

/// Segments that begin at an index or later, in order, still sealed.
pub(super) fn from(
    connection: &Connection,
    log: i64,
    from: u64,
    count: u32,
) -> Result<Vec<(Span, Vec<u8>)>, rusqlite::Error> {
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(statements::SEGMENTS_FROM)?;
    let rows = statement
        .query_map((log, from, count), |row| Ok((span(log, row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?)))?;
    rows.collect()
}

/// Every segment of every shard that is there with its span, one at a time; `each` sees the sealed bytes. What is left of a
/// shard that goes is nobody's any more.
pub(super) fn scan(connection: &Connection, mut each: impl FnMut(Span, &[u8])) -> Result<(), rusqlite::Error> {
    let there = shards::rows(connection)?.into_iter().filter(|(.., pruned)| pruned.is_none());
    there.map(|(log, ..)| log).try_for_each(|log| scan_shard(connection, log, &mut each))
}

fn scan_shard(connection: &Connection, log: i64, mut each: impl FnMut(Span, &[u8])) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached(statements::SEGMENTS)?;
    let mut rows = statement.query([log])?;
    while let Some(row) = rows.next()? {
        let span = span(log, row.get(0)?, row.get(1)?, row.get(2)?);
        each(span, row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?);
    }
    Ok(())
}

/// The entries that concern a subject, by position and item.
pub(super) fn entries_of(
    connection: &Connection,
    key: &crate::master::RowKey,
    subject: SubjectRef,
) -> Result<Result<Vec<(u64, u32)>, StoreError>, rusqlite::Error> {
    let mut found = Vec::new();
    let mut sound = true;
    scan(connection, |span, sealed| match segment::open(key, span, sealed) {
        Some(records) => found.extend(segment::entries_of(&records, subject)),
        None => sound = false,
    })?;
    found.sort_unstable();
    Ok(if sound { Ok(found) } else { Err(corrupt(TABLE)) })
}

/// Takes entries of a subject, or of whomever they concern, out of the index: what stays at rest no longer says that they do.
pub(super) fn forget(desk: &Desk, subject: Option<SubjectRef>, gone: &BTreeSet<u64>) -> Result<(), StoreError> {
    let (mut changed, mut sound) = (Vec::new(), true);
    let each = |span: Span, sealed: &[u8]| match segment::open(&desk.seals.index, span, sealed) {
        Some(records) => changed.extend(segment::without(&records, subject, gone).map(|rest| (span, rest))),
        None => sound = false,
    };
    scan(&desk.connection, each).map_err(refused)?;
    if !sound {
        return Err(corrupt(TABLE));
    }
    for (span, rest) in changed {
        let sealed = segment::seal(&desk.seals.index, span, &rest).map_err(|_| corrupt(TABLE))?;
        let mut statement = desk.connection.prepare_cached(statements::REWRITE_SEGMENT).map_err(refused)?;
        statement.execute((span.log, span.level, signed(span.first)?, sealed)).map_err(refused)?;
    }
    Ok(())
}
