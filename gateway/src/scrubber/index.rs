//! The subject index against the payloads: every entry is found under whom its payload is about.
//!
//! In constant memory: the segments that cover a page of leaves are read with it. Where this ends: entries whose key was
//! destroyed, which are no longer in the index, and items of pages that were tagged with such a key, which only the index knows.

use super::shard::OfShard;
use sluis_core::ports::StoreError;
use sluis_core::subject::SubjectRef;
use std::collections::HashSet;

/// The position of an entry, whom it is about, and in which item of a page.
pub(super) type Concerned = (u64, SubjectRef, u32);

/// Segments read at a time.
const SEGMENTS_READ: u32 = 64;
/// What is said of an entry that is missing.
pub(super) const NOT_FOUND: &str = "the entry is not found under its subject";

/// Those of these entries of one shard, in order, that the index does not have under their subject; and where the segments that
/// cover the next page begin. `from` is where those of this page do.
///
/// # Errors
/// A store that does not answer.
pub(super) async fn missing(
    stores: &OfShard<'_>,
    concerned: Vec<Concerned>,
    from: u64,
) -> Result<(Vec<Concerned>, u64), StoreError> {
    let Some((end, ..)) = concerned.last().copied() else { return Ok((concerned, from)) };
    let mut missing: HashSet<Concerned> = concerned.into_iter().collect();
    let covering = strike(stores, &mut missing, from, end).await?;
    if !missing.is_empty() && from > stores.base {
        // Segments may have been merged meanwhile into one that begins before where we read.
        strike(stores, &mut missing, stores.base, end).await?;
    }
    let mut missing: Vec<Concerned> = missing.into_iter().collect();
    missing.sort_unstable();
    Ok((missing, covering))
}

/// Strikes what the segments from `from` on have, up to those that begin behind `end`. Gives where the last of them begins.
async fn strike(
    stores: &OfShard<'_>,
    missing: &mut HashSet<Concerned>,
    from: u64,
    end: u64,
) -> Result<u64, StoreError> {
    let (mut next, mut covering) = (from, from);
    loop {
        let page = stores.log.segment_rows(next, SEGMENTS_READ).await?;
        let Some(last) = page.last() else { return Ok(covering) };
        next = last.first.saturating_add(1);
        for segment in page {
            if segment.first > end {
                return Ok(covering);
            }
            covering = segment.first;
            for (subject, at, item) in segment.records.into_iter().flatten() {
                missing.remove(&(at, subject, item));
            }
        }
    }
}
