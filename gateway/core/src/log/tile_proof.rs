//! Roots and consistency proofs out of the hash tiles of an export, without reading its entries.
//!
//! A tile level is a stored level (256 hashes make one of the next), so a proof over millions of entries reads a few
//! files. What is read need not be trusted: whoever verifies compares with signed roots.

use super::Hash;
use super::proof::fold;
use super::proof_plan::{self, Ranges, Span};

/// The root over the first `size` leaves. `read` gives the hashes `from..to` of a level, which lie in one tile; `None` when
/// it gives fewer.
///
/// # Errors
/// Those of `read`.
pub fn root<E>(size: u64, read: &mut impl FnMut(u8, u64, u64) -> Result<Vec<Hash>, E>) -> Result<Option<Hash>, E> {
    Ok(hashes_of(&[proof_plan::prefix(size)], read)?.and_then(|hashes| hashes.first().copied()))
}

/// The proof that the tree of `from` leaves is the beginning of the tree of `to` leaves, for
/// [`verify_consistency`](super::proof::verify_consistency); `None` when `read` gives fewer hashes than asked.
///
/// # Errors
/// Those of `read`.
pub fn consistency<E>(
    from: u64,
    to: u64,
    read: &mut impl FnMut(u8, u64, u64) -> Result<Vec<Hash>, E>,
) -> Result<Option<Vec<Hash>>, E> {
    hashes_of(&proof_plan::consistency(from, to), read)
}

fn hashes_of<E>(
    spans: &[Span],
    read: &mut impl FnMut(u8, u64, u64) -> Result<Vec<Hash>, E>,
) -> Result<Option<Vec<Hash>>, E> {
    let mut ranges = Ranges::of(spans);
    for (level, from, to) in ranges.wanted() {
        let hashes = read(level, from, to)?;
        if hashes.len() as u64 != to - from {
            return Ok(None);
        }
        ranges.supply(level, from, hashes);
    }
    Ok(spans.iter().map(|span| ranges.pieces(*span).map(|pieces| fold(&pieces))).collect())
}

#[cfg(test)]
mod tests {
    use super::super::proof::verify_consistency;
    use super::super::tiles::{TILE_WIDTH, Tiler, tile_path};
    use super::super::tree::{leaf_hash, root_of};
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn tiles_give_the_roots_and_proofs_of_their_leaves() {
        let leaves: Vec<String> = (0..70_000u32).map(|n| n.to_string()).collect();
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf.as_bytes())).collect();
        let mut tiler = Tiler::new();
        let mut files: HashMap<String, Vec<u8>> = HashMap::new();
        for leaf in &leaves {
            files.extend(tiler.push(leaf).into_iter().map(|file| (file.path, file.bytes)));
        }
        files.extend(tiler.finish().into_iter().map(|file| (file.path, file.bytes)));
        let mut read = |level: u8, from: u64, to: u64| -> Result<Vec<Hash>, ()> {
            let (count, number) = (leaves.len() as u64 >> (8 * u32::from(level)), from >> 8);
            let width = usize::try_from(count - number * 256).unwrap().min(TILE_WIDTH);
            let (tile, _) = files.get(&tile_path(level, number, width)).ok_or(())?.as_chunks::<32>();
            let at = |n: u64| usize::try_from(n - number * 256).unwrap();
            Ok(tile[at(from)..at(to)].to_vec())
        };
        for size in [0usize, 1, 255, 256, 257, 65_535, 65_536, 65_537, 69_999, 70_000] {
            let expected = root_of(&hashes[..size]);
            assert_eq!(root(size as u64, &mut read), Ok(Some(expected)), "{size}");
            let path = consistency(size as u64, 70_000, &mut read).unwrap().unwrap();
            assert!(verify_consistency(size as u64, 70_000, &path, &expected, &root_of(&hashes)), "{size}");
        }
        assert_eq!(consistency(5, 9, &mut |_, _, _| Ok::<_, ()>(Vec::new())), Ok(None));
    }
}
