//! Rebuilding what follows from the leaves and payloads (A27): search columns, the subject index, kept notes.
//!
//! Nothing here can touch a leaf, a hash, a head or a row of state: those are restored by people.

use crate::log::{LeafKind, Millis};
use crate::ports::StoreError;
use crate::subject::SubjectRef;
use async_trait::async_trait;

/// What the search columns of an entry must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafColumns {
    /// Column `kind`.
    pub kind: LeafKind,
    /// Column `t`.
    pub time: Millis,
    /// Column `rid`.
    pub rid: [u8; 16],
    /// Column `oin`.
    pub oin: Option<String>,
    /// Column `txn`; `None` takes the transaction and its digest away.
    pub transaction: Option<[u8; 16]>,
}

/// Puts right what was found beside the tree, in whichever shard: entries and sizes are named by positions.
#[async_trait]
pub trait LogMending: Send + Sync {
    /// Sets the search columns of an entry.
    async fn mend_columns(&self, at: u64, columns: &LeafColumns) -> Result<(), StoreError>;

    /// Drops the segments of the subject index that do not open, unless they span one of the positions in `kept`, of which only
    /// the index may know whom they concern; and adds these entries, which it lacks: position in order, subject, item.
    async fn mend_index(&self, lacking: Vec<(u64, SubjectRef, u32)>, kept: Vec<u64>) -> Result<(), StoreError>;

    /// Removes those of these payloads of which the key has a tombstone, and takes their entries out of the subject index: entries
    /// that were written with a key remembered for a moment after it was erased (A21).
    async fn erase_late(&self, entries: Vec<u64>) -> Result<(), StoreError>;

    /// Drops a kept note; `size` names its shard as a position does: the same tree can be signed again.
    async fn drop_checkpoint(&self, size: u64) -> Result<(), StoreError>;
}
