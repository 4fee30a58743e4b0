//! What one append adds to the tree: every node to the right of the old edge, computed once, kept in memory.
//!
//! From these and the old frontier come the new frontier, the new complete sub-trees that are stored, and the
//! inclusion proof of every new leaf, without reading a row.

use super::Hash;
use super::finalise::SubtreeRow;
use super::tree::{Frontier, node_hash};

/// The nodes of one level from number `base` on; level 0 are leaves. The last may be the root of a ragged sub-tree.
#[derive(Debug)]
struct Level {
    base: u64,
    nodes: Vec<Hash>,
}

/// The nodes that an append of at least one leaf adds or touches, level by level up to the root.
#[derive(Debug)]
pub(super) struct Growth {
    old: Frontier,
    size: u64,
    levels: Vec<Level>,
}

impl Growth {
    /// Appends leaf hashes to the tree behind `old`.
    pub(super) fn new(old: &Frontier, leaves: Vec<Hash>) -> Self {
        let start = old.size();
        let size = start + leaves.len() as u64;
        let mut levels = Vec::new();
        let mut nodes = leaves;
        for level in 0..u64::BITS {
            let mut base = start >> level;
            if let Some(left) = old.at_level(level) {
                nodes.insert(0, left);
                base -= 1;
            }
            let above = nodes.chunks(2).map(parent).collect::<Option<Vec<Hash>>>().unwrap_or_default();
            let root = base == 0 && nodes.len() <= 1;
            levels.push(Level { base, nodes });
            if root {
                break;
            }
            nodes = above;
        }
        Self { old: old.clone(), size, levels }
    }

    /// The frontier after the append.
    pub(super) fn frontier(&self) -> Frontier {
        let edge = (0..u64::BITS).rev().filter(|level| (self.size >> level) & 1 == 1);
        let hashes =
            edge.filter_map(|level| self.node(level, (self.size >> level) - 1).or_else(|| self.old.at_level(level)));
        Frontier::from_hashes(self.size, hashes.collect())
    }

    /// The inclusion proof (RFC 9162 §2.1.3.1) of a new leaf in the tree after the append, from leaf to root.
    pub(super) fn path(&self, index: u64) -> Vec<Hash> {
        let levels = self.levels.iter().zip(0u32..);
        levels.filter_map(|(_, level)| self.node(level, (index >> level) ^ 1)).collect()
    }

    /// The complete sub-trees of 256, 65,536, … leaves that this append finished.
    pub(super) fn subtrees(&self) -> Vec<SubtreeRow> {
        let mut rows = Vec::new();
        for level in 1..=7u8 {
            let height = u32::from(level) * 8;
            let finished = (self.old.size() >> height)..(self.size >> height);
            rows.extend(
                finished.filter_map(|number| Some(SubtreeRow { level, number, hash: self.node(height, number)? })),
            );
        }
        rows
    }

    fn node(&self, level: u32, number: u64) -> Option<Hash> {
        let level = self.levels.get(usize::try_from(level).ok()?)?;
        let at = number.checked_sub(level.base)?;
        level.nodes.get(usize::try_from(at).ok()?).copied()
    }
}

/// A pair has its node hash; a last one without a sibling is carried up as it is.
fn parent(pair: &[Hash]) -> Option<Hash> {
    match pair {
        [left, right] => Some(node_hash(left, right)),
        [alone] => Some(*alone),
        _ => None,
    }
}
