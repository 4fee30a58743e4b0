//! The port of the durable log.

use super::StoreError;
use crate::log::draft::Draft;
use crate::log::finalise::{Committed, Head};
use crate::log::leaf::Leaf;
use crate::log::shard::{Next, Shard, position};
use crate::log::{Hash, LeafKind, Millis};
use crate::organisation::Oin;
use async_trait::async_trait;

/// State of a log whose newest shard is closed while the next is not open yet: whoever appends next opens it.
pub const SHARD_CLOSED: &str = "SHARD_CLOSED";

/// Leaves read at a time when looking for those of one kind.
const LEAVES_READ: u32 = 1000;

/// The durable log and what follows from it.
///
/// Entries are named by their position ([`shard`](crate::log::shard)): shard and index in one number, which in the first
/// shard is the index. A range that begins in a shard ends with it at the latest.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Appends drafts in order, as one transaction, and applies the effects of those that are recorded.
    ///
    /// Inside its lock the driver reads the head, the guards and the transactions concerned and calls
    /// [`finalise`](crate::log::finalise::finalise), which alone decides outcomes and bytes.
    /// When it returns `Ok`, everything is on disk and survives a power failure. On `Err` other than
    /// `Unknown` nothing happened. A draft whose data the engine rejects fails alone (A4).
    async fn append(&self, drafts: Vec<Draft>) -> Result<Committed, StoreError>;

    /// The head of the newest shard as committed.
    async fn head(&self) -> Result<Head, StoreError>;

    /// The same, once it may be signed: nothing of it can be lost any more (A1). An engine where what is committed is durable
    /// answers its head.
    async fn durable_head(&self) -> Result<Head, StoreError> {
        self.head().await
    }

    /// Every shard, in order. All but the newest are closed.
    async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        Ok(vec![Shard { head: self.head().await?, open: true, before: None, pruned: None }])
    }

    /// Opens the shard after the closed newest one, with its first entry, as one transaction, and keeps the note of the closed
    /// one. Where another replica opened it before, nothing is written: this process follows.
    ///
    /// A shard is closed by appending the entry that ends it ([`closing`](crate::log::shard::closing)); from then on an append
    /// fails with the state [`SHARD_CLOSED`] until the next one is open, and every draft for the closed one is stale.
    async fn open_shard(&self, next: Next) -> Result<(), StoreError> {
        let _never = next;
        Err(StoreError::Unavailable { store: "log database", state: SHARD_CLOSED })
    }

    /// The exact bytes of `count` leaves from `from`, in order; fewer at the end of the shard.
    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError>;

    /// The positions and exact bytes of at most `count` leaves of one kind from `from`, in order, in all shards. Empty when
    /// there are no more.
    ///
    /// An engine finds by an index what is rare and looked for: erasures, what officers did, manual disclosures, and obligations
    /// that were met. For other kinds it may read every leaf, page by page.
    async fn leaves_of(&self, kind: LeafKind, from: u64, count: u32) -> Result<Vec<(u64, String)>, StoreError> {
        self.leaves_read(kind, from, count).await
    }

    /// As [`leaves_of`](Self::leaves_of), by reading every leaf.
    async fn leaves_read(&self, kind: LeafKind, from: u64, count: u32) -> Result<Vec<(u64, String)>, StoreError> {
        let (mut found, mut next) = (Vec::new(), from);
        while found.len() < count as usize {
            let page = self.leaves_from(next, LEAVES_READ).await?;
            let Some((last, _)) = page.last() else { break };
            next = last.saturating_add(1);
            for (at, text) in page {
                let leaf = Leaf::decode(&text)
                    .map_err(|_| StoreError::Corrupt { store: "log database", table: "log_leaf" })?;
                if leaf.kind() == kind && found.len() < count as usize {
                    found.push((at, text));
                }
            }
        }
        Ok(found)
    }

    /// The positions and exact bytes of at most `count` leaves from `from`, in order; where a shard ends, the next goes on.
    /// Empty only when there are no more.
    async fn leaves_from(&self, from: u64, count: u32) -> Result<Vec<(u64, String)>, StoreError> {
        let page = self.leaves(from, count).await?;
        if !page.is_empty() {
            return Ok((from..).zip(page).collect());
        }
        let later = self.shards().await?.into_iter().map(|shard| position(shard.head.shard, 0)).filter(|at| *at > from);
        for at in later {
            let page = self.leaves(at, count).await?;
            if !page.is_empty() {
                return Ok((at..).zip(page).collect());
            }
        }
        Ok(Vec::new())
    }

    /// The leaf hashes `from..to` of one shard: what proofs are built from.
    async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, StoreError>;

    /// Stored hashes of complete sub-trees of one shard: level 1 covers 256 leaves, level 2 covers 65,536, and so on. The number
    /// of a sub-tree names its shard as a position does.
    async fn subtree_hashes(&self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError>;

    /// Where a transaction of an organisation is recorded, with the key id and ciphertext of its payload.
    async fn transaction(&self, oin: &Oin, id: uuid::Uuid) -> Result<Option<StoredEntry>, StoreError>;

    /// One entry by position.
    async fn entry(&self, index: u64) -> Result<Option<StoredEntry>, StoreError>;

    /// Keeps a signed checkpoint of a head that is durable; `size` names its shard as a position does.
    async fn keep_checkpoint(&self, size: u64, note: &str, time: Millis) -> Result<(), StoreError>;

    /// Writes something that changes nothing, durably: tells whether the log can be written again when nobody asks. An
    /// engine that cannot tell without an entry reads its head.
    async fn probe(&self) -> Result<(), StoreError> {
        self.head().await.map(drop)
    }

    /// Whether an append of unknown outcome is settled here: before anything else is appended or probed this ledger finds,
    /// inside its lock, whether those entries stand, and once an append or probe succeeds they do or never will. Where it
    /// does not, nothing may be built upon what is not known: the process must end and start again (A6).
    fn settles(&self) -> bool {
        false
    }

    /// Says that every entry below this position was handed over or has an outcome in the log (A9): the in-flight mark of
    /// this replica. It only rises, is written with the next commit, and neither waits nor fails.
    fn delivered_below(&self, index: u64);
}

/// One entry as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its position in the log.
    pub index: u64,
    /// Exact bytes of the leaf.
    pub leaf: String,
    /// The payload, unless erased.
    pub payload: Option<crate::log::draft::SealedPayload>,
}
