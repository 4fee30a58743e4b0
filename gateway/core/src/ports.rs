//! What the core needs from the world, as promises in prose. Engines are named in `adapters` only.

use crate::claim::{ClaimLine, Comparison};
use crate::enrolment::Enrolment;
use crate::holder_fact::HeldFacts;
use crate::log::Millis;
use crate::log::draft::{GuardState, Versioned};
use crate::organisation::Oin;
use crate::release::{Extract, Permit};
use crate::standing::Standing;
use crate::subject::{BirthDate, SubjectId, SubjectRef};
use async_trait::async_trait;
use jiff::civil::Date;

mod ledger;

pub use ledger::{Ledger, SHARD_CLOSED, StoredEntry};

/// Why a store did not do what was asked. Engine texts stay inside the adapter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store does not answer, is locked or read-only. Nothing was written; trying again later may help.
    #[error("the {store} does not answer ({state})")]
    Unavailable {
        /// Which store, for people: `log database`, `key database`, `holder database`.
        store: &'static str,
        /// The named state for health and metrics: `LOCKED`, `READ_ONLY`, `DISK_FULL`, `UNREACHABLE`.
        state: &'static str,
    },
    /// Whether the write happened is not known. The caller must not release and must not assume that it failed.
    #[error("the outcome of a write to the {store} is not known")]
    Unknown {
        /// Which store.
        store: &'static str,
    },
    /// What is stored contradicts itself. Nothing may be released on it.
    #[error("the {store} holds an inconsistent row in `{table}`")]
    Corrupt {
        /// Which store.
        store: &'static str,
        /// Which table.
        table: &'static str,
    },
    /// The secret of a wrapping generation is not here, is another one, or was destroyed: nothing that it wraps is opened.
    #[error("the {store} cannot be used: {text}")]
    Secret {
        /// Which store.
        store: &'static str,
        /// Which file, why, and what to do.
        text: String,
    },
    /// The clock of this machine is behind the log by more than the tolerance: it refuses to write (core-design 1.10).
    #[error("the clock is {behind_ms} ms behind the last entry of the log")]
    ClockBehind {
        /// By how much.
        behind_ms: u64,
    },
}

/// State with versions, for decisions. Every row is authenticated when it is read (A14). A driver may answer from what it
/// knows, at most 60 seconds old: whoever relies on an answer says so in the draft, and the append compares it with the row
/// inside its lock. A draft that relied on an older version is stale, and the next answer here is the newer one.
#[async_trait]
pub trait Register: Send + Sync {
    /// The standing of a subject; version 0 and nothing set when there is no row.
    async fn standing(&self, subject: SubjectRef) -> Result<Versioned<Standing>, StoreError>;

    /// The enrolments of an organisation; version 0 and none when there is no row.
    async fn enrolments(&self, oin: &Oin) -> Result<Versioned<Vec<Enrolment>>, StoreError>;

    /// The organisations that have a row, after `after` and in their order, at most `count`.
    async fn organisations(&self, after: Option<&Oin>, count: u32) -> Result<Vec<Oin>, StoreError>;

    /// The entry that set the enrolments of an organisation as they are; `None` when there is no row.
    async fn enrolled_by(&self, oin: &Oin) -> Result<Option<StoredEntry>, StoreError>;

    /// The first RECIPIENT entry that names this organisation after the one at this position, in whichever shard.
    async fn recipient_entry_after(&self, oin: &Oin, index: u64) -> Result<Option<StoredEntry>, StoreError>;

    /// The active policy; `None` before the first activation.
    async fn active_policy(&self) -> Result<Option<Versioned<GuardState>>, StoreError>;
}

/// The keys of one subject for one year, derived from its yearly key (A19). Wiped when dropped.
#[derive(Clone)]
pub struct SubjectKey {
    /// 128 random bits that name the key; stands beside the payload.
    pub key_id: [u8; 16],
    /// For blinded tags.
    pub tag: zeroize::Zeroizing<[u8; 32]>,
    /// For payloads.
    pub payload: zeroize::Zeroizing<[u8; 32]>,
}

