//! Decorators of the ports: an append that goes another way, a dossier that takes its time.

use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::{Committed, Head};
use sluis_core::log::shard::{Next, Shard};
use sluis_core::log::{Hash, Millis};
use sluis_core::organisation::Oin;
use sluis_core::ports::{DossierError, DossierSource, Ledger, StoreError, StoredEntry};
use sluis_core::release::{Extract, Permit};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Another way to append.
#[async_trait::async_trait]
pub trait Append: Send + Sync {
    /// Appends to the real ledger, or not.
    async fn append(&self, inner: &dyn Ledger, drafts: Vec<Draft>) -> Result<Committed, StoreError>;

    /// Whether it finds out by itself what became of an append of unknown outcome.
    fn settles(&self) -> bool {
        false
    }
}

/// A ledger of which only `append` differs.
pub struct Decorated<A> {
    pub inner: Arc<dyn Ledger>,
    pub how: A,
}

#[async_trait::async_trait]
impl<A: Append> Ledger for Decorated<A> {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        self.how.append(self.inner.as_ref(), drafts).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.inner.head().await
    }

    async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        self.inner.shards().await
    }

    async fn open_shard(&self, next: Next) -> Result<(), StoreError> {
        self.inner.open_shard(next).await
    }

    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        self.inner.leaves(from, count).await
    }

    async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        self.inner.leaf_hashes(from, to).await
    }

    async fn subtree_hashes(&self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        self.inner.subtree_hashes(level, from, to).await
    }

    async fn transaction(&self, oin: &Oin, id: uuid::Uuid) -> Result<Option<StoredEntry>, StoreError> {
        self.inner.transaction(oin, id).await
    }

    async fn entry(&self, index: u64) -> Result<Option<StoredEntry>, StoreError> {
        self.inner.entry(index).await
    }

    async fn keep_checkpoint(&self, size: u64, note: &str, time: Millis) -> Result<(), StoreError> {
        self.inner.keep_checkpoint(size, note, time).await
    }

    fn settles(&self) -> bool {
        self.how.settles()
    }

    fn delivered_below(&self, index: u64) {
        self.inner.delivered_below(index);
    }
}

/// Switches the in-append check off: no draft relies on anything any more.
pub struct Unchecked;

#[async_trait::async_trait]
impl Append for Unchecked {
    async fn append(&self, inner: &dyn Ledger, mut drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        drafts.iter_mut().for_each(|draft| draft.relies_on.clear());
        inner.append(drafts).await
    }
}

/// A dossier that others overtake: between the decision and the append every other task may run, never, once, up to
/// `YIELDS` times in turn.
pub struct Overtaken {
    pub inner: Arc<dyn DossierSource>,
    pub fetched: AtomicUsize,
}

const YIELDS: usize = 12;

#[async_trait::async_trait]
impl DossierSource for Overtaken {
    async fn fetch(&self, permit: Permit) -> Result<Extract, DossierError> {
        for _ in 0..self.fetched.fetch_add(1, Ordering::Relaxed) % YIELDS {
            tokio::task::yield_now().await;
        }
        self.inner.fetch(permit).await
    }
}
