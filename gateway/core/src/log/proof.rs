//! Inclusion and consistency proofs (RFC 9162 §2.1.3, §2.1.4): built from stored hashes, verified from hashes alone.
//!
//! Building reads leaf hashes and hashes of complete sub-trees only, at most two short ranges per level of 256.

use super::checkpoint::SignedCheckpoint;
use super::leaf::Leaf;
use super::receipt::Receipt;
use super::shard::{base_of, index_of};
use super::tree::{leaf_hash, node_hash, root_of};
use super::{Hash, proof_plan};
use crate::ports::{Ledger, StoreError};
use proof_plan::{Ranges, Span};

/// The proof that the leaf at a position is in the tree of `size` leaves of its shard; `None` when it is not below that size.
///
/// # Errors
/// [`StoreError`] of the ledger; [`StoreError::Corrupt`] when hashes below the size are absent, so a caller compares
/// the size with the head first.
pub async fn inclusion(ledger: &dyn Ledger, position: u64, size: u64) -> Result<Option<Vec<Hash>>, StoreError> {
    let index = index_of(position);
    if index >= size {
        return Ok(None);
    }
    hashes_of(ledger, base_of(position), &proof_plan::inclusion(index, size)).await.map(Some)
}

/// The proof that the tree of `from` leaves is the beginning of the tree of `to` leaves; `None` when `from` is larger. Both are
/// positions in one shard, or sizes of the first.
///
/// # Errors
/// As [`inclusion`].
pub async fn consistency(ledger: &dyn Ledger, from: u64, to: u64) -> Result<Option<Vec<Hash>>, StoreError> {
    if from > to {
        return Ok(None);
    }
    hashes_of(ledger, base_of(to), &proof_plan::consistency(index_of(from), index_of(to))).await.map(Some)
}

/// The receipt of a stored leaf under a checkpoint of its shard; `None` when the leaf is not below the checkpoint's size.
///
/// # Errors
/// As [`inclusion`]; [`StoreError::Corrupt`] also when what is stored does not lead to the signed root.
pub async fn receipt_for(
    ledger: &dyn Ledger,
    position: u64,
    checkpoint: &SignedCheckpoint,
) -> Result<Option<Receipt>, StoreError> {
    let Some(path) = inclusion(ledger, position, checkpoint.size).await? else { return Ok(None) };
    let text = ledger.leaves(position, 1).await?.into_iter().next().ok_or(corrupt("leaf"))?;
    let leaf = Leaf::decode(&text).map_err(|_| corrupt("leaf"))?;
    let index = index_of(position);
    let included = verify_inclusion(&leaf_hash(text.as_bytes()), index, checkpoint.size, &path, &checkpoint.root);
    if !included || leaf.index() != index {
        return Err(corrupt("leaf"));
    }
    let receipt = Receipt::new(text.into(), leaf.kind(), index, path, checkpoint.note.as_str().into());
    Ok(Some(receipt))
}

/// The roots of the spans of the shard that begins at `base`, in their order.
async fn hashes_of(ledger: &dyn Ledger, base: u64, spans: &[Span]) -> Result<Vec<Hash>, StoreError> {
    let mut ranges = Ranges::of(spans);
    for (level, from, to) in ranges.wanted() {
        let (hashes, table) = match level {
            0 => (ledger.leaf_hashes(base + from, base + to).await?, "leaf"),
            _ => (ledger.subtree_hashes(level, base + from, base + to).await?, "subtree"),
        };
        if hashes.len() as u64 != to - from {
            return Err(corrupt(table));
        }
        ranges.supply(level, from, hashes);
    }
    let root = |span: &Span| ranges.pieces(*span).map(|pieces| fold(&pieces));
    spans.iter().map(root).collect::<Option<Vec<_>>>().ok_or(corrupt("subtree"))
}

/// The root over complete sub-trees of falling size, each given by the stored hashes it consists of.
pub(super) fn fold(pieces: &[&[Hash]]) -> Hash {
    let mut roots = pieces.iter().rev().map(|hashes| root_of(hashes));
    let last = roots.next().unwrap_or_else(|| root_of(&[]));
    roots.fold(last, |right, left| node_hash(&left, &right))
}

const fn corrupt(table: &'static str) -> StoreError {
    StoreError::Corrupt { store: "log database", table }
}

/// Whether a leaf hash is at this index of the tree with this size and root (RFC 9162 §2.1.3.2).
#[must_use]
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut place, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether the tree of `from` leaves is the beginning of the tree of `to` leaves (RFC 9162 §2.1.4.2).
///
/// The empty tree is the beginning of every tree; its proof is empty.
#[must_use]
pub fn verify_consistency(from: u64, to: u64, path: &[Hash], from_root: &Hash, to_root: &Hash) -> bool {
    if from > to {
        return false;
    }
    if from == 0 || from == to {
        let known = if from == to { to_root == from_root } else { *from_root == root_of(&[]) };
        return path.is_empty() && known;
    }
    let (mut place, mut last) = (from - 1, to - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    let (first, rest) = match path.split_first() {
        _ if from.is_power_of_two() => (from_root, path),
        Some((first, rest)) => (first, rest),
        None => return false,
    };
    let (mut old, mut new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && old == *from_root && new == *to_root
}
