//! A log of 300 entries with everything in it, written once and copied for each case.
//!
//! 0 EPOCH, 1 and 4 POLICY, 2 and 5 RECIPIENT, 3 and 6 a restriction of one child, 7 of another, 8 PAGE, 9 MANUAL, then
//! refusals. The table `before` holds the rows of state as they were after entry 3.

use crate::contract::Engine;
use crate::contract::draft::{ORIGIN, bare, change, oin, refusal, uuid};
use crate::contract::sqlite::Sqlite;
use sluis::anchor::{self, AnchorFault};
use sluis::scrubber::{Hearing, Progress, Scrubber, Stores};
use sluis_adapters::sqlite::{Limits, SqliteKeys};
use sluis_core::log::checkpoint::{sign, verifier_key};
use sluis_core::log::draft::{Draft, Effect, GuardKey, Outcome, RequestId, Transaction};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::page::{Item, PageBlob};
use sluis_core::log::payload::{Sealing, seal};
use sluis_core::log::scrub::Found;
use sluis_core::log::verify::LogVerifier;
use sluis_core::log::{LeafKind, commitment};
use sluis_core::ports::{Clock, KeyStore, SubjectKey};
use sluis_core::release::PolicyDigest;
use sluis_core::standing::Change;
use sluis_core::subject::{SubjectId, SubjectRef, dutch_date};
use sluis_core::upkeep::{AnchorStore, LogUpkeep};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The log and what is known of it outside its database.
pub struct Ground {
    engine: Sqlite,
    keys: Option<Arc<SqliteKeys>>,
    child: SubjectRef,
    newest: String,
}

/// What the scrubber tells.
#[derive(Default)]
struct Heard(Mutex<Vec<Found>>);

impl Hearing for Heard {
    fn found(&self, found: &Found) {
        self.0.lock().unwrap().push(found.clone());
    }
}

/// The note kept outside the database.
struct Outside(String);

impl AnchorStore for Outside {
    fn read(&self) -> std::io::Result<Option<String>> {
        Ok(Some(self.0.clone()))
    }

    fn keep(&self, _: &str) -> std::io::Result<()> {
        Ok(())
    }

    fn name(&self) -> String {
        "outside".to_owned()
    }
}

impl Ground {
    pub async fn make() -> Self {
        let engine = Sqlite::fresh();
        let keys = engine.open_keys(&engine.master).unwrap();
        let ids = ["K-1", "K-2"].map(|number| SubjectId::client_number(number).unwrap());
        keys.provision(&ids.each_ref().map(|id| vec![id.clone()]), 2026).await.unwrap();
        let [child, other] = [keys.find(&ids[0]).await.unwrap().unwrap(), keys.find(&ids[1]).await.unwrap().unwrap()];
        let key = keys.subject_key(child, 2026).await.unwrap().unwrap();
        let others = keys.subject_key(other, 2026).await.unwrap().unwrap();
        let day = keys.bucket_key(dutch_date(engine.clock().now())).await.unwrap();
        let log: Arc<dyn LogUpkeep> = Arc::new(engine.open(Limits::default()).unwrap());
        let restricted = |n, whose, key: &SubjectKey, id: &SubjectId, set| {
            about(change(n, whose, Change::Restriction { set }), key, Some(id))
        };
        let first = [
            bare(0, LeafDraft::new(LeafKind::Epoch).with(Key::Rs, "OPEN")),
            policy(1, 1),
            about(enrolled(2), &day, None),
            restricted(3, child, &key, &ids[0], true),
        ];
        append(&*log, first).await;
        engine.intrude("CREATE TABLE before AS SELECT * FROM state").await;
        let second = [
            policy(4, 2),
            about(enrolled(5), &day, None),
            restricted(6, child, &key, &ids[0], false),
            restricted(7, other, &others, &ids[1], true),
            about(page(8), &day, None),
            about(manual(9), &key, Some(&ids[0])),
        ];
        append(&*log, second).await;
        for (from, to) in [(10, 60), (60, 258), (258, 300)] {
            log.append((from..to).map(|n| about(refusal(n), &key, Some(&ids[0]))).collect()).await.unwrap();
            let signed = sign(&log.head().await.unwrap(), engine.signer());
            log.keep_checkpoint(signed.size, &signed.note, signed.size * 60_000).await.unwrap();
        }
        let newest = sign(&log.head().await.unwrap(), engine.signer()).note;
        Self { engine, keys: None, child, newest }
    }

    /// The same, to be changed.
    pub fn copy(&self) -> Self {
        let engine = self.engine.copy();
        let keys = Some(Arc::new(engine.open_keys(&engine.master).unwrap()));
        Self { engine, keys, child: self.child, newest: self.newest.clone() }
    }

    pub async fn log(&self) -> Arc<dyn LogUpkeep> {
        self.reopened().await.unwrap()
    }

    /// The log as the next process opens it; `None` when it refuses.
    pub async fn reopened(&self) -> Option<Arc<dyn LogUpkeep>> {
        Some(Arc::new(self.engine.open(Limits::default()).ok()?))
    }

    pub async fn tamper(&self, sql: &str) {
        self.engine.intrude(sql).await;
    }