/// The key database: pseudonyms and yearly keys, apart from the log, with backups of its own.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// The subject known under this identifier, or `None`.
    async fn find(&self, subject: &SubjectId) -> Result<Option<SubjectRef>, StoreError>;

    /// Registers subjects, each under all its identifiers, and makes their keys of that year. Idempotent,
    /// durable before it returns. Gives the number of subjects that were new.
    async fn provision(&self, subjects: &[Vec<SubjectId>], year: i16) -> Result<u64, StoreError>;

    /// The key of a subject for a year; made in December and at registration, never at first contact (A11),
    /// so `None` means that the subject was erased or not provisioned.
    async fn subject_key(&self, subject: SubjectRef, year: i16) -> Result<Option<SubjectKey>, StoreError>;

    /// The key for subjects nobody knows, one per day, made on first use of the day.
    async fn bucket_key(&self, day: Date) -> Result<SubjectKey, StoreError>;

    /// The key of one day for digests of transactions (A13).
    async fn transaction_key(&self, day: Date) -> Result<zeroize::Zeroizing<[u8; 32]>, StoreError>;

    /// The wrapped-key store's own subject key by its id, for opening a payload.
    async fn key_by_id(&self, key_id: [u8; 16]) -> Result<Option<SubjectKey>, StoreError>;

    /// Whether it answers as a question needs it, past every cache.
    async fn answers(&self) -> Result<(), StoreError> {
        // Nobody has this key.
        self.key_by_id([0; 16]).await.map(drop)
    }

    /// Tries the wrapping key of every generation that is in use. Gives when the newest was made; `None` of a store without.
    ///
    /// # Errors
    /// [`StoreError::Secret`] names the file of a secret that is not here or is another one.
    async fn wraps(&self) -> Result<Option<Millis>, StoreError> {
        Ok(None)
    }
}

/// What the holder says about a subject, apart from any field that could be released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderFacts {
    /// Every identifier of the person's row. All of them must lead to one subject (A15): a BSN that was corrected on one
    /// side only would otherwise open one child's dossier under another child's standing.
    pub identifiers: Vec<SubjectId>,
    /// Date of birth, from which the age is computed; `None` when absent or unreadable, and then the age is unknown.
    pub birth_date: Option<BirthDate>,
    /// CBS code of the municipality responsible under the woonplaatsbeginsel.
    pub municipality_code: Option<String>,
    /// Whether care is running.
    pub active_case: bool,
    /// Whether the holder marks the residence as secret.
    pub residence_secret: bool,
    /// What else this holder keeps; unknown where it keeps nothing.
    pub held: HeldFacts,
}

/// Answers closed facts about a subject, never fields; needs no permit.
#[async_trait]
pub trait FactSource: Send + Sync {
    /// The facts, or `None` for a subject the holder does not have, or has under one identifier more than once:
    /// an ambiguous match goes to a human, outside the gateway (B8).
    async fn facts(&self, subject: &SubjectId) -> Result<Option<HolderFacts>, StoreError>;

    /// Compares a claim line with the billing record of the subject.
    async fn claim(&self, subject: &SubjectId, line: &ClaimLine) -> Result<Comparison, StoreError>;

    /// The identifiers of the holder's subjects after `after` (a client number), in order, for provisioning.
    async fn subjects(&self, after: Option<&str>, count: u32) -> Result<Vec<Vec<SubjectId>>, StoreError>;
}

/// Why a dossier source did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DossierError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The row that came back carries another identifier than the one decided on (A15).
    #[error("the dossier that was found is not the one that was decided on")]
    OtherSubject,
    /// There is no row.
    #[error("there is no dossier under this identifier")]
    Absent,
    /// The residence was not secret when it was decided, and is now: decide again.
    #[error("the residence became secret after the decision: decide again")]
    Changed,
    /// The source answered a field that was not asked.
    #[error(transparent)]
    Extract(#[from] crate::release::ExtractRefused),
}

/// Answers fields, only to a permit. There is no way to name a column.
#[async_trait]
pub trait DossierSource: Send + Sync {
    /// The permitted fields that have a value, for the permit's subject.
    async fn fetch(&self, permit: Permit) -> Result<Extract, DossierError>;
}

/// Signs checkpoints. The private key never leaves the signer.
pub trait Signer: Send + Sync {
    /// The Ed25519 public key.
    fn public_key(&self) -> [u8; 32];

    /// Signs a message with Ed25519.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}

/// The present, as an argument.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Millis;

    /// Whether this is the time of the world, and may be compared with the clock of another machine; a simulated one is not.
    fn tells_real_time(&self) -> bool {
        true
    }

    /// Whether it may go on by months at once, as a simulated one does. Of any other a person must say that it is right before a
    /// year is ended by it.
    fn leaps(&self) -> bool {
        false
    }
}

/// Random bytes, as an argument.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}
