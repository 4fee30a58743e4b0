//! Stores under watch: what one of them does not do is counted, and makes the watch look at it at once.
//!
//! Promise: a store that is silent is a store that does not answer, after five seconds. What it was asked then is given up; every
//! call here may be repeated.

use super::metrics::Metrics;
use async_trait::async_trait;
use jiff::civil::Date;
use sluis_core::claim::{ClaimLine, Comparison};
use sluis_core::enrolment::Enrolment;
use sluis_core::log::draft::{Draft, GuardState, Versioned};
use sluis_core::log::finalise::{Committed, Head};
use sluis_core::log::shard::{Next, Shard};
use sluis_core::log::{Hash, LeafKind, Millis};
use sluis_core::organisation::Oin;
use sluis_core::ports::{
    DossierError, DossierSource, FactSource, HolderFacts, KeyStore, Ledger, Register, StoreError, StoredEntry,
    SubjectKey,
};
use sluis_core::release::{Extract, Permit};
use sluis_core::standing::Standing;
use sluis_core::subject::{SubjectId, SubjectRef};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a store may be silent. Shorter than a call may take, so that its caller is told what does not answer.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// The state of a store that says nothing.
pub const SILENT: &str = "SILENT";
const LOG: &str = "log database";
const KEYS: &str = "key database";
const HOLDER: &str = "holder database";

/// A port with its errors counted.
pub struct Watched<T: ?Sized> {
    inner: Arc<T>,
    metrics: Arc<Metrics>,
}

impl<T: ?Sized> Watched<T> {
    /// Puts a port under watch.
    #[must_use]
    pub fn around(inner: Arc<T>, metrics: &Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { inner, metrics: Arc::clone(metrics) })
    }

    async fn seen<A>(
        &self,
        store: &'static str,
        answer: impl Future<Output = Result<A, StoreError>> + Send,
    ) -> Result<A, StoreError> {
        let answer = tokio::time::timeout(ANSWERS_WITHIN, answer).await;
        let answer = answer.unwrap_or(Err(StoreError::Unavailable { store, state: SILENT }));
        answer.inspect_err(|error| self.metrics.store_failed(error))
    }
}

#[async_trait]
impl<T: KeyStore + ?Sized> KeyStore for Watched<T> {
    async fn find(&self, subject: &SubjectId) -> Result<Option<SubjectRef>, StoreError> {
        self.seen(KEYS, self.inner.find(subject)).await
    }

    async fn provision(&self, subjects: &[Vec<SubjectId>], year: i16) -> Result<u64, StoreError> {
        self.seen(KEYS, self.inner.provision(subjects, year)).await
    }

    async fn subject_key(&self, subject: SubjectRef, year: i16) -> Result<Option<SubjectKey>, StoreError> {
        self.seen(KEYS, self.inner.subject_key(subject, year)).await
    }

    async fn bucket_key(&self, day: Date) -> Result<SubjectKey, StoreError> {
        self.seen(KEYS, self.inner.bucket_key(day)).await
    }

    async fn transaction_key(&self, day: Date) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        self.seen(KEYS, self.inner.transaction_key(day)).await
    }

    async fn key_by_id(&self, key_id: [u8; 16]) -> Result<Option<SubjectKey>, StoreError> {
        self.seen(KEYS, self.inner.key_by_id(key_id)).await
    }

    async fn answers(&self) -> Result<(), StoreError> {
        self.seen(KEYS, self.inner.answers()).await
    }

    async fn wraps(&self) -> Result<Option<Millis>, StoreError> {
        self.seen(KEYS, self.inner.wraps()).await
    }
}

#[async_trait]
impl<T: FactSource + ?Sized> FactSource for Watched<T> {
    async fn facts(&self, subject: &SubjectId) -> Result<Option<HolderFacts>, StoreError> {
        self.seen(HOLDER, self.inner.facts(subject)).await
    }

    async fn claim(&self, subject: &SubjectId, line: &ClaimLine) -> Result<Comparison, StoreError> {
        self.seen(HOLDER, self.inner.claim(subject, line)).await
    }

