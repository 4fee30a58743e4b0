//! Ports of a gateway that nobody asks in a simulation, ids that are counted, and a ledger that makes its recorder forget.

use async_trait::async_trait;
use jiff::civil::Date;
use sluis_core::claim::{ClaimLine, Comparison};
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::{Committed, Head};
use sluis_core::log::shard::{Next, Shard};
use sluis_core::log::{Hash, Millis};
use sluis_core::organisation::Oin;
use sluis_core::ports::{
    DossierError, DossierSource, Entropy, FactSource, HolderFacts, KeyStore, Ledger, StoreError, StoredEntry,
    SubjectKey,
};
use sluis_core::release::{Extract, Permit};
use sluis_core::subject::{SubjectId, SubjectRef};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroizing;

/// A key database and a holder that do not answer.
pub struct Nobody;

const SILENT: StoreError = StoreError::Unavailable { store: "nobody", state: "UNREACHABLE" };

#[async_trait]
impl KeyStore for Nobody {
    async fn find(&self, _subject: &SubjectId) -> Result<Option<SubjectRef>, StoreError> {
        Err(SILENT)
    }
    async fn provision(&self, _subjects: &[Vec<SubjectId>], _year: i16) -> Result<u64, StoreError> {
        Err(SILENT)
    }
    async fn subject_key(&self, _subject: SubjectRef, _year: i16) -> Result<Option<SubjectKey>, StoreError> {
        Err(SILENT)
    }
    async fn bucket_key(&self, _day: Date) -> Result<SubjectKey, StoreError> {
        Err(SILENT)
    }
    async fn transaction_key(&self, _day: Date) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        Err(SILENT)
    }
    async fn key_by_id(&self, _key_id: [u8; 16]) -> Result<Option<SubjectKey>, StoreError> {
        Err(SILENT)
    }
}

#[async_trait]
impl FactSource for Nobody {
    async fn facts(&self, _subject: &SubjectId) -> Result<Option<HolderFacts>, StoreError> {
        Err(SILENT)
    }
    async fn claim(&self, _subject: &SubjectId, _line: &ClaimLine) -> Result<Comparison, StoreError> {
        Err(SILENT)
    }
    async fn subjects(&self, _after: Option<&str>, _count: u32) -> Result<Vec<Vec<SubjectId>>, StoreError> {
        Err(SILENT)
    }
}

#[async_trait]
impl DossierSource for Nobody {
    async fn fetch(&self, _permit: Permit) -> Result<Extract, DossierError> {
        Err(DossierError::Absent)
    }
}

/// Bytes that never come twice in a run: the number of a process and of its start, and a count.
pub struct Counted(AtomicU64);

impl Counted {
    pub fn new(process: usize, start: u64) -> Self {
        Self(AtomicU64::new(((process as u64) << 56) | ((start & 0xff_ffff) << 32)))
    }
}

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.iter_mut().rev().zip(number.iter().rev().cycle()).for_each(|(to, from)| *to = *from);
    }
}

/// A ledger after whose failures nothing is remembered: an unknown outcome is told as one where nothing was written.
pub struct Forgetful(pub Arc<dyn Ledger>);

#[async_trait]
impl Ledger for Forgetful {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        self.0.append(drafts).await.map_err(|error| match error {
            StoreError::Unknown { store } => StoreError::Unavailable { store, state: "SLOW" },
            other => other,
        })
    }
    async fn head(&self) -> Result<Head, StoreError> {
        self.0.head().await
    }
    async fn durable_head(&self) -> Result<Head, StoreError> {
        self.0.durable_head().await
    }
    async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        self.0.shards().await
    }
    async fn open_shard(&self, next: Next) -> Result<(), StoreError> {
        self.0.open_shard(next).await
    }
    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        self.0.leaves(from, count).await
    }
    async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        self.0.leaf_hashes(from, to).await
    }
    async fn subtree_hashes(&self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        self.0.subtree_hashes(level, from, to).await
    }
    async fn transaction(&self, oin: &Oin, id: uuid::Uuid) -> Result<Option<StoredEntry>, StoreError> {
        self.0.transaction(oin, id).await
    }
    async fn entry(&self, index: u64) -> Result<Option<StoredEntry>, StoreError> {
        self.0.entry(index).await
    }
    async fn keep_checkpoint(&self, size: u64, note: &str, time: Millis) -> Result<(), StoreError> {
        self.0.keep_checkpoint(size, note, time).await
    }
    async fn probe(&self) -> Result<(), StoreError> {
        self.0.probe().await
    }
    fn settles(&self) -> bool {
        self.0.settles()
    }
    fn delivered_below(&self, index: u64) {
        self.0.delivered_below(index);
    }
}
