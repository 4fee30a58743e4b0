//! The rows of a log as its engine keeps them: for the scrubber, which compares every column with the leaf it belongs to.
//!
//! Nobody decides on these: they are read past every cache, a page at a time, and no snapshot outlives one call.

use crate::log::draft::{GuardKey, SealedPayload};
use crate::log::{Hash, LeafKind, Millis};
use crate::ports::StoreError;
use crate::subject::SubjectRef;
use async_trait::async_trait;

/// One row of `log_leaf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafRow {
    /// Its index in its shard.
    pub index: u64,
    /// The exact bytes.
    pub leaf: String,
    /// The stored hash.
    pub hash: Hash,
    /// Column `kind`; `None` for a number of no kind.
    pub kind: Option<LeafKind>,
    /// Column `t`; `None` when negative.
    pub time: Option<Millis>,
    /// Column `rid`.
    pub rid: [u8; 16],
    /// Column `oin`.
    pub oin: Option<String>,
    /// Column `txn`, for at most 96 hours.
    pub transaction: Option<[u8; 16]>,
    /// Whether there is a digest of the request.
    pub digest: bool,
    /// The sealed payload, unless erased.
    pub payload: Option<SealedPayload>,
    /// Whether key id and ciphertext are both there or both gone.
    pub whole: bool,
}

/// Where a row of state stands: the number of its kind, as it stands there, and its key, which is no identifier of a person.
pub type StatePlace = (i64, Vec<u8>);

/// Before every row of state, also one of a kind that no row of ours has.
pub const FIRST_PLACE: StatePlace = (i64::MIN, Vec::new());

/// One row of `state`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRow {
    /// Where it stands.
    pub place: StatePlace,
    /// The guard; `None` when no guard stands at such a place.
    pub key: Option<GuardKey>,
    /// Its version.
    pub version: u64,
    /// The position of the leaf that set it.
    pub index: u64,
    /// Whether it opens for its place, version and leaf.
    pub opens: bool,
}

/// One row of `subject_segment`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRow {
    /// The position of the first entry it covers.
    pub first: u64,
    /// Whom each entry concerns: subject, position, item; `None` when it does not open for its span.
    pub records: Option<Vec<(SubjectRef, u64, u32)>>,
}

/// One row of `log_checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRow {
    /// Column `size`.
    pub size: u64,
    /// The signed note.
    pub note: String,
}

/// Every row of a log, page by page.
#[async_trait]
pub trait LogRows: Send + Sync {
    /// At most `count` rows of leaves of one shard from position `from`, in order.
    async fn leaf_rows(&self, from: u64, count: u32) -> Result<Vec<LeafRow>, StoreError>;

    /// Whether any row of a leaf stands in the shard with this number, wherever: in one that was removed none may.
    async fn any_leaf(&self, shard: u16) -> Result<bool, StoreError>;

    /// At most `count` rows of state after a place, in order.
    async fn state_rows(&self, after: &StatePlace, count: u32) -> Result<Vec<StateRow>, StoreError>;

    /// At most `count` segments of the subject index of one shard that begin at position `from` or later, in order.
    async fn segment_rows(&self, from: u64, count: u32) -> Result<Vec<SegmentRow>, StoreError>;

    /// At most `count` kept checkpoints of one shard of this size or larger, in order; `from` names the shard as a position does.
    async fn checkpoint_rows(&self, from: u64, count: u32) -> Result<Vec<CheckpointRow>, StoreError>;
}
