//! What is compared before a log is served: the head of each shard against the rows it was computed from.
//!
//! Finds leaves that were lost or hashes that were changed on the right edge and in stored sub-trees. A change inside a
//! complete sub-tree is found by verifying the log, not here.

use super::open::engine;
use super::open_error::OpenError;
use super::rows::{head_row, leaf_row, leaf_row_end, row_of};
use super::{shards, statements};
use crate::store::ends_as_said;
use rusqlite::{Connection, OptionalExtension};
use sluis_core::log::Hash;
use sluis_core::log::finalise::Head;
use sluis_core::log::tree::root_of;
use std::path::Path;

/// The newest shard of a file.
pub(super) struct Newest {
    /// Its number in rows.
    pub row: i64,
    pub head: Head,
    pub open: bool,
}

/// The heads of all shards, in order, and the newest shard.
pub(super) fn shards(connection: &Connection, file: &Path) -> Result<(Vec<Head>, Newest), OpenError> {
    let (mut heads, mut newest) = (Vec::new(), None);
    for (row, open, _) in shards::rows(connection).map_err(engine(file))? {
        let head = head(connection, file, row)?;
        heads.push(head.clone());
        newest = Some(Newest { row, head, open });
    }
    let corrupt = || OpenError::Corrupt { file: file.to_owned(), table: "log_shard" };
    let newest = newest.ok_or_else(corrupt)?;
    let last = last_leaf(connection, &newest).map_err(engine(file))?;
    if ends_as_said(newest.open, last.as_deref()) { Ok((heads, newest)) } else { Err(corrupt()) }
}

fn last_leaf(connection: &Connection, newest: &Newest) -> Result<Option<String>, rusqlite::Error> {
    let end = newest.head.end();
    let mut statement = connection.prepare_cached(statements::LEAVES)?;
    statement.query_row((row_of(end.saturating_sub(1)), row_of(end)), |row| row.get(0)).optional()
}

/// Reads the head and rebuilds its frontier from the stored hashes.
fn head(connection: &Connection, file: &Path, log: i64) -> Result<Head, OpenError> {
    let corrupt = |table| OpenError::Corrupt { file: file.to_owned(), table };
    let row = head_row(connection, log).map_err(engine(file))?;
    let head = row.open().map_err(|_| corrupt("log_head"))?;
    let beyond = leaf_hashes(connection, log, head.size(), u64::MAX).map_err(engine(file))?;
    if !beyond.is_empty() {
        return Err(corrupt("log_leaf"));
    }
    let rebuilt = frontier(connection, log, head.size()).map_err(engine(file))?;
    if rebuilt == head.frontier.to_bytes() { Ok(head) } else { Err(corrupt("log_leaf")) }
}

/// One hash for each set bit of the size, largest first: each from the hashes of the highest level that fits in it.
fn frontier(connection: &Connection, log: i64, size: u64) -> Result<Vec<u8>, rusqlite::Error> {
    let mut out = Vec::new();
    let mut start = 0;
    for bit in (0..u64::BITS).rev().filter(|bit| size >> bit & 1 == 1) {
        let end = start + (1u64 << bit);
        let level = bit / 8;
        let hashes = if level == 0 {
            leaf_hashes(connection, log, start, end)?
        } else {
            subtree_hashes(connection, log, level, start >> (8 * level), end >> (8 * level))?
        };
        if hashes.len() as u64 == 1u64 << (bit % 8) {
            out.extend_from_slice(&root_of(&hashes));
        }
        start = end;
    }
    Ok(out)
}

fn leaf_hashes(connection: &Connection, log: i64, from: u64, to: u64) -> Result<Vec<Hash>, rusqlite::Error> {
    let first = leaf_row(log, from).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(statements::LEAF_HASHES)?;
    let rows = statement.query_map((first, leaf_row_end(log, to)), |row| row.get(0))?;
    rows.collect()
}

fn subtree_hashes(
    connection: &Connection,
    log: i64,
    level: u32,
    from: u64,
    to: u64,
) -> Result<Vec<Hash>, rusqlite::Error> {
    let [from, to] = [from, to].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    let mut statement = connection.prepare_cached(statements::SUBTREE_HASHES)?;
    let rows = statement.query_map((log, level, from, to), |row| row.get(0))?;
    rows.collect()
}
