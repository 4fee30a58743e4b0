//! The ports of a gateway, every call of them through a [`Trip`].

use super::trip::{Call, Trip};
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
use sluis_core::upkeep::{
    CheckpointRow, Cut, DueKey, Ended, Halt, KeyUpkeep, LeafColumns, LeafRow, LogHalts, LogMending, LogPruning,
    LogRows, LogUpkeep, SegmentRow, StatePlace, StateRow,
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A port behind a trip.
pub struct Tripped<T: ?Sized> {
    pub real: Arc<T>,
    pub trip: Arc<Trip>,
}

impl<T: ?Sized> Tripped<T> {
    pub fn around(real: &Arc<T>, trip: &Arc<Trip>) -> Arc<Self> {
        Arc::new(Self { real: Arc::clone(real), trip: Arc::clone(trip) })
    }
}

const LOG: &str = "log database";
const KEYS: &str = "key database";
const HOLDER: &str = "holder database";

/// Passes a call that reads.
macro_rules! reads {
    ($self:ident, $store:ident, $name:literal, $real:expr) => {
        $self.trip.pass(Call { name: $name, store: $store, writes: false }, $real).await
    };
}

/// Passes a call that changes something.
macro_rules! writes {
    ($self:ident, $store:ident, $name:literal, $real:expr) => {
        $self.trip.pass(Call { name: $name, store: $store, writes: true }, $real).await
    };
}

#[async_trait]
impl Ledger for Tripped<dyn LogUpkeep> {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        writes!(self, LOG, "append", self.real.append(drafts))
    }
    async fn head(&self) -> Result<Head, StoreError> {
        reads!(self, LOG, "head", self.real.head())
    }
    async fn durable_head(&self) -> Result<Head, StoreError> {
        reads!(self, LOG, "durable_head", self.real.durable_head())
    }
    async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        reads!(self, LOG, "shards", self.real.shards())
    }
    async fn open_shard(&self, next: Next) -> Result<(), StoreError> {
        writes!(self, LOG, "open_shard", self.real.open_shard(next))
    }
    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        reads!(self, LOG, "leaves", self.real.leaves(from, count))
    }
    async fn leaves_of(&self, kind: LeafKind, from: u64, count: u32) -> Result<Vec<(u64, String)>, StoreError> {
        reads!(self, LOG, "leaves_of", self.real.leaves_of(kind, from, count))
    }
    async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        reads!(self, LOG, "leaf_hashes", self.real.leaf_hashes(from, to))
    }
    async fn subtree_hashes(&self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        reads!(self, LOG, "subtree_hashes", self.real.subtree_hashes(level, from, to))
    }
    async fn transaction(&self, oin: &Oin, id: uuid::Uuid) -> Result<Option<StoredEntry>, StoreError> {
        reads!(self, LOG, "transaction", self.real.transaction(oin, id))
    }
    async fn entry(&self, index: u64) -> Result<Option<StoredEntry>, StoreError> {
        reads!(self, LOG, "entry", self.real.entry(index))
    }
    async fn keep_checkpoint(&self, size: u64, note: &str, time: Millis) -> Result<(), StoreError> {
        writes!(self, LOG, "keep_checkpoint", self.real.keep_checkpoint(size, note, time))
    }
    async fn probe(&self) -> Result<(), StoreError> {
        // Comes by itself, every two seconds while the log fails: not a call of what is done here.
        self.real.probe().await
    }
    fn settles(&self) -> bool {
        self.real.settles()
    }
    fn delivered_below(&self, index: u64) {
        self.real.delivered_below(index);
    }
}

