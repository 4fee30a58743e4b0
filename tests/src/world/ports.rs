//! Ports that fail, forget or lie on command, around the real ones.

use async_trait::async_trait;
use jiff::civil::Date;
use sluis_adapters::system::SystemClock;
use sluis_core::claim::{ClaimLine, Comparison};
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::{Committed, Head};
use sluis_core::log::shard::{Next, Shard};
use sluis_core::log::{Hash, Millis};
use sluis_core::organisation::Oin;
use sluis_core::ports::{
    Clock, DossierError, DossierSource, FactSource, HolderFacts, KeyStore, Ledger, StoreError, StoredEntry, SubjectKey,
};
use sluis_core::release::{Extract, Permit};
use sluis_core::subject::{SubjectId, SubjectRef};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is wrong now; nothing at first.
pub struct Switch<F>(Mutex<Option<F>>);

impl<F: Clone> Switch<F> {
    /// Nothing is wrong.
    pub fn off() -> Arc<Self> {
        Arc::new(Self(Mutex::new(None)))
    }

    /// From now on this is wrong, or nothing.
    pub fn set(&self, fault: Option<F>) {
        *self.0.lock().unwrap() = fault;
    }

    fn now(&self) -> Option<F> {
        self.0.lock().unwrap().clone()
    }

    /// Returns when nothing is wrong.
    async fn until_off(&self) {
        while self.now().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn check<E: From<F>>(&self) -> Result<(), E> {
        self.now().map_or(Ok(()), |fault| Err(fault.into()))
    }
}

/// How an append goes wrong.
#[derive(Debug, Clone)]
pub enum Append {
    /// It says this, and nothing was written.
    Fails(StoreError),
    /// It is written, and the answer is lost.
    ForgetsThatItWrote,
    /// It says nothing while this is wrong; then it is written.
    Silent,
    /// It says this of OUTCOME entries, and writes all others.
    FailsOutcomes(StoreError),
}

/// A log that appends or not.
pub struct Log {
    /// The real one.
    pub real: Arc<dyn Ledger>,
    /// What is wrong.
    pub wrong: Arc<Switch<Append>>,
}

#[async_trait]
impl Ledger for Log {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        match self.wrong.now() {
            None => self.real.append(drafts).await,
            Some(Append::Fails(error)) => Err(error),
            Some(Append::ForgetsThatItWrote) => {
                self.real.append(drafts).await?;
                Err(StoreError::Unknown { store: "log database" })
            }
            Some(Append::Silent) => {
                self.wrong.until_off().await;
                self.real.append(drafts).await
            }
            Some(Append::FailsOutcomes(error)) => {
                let outcome = |draft: &Draft| draft.leaf.kind() == sluis_core::log::LeafKind::Outcome;
                if drafts.iter().any(outcome) { Err(error) } else { self.real.append(drafts).await }
            }
        }
    }
    fn delivered_below(&self, index: u64) {
        self.real.delivered_below(index);
    }
    async fn head(&self) -> Result<Head, StoreError> {
        self.real.head().await
    }
    async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        self.real.shards().await
    }
    async fn open_shard(&self, next: Next) -> Result<(), StoreError> {
        self.real.open_shard(next).await
    }
    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        self.real.leaves(from, count).await
    }
    async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        self.real.leaf_hashes(from, to).await
    }
    async fn subtree_hashes(&self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        self.real.subtree_hashes(level, from, to).await
    }
    async fn transaction(&self, oin: &Oin, id: uuid::Uuid) -> Result<Option<StoredEntry>, StoreError> {
        self.real.transaction(oin, id).await
    }
    async fn entry(&self, index: u64) -> Result<Option<StoredEntry>, StoreError> {
        self.real.entry(index).await
    }
    async fn keep_checkpoint(&self, size: u64, note: &str, time: Millis) -> Result<(), StoreError> {
        self.real.keep_checkpoint(size, note, time).await
    }
}

/// Keys that answer or not.
pub struct Keys {
    /// The real ones.
    pub real: Arc<dyn KeyStore>,
    /// What is wrong.
    pub wrong: Arc<Switch<StoreError>>,
}

#[async_trait]
impl KeyStore for Keys {
    async fn find(&self, subject: &SubjectId) -> Result<Option<SubjectRef>, StoreError> {
        self.wrong.check::<StoreError>()?;
        self.real.find(subject).await
    }
    async fn provision(&self, subjects: &[Vec<SubjectId>], year: i16) -> Result<u64, StoreError> {
        self.wrong.check::<StoreError>()?;
        self.real.provision(subjects, year).await
    }
    async fn subject_key(&self, subject: SubjectRef, year: i16) -> Result<Option<SubjectKey>, StoreError> {
        self.wrong.check::<StoreError>()?;
        self.real.subject_key(subject, year).await
    }
    async fn bucket_key(&self, day: Date) -> Result<SubjectKey, StoreError> {
        self.wrong.check::<StoreError>()?;
        self.real.bucket_key(day).await
    }
    async fn transaction_key(&self, day: Date) -> Result<zeroize::Zeroizing<[u8; 32]>, StoreError> {
        self.wrong.check::<StoreError>()?;
        self.real.transaction_key(day).await
    }
    async fn key_by_id(&self, key_id: [u8; 16]) -> Result<Option<SubjectKey>, StoreError> {
        self.wrong.check::<StoreError>()?;
        self.real.key_by_id(key_id).await
    }
}

/// Facts that are answered or not.
pub struct Facts {
    /// The real source.
    pub real: Arc<dyn FactSource>,
    /// What is wrong.
    pub wrong: Arc<Switch<StoreError>>,
    /// How long it takes to answer about a client, milliseconds.
    pub slow_ms: Arc<AtomicU64>,
}

#[async_trait]
impl FactSource for Facts {
    async fn facts(&self, subject: &SubjectId) -> Result<Option<HolderFacts>, StoreError> {
        self.wrong.check::<StoreError>()?;
        tokio::time::sleep(Duration::from_millis(self.slow_ms.load(Ordering::SeqCst))).await;
        self.real.facts(subject).await
    }
    async fn claim(&self, subject: &SubjectId, line: &ClaimLine) -> Result<Comparison, StoreError> {
        self.wrong.check::<StoreError>()?;
        self.real.claim(subject, line).await
    }
    async fn subjects(&self, after: Option<&str>, count: u32) -> Result<Vec<Vec<SubjectId>>, StoreError> {
        self.real.subjects(after, count).await
    }
}

/// How a dossier source goes wrong.
#[derive(Debug, Clone)]
pub enum Fetch {
    /// It says this.
    Fails(DossierError),
    /// It answers under a permit that this makes of the one it was given.
    Swaps(fn(&Permit) -> Permit),
}

/// Fields that are answered, or not, or otherwise than asked.
pub struct Dossier {
    /// The real source.
    pub real: Arc<dyn DossierSource>,
    /// What is wrong.
    pub wrong: Arc<Switch<Fetch>>,
}

#[async_trait]
impl DossierSource for Dossier {
    async fn fetch(&self, permit: Permit) -> Result<Extract, DossierError> {
        match self.wrong.now() {
            None => self.real.fetch(permit).await,
            Some(Fetch::Fails(error)) => Err(error),
            Some(Fetch::Swaps(other)) => self.real.fetch(other(&permit)).await,
        }
    }
}

/// The clock of the machine, moved by so many milliseconds.
#[derive(Default)]
pub struct MovedClock(pub AtomicI64);

impl Clock for MovedClock {
    fn now(&self) -> Millis {
        SystemClock.now().saturating_add_signed(self.0.load(Ordering::SeqCst))
    }
}
