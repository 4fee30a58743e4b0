//! A log of 520 entries with everything in it, written once and put back for each case.
//!
//! 0 EPOCH, 1 and 4 POLICY, 2 and 5 RECIPIENT, 3 and 6 a restriction of one child, 7 of another, 8 and 10 PAGE with an item about
//! the first child, 9 MANUAL, 11 a hold that names the handle of the other only, 260 one whose payload names nobody, the rest
//! refusals. The tables `before_…` hold the rows as they were after entry 3, when only one child was registered.

use super::entries::{about, concerning, enrolled, held, manual, page, policy};
use super::stage::{Of, Stage};
use crate::contract::draft::{ORIGIN, bare, change, oin, refusal};
use jiff::ToSpan;
use jiff::civil::Date;
use sluis::anchor::{self, AnchorFault};
use sluis::compose::rotation::Rotation;
use sluis::scrubber::{Hearing, Progress, Scrubber, Stores};
use sluis_core::log::LeafKind;
use sluis_core::log::chain;
use sluis_core::log::checkpoint::{sign, under_name, verifier_key};
use sluis_core::log::draft::{Draft, GuardKey, Outcome};
use sluis_core::log::finalise::Head;
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::scrub::Found;
use sluis_core::log::verify::{LogVerifier, Summary};
use sluis_core::ports::{Clock, KeyStore, SubjectKey};
use sluis_core::standing::Change;
use sluis_core::subject::{SubjectId, SubjectRef, dutch_date};
use sluis_core::upkeep::{AnchorStore, KeyUpkeep, LogArchive, LogUpkeep, stops};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Entries of the log.
pub const SIZE: u64 = 520;
/// The year of the keys.
const YEAR: i16 = 2026;
/// When a halted log was halted.
const HALTED_AT: u64 = 5;

/// The log and what is known of it outside its databases.
pub struct Ground<E> {
    pub engine: E,
    children: [SubjectRef; 2],
    /// The key of the first child.
    key: SubjectKey,
    newest: String,
}

/// What the scrubber tells.
#[derive(Default)]
pub struct Heard(pub Mutex<Vec<Found>>);

impl Hearing for Heard {
    fn found(&self, found: &Found) {
        self.0.lock().unwrap().push(found.clone());
    }
}

/// The note kept outside the database.
pub(super) struct Outside(pub(super) String);

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

fn ids() -> [SubjectId; 2] {
    ["K-1", "K-2"].map(|number| SubjectId::client_number(number).unwrap())
}

/// One wrapping generation has ended: its row can be changed too.
async fn rotated(engine: &impl Stage) {
    let (keys, folder) = (engine.rotation().await, engine.wrapping().folder().clone());
    let mut rotation = Rotation::begin(keys, folder, true).await.unwrap();
    while rotation.step().await.unwrap().is_some() {}
}

impl<E: Stage> Ground<E> {
    pub async fn make() -> Self {
        let engine = E::empty().await;
        rotated(&engine).await;
        let (keys, ids) = (engine.keys().await, ids());
        let today = dutch_date(engine.clock().now());
        keys.provision(&[vec![ids[0].clone()]], YEAR).await.unwrap();
        let child = keys.find(&ids[0]).await.unwrap().unwrap();
        let key = keys.subject_key(child, YEAR).await.unwrap().unwrap();
        let day = keys.bucket_key(today).await.unwrap();
        keys.transaction_key(today).await.unwrap();
        let log = engine.log().await;
        let first = [
            bare(0, LeafDraft::new(LeafKind::Epoch).with(Key::Rs, "OPEN")),
            policy(1, 1),
            about(enrolled(2), &day, None),
            about(change(3, child, Change::Restriction { set: true }), &key, Some(&ids[0])),
        ];
        append(&*log, first).await;
        for of in [Of::Log, Of::Keys] {
            for table in engine.tables(of).await {
                engine.change(of, &format!("CREATE TABLE before_{table} AS SELECT * FROM {table}")).await;
            }
        }
        let yesterday = today.checked_sub(1.day()).unwrap();
        keys.provision(&[vec![ids[1].clone()]], YEAR).await.unwrap();
        keys.bucket_key(yesterday).await.unwrap();
        keys.transaction_key(yesterday).await.unwrap();
        let other = keys.find(&ids[1]).await.unwrap().unwrap();
        let others = keys.subject_key(other, YEAR).await.unwrap().unwrap();
        let second = [
            policy(4, 2),
            about(enrolled(5), &day, None),
            about(change(6, child, Change::Restriction { set: false }), &key, Some(&ids[0])),
            about(change(7, other, Change::Restriction { set: true }), &others, Some(&ids[1])),
            page(8, child, &key, &day),
            about(Draft { concerns: concerning(child), ..manual(9) }, &key, Some(&ids[0])),
            page(10, child, &key, &day),
        ];
        append(&*log, second).await;
        for (from, to) in [(11, 60), (60, 258), (258, SIZE)] {
            let asked = |n| match n {
                11 => held(n, other, &day, true),
                260 => held(n, other, &day, false),
                _ => about(Draft { concerns: concerning(child), ..refusal(n) }, &key, Some(&ids[0])),
            };
            log.append((from..to).map(asked).collect()).await.unwrap();
            let signed = sign(&log.head().await.unwrap(), engine.signer());
            log.keep_checkpoint(signed.size, &signed.note, signed.size * 60_000).await.unwrap();
        }
        let newest = sign(&log.head().await.unwrap(), engine.signer()).note;
        drop((log, keys));
        engine.settle().await;
        engine.keep().await;
        Self { engine, children: [child, other], key, newest }
    }

