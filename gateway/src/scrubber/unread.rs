//! What is still read of a shard in which a row is missing or cannot be read: no tree goes on behind it, but who set which guard
//! is told by the entries that are left, and a row of state that was put back is found all the same.

use super::guards::{Note, note};
use super::page::LEAVES_READ;
use super::payload;
use super::shard::OfShard;
use sluis_core::log::leaf::Leaf;
use sluis_core::log::scrub::Found;
use sluis_core::log::tree::leaf_hash;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::LeafRow;

/// At most `count` rows of leaves from this index of the shard. Where one cannot be read, the others are read by themselves; the
/// first of those that cannot is told.
///
/// # Errors
/// A store that does not answer.
pub(super) async fn rows(
    stores: &OfShard<'_>,
    from: u64,
    count: u32,
    wrong: &mut Vec<Found>,
) -> Result<Vec<LeafRow>, StoreError> {
    match stores.log.leaf_rows(stores.base + from, count).await {
        Err(StoreError::Corrupt { .. }) => {}
        rows => return rows,
    }
    let (mut rows, mut unread) = (Vec::new(), None);
    for index in from..from + u64::from(count) {
        match stores.log.leaf_rows(stores.base + index, 1).await {
            Err(StoreError::Corrupt { .. }) => unread = unread.or(Some(index)),
            row => rows.extend(row?),
        }
    }
    wrong.extend(unread.map(|index| Found::open("log_leaf", index, "the row cannot be read")));
    Ok(rows)
}

/// What the entries from this index up to `size` say of guards, page by page. One of which the stored hash is not its own says
/// nothing.
///
/// # Errors
/// A store that does not answer.
pub(super) async fn notes(stores: &OfShard<'_>, from: u64, size: u64) -> Result<(Vec<Note>, u64), StoreError> {
    let count = u32::try_from(size - from).unwrap_or(u32::MAX).min(LEAVES_READ);
    let (mut notes, mut told) = (Vec::new(), Vec::new());
    for row in rows(stores, from, count, &mut told).await? {
        let leaf = Leaf::decode(&row.leaf).ok().filter(|leaf| leaf.index() == row.index);
        let Some(leaf) = leaf.filter(|_| leaf_hash(row.leaf.as_bytes()) == row.hash) else { continue };
        let about = payload::check(stores, &leaf, &row, None, &mut told).await?;
        notes.extend(note(&leaf, about.subject).map(|(index, guard)| (stores.base + index, guard)));
    }
    Ok((notes, from + u64::from(count)))
}
