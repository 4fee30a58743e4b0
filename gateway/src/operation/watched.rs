//! Stores under watch: what one of them does not do is counted, and makes the watch look at it at once.

use super::metrics::Metrics;
use async_trait::async_trait;
use jiff::civil::Date;
use sluis_core::claim::{ClaimLine, Comparison};
use sluis_core::ports::{DossierError, DossierSource, FactSource, HolderFacts, KeyStore, StoreError, SubjectKey};
use sluis_core::release::{Extract, Permit};
use sluis_core::subject::{SubjectId, SubjectRef};
use std::sync::Arc;
use zeroize::Zeroizing;

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

    fn seen<A>(&self, answer: Result<A, StoreError>) -> Result<A, StoreError> {
        answer.inspect_err(|error| self.metrics.store_failed(error))
    }
}

#[async_trait]
impl<T: KeyStore + ?Sized> KeyStore for Watched<T> {
    async fn find(&self, subject: &SubjectId) -> Result<Option<SubjectRef>, StoreError> {
        self.seen(self.inner.find(subject).await)
    }

    async fn provision(&self, subjects: &[Vec<SubjectId>], year: i16) -> Result<u64, StoreError> {
        self.seen(self.inner.provision(subjects, year).await)
    }

    async fn subject_key(&self, subject: SubjectRef, year: i16) -> Result<Option<SubjectKey>, StoreError> {
        self.seen(self.inner.subject_key(subject, year).await)
    }

    async fn bucket_key(&self, day: Date) -> Result<SubjectKey, StoreError> {
        self.seen(self.inner.bucket_key(day).await)
    }

    async fn transaction_key(&self, day: Date) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        self.seen(self.inner.transaction_key(day).await)
    }

    async fn key_by_id(&self, key_id: [u8; 16]) -> Result<Option<SubjectKey>, StoreError> {
        self.seen(self.inner.key_by_id(key_id).await)
    }
}

#[async_trait]
impl<T: FactSource + ?Sized> FactSource for Watched<T> {
    async fn facts(&self, subject: &SubjectId) -> Result<Option<HolderFacts>, StoreError> {
        self.seen(self.inner.facts(subject).await)
    }

    async fn claim(&self, subject: &SubjectId, line: &ClaimLine) -> Result<Comparison, StoreError> {
        self.seen(self.inner.claim(subject, line).await)
    }

    async fn subjects(&self, after: Option<&str>, count: u32) -> Result<Vec<Vec<SubjectId>>, StoreError> {
        self.seen(self.inner.subjects(after, count).await)
    }
}

#[async_trait]
impl<T: DossierSource + ?Sized> DossierSource for Watched<T> {
    async fn fetch(&self, permit: Permit) -> Result<Extract, DossierError> {
        let fetched = self.inner.fetch(permit).await;
        if let Err(DossierError::Store(error)) = &fetched {
            self.metrics.store_failed(error);
        }
        fetched
    }
}