    async fn subjects(&self, after: Option<&str>, count: u32) -> Result<Vec<Vec<SubjectId>>, StoreError> {
        self.seen(HOLDER, self.inner.subjects(after, count)).await
    }
}

#[async_trait]
impl<T: DossierSource + ?Sized> DossierSource for Watched<T> {
    async fn fetch(&self, permit: Permit) -> Result<Extract, DossierError> {
        let fetched = tokio::time::timeout(ANSWERS_WITHIN, self.inner.fetch(permit)).await;
        let silent = || StoreError::Unavailable { store: HOLDER, state: SILENT };
        let fetched = fetched.unwrap_or_else(|_elapsed| Err(silent().into()));
        if let Err(DossierError::Store(error)) = &fetched {
            self.metrics.store_failed(error);
        }
        fetched
    }
}

#[async_trait]
impl<T: Register + ?Sized> Register for Watched<T> {
    async fn standing(&self, subject: SubjectRef) -> Result<Versioned<Standing>, StoreError> {
        self.seen(LOG, self.inner.standing(subject)).await
    }

    async fn enrolments(&self, oin: &Oin) -> Result<Versioned<Vec<Enrolment>>, StoreError> {
        self.seen(LOG, self.inner.enrolments(oin)).await
    }

    async fn organisations(&self, after: Option<&Oin>, count: u32) -> Result<Vec<Oin>, StoreError> {
        self.seen(LOG, self.inner.organisations(after, count)).await
    }

    async fn enrolled_by(&self, oin: &Oin) -> Result<Option<StoredEntry>, StoreError> {
        self.seen(LOG, self.inner.enrolled_by(oin)).await
    }

    async fn recipient_entry_after(&self, oin: &Oin, index: u64) -> Result<Option<StoredEntry>, StoreError> {
        self.seen(LOG, self.inner.recipient_entry_after(oin, index)).await
    }

    async fn active_policy(&self) -> Result<Option<Versioned<GuardState>>, StoreError> {
        self.seen(LOG, self.inner.active_policy()).await
    }
}

/// Appends have a patience of their own, in the recorder.
#[async_trait]
impl<T: Ledger + ?Sized> Ledger for Watched<T> {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        self.inner.append(drafts).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.seen(LOG, self.inner.head()).await
    }

    async fn durable_head(&self) -> Result<Head, StoreError> {
        self.inner.durable_head().await
    }

    async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        self.seen(LOG, self.inner.shards()).await
    }

    async fn open_shard(&self, next: Next) -> Result<(), StoreError> {
        self.inner.open_shard(next).await
    }

    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        self.seen(LOG, self.inner.leaves(from, count)).await
    }

    async fn leaves_of(&self, kind: LeafKind, from: u64, count: u32) -> Result<Vec<(u64, String)>, StoreError> {
        self.seen(LOG, self.inner.leaves_of(kind, from, count)).await
    }

    async fn leaves_from(&self, from: u64, count: u32) -> Result<Vec<(u64, String)>, StoreError> {
        self.seen(LOG, self.inner.leaves_from(from, count)).await
    }

    async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        self.seen(LOG, self.inner.leaf_hashes(from, to)).await
    }

    async fn subtree_hashes(&self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        self.seen(LOG, self.inner.subtree_hashes(level, from, to)).await
    }

    async fn transaction(&self, oin: &Oin, id: uuid::Uuid) -> Result<Option<StoredEntry>, StoreError> {
        self.seen(LOG, self.inner.transaction(oin, id)).await
    }

    async fn entry(&self, index: u64) -> Result<Option<StoredEntry>, StoreError> {
        self.seen(LOG, self.inner.entry(index)).await
    }

    async fn keep_checkpoint(&self, size: u64, note: &str, time: Millis) -> Result<(), StoreError> {
        self.inner.keep_checkpoint(size, note, time).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.inner.probe().await
    }

    fn settles(&self) -> bool {
        self.inner.settles()
    }

    fn delivered_below(&self, index: u64) {
        self.inner.delivered_below(index);
    }
}
