//! Drafts as conduct makes them: a release with a leaf of about 600 bytes and a payload of 1 KiB, which relies on the
//! policy, the enrolment of one organisation and the standing of one subject, under one transaction.

use super::Fault;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::{Concerns, Draft, Effect, GuardKey, Outcome, RequestId, SealedPayload, Transaction};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::organisation::Oin;
use sluis_core::ports::Ledger;
use sluis_core::release::PolicyDigest;
use sluis_core::standing::Change;
use sluis_core::subject::{Actor, SubjectRef};
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// The log.
pub const ORIGIN: &str = "sluis-log.example/00000099000000001000/2026-1";
/// Nonce, 1 KiB and tag.
const CIPHERTEXT_BYTES: usize = 12 + 1024 + 16;
/// Entries of one append that prepares.
const PREPARED_AT_ONCE: usize = 250;

/// Makes drafts; no two have an id in common, and ids are made in order.
pub struct Drafts {
    oin: Oin,
    subjects: u64,
    next: AtomicU64,
}

impl Drafts {
    /// About so many subjects.
    ///
    /// # Errors
    /// None that can happen.
    pub fn about(subjects: u64) -> Result<Self, Fault> {
        Ok(Self { oin: Oin::parse("00000099000000001000")?, subjects, next: AtomicU64::new(1) })
    }

    /// The next number.
    pub fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Appends the policy and the standing of every subject. Gives the number of entries.
    ///
    /// # Errors
    /// When one of them is not recorded.
    pub async fn prepare(&self, log: &dyn Ledger) -> Result<u64, Fault> {
        let digest = PolicyDigest([5; 32]);
        let leaf = LeafDraft::new(LeafKind::Policy).with(Key::Po, digest.to_hex()).with(Key::N, 1).with(Key::Ca, 1);
        let policy = Draft { effects: vec![Effect::Policy { digest, number: 1 }], ..bare(self.number(), leaf) };
        record(log, vec![policy]).await?;
        let worker = Actor::parse("worker-1").ok_or("no actor")?;
        let change = Change::Caseload { partner: self.oin.clone(), worker, on: true };
        for chunk in (0..self.subjects).collect::<Vec<_>>().chunks(PREPARED_AT_ONCE) {
            let standings = chunk.iter().map(|number| {
                let leaf = LeafDraft::new(LeafKind::Standing)
                    .with(Key::Rp, self.oin.as_str())
                    .with(Key::St, format!("{number:032x}"))
                    .with(Key::Pc, "ab".repeat(32));
                let effects = vec![Effect::Standing { subject: self.subject(*number), change: change.clone() }];
                Draft { effects, ..bare(self.number(), leaf) }
            });
            record(log, standings.collect()).await?;
        }
        Ok(self.subjects + 1)
    }

    /// Spread over the subjects as requests are, not in the order of their keys.
    fn subject(&self, number: u64) -> SubjectRef {
        let mixed = (number % self.subjects).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        SubjectRef(u128::from(mixed).wrapping_mul(0x1_0000_0001_0000_0001).to_be_bytes())
    }

    /// A release.
    pub fn release(&self, number: u64) -> Draft {
        let (id, subject) = (uuid(number), self.subject(number.wrapping_mul(7919)));
        let leaf = LeafDraft::new(LeafKind::Release)
            .with(Key::Rt, "MUNICIPALITY")
            .with(Key::Rp, self.oin.as_str())
            .with(Key::Pu, "INVOICE_FORMAL")
            .with(Key::Ba, "JW-7.4.0/RJW-6a.1")
            .with(Key::Ru, "muni-invoice")
            .with(Key::Po, "cd".repeat(32))
            .with(Key::Ca, 1)
            .with(Key::Fs, "00000000001f8041")
            .with(Key::Ob, Vec::<String>::new())
            .with(Key::Rs, "OK")
            .with(Key::St, format!("{number:032x}"))
            .with(Key::Pc, "ab".repeat(32))
            .with(Key::Bc, "ef".repeat(32))
            .with(Key::X5, "BimEMugGayniIjvMI6qVBLVq5Qj6vzQ1UIhpucMZDiI")
            .with(Key::Txn, id.simple().to_string());
        let ciphertext = vec![number.to_le_bytes()[0]; CIPHERTEXT_BYTES];
        Draft {
            payload: Some(SealedPayload { key_id: subject.0, ciphertext }),
            transaction: Some(Transaction { oin: self.oin.clone(), id, digest: [1; 32] }),
            relies_on: vec![
                (GuardKey::Policy, 1),
                (GuardKey::Organisation(self.oin.clone()), 0),
                (GuardKey::Subject(subject), 1),
            ],
            concerns: vec![Concerns { subject, item: 0 }],
            ..bare(number, leaf)
        }
    }
}

async fn record(log: &dyn Ledger, drafts: Vec<Draft>) -> Result<(), Fault> {
    let committed = log.append(drafts).await?;
    let other = committed.outcomes().iter().find(|outcome| !matches!(outcome, Outcome::Recorded { .. }));
    other.map_or(Ok(()), |other| Err(format!("an entry of the ground was not recorded: {other:?}").into()))
}

fn bare(number: u64, leaf: LeafDraft) -> Draft {
    Draft::new(RequestId(uuid(number)), ORIGIN.into(), leaf)
}

/// UUIDv7 in order of time with random tails, as clients make them.
pub fn uuid(number: u64) -> Uuid {
    let tail = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2;
    let time = 0x019a_a5b2_0000 + u128::from(number);
    Uuid::from_u128(time << 80 | 0x7000_8000_0000_0000_0000 | u128::from(tail))
}
