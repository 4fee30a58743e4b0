//! What the row of an entry says besides its leaf, and how an entry that the engine rejects is set aside (A4).

use super::corrupt;
use sluis_core::log::draft::Draft;
use sluis_core::log::leaf::{Key, LeafValue};
use sluis_core::ports::StoreError;

/// The organisation a leaf is found under: that of its transaction, else the one it names.
pub(crate) fn organisation_of(draft: &Draft) -> Option<&str> {
    if let Some(transaction) = &draft.transaction {
        return Some(transaction.oin.as_str());
    }
    match draft.leaf.get(Key::Rp)? {
        LeafValue::Text(oin) => Some(oin),
        _ => None,
    }
}

/// Marks a draft so that the core refuses it and nothing else: a key that only the core writes.
///
/// # Errors
/// [`StoreError::Corrupt`] when there is no draft at this position.
pub(crate) fn reject(drafts: &mut [Draft], position: usize) -> Result<(), StoreError> {
    let draft = drafts.get_mut(position).ok_or(corrupt("log_leaf"))?;
    tracing::error!(kind = %draft.leaf.kind(), "the engine rejects the row of one entry; it fails alone");
    let leaf = draft.leaf.clone().with(Key::V, "rejected by the engine");
    draft.leaf = leaf;
    draft.transaction = None;
    draft.relies_on.clear();
    draft.effects.clear();
    Ok(())
}
