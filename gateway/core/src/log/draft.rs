//! What conduct hands to the ledger: an entry without index and time, the versions it relied on, what it changes.

use super::leaf::LeafDraft;
use super::page::PageBlob;
use super::{Hash, LeafKind, Millis};
use crate::enrolment::Enrolment;
use crate::organisation::Oin;
use crate::release::PolicyDigest;
use crate::standing::{Change, ChangeRefused, Standing};
use crate::subject::SubjectRef;

/// A gateway request id: UUIDv7, new for every attempt (A12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub uuid::Uuid);

impl RequestId {
    /// 32 lower-case hex digits, as in leaves.
    #[must_use]
    pub fn to_hex(self) -> String {
        self.0.simple().to_string()
    }
}

/// A row of state whose version a decision can rely on. Its order is the order of locks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GuardKey {
    /// The active policy.
    Policy,
    /// Every enrolment of one organisation.
    Organisation(Oin),
    /// The standing of one subject.
    Subject(SubjectRef),
}

/// The state behind a [`GuardKey`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuardState {
    /// The digest and version number of the active policy.
    Policy {
        /// SHA-256 over the canonical policy.
        digest: PolicyDigest,
        /// The version number in the policy file.
        number: u64,
    },
    /// Every enrolment of one organisation.
    Organisation(Vec<Enrolment>),
    /// The standing of one subject.
    Subject(Standing),
}

/// A state with its version: 0 when no row exists. Versions only grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The version.
    pub version: u64,
    /// The state.
    pub state: T,
}

/// A change that is applied in the same transaction as its leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A delta on a subject's standing, applied to whatever stands there inside the lock (A16).
    Standing {
        /// Whose.
        subject: SubjectRef,
        /// What changes.
        change: Change,
    },
    /// All enrolments of one organisation, replaced.
    Organisation {
        /// Which organisation.
        oin: Oin,
        /// Its enrolments from now on; empty removes it.
        enrolments: Vec<Enrolment>,
    },
    /// A policy becomes active.
    Policy {
        /// Its digest.
        digest: PolicyDigest,
        /// Its version number; a lower one than the active is refused.
        number: u64,
    },
}

/// A payload that is already encrypted, and the key it can be opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPayload {
    /// 128 random bits that name the subject's yearly key.
    pub key_id: [u8; 16],
    /// Nonce and ciphertext.
    pub ciphertext: Vec<u8>,
}

/// The client's transaction: unique per organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The organisation.
    pub oin: Oin,
    /// Its transaction id, UUIDv7 (`Fsc-Transaction-Id`).
    pub id: uuid::Uuid,
    /// HMAC of the request under the key of the day (A13): same digest, same content.
    pub digest: Hash,
}

/// That a leaf, or one item of a page, concerns a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concerns {
    /// Whom.
    pub subject: SubjectRef,
    /// Which item of a page; 0 for a leaf about one subject.
    pub item: u32,
}

/// One entry on its way to the log.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its request id.
    pub rid: RequestId,
    /// The origin that its tags and its payload were made for; under another one it is stale (A8).
    pub origin: std::sync::Arc<str>,
    /// The leaf without index and time.
    pub leaf: LeafDraft,
    /// Its payload, where the kind has one.
    pub payload: Option<SealedPayload>,
    /// The client's transaction, where there is one.
    pub transaction: Option<Transaction>,
    /// The versions the decision relied on; compared again inside the lock.
    pub relies_on: Vec<(GuardKey, u64)>,
    /// The day on which ages were computed; another day inside the lock makes the entry stale.
    pub decided_on: Option<jiff::civil::Date>,
    /// What changes with it.
    pub effects: Vec<Effect>,
    /// Whom it concerns, for the subject index.
    pub concerns: Vec<Concerns>,
    /// The items of a page.
    pub page: Option<PageBlob>,
}

impl Draft {
    /// A draft that relies on nothing, changes nothing, concerns nobody and has no payload.
    #[must_use]
    pub const fn new(rid: RequestId, origin: std::sync::Arc<str>, leaf: LeafDraft) -> Self {
        Self {
            rid,
            origin,
            leaf,
            payload: None,
            transaction: None,
            relies_on: Vec::new(),
            decided_on: None,
            effects: Vec::new(),
            concerns: Vec::new(),
            page: None,
        }
    }
}

/// What became of one draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is durable.
    Recorded {
        /// Its position in the log.
        index: u64,
        /// The time in the leaf.
        time: Millis,
    },
    /// A version it relied on changed: nothing was written, decide again.
    Stale,
    /// The same request of this organisation is already in the log: nothing was written.
    Duplicate {
        /// At which position.
        index: u64,
        /// As what.
        kind: LeafKind,
    },
    /// The transaction id was used for another request: nothing was written.
    Conflict,
    /// The change cannot be applied: nothing was written.
    Refused(ChangeRefused),
    /// The policy number is below the highest seen: nothing was written.
    PolicyTooOld,
    /// The log is halted and this is an answer (A27): nothing was written.
    Halted,
    /// The leaf does not meet the key table: a defect of the caller, which fails alone (A4). Nothing was written.
    Malformed(super::leaf::LeafError),
}
