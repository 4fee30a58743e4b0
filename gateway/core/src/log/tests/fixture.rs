//! A log in memory, a signer with a fixed key, and drafts of every kind.

use crate::log::checkpoint::{SignedCheckpoint, sign, verifier_key};
use crate::log::commitment::subject_tag;
use crate::log::draft::{Draft, GuardKey, GuardState, Outcome, RequestId, Transaction, Versioned};
use crate::log::finalise::{Committed, Head, Seen, Snapshot, finalise, wanted};
use crate::log::leaf::{Key, LeafDraft};
use crate::log::leaf_table::{Shape, row_of};
use crate::log::tree::Frontier;
use crate::log::{Hash, LeafKind, Millis};
use crate::organisation::Oin;
use crate::ports::{Ledger, Signer, StoreError, StoredEntry};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

pub const ORIGIN: &str = "sluis-log.jeugd.example/00000099234567890000/2026-1";
pub const NOW: Millis = 1_769_000_000_000;

/// Ed25519 with the seed 42 … 42.
pub struct FixedSigner(Ed25519KeyPair);

impl FixedSigner {
    pub fn new() -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[0x42; 32]).unwrap())
    }

    pub fn vkey(&self) -> String {
        verifier_key(ORIGIN, &self.public_key())
    }
}

impl Signer for FixedSigner {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().unwrap()
    }
}

pub fn rid(number: u64) -> RequestId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&0x0197_a6b2_c3d4_7e5fu64.to_be_bytes());
    bytes[8..].copy_from_slice(&(0x8000_0000_0000_0000u64 | number).to_be_bytes());
    RequestId(uuid::Uuid::from_bytes(bytes))
}

pub fn oin() -> Oin {
    Oin::parse("00000099234567890000").unwrap()
}

/// A lawful value for a key.
fn sample(leaf: LeafDraft, key: Key, number: u64) -> LeafDraft {
    match key.shape() {
        _ if key == Key::St => leaf.with(key, subject_tag(&[7; 32], ORIGIN, rid(number), 0)),
        Shape::Hex(length) => leaf.with(key, format!("{number:0length$x}")),
        Shape::Thumbprint => leaf.with(key, "BimEMugGayniIjvMI6qVBLVq5Qj6vzQ1UIhpucMZDiI"),
        Shape::Oin => leaf.with(key, oin().as_str()),
        Shape::Code => leaf.with(key, "INVOICE_CHECK"),
        Shape::Name => leaf.with(key, "JW-7.4.0/RJW-6a.1"),
        Shape::Reference => leaf.with(key, "2026-1:0"),
        Shape::Names => leaf.with(key, vec!["OK".to_owned()]),
        Shape::References => leaf.with(key, vec!["2026-1:0".to_owned(), "2025-3:17".to_owned()]),
        Shape::Number => leaf.with(key, number),
    }
}

/// A leaf of a kind with all its required keys and, if asked, all its optional ones.
pub fn leaf_of(kind: LeafKind, number: u64, all: bool) -> LeafDraft {
    let row = row_of(kind);
    let optional = row.optional.iter().filter(|_| all);
    row.required.iter().chain(optional).fold(LeafDraft::new(kind), |leaf, key| sample(leaf, *key, number))
}

pub fn draft(kind: LeafKind, number: u64) -> Draft {
    Draft::new(rid(number), ORIGIN.into(), leaf_of(kind, number, false))
}

#[derive(Default)]
struct Rows {
    leaves: Vec<String>,
    hashes: Vec<Hash>,
    subtrees: BTreeMap<(u8, u64), Hash>,
    guards: BTreeMap<GuardKey, Versioned<Arc<GuardState>>>,
    transactions: HashMap<(Oin, uuid::Uuid), Seen>,
    head: Option<Head>,
    reads: u64,
}

/// A ledger that keeps rows in memory, written only with what `finalise` returned.
#[derive(Default)]
pub struct MemoryLog(Mutex<Rows>);

