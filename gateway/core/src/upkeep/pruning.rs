//! Removing a shard whose term is over (A30). Whether it may go is decided before, and an entry says so first.

use super::StatePlace;
use crate::ports::StoreError;
use async_trait::async_trait;

/// A shard that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Its number, from 0.
    pub shard: u16,
    /// The position of the entry that announced it ([`announcing`](crate::log::pruned::announcing)).
    pub announced_at: u64,
    /// The rows of state that its entries set last and that go with it: those of subjects without any key.
    pub states: Vec<StatePlace>,
}

/// The removal of shards from one log.
#[async_trait]
pub trait LogPruning: Send + Sync {
    /// Whether no other process serves this log.
    async fn is_alone(&self) -> Result<bool, StoreError>;

    /// Removes some of a closed shard: leaves, payloads, pages, subject index, sub-trees, kept checkpoints but the last, and those
    /// rows of state. Its row, its head and its last checkpoint stay. Gives whether there may be more to remove: to be called
    /// until there is not, each time durable before it returns.
    ///
    /// The process dies in between: the shard is gone for everybody who reads, and the next call removes the rest.
    ///
    /// # Errors
    /// When no entry of a later shard names its closing entry, or another process serves this log: nothing was removed.
    async fn prune(&self, cut: &Cut) -> Result<bool, StoreError>;

    /// Takes what was removed out of the files of the engine, as far as the engine can.
    async fn compact(&self) -> Result<(), StoreError>;
}