    /// What one pass of the scrubber finds.
    pub async fn scrub(&self, log: &Arc<dyn LogUpkeep>) -> Vec<Found> {
        let keys: Arc<dyn KeyStore> = Arc::clone(self.keys.as_ref().unwrap()) as _;
        let stores =
            Stores { log: Arc::clone(log), keys, origin: ORIGIN.into(), verifier_key: self.verifier_key().into() };
        let scrubber = Scrubber { stores, within: Duration::from_secs(1), progress: Arc::<Progress>::default() };
        let heard = Heard::default();
        let found = scrubber.pass(Duration::ZERO, &heard).await.unwrap();
        let heard = heard.0.into_inner().unwrap();
        assert_eq!(heard.is_empty(), found == 0);
        heard
    }

    /// Whether the offline verifier accepts the leaves under the kept notes and the newest one.
    pub async fn verifies(&self) -> bool {
        let archive = self.engine.archive().await;
        let mut verifier = LogVerifier::new(&self.verifier_key()).unwrap();
        let (Ok(kept), Ok(leaves)) = (archive.checkpoints((1 << 40) - 1).await, archive.leaves(0, 1000).await) else {
            return false;
        };
        let signed = kept.iter().chain([&self.newest]).all(|note| verifier.checkpoint(note).is_ok());
        signed && leaves.iter().all(|leaf| verifier.leaf(leaf).is_ok()) && verifier.finish().is_ok()
    }

    pub async fn anchored(&self, log: &Arc<dyn LogUpkeep>) -> Result<(), AnchorFault> {
        anchor::check(&**log, &Outside(self.newest.clone()), &self.verifier_key()).await
    }

    /// Whether an entry that relies on everything is recorded.
    pub async fn appends(&self, log: &Arc<dyn LogUpkeep>) -> bool {
        let appended = log.append(vec![self.relying()]).await;
        appended.is_ok_and(|committed| matches!(committed.outcomes(), [Outcome::Recorded { .. }]))
    }

    /// An entry that relies on the newest policy, organisation and child.
    fn relying(&self) -> Draft {
        let guards = [GuardKey::Policy, GuardKey::Organisation(oin()), GuardKey::Subject(self.child)];
        let leaf = LeafDraft::new(LeafKind::Outcome).with(Key::Refs, "2026-1:10").with(Key::Rs, "UNKNOWN");
        Draft { relies_on: guards.map(|key| (key, 2)).to_vec(), ..bare(900, leaf) }
    }

    fn verifier_key(&self) -> String {
        verifier_key(ORIGIN, &self.engine.signer().public_key())
    }
}

async fn append(log: &dyn LogUpkeep, drafts: impl IntoIterator<Item = Draft>) {
    for draft in drafts {
        log.append(vec![draft]).await.unwrap();
    }
}

/// The draft with a payload under this key, and the tag and commitment that belong to it.
fn about(mut draft: Draft, key: &SubjectKey, id: Option<&SubjectId>) -> Draft {
    let said = serde_json::json!({
        "v": "sluis-payload/1",
        "salt": draft.rid.to_hex(),
        "subject": id.map(|id| serde_json::Map::from_iter([(id.kind().to_owned(), id.value().into())])).unwrap_or_default(),
        "recorded_by": oin(),
    });
    let (plain, at) = (said.to_string().into_bytes(), Sealing { key, origin: ORIGIN, rid: draft.rid, item: 0 });
    if id.is_some() {
        draft.leaf = draft.leaf.with(Key::St, commitment::subject_tag(&key.tag, ORIGIN, draft.rid, 0));
    }
    draft.leaf = draft.leaf.with(Key::Pc, commitment::payload(&plain));
    draft.payload = seal(&at, [7; 12], &plain);
    draft
}

fn policy(n: u64, number: u64) -> Draft {
    let digest = PolicyDigest([number as u8; 32]);
    let leaf = LeafDraft::new(LeafKind::Policy).with(Key::Po, digest.to_hex()).with(Key::N, number).with(Key::Ca, 1);
    Draft { effects: vec![Effect::Policy { digest, number }], ..bare(n, leaf) }
}

fn enrolled(n: u64) -> Draft {
    let leaf = LeafDraft::new(LeafKind::Recipient).with(Key::Rp, oin().as_str()).with(Key::Rs, "ENROLLED");
    Draft { effects: vec![Effect::Organisation { oin: oin(), enrolments: Vec::new() }], ..bare(n, leaf) }
}

fn manual(n: u64) -> Draft {
    let leaf =
        LeafDraft::new(LeafKind::Manual).with(Key::Rt, "POLICE").with(Key::Pu, "SERIOUS_DANGER").with(Key::Rs, "X");
    Draft { transaction: Some(Transaction { oin: oin(), id: uuid(n), digest: [1; 32] }), ..bare(n, leaf) }
}

fn page(n: u64) -> Draft {
    let item = |number, tag: &str| Item { number, tag: tag.repeat(16), outcome: "RELEASED".into(), body: None };
    let blob = PageBlob::new(&[item(0, "ab"), item(1, "cd")]).unwrap();
    let leaf = LeafDraft::new(LeafKind::Page)
        .with(Key::Rt, "MUNICIPALITY")
        .with(Key::Rp, oin().as_str())
        .with(Key::Pu, "INVOICE_FORMAL")
        .with(Key::Po, "cd".repeat(32))
        .with(Key::Ca, 1)
        .with(Key::Bid, RequestId(uuid(n)).to_hex())
        .with(Key::Pg, 0)
        .with(Key::Rv, 0)
        .with(Key::N, blob.len() as u64)
        .with(Key::Sr, blob.sub_root())
        .with(Key::Bc, "ab".repeat(32))
        .with(Key::X5, "BimEMugGayniIjvMI6qVBLVq5Qj6vzQ1UIhpucMZDiI");
    Draft { page: Some(blob), ..bare(n, leaf) }
}
