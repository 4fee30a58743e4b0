//! A leaf that was read strictly, with what is compared when the leaves before it are known.

use super::leaf::{Leaf, LeafError, LeafText};
use super::tree::leaf_hash;
use super::{Hash, LeafKind, Millis};

/// A leaf that is in the one form, whatever stands before it. Many can be read at once;
/// [`LogVerifier::next`](super::verify::LogVerifier::next) takes them in order.
#[derive(Debug, Clone)]
pub struct WholeLeaf {
    pub(super) hash: Hash,
    pub(super) index: u64,
    pub(super) time: Millis,
    pub(super) kind: LeafKind,
    pub(super) references: Vec<String>,
    /// The whole leaf, where it begins or ends a shard.
    pub(super) epoch: Option<Leaf>,
}

impl WholeLeaf {
    /// Reads a leaf and computes its hash.
    ///
    /// # Errors
    /// [`LeafError`] when the text is no leaf.
    pub fn read(text: &str) -> Result<Self, LeafError> {
        let leaf = LeafText::read(text)?;
        let references = leaf.references().map(str::to_owned).collect();
        let (index, time, kind) = (leaf.index(), leaf.time(), leaf.kind());
        let epoch = (kind == LeafKind::Epoch).then(|| leaf.to_leaf());
        Ok(Self { hash: leaf_hash(text.as_bytes()), index, time, kind, references, epoch })
    }
}
