//! Callers: what they ask of a process, and what they were told.

use crate::contract::draft::{oin, refusal, subject, uuid};
use sluis::gateway::Gateway;
use sluis::recorder::Verdict;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::{Draft, Effect, GuardKey, RequestId, Transaction};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::ports::StoreError;
use sluis_core::release::PolicyDigest;
use sluis_core::standing::{Change, Standing};
use std::sync::{Arc, Mutex};

/// How often a stale entry is decided again.
const ATTEMPTS: usize = 3;

/// What a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    Release { subject: usize, transaction: usize, handed: bool },
    Restrict { subject: usize, set: bool },
    Policy { number: u64 },
}

/// What a caller was told.
#[derive(Debug, Clone)]
pub enum Told {
    /// A receipt: its text, shard, index and leaf.
    Receipt { text: String, shard: String, index: u64, leaf: String },
    /// The transaction is in the log already, at this position.
    Duplicate(u64),
    /// Nothing was written: stale, in conflict, refused.
    Nothing,
    /// A store failed.
    Failed(StoreError),
}

/// One attempt: an entry under a request id of its own.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub rid: RequestId,
    pub about: About,
    /// `None` while nobody was told, and for ever when the process dies before.
    pub told: Option<Told>,
    /// Whether the transport took it.
    pub handed: bool,
}

/// Every attempt of a run.
#[derive(Default)]
pub struct Attempts(pub Mutex<Vec<Attempt>>);

impl Attempts {
    fn begin(&self, about: About) -> (usize, RequestId) {
        let mut all = self.0.lock().unwrap();
        let rid = RequestId(uuid(0x1_0000 + all.len() as u64));
        all.push(Attempt { rid, about, told: None, handed: false });
        (all.len() - 1, rid)
    }

    fn told(&self, at: usize, told: Told) {
        self.0.lock().unwrap()[at].told = Some(told);
    }
}

/// Makes a call at a gateway and notes what comes of it, until it is not stale.
pub async fn call(gateway: Arc<Gateway>, about: About, attempts: Arc<Attempts>) {
    for _ in 0..ATTEMPTS {
        // Taken once, before anything is decided: when its shard closes meanwhile, the entry is stale.
        let origin = gateway.origin();
        let draft = match about {
            About::Release { subject, transaction, .. } => release(&gateway, subject, transaction).await,
            About::Restrict { subject, set } => Some(restriction(subject, set)),
            About::Policy { number } => Some(activation(number)),
        };
        let Some(draft) = draft else { return };
        let (at, rid) = attempts.begin(about);
        let draft = Draft { rid, origin, ..draft };
        let verdict = match about {
            About::Release { .. } => gateway.recorder.record(draft).await,
            _ => gateway.recorder.record_change(draft).await,
        };
        let stale = matches!(verdict, Ok(Verdict::Stale));
        note(&attempts, at, about, verdict);
        if !stale {
            return;
        }
    }
}

fn note(attempts: &Attempts, at: usize, about: About, verdict: Result<Verdict, StoreError>) {
    let receipt = |receipt: &sluis_core::log::receipt::Receipt| Told::Receipt {
        text: receipt.text(),
        shard: receipt.shard().to_owned(),
        index: receipt.index(),
        leaf: receipt.leaf().to_owned(),
    };
    match verdict {
        Ok(Verdict::Recorded(recorded)) => attempts.told(at, receipt(&recorded)),
        Ok(Verdict::Released(recorded, delivery)) => {
            attempts.told(at, receipt(&recorded));
            if matches!(about, About::Release { handed: true, .. }) {
                attempts.0.lock().unwrap()[at].handed = true;
                delivery.handed_over();
            }
        }
        Ok(Verdict::Duplicate { index, .. }) => attempts.told(at, Told::Duplicate(index)),
        Ok(_) => attempts.told(at, Told::Nothing),
        Err(error) => attempts.told(at, Told::Failed(error)),
    }
}

/// A release, when what the register says permits it: decided on versions that the append compares again.
async fn release(gateway: &Gateway, about: usize, transaction: usize) -> Option<Draft> {
    let subject = subject(u8::try_from(about).ok()?);
    let standing = gateway.register.standing(subject).await.ok()?;
    let policy = gateway.register.active_policy().await.ok()?.map_or(0, |policy| policy.version);
    if standing.state != Standing::default() {
        return None;
    }
    let id = uuid(transaction as u64);
    let leaf = LeafDraft::new(LeafKind::Release)
        .with(Key::Rt, "MUNICIPALITY")
        .with(Key::Rp, oin().as_str())
        .with(Key::Pu, "INVOICE_FORMAL")
        .with(Key::Ba, "JW-7.4.0/RJW-6a.1")
        .with(Key::Ru, "muni-invoice")
        .with(Key::Po, "cd".repeat(32))
        .with(Key::Ca, 1)
        .with(Key::Fs, "00000000001f8041")
        .with(Key::Ob, Vec::<String>::new())
        .with(Key::Rs, "OK")
        .with(Key::St, format!("{about:032x}"))
        .with(Key::Pc, "ab".repeat(32))
        .with(Key::Bc, "ef".repeat(32))
        .with(Key::X5, "BimEMugGayniIjvMI6qVBLVq5Qj6vzQ1UIhpucMZDiI")
        .with(Key::Txn, id.simple().to_string());
    Some(Draft {
        leaf,
        transaction: Some(Transaction { oin: oin(), id, digest: [about as u8; 32] }),
        relies_on: vec![(GuardKey::Policy, policy), (GuardKey::Subject(subject), standing.version)],
        ..refusal(0)
    })
}

fn restriction(about: usize, set: bool) -> Draft {
    let change = Change::Restriction { set };
    crate::contract::draft::change(0, subject(about as u8), change)
}

fn activation(number: u64) -> Draft {
    let digest = PolicyDigest([number as u8; 32]);
    let leaf = LeafDraft::new(LeafKind::Policy).with(Key::Po, digest.to_hex()).with(Key::N, number).with(Key::Ca, 1);
    Draft { effects: vec![Effect::Policy { digest, number }], ..Draft::new(RequestId(uuid(0)), "".into(), leaf) }
}
