//! One page of leaves: recomputed, compared with every row that follows from it, and noted for the guards they set.

use super::guards::{Note, note};
use super::index::{self, Concerned, NOT_FOUND};
use super::payload;
use super::shard::OfShard;
use super::tombs::Tombs;
use super::unread;
use sluis_core::log::checkpoint;
use sluis_core::log::leaf::Leaf;
use sluis_core::log::scrub::{self, Found, Subtree, Walk};
use sluis_core::log::shard::index_of;
use sluis_core::log::{Hash, LeafKind};
use sluis_core::ports::StoreError;
use sluis_core::upkeep::CheckpointRow;
use std::collections::BTreeMap;

/// Leaves read at a time.
pub(super) const LEAVES_READ: u32 = 512;
/// Kept checkpoints read at a time; there is at most one a minute, besides the newest.
const CHECKPOINTS_READ: u32 = 1024;

/// What one page gave.
pub(super) struct Page {
    pub walk: Walk,
    /// Entries that are not found under their subject.
    pub unindexed: Vec<Concerned>,
    /// Entries of which only the index may know whom they concern.
    pub only_indexed: Vec<u64>,
    /// The position where the segments that cover the next page begin.
    pub segments: u64,
    pub notes: Vec<Note>,
    /// Positions of entries of which the key was erased and the payload is still there.
    pub late: Vec<u64>,
    pub wrong: Vec<Found>,
    /// A row is there that is no leaf: what it set, and whom it concerned, nobody tells.
    pub silent: bool,
    /// Rows were missing: nothing after them can be compared.
    pub broken: bool,
}

/// Recomputes the leaves from where the walk stands, up to `size`; `segments` is where those of the subject index begin.
///
/// # Errors
/// A store that does not answer.
pub(super) async fn scrub(
    stores: &OfShard<'_>,
    from: &Walk,
    segments: u64,
    size: u64,
    tombs: &mut Tombs,
) -> Result<Page, StoreError> {
    let (mut walk, mut notes, mut wrong) = (from.clone(), Vec::new(), Vec::new());
    let count = u32::try_from(size - walk.size()).unwrap_or(u32::MAX).min(LEAVES_READ);
    let end = walk.size() + u64::from(count);
    let rows = unread::rows(stores, walk.size(), count, &mut wrong).await?;
    let signed = signed(stores, walk.size(), end, &mut wrong).await?;
    let mut silent = false;
    let (mut complete, mut concerned, mut only_indexed) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        if row.index != walk.size() {
            break;
        }
        let leaf = walk.row(row, &mut wrong, &mut complete);
        if signed.get(&walk.size()).is_some_and(|root| *root != walk.tree().root()) {
            wrong.push(Found::open("log_checkpoint", walk.size(), "we signed another root at this size"));
        }
        let Some(leaf) = leaf else {
            silent = true;
            continue;
        };
        let items = items(stores, &leaf, &mut wrong).await?;
        let about = payload::check(stores, &leaf, row, items.as_deref(), &mut wrong).await?;
        notes.extend(note(&leaf, about.subject).map(|(index, guard)| (stores.base + index, guard)));
        let at = stores.base + leaf.index();
        concerned.extend(about.indexed.into_iter().map(|(subject, item)| (at, subject, item)));
        only_indexed.extend(about.only_indexed.then_some(at));
    }
    let broken = walk.size() < end;
    if broken {
        wrong.push(Found::open("log_leaf", walk.size(), "the row is missing"));
    }
    let late = tombs.explain(stores, &rows, &mut wrong).await?;
    subtrees(stores, &complete, &mut wrong).await?;
    let (unindexed, segments) = match index::missing(stores, concerned, segments).await {
        Err(StoreError::Corrupt { table, .. }) => {
            wrong.push(Found::beside(table, walk.size(), "a segment cannot be read"));
            (Vec::new(), segments)
        }
        missing => missing?,
    };
    wrong.extend(unindexed.first().map(|(at, ..)| Found::beside("subject_segment", index_of(*at), NOT_FOUND)));
    Ok(Page { walk, unindexed, only_indexed, segments, notes, late, wrong, silent, broken })
}

/// The roots that our key signed at sizes from `from` to `to`, by the kept notes.
async fn signed(
    stores: &OfShard<'_>,
    from: u64,
    to: u64,
    wrong: &mut Vec<Found>,
) -> Result<BTreeMap<u64, Hash>, StoreError> {
    let (mut roots, mut next) = (BTreeMap::new(), if from == 0 { 0 } else { from + 1 });
    loop {
        let kept = match stores.log.checkpoint_rows(stores.base + next, CHECKPOINTS_READ).await {
            Err(StoreError::Corrupt { table, .. }) => {
                wrong.push(Found::beside(table, next, "a kept note cannot be read"));
                return Ok(roots);
            }
            kept => kept?,
        };
        let Some(last) = kept.last() else { return Ok(roots) };
        next = last.size.saturating_add(1);
        let beyond = last.size > to;
        for row in kept.into_iter().filter(|row| row.size <= to) {
            roots.extend(opened(stores, &row, wrong));
        }
        if beyond {
            return Ok(roots);
        }
    }
}

/// A kept note that counts. One that was changed is beside the tree: what was signed has gone to others too.
pub(super) fn opened(stores: &OfShard<'_>, row: &CheckpointRow, wrong: &mut Vec<Found>) -> Option<(u64, Hash)> {
    match checkpoint::open(&row.note, &stores.verifier_key) {
        Ok(opened) if opened.size == row.size => Some((opened.size, opened.root)),
        Ok(_) => {
            wrong.push(Found::beside("log_checkpoint", row.size, "the note is of another size than its row"));
            None
        }
        Err(_) => {
            wrong.push(Found::beside("log_checkpoint", row.size, "the note is not one that our key signed"));
            None
        }
    }
}

/// The items of a page as they stand, compared with its leaf; `None` of another leaf, and where they cannot be read.
async fn items(stores: &OfShard<'_>, leaf: &Leaf, wrong: &mut Vec<Found>) -> Result<Option<Vec<u8>>, StoreError> {
    if leaf.kind() != LeafKind::Page {
        return Ok(None);
    }
    match stores.log.page(stores.base + leaf.index()).await {
        Err(StoreError::Corrupt { table, .. }) => {
            wrong.push(Found::beside(table, leaf.index(), "the items of the page cannot be read"));
            Ok(None)
        }
        items => {
            let items = items?;
            wrong.extend(scrub::page(leaf, items.as_deref()));
            Ok(items)
        }
    }
}

async fn subtrees(stores: &OfShard<'_>, complete: &[Subtree], wrong: &mut Vec<Found>) -> Result<(), StoreError> {
    for (level, number, hash) in complete {
        let at = stores.base + *number;
        let stored = stores.log.subtree_hashes(*level, at, at + 1).await;
        let stored = match stored {
            Err(StoreError::Corrupt { .. }) => Vec::new(),
            stored => stored?,
        };
        if stored.as_slice() != [*hash] {
            wrong.push(Found::open("log_subtree", *number, "the stored hash is not that of its leaves"));
        }
    }
    Ok(())
}