#[async_trait]
impl Register for Tripped<dyn LogUpkeep> {
    async fn standing(&self, subject: SubjectRef) -> Result<Versioned<Standing>, StoreError> {
        reads!(self, LOG, "standing", self.real.standing(subject))
    }
    async fn enrolments(&self, oin: &Oin) -> Result<Versioned<Vec<Enrolment>>, StoreError> {
        reads!(self, LOG, "enrolments", self.real.enrolments(oin))
    }
    async fn organisations(&self, after: Option<&Oin>, count: u32) -> Result<Vec<Oin>, StoreError> {
        reads!(self, LOG, "organisations", self.real.organisations(after, count))
    }
    async fn enrolled_by(&self, oin: &Oin) -> Result<Option<StoredEntry>, StoreError> {
        reads!(self, LOG, "enrolled_by", self.real.enrolled_by(oin))
    }
    async fn recipient_entry_after(&self, oin: &Oin, index: u64) -> Result<Option<StoredEntry>, StoreError> {
        reads!(self, LOG, "recipient_entry_after", self.real.recipient_entry_after(oin, index))
    }
    async fn active_policy(&self) -> Result<Option<Versioned<GuardState>>, StoreError> {
        reads!(self, LOG, "active_policy", self.real.active_policy())
    }
}

#[async_trait]
impl LogRows for Tripped<dyn LogUpkeep> {
    async fn leaf_rows(&self, from: u64, count: u32) -> Result<Vec<LeafRow>, StoreError> {
        reads!(self, LOG, "leaf_rows", self.real.leaf_rows(from, count))
    }
    async fn any_leaf(&self, shard: u16) -> Result<bool, StoreError> {
        reads!(self, LOG, "any_leaf", self.real.any_leaf(shard))
    }
    async fn state_rows(&self, after: &StatePlace, count: u32) -> Result<Vec<StateRow>, StoreError> {
        reads!(self, LOG, "state_rows", self.real.state_rows(after, count))
    }
    async fn segment_rows(&self, from: u64, count: u32) -> Result<Vec<SegmentRow>, StoreError> {
        reads!(self, LOG, "segment_rows", self.real.segment_rows(from, count))
    }
    async fn checkpoint_rows(&self, from: u64, count: u32) -> Result<Vec<CheckpointRow>, StoreError> {
        reads!(self, LOG, "checkpoint_rows", self.real.checkpoint_rows(from, count))
    }
}

#[async_trait]
impl LogUpkeep for Tripped<dyn LogUpkeep> {
    async fn left_in_flight(&self) -> Result<Vec<u64>, StoreError> {
        reads!(self, LOG, "left_in_flight", self.real.left_in_flight())
    }
    async fn ended_replicas(&self) -> Result<Vec<Ended>, StoreError> {
        reads!(self, LOG, "ended_replicas", self.real.ended_replicas())
    }
    async fn erased_keys(&self) -> Result<Vec<[u8; 16]>, StoreError> {
        reads!(self, LOG, "erased_keys", self.real.erased_keys())
    }
    async fn erase(&self, subject: SubjectRef, keys: Vec<[u8; 16]>) -> Result<u64, StoreError> {
        writes!(self, LOG, "erase", self.real.erase(subject, keys))
    }
    async fn tidy(&self) -> Result<(), StoreError> {
        writes!(self, LOG, "tidy_log", self.real.tidy())
    }
    async fn forget_transactions(&self, before: Millis) -> Result<u64, StoreError> {
        writes!(self, LOG, "forget_transactions", self.real.forget_transactions(before))
    }
    async fn entries_of(&self, subject: SubjectRef) -> Result<Vec<(u64, u32)>, StoreError> {
        reads!(self, LOG, "entries_of", self.real.entries_of(subject))
    }
    async fn page(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        reads!(self, LOG, "page", self.real.page(index))
    }
}

#[async_trait]
impl LogHalts for Tripped<dyn LogUpkeep> {
    fn replica(&self) -> i16 {
        self.real.replica()
    }
    async fn halts(&self) -> Result<Vec<Halt>, StoreError> {
        reads!(self, LOG, "halts", self.real.halts())
    }
    async fn halt(&self, time: Millis, found: &str) -> Result<(), StoreError> {
        writes!(self, LOG, "halt", self.real.halt(time, found))
    }
    async fn lift_halts(&self, these: &[(i16, Millis)], entry: &str) -> Result<u64, StoreError> {
        writes!(self, LOG, "lift_halts", self.real.lift_halts(these, entry))
    }
}

