//! What is compared before a log is served, in one snapshot: other replicas append and turn the year meanwhile.

use super::connect::Place;
use super::open_error::OpenError;
use super::rows::{self, bound, leaf_hashes, refused};
use super::{shards, statements};
use crate::store::ends_as_said;
use sluis_core::log::finalise::Head;
use sluis_core::log::tree::root_of;
use sluis_core::ports::StoreError;
use sqlx::postgres::PgConnection;

/// The number and the head of the newest shard, every shard's head compared with its rows. After an error the session is to be
/// closed.
pub(super) async fn newest(c: &mut PgConnection, place: &Place) -> Result<(i16, Head), OpenError> {
    let engine = |source| place.engine(source);
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut *c).await.map_err(engine)?;
    let mut newest = None;
    for (log, origin, open, _, pruned) in shards::rows(&mut *c).await.map_err(engine)? {
        newest = Some((log, open, head(c, place, log, &origin, pruned.is_none()).await?));
    }
    let (log, open, head) = newest.ok_or(place.corrupt("log_shard"))?;
    let last: Option<String> = sqlx::query_scalar(statements::LEAVES)
        .bind(log)
        .bind(bound(head.size().saturating_sub(1)))
        .bind(bound(head.size()))
        .fetch_optional(&mut *c)
        .await
        .map_err(engine)?;
    sqlx::query("COMMIT").execute(&mut *c).await.map_err(engine)?;
    if ends_as_said(open, last.as_deref()) { Ok((log, head)) } else { Err(place.corrupt("log_shard")) }
}

/// The head, compared with the rows it was computed from: leaves lost on the right edge, hashes changed there and in
/// stored sub-trees are found. A change inside a complete sub-tree is found by verifying the log, not here. Of a shard that was
/// removed no rows are `there`.
async fn head(c: &mut PgConnection, place: &Place, log: i16, origin: &str, there: bool) -> Result<Head, OpenError> {
    // A server that does not answer contradicts nothing.
    let said = |error| match error {
        StoreError::Corrupt { table, .. } => place.corrupt(table),
        error => place.engine(sqlx::Error::Io(std::io::Error::other(error))),
    };
    let (head, _) = rows::head(c, log, origin).await.map_err(said)?;
    if !there {
        return Ok(head);
    }
    let beyond = leaf_hashes(c, log, head.size(), u64::MAX).await.map_err(said)?;
    let rebuilt = frontier(c, log, head.size()).await.map_err(said)?;
    let whole = beyond.is_empty() && rebuilt == head.frontier.to_bytes();
    if whole { Ok(head) } else { Err(place.corrupt("log_leaf")) }
}

/// One hash for each set bit of the size, largest first: each from the hashes of the highest level that fits in it.
async fn frontier(c: &mut PgConnection, log: i16, size: u64) -> Result<Vec<u8>, StoreError> {
    let (mut out, mut start) = (Vec::new(), 0);
    for bit in (0..u64::BITS).rev().filter(|bit| size >> bit & 1 == 1) {
        let end = start + (1u64 << bit);
        let level = bit / 8;
        let hashes: Vec<[u8; 32]> = if level == 0 {
            leaf_hashes(c, log, start, end).await?
        } else {
            let numbers = [start, end].map(|n| bound(n >> (8 * level)));
            let stored = sqlx::query_scalar(statements::SUBTREE_HASHES).bind(log).bind(level as i16);
            let stored = stored.bind(numbers[0]).bind(numbers[1]).fetch_all(&mut *c).await;
            stored.map_err(refused("log_subtree"))?
        };
        if hashes.len() as u64 == 1u64 << (bit % 8) {
            out.extend_from_slice(&root_of(&hashes));
        }
        start = end;
    }
    Ok(out)
}