impl MemoryLog {
    pub fn append_at(&self, now: Millis, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        let mut rows = self.0.lock().unwrap();
        let head = rows.head.clone().unwrap_or_else(empty_head);
        let wanted = wanted(&drafts);
        let guards = rows.guards.iter().filter(|(key, _)| wanted.guards.contains(key));
        let guards = guards.map(|(key, guard)| (key.clone(), guard.clone())).collect();
        let seen = wanted.transactions.iter().filter_map(|key| Some((key.clone(), *rows.transactions.get(key)?)));
        let transactions = seen.collect();
        let finalised = finalise(&head, Snapshot { guards, transactions, halted: false }, now, &drafts)?;
        for entry in finalised.entries() {
            assert_eq!(entry.index, rows.leaves.len() as u64);
            rows.leaves.push(entry.text.clone());
            rows.hashes.push(entry.hash);
            if let Some(Transaction { oin, id, digest }) = entry.draft.transaction.clone() {
                rows.transactions.insert((oin, id), Seen { digest, index: entry.index, kind: entry.kind });
            }
        }
        for guard in finalised.guards() {
            let row = Versioned { version: guard.version, state: guard.state.clone() };
            rows.guards.insert(guard.key.clone(), row);
        }
        let subtrees = finalised.subtrees().iter();
        rows.subtrees.extend(subtrees.map(|row| ((row.level, row.number), row.hash)));
        rows.head = Some(finalised.head().clone());
        Ok(finalised.committed())
    }

    /// Appends so many plain entries, in commits of at most `commit`.
    pub fn grow(&self, count: u64, commit: u64) {
        let start = self.leaves().len() as u64;
        let numbers: Vec<u64> = (start..start + count).collect();
        for numbers in numbers.chunks(commit as usize) {
            let drafts = numbers.iter().map(|number| draft(LeafKind::Deny, *number)).collect();
            self.append_at(NOW, drafts).unwrap();
        }
    }

    pub fn leaves(&self) -> Vec<String> {
        self.0.lock().unwrap().leaves.clone()
    }

    pub fn hashes(&self) -> Vec<Hash> {
        self.0.lock().unwrap().hashes.clone()
    }

    pub fn current(&self) -> Head {
        self.0.lock().unwrap().head.clone().unwrap_or_else(empty_head)
    }

    pub fn reads(&self) -> u64 {
        self.0.lock().unwrap().reads
    }

    pub fn version(&self, key: &GuardKey) -> u64 {
        self.0.lock().unwrap().guards.get(key).map_or(0, |guard| guard.version)
    }

    pub fn replace_hash(&self, index: usize, hash: Hash) {
        self.0.lock().unwrap().hashes[index] = hash;
    }

    pub fn checkpoint(&self) -> SignedCheckpoint {
        sign(&self.current(), &FixedSigner::new())
    }
}

pub fn empty_head() -> Head {
    Head { origin: ORIGIN.to_owned(), shard: 0, frontier: Frontier::empty(), last_time: 0 }
}

pub fn recorded(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Recorded { index, .. } => Some(*index),
        _ => None,
    }
}

#[async_trait::async_trait]
impl Ledger for MemoryLog {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        self.append_at(NOW, drafts)
    }

    async fn head(&self) -> Result<Head, StoreError> {
        Ok(self.current())
    }

    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        Ok(MemoryLog::leaves(self).into_iter().skip(from as usize).take(count as usize).collect())
    }

    async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        let mut rows = self.0.lock().unwrap();
        rows.reads += to - from;
        Ok(rows.hashes.iter().copied().skip(from as usize).take((to - from) as usize).collect())
    }

    async fn subtree_hashes(&self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        let mut rows = self.0.lock().unwrap();
        rows.reads += to - from;
        Ok(rows.subtrees.range((level, from)..(level, to)).map(|(_, hash)| *hash).collect())
    }

    async fn transaction(&self, _oin: &Oin, _id: uuid::Uuid) -> Result<Option<StoredEntry>, StoreError> {
        Ok(None)
    }

    async fn entry(&self, _index: u64) -> Result<Option<StoredEntry>, StoreError> {
        Ok(None)
    }

    async fn keep_checkpoint(&self, _size: u64, _note: &str, _time: Millis) -> Result<(), StoreError> {
        Ok(())
    }

    fn delivered_below(&self, _index: u64) {}
}

/// Runs a future that never waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory log never waits"),
    }
}