#[async_trait]
impl LogPruning for Tripped<dyn LogUpkeep> {
    async fn is_alone(&self) -> Result<bool, StoreError> {
        reads!(self, LOG, "is_alone", self.real.is_alone())
    }
    async fn prune(&self, cut: &Cut) -> Result<bool, StoreError> {
        writes!(self, LOG, "prune", self.real.prune(cut))
    }
    async fn compact(&self) -> Result<(), StoreError> {
        writes!(self, LOG, "compact", self.real.compact())
    }
}

#[async_trait]
impl LogMending for Tripped<dyn LogUpkeep> {
    async fn mend_columns(&self, index: u64, columns: &LeafColumns) -> Result<(), StoreError> {
        writes!(self, LOG, "mend_columns", self.real.mend_columns(index, columns))
    }
    async fn mend_index(&self, lacking: Vec<(u64, SubjectRef, u32)>, kept: Vec<u64>) -> Result<(), StoreError> {
        writes!(self, LOG, "mend_index", self.real.mend_index(lacking, kept))
    }
    async fn erase_late(&self, entries: Vec<u64>) -> Result<(), StoreError> {
        writes!(self, LOG, "erase_late", self.real.erase_late(entries))
    }
    async fn drop_checkpoint(&self, size: u64) -> Result<(), StoreError> {
        writes!(self, LOG, "drop_checkpoint", self.real.drop_checkpoint(size))
    }
}

#[async_trait]
impl KeyStore for Tripped<dyn KeyUpkeep> {
    async fn find(&self, subject: &SubjectId) -> Result<Option<SubjectRef>, StoreError> {
        reads!(self, KEYS, "find", self.real.find(subject))
    }
    async fn provision(&self, subjects: &[Vec<SubjectId>], year: i16) -> Result<u64, StoreError> {
        writes!(self, KEYS, "provision", self.real.provision(subjects, year))
    }
    async fn subject_key(&self, subject: SubjectRef, year: i16) -> Result<Option<SubjectKey>, StoreError> {
        reads!(self, KEYS, "subject_key", self.real.subject_key(subject, year))
    }
    async fn bucket_key(&self, day: Date) -> Result<SubjectKey, StoreError> {
        writes!(self, KEYS, "bucket_key", self.real.bucket_key(day))
    }
    async fn transaction_key(&self, day: Date) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        writes!(self, KEYS, "transaction_key", self.real.transaction_key(day))
    }
    async fn key_by_id(&self, key_id: [u8; 16]) -> Result<Option<SubjectKey>, StoreError> {
        reads!(self, KEYS, "key_by_id", self.real.key_by_id(key_id))
    }
}

#[async_trait]
impl KeyUpkeep for Tripped<dyn KeyUpkeep> {
    async fn destroy(&self, key_ids: Vec<[u8; 16]>) -> Result<u64, StoreError> {
        writes!(self, KEYS, "destroy", self.real.destroy(key_ids))
    }
    async fn destroy_transaction_keys(&self, before: Date) -> Result<u64, StoreError> {
        writes!(self, KEYS, "destroy_transaction_keys", self.real.destroy_transaction_keys(before))
    }
    async fn due(&self, before: i16, count: u32) -> Result<Vec<DueKey>, StoreError> {
        reads!(self, KEYS, "due", self.real.due(before, count))
    }
    async fn tidy(&self) -> Result<(), StoreError> {
        writes!(self, KEYS, "tidy", self.real.tidy())
    }
}

#[async_trait]
impl FactSource for Tripped<dyn FactSource> {
    async fn facts(&self, subject: &SubjectId) -> Result<Option<HolderFacts>, StoreError> {
        reads!(self, HOLDER, "facts", self.real.facts(subject))
    }
    async fn claim(&self, subject: &SubjectId, line: &ClaimLine) -> Result<Comparison, StoreError> {
        reads!(self, HOLDER, "claim", self.real.claim(subject, line))
    }
    async fn subjects(&self, after: Option<&str>, count: u32) -> Result<Vec<Vec<SubjectId>>, StoreError> {
        reads!(self, HOLDER, "subjects", self.real.subjects(after, count))
    }
}

#[async_trait]
impl DossierSource for Tripped<dyn DossierSource> {
    async fn fetch(&self, permit: Permit) -> Result<Extract, DossierError> {
        reads!(self, HOLDER, "fetch", self.real.fetch(permit))
    }
}
