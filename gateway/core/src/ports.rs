//! What the core needs from the world, as promises in prose. Engines are named in `adapters` only.

use crate::claim::{ClaimLine, Comparison};
use crate::enrolment::Enrolment;
use crate::holder_fact::HeldFacts;
use crate::log::draft::{Draft, GuardState, Versioned};
use crate::log::finalise::{Committed, Head};
use crate::log::leaf::Leaf;
use crate::log::{Hash, LeafKind, Millis};
use crate::organisation::Oin;
use crate::release::{Extract, Permit};
use crate::standing::Standing;
use crate::subject::{BirthDate, SubjectId, SubjectRef};
use async_trait::async_trait;
use jiff::civil::Date;

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
    /// The clock of this machine is behind the log by more than the tolerance: it refuses to write (core-design 1.10).
    #[error("the clock is {behind_ms} ms behind the last entry of the log")]
    ClockBehind {
        /// By how much.
        behind_ms: u64,
    },
}

/// Leaves read at a time when looking for those of one kind.
const LEAVES_READ: u32 = 1000;

/// The durable log and what follows from it.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Appends drafts in order, as one transaction, and applies the effects of those that are recorded.
    ///
    /// Inside its lock the driver reads the head, the guards and the transactions concerned and calls
    /// [`finalise`](crate::log::finalise::finalise), which alone decides outcomes and bytes.
    /// When it returns `Ok`, everything is on disk and survives a power failure. On `Err` other than
    /// `Unknown` nothing happened. A draft whose data the engine rejects fails alone (A4).
    async fn append(&self, drafts: Vec<Draft>) -> Result<Committed, StoreError>;

    /// The head as committed.
    async fn head(&self) -> Result<Head, StoreError>;

    /// The head as committed, once it may be signed: nothing of it can be lost any more (A1). An engine where what is committed
    /// is durable answers its head.
    async fn durable_head(&self) -> Result<Head, StoreError> {
        self.head().await
    }

    /// The exact bytes of `count` leaves from `from`, in order; fewer at the end of the log.
    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError>;

    /// The exact bytes of at most `count` leaves of one kind from index `from`, in order. Empty when there are no more.
    ///
    /// An engine finds manual disclosures and obligations that were met by an index; for other kinds it may read every leaf.
    async fn leaves_of(&self, kind: LeafKind, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        let (mut found, mut next) = (Vec::new(), from);
        loop {
            let page = self.leaves(next, LEAVES_READ).await?;
            if page.is_empty() {
                return Ok(found);
            }
            for text in page {
                let leaf = Leaf::decode(&text)
                    .map_err(|_| StoreError::Corrupt { store: "log database", table: "log_leaf" })?;
                next = leaf.index() + 1;
                if leaf.kind() == kind {
                    found.push(text);
                }
                if found.len() >= count as usize {
                    return Ok(found);
                }
            }
        }
    }

    /// The leaf hashes `from..to`, and the stored sub-tree hashes: what proofs are built from.
    async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, StoreError>;

    /// Stored hashes of complete sub-trees: level 1 covers 256 leaves, level 2 covers 65,536, and so on.
    async fn subtree_hashes(&self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError>;

    /// Where a transaction of an organisation is recorded, with the key id and ciphertext of its payload.
    async fn transaction(&self, oin: &Oin, id: uuid::Uuid) -> Result<Option<StoredEntry>, StoreError>;

    /// One entry by index.
    async fn entry(&self, index: u64) -> Result<Option<StoredEntry>, StoreError>;

    /// Keeps a signed checkpoint of a head that is durable.
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

    /// Says that every entry below `index` was handed over or has an outcome in the log (A9): the in-flight mark of
    /// this replica. It only rises, is written with the next commit, and neither waits nor fails.
    fn delivered_below(&self, index: u64);
}

/// One entry as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Index in the shard.
    pub index: u64,
    /// Exact bytes of the leaf.
    pub leaf: String,
    /// The payload, unless erased.
    pub payload: Option<crate::log::draft::SealedPayload>,
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

    /// The first RECIPIENT entry that names this organisation after the entry at `index`.
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
}

/// Random bytes, as an argument.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}