    /// Everything as it was made, for the next case.
    pub async fn again(&self) {
        self.engine.settle().await;
        self.engine.put_back().await;
    }

    /// The log as the process that runs has it.
    pub async fn log(&self) -> Arc<dyn LogUpkeep> {
        self.engine.try_log().await.unwrap()
    }

    /// The log as the next process serves it; `None` when it refuses.
    pub async fn reopened(&self) -> Option<Arc<dyn LogUpkeep>> {
        let log = self.engine.try_log().await?;
        (log.head().await.is_ok_and(|head| head.origin == ORIGIN)).then_some(log)
    }

    /// What one pass of the scrubber finds.
    pub async fn scrub(&self, log: &Arc<dyn LogUpkeep>, keys: &Arc<dyn KeyUpkeep>) -> Vec<Found> {
        self.pass(log, keys, false).await
    }

    /// One pass, which may rebuild what follows from the leaves.
    pub async fn pass(&self, log: &Arc<dyn LogUpkeep>, keys: &Arc<dyn KeyUpkeep>, mends: bool) -> Vec<Found> {
        let (log, keys) = (Arc::clone(log), Arc::clone(keys) as Arc<dyn KeyStore>);
        let stores = Stores { log, keys, origin: ORIGIN.into(), verifier_key: self.verifier_key().into() };
        let scrubber = Scrubber { stores, within: Duration::from_secs(1), mends, progress: Arc::<Progress>::default() };
        let heard = Heard::default();
        let found = scrubber.pass(Duration::ZERO, &heard).await.unwrap();
        let heard = heard.0.into_inner().unwrap();
        assert_eq!(heard.is_empty(), found == 0);
        heard
    }

    /// Whether the offline verifier accepts an export of every shard: the leaves under the kept notes, the newest note, and that
    /// each shard continues the one before.
    pub async fn verifies(&self) -> bool {
        let Some(archive) = self.engine.try_archive().await else { return false };
        let Ok(shards) = archive.shards().await else { return false };
        let mut whole = Vec::new();
        for (number, shard) in shards.iter().enumerate() {
            let newest = (number + 1 == shards.len()).then_some(&self.newest);
            let Some(summary) = self.exported(archive.as_ref(), &shard.head, newest).await else { return false };
            whole.push(summary);
        }
        chain::verify(&whole).is_ok()
    }

    /// One shard, verified as the export of it is.
    async fn exported(&self, archive: &dyn LogArchive, head: &Head, newest: Option<&String>) -> Option<Summary> {
        let key = under_name(&self.verifier_key(), &head.origin).ok()?;
        let mut verifier = LogVerifier::new(&key).ok()?;
        for note in archive.checkpoints(head.end()).await.ok()?.iter().chain(newest) {
            verifier.checkpoint(note).ok()?;
        }
        for leaf in archive.leaves(head.position(0), 1000).await.ok()? {
            verifier.leaf(&leaf).ok()?;
        }
        verifier.finish().ok()
    }

