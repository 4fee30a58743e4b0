//! The Merkle tree of RFC 6962 §2.1 (RFC 9162 §2.1): hashes of leaves, nodes and roots, and the right edge.

use super::Hash;
use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 over the concatenation.
pub(super) fn sha256(parts: &[&[u8]]) -> Hash {
    // One call of the library over one buffer is faster than a context that takes the parts.
    of(&parts.concat())
}

fn of(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.iter_mut().zip(digest(&SHA256, bytes).as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

/// `SHA-256(00 ‖ text)`.
#[must_use]
pub fn leaf_hash(text: &[u8]) -> Hash {
    sha256(&[&[0], text])
}

/// `SHA-256(01 ‖ left ‖ right)`.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut node = [1; 65];
    node.iter_mut().skip(1).zip(left.iter().chain(right)).for_each(|(to, from)| *to = *from);
    of(&node)
}

/// The root over leaf hashes; of none, SHA-256 of nothing.
#[must_use]
pub fn root_of(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::empty();
    hashes.iter().for_each(|hash| frontier.push(*hash));
    frontier.root()
}

/// The right edge of a tree: the roots of its largest complete sub-trees, from left to right.
///
/// Enough to append and to know the root, and all that a head needs to keep: at most 64 hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// One hash for each set bit of `size`, largest sub-tree first.
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The tree without leaves.
    #[must_use]
    pub const fn empty() -> Self {
        Self { size: 0, hashes: Vec::new() }
    }

    /// A frontier as it was stored: 32 bytes for each set bit of the size, or `None`.
    #[must_use]
    pub fn from_parts(size: u64, bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        let whole = rest.is_empty() && u32::try_from(hashes.len()) == Ok(size.count_ones());
        whole.then(|| Self { size, hashes: hashes.to_vec() })
    }

    /// Crate-internal: the hashes must be those of the set bits, largest first.
    pub(super) const fn from_hashes(size: u64, hashes: Vec<Hash>) -> Self {
        Self { size, hashes }
    }

    /// The hashes, largest sub-tree first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.concat()
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut edge = self.hashes.iter().rev();
        let smallest = edge.next().copied().unwrap_or_else(|| sha256(&[]));
        edge.fold(smallest, |right, left| node_hash(left, &right))
    }

    /// Appends one leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.hashes.push(hash);
        self.size += 1;
    }

    /// The root of the complete sub-tree of `2^level` leaves on the edge, if there is one.
    pub(super) fn at_level(&self, level: u32) -> Option<Hash> {
        let bit = 1u64.checked_shl(level)?;
        if self.size & bit == 0 {
            return None;
        }
        let larger = self.size.checked_shr(level + 1).map_or(0, u64::count_ones);
        self.hashes.get(usize::try_from(larger).ok()?).copied()
    }
}