    pub async fn anchored(&self, log: &Arc<dyn LogUpkeep>) -> Result<(), AnchorFault> {
        anchor::check(&**log, &Outside(self.newest.clone()), &self.verifier_key()).await
    }

    /// Whether an entry that relies on everything is recorded.
    pub async fn appends(&self, log: &Arc<dyn LogUpkeep>) -> bool {
        let appended = log.append(vec![self.relying()]).await;
        appended.is_ok_and(|committed| matches!(committed.outcomes(), [Outcome::Recorded { .. }]))
    }

    /// Erases the key of the first child everywhere but in the memory of who appends next.
    pub async fn erase_child(&self, log: &Arc<dyn LogUpkeep>, keys: &Arc<dyn KeyUpkeep>) {
        log.erase(self.children[0], vec![self.key.key_id]).await.unwrap();
        keys.destroy(vec![self.key.key_id]).await.unwrap();
    }

    /// The same for a moment: the key is gone, and what it sealed is still there.
    pub async fn bury_child(&self, log: &Arc<dyn LogUpkeep>, keys: &Arc<dyn KeyUpkeep>) {
        log.erase(SubjectRef([0xee; 16]), vec![self.key.key_id]).await.unwrap();
        keys.destroy(vec![self.key.key_id]).await.unwrap();
    }

    /// A refusal that relies on the newest policy, organisation and child.
    fn relying(&self) -> Draft {
        let guards = [GuardKey::Policy, GuardKey::Organisation(oin()), GuardKey::Subject(self.children[0])];
        let relies_on = guards.map(|key| (key, 2)).to_vec();
        let draft = Draft { relies_on, concerns: concerning(self.children[0]), ..refusal(900) };
        about(draft, &self.key, Some(&ids()[0]))
    }

    /// The first child.
    pub fn child(&self) -> SubjectRef {
        self.children[0]
    }

    /// What a search finds for each child.
    pub async fn entries(&self, log: &Arc<dyn LogUpkeep>) -> Vec<Vec<(u64, u32)>> {
        let mut found = Vec::new();
        for child in self.children {
            found.push(log.entries_of(child).await.unwrap());
        }
        found
    }

    /// Halts the log, as a process that found something does.
    pub async fn halt(&self, log: &Arc<dyn LogUpkeep>) {
        log.halt(HALTED_AT, "`state` at 3: the row is gone").await.unwrap();
    }

    /// Erases two keys with which nothing was sealed.
    pub async fn erase(&self, log: &Arc<dyn LogUpkeep>) {
        log.erase(self.children[1], vec![*b"one of two keys.", *b"the other of two"]).await.unwrap();
    }

    /// Whether the halts that stand stop the process that runs.
    pub async fn is_stopped(log: &Arc<dyn LogUpkeep>) -> bool {
        log.halts().await.map_or(true, |halts| !stops(&halts, log.replica()).is_empty())
    }

    /// Whether the flag of the halt outside the database still counts.
    pub async fn is_flagged(log: &Arc<dyn LogUpkeep>) -> bool {
        let Ok(halts) = log.halts().await else { return true };
        !halts.iter().any(|halt| halt.replica == log.replica() && halt.time == HALTED_AT && !halt.holds())
    }

    /// Whether everything that is asked of the keys is answered. A number never leads to another child, whatever was done.
    pub async fn reads(&self, keys: &Arc<dyn KeyUpkeep>) -> bool {
        let mut answered = true;
        for (id, child) in ids().iter().zip(self.children) {
            match keys.find(id).await {
                Ok(found) => assert!(found.is_none_or(|found| found == child), "a number leads to another child"),
                Err(_) => answered = false,
            }
            answered &= keys.subject_key(child, YEAR).await.is_ok();
        }
        let today: Date = dutch_date(self.engine.clock().now());
        answered && keys.bucket_key(today).await.is_ok() && keys.transaction_key(today).await.is_ok()
    }

    /// Whether both children are registered again without an error.
    pub async fn provisions(&self, keys: &Arc<dyn KeyUpkeep>) -> bool {
        keys.provision(&ids().map(|id| vec![id]), YEAR).await.is_ok()
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
