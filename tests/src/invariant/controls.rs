//! Gateways and stores that were broken on purpose: for each the check of its invariant must fail.

use super::seen::{Event, Left, Log, Seen};
use crate::conduct::decorate::{Append, Decorated, Unchecked};
use crate::pairs::acts::{Act, Scene, about};
use crate::pairs::ground::Ground;
use crate::pairs::nothing_is_fetched_after_it;
use crate::pairs::trip::{How, Trip};
use crate::race::replay::Replay;
use async_trait::async_trait;
use prost::Message;
use rusqlite::Connection;
use sluis::gateway::{ActivePolicy, Gateway};
use sluis_core::claim::{ClaimLine, Comparison};
use sluis_core::enrolment::Enrolment;
use sluis_core::log::draft::{Draft, GuardState, Versioned};
use sluis_core::log::finalise::Committed;
use sluis_core::organisation::Oin;
use sluis_core::policy::{Sources, load};
use sluis_core::ports::{FactSource, HolderFacts, Ledger, Register, StoreError, StoredEntry};
use sluis_core::release::Extract;
use sluis_core::standing::Standing;
use sluis_core::subject::{SubjectId, SubjectRef};
use sluis_proto::v1;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// A gateway over files whose ledger, and then whose ports, are other ones.
async fn broken(how: impl Append + 'static, change: impl FnOnce(&mut Gateway)) -> (Ground, Scene) {
    let ground = Ground::sqlite().await;
    let seen = Arc::<Mutex<Seen>>::default();
    Scene::open(&ground, &seen).await.prepare().await;
    let trip = Arc::new(Trip::idle());
    let real: Arc<dyn Ledger> = Arc::clone(ground.log()) as _;
    let mut gateway = ground.assemble(Arc::new(Decorated { inner: real, how }), &trip).await;
    change(&mut gateway);
    let scene = Scene::over(&ground, Arc::new(gateway), &trip, &seen).await;
    (ground, scene)
}

/// An append as it is.
struct Sound;

#[async_trait]
impl Append for Sound {
    async fn append(&self, inner: &dyn Ledger, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        inner.append(drafts).await
    }
}

/// A file from which the newest entry goes when it was written, as on a disk that only says that it flushes.
struct Forgets(PathBuf);

#[async_trait]
impl Append for Forgets {
    async fn append(&self, inner: &dyn Ledger, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        let committed = inner.append(drafts).await;
        past_the_triggers(&self.0, "DELETE FROM log_leaf WHERE row = (SELECT max(row) FROM log_leaf)");
        committed
    }
}

/// Runs a statement that triggers would refuse.
fn past_the_triggers(file: &std::path::Path, sql: &str) {
    let intruder = Connection::open(file).unwrap();
    intruder.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let mut all = intruder.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").unwrap();
    let triggers: Vec<String> = all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    triggers.iter().for_each(|name| intruder.execute_batch(&format!("DROP TRIGGER {name}")).unwrap());
    assert_eq!(intruder.execute(sql, []).unwrap(), 1);
}

fn new_id(scene: &Scene) -> uuid::Uuid {
    scene.gateway.new_uuid()
}

fn seen(scene: &Scene) -> Seen {
    scene.seen.lock().unwrap().clone()
}

/// 1, 3 and 5.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_forgets_what_it_wrote_is_found() {
    let ground = Ground::sqlite().await;
    let all = Arc::<Mutex<Seen>>::default();
    Scene::open(&ground, &all).await.prepare().await;
    let trip = Arc::new(Trip::idle());
    let real: Arc<dyn Ledger> = Arc::clone(ground.log()) as _;
    let how = Forgets(ground.folder.config.log.database.clone().unwrap());
    let gateway = ground.assemble(Arc::new(Decorated { inner: Arc::clone(&real), how }), &trip).await;
    let scene = Scene::over(&ground, Arc::new(gateway), &trip, &all).await;
    scene.perform(Act::Release, new_id(&scene)).await.unwrap();
    let log = Log::of(&scene.gateway).await;
    let wrong = seen(&scene).log_before_release(&log).unwrap_err();
    assert!(wrong.contains("is not in the log"), "{wrong}");
    let wrong = seen(&scene).append_only(&log, &scene.gateway).await.unwrap_err();
    assert!(wrong.contains("is not the beginning of"), "{wrong}");
    let wrong = seen(&scene).only_committed_heads(&log).unwrap_err();
    assert!(wrong.contains("a head was signed beyond"), "{wrong}");
}

/// 2.
struct WithoutTransactions;

#[async_trait]
impl Append for WithoutTransactions {
    async fn append(&self, inner: &dyn Ledger, mut drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        drafts.iter_mut().for_each(|draft| draft.transaction = None);
        inner.append(drafts).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_without_transactions_holds_one_twice() {
    let (_ground, scene) = broken(WithoutTransactions, |_| ()).await;
    scene.perform(Act::Repeat, new_id(&scene)).await.unwrap();
    let wrong = seen(&scene).no_gap_and_no_duplicate(&Log::of(&scene.gateway).await).unwrap_err();
    assert!(wrong.contains("second release"), "{wrong}");
}

/// 4.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hash_that_was_bent_proves_nothing() {
    let (ground, scene) = broken(Sound, |_| ()).await;
    let log = Log::of(&scene.gateway).await;
    seen(&scene).proofs(&log, &scene.gateway).await.unwrap();
    let bend = "UPDATE log_leaf SET hash = zeroblob(32) WHERE row = (SELECT min(row) FROM log_leaf)";
    past_the_triggers(ground.folder.config.log.database.as_deref().unwrap(), bend);
    let wrong = seen(&scene).proofs(&log, &scene.gateway).await.unwrap_err();
    assert!(wrong.contains("does not verify"), "{wrong}");
}

/// 6.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_surface_that_adds_a_field_is_found() {
    fn more(extract: &Extract, catalogue: u64) -> Vec<u8> {
        let body = sluis::grpc::serialize_extract(extract, catalogue);
        let mut body = v1::Extract::decode(body.as_slice()).unwrap();
        body.values.push(v1::FieldValue { field: v1::Field::Bsn as i32, value: "x".to_owned() });
        body.encode_to_vec()
    }
    let (_ground, mut scene) = broken(Sound, |_| ()).await;
    scene.serialize = more;
    scene.perform(Act::Release, new_id(&scene)).await.unwrap();
    let log = Log::of(&scene.gateway).await;
    seen(&scene).log_before_release(&log).unwrap();
    let wrong = seen(&scene).field_bound(&log).unwrap_err();
    assert!(wrong.contains("says fields"), "{wrong}");
}

/// 7: facts that are answered from memory when the holder does not answer.
struct Remembering {
    real: Arc<dyn FactSource>,
    known: Mutex<HashMap<String, HolderFacts>>,
}

#[async_trait]
impl FactSource for Remembering {
    async fn facts(&self, subject: &SubjectId) -> Result<Option<HolderFacts>, StoreError> {
        if let Ok(Some(facts)) = self.real.facts(subject).await {
            self.known.lock().unwrap().insert(subject.value(), facts);
        }
        Ok(self.known.lock().unwrap().get(&subject.value()).cloned())
    }
    async fn claim(&self, subject: &SubjectId, line: &ClaimLine) -> Result<Comparison, StoreError> {
        self.real.claim(subject, line).await
    }
    async fn subjects(&self, after: Option<&str>, count: u32) -> Result<Vec<Vec<SubjectId>>, StoreError> {
        self.real.subjects(after, count).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_answers_from_memory_fetches_after_a_fault() {
    let remember = |gateway: &mut Gateway| {
        gateway.facts = Arc::new(Remembering { real: Arc::clone(&gateway.facts), known: Mutex::default() });
    };
    let (_ground, scene) = broken(Sound, remember).await;
    scene.perform(Act::Release, new_id(&scene)).await.unwrap();
    scene.trip.arm(Some(("facts", 0, How::Refused)));
    scene.perform(Act::Release, new_id(&scene)).await.unwrap();
    let wrong = nothing_is_fetched_after_it(&scene, ("facts", 0)).unwrap_err();
    assert!(wrong.contains("fetched after it"), "{wrong}");
}

/// 9: what stood at the first look is believed for ever.
struct Stubborn {
    real: Arc<dyn Register>,
    known: Mutex<HashMap<SubjectRef, Versioned<Standing>>>,
}

#[async_trait]
impl Register for Stubborn {
    async fn standing(&self, subject: SubjectRef) -> Result<Versioned<Standing>, StoreError> {
        let now = self.real.standing(subject).await?;
        Ok(self.known.lock().unwrap().entry(subject).or_insert(now).clone())
    }
    async fn enrolments(&self, oin: &Oin) -> Result<Versioned<Vec<Enrolment>>, StoreError> {
        self.real.enrolments(oin).await
    }
    async fn organisations(&self, after: Option<&Oin>, count: u32) -> Result<Vec<Oin>, StoreError> {
        self.real.organisations(after, count).await
    }
    async fn enrolled_by(&self, oin: &Oin) -> Result<Option<StoredEntry>, StoreError> {
        self.real.enrolled_by(oin).await
    }
    async fn recipient_entry_after(&self, oin: &Oin, index: u64) -> Result<Option<StoredEntry>, StoreError> {
        self.real.recipient_entry_after(oin, index).await
    }
    async fn active_policy(&self) -> Result<Option<Versioned<GuardState>>, StoreError> {
        self.real.active_policy().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_keeps_standing_in_mind_releases_after_a_withdrawal() {
    let keep = |gateway: &mut Gateway| {
        gateway.register = Arc::new(Stubborn { real: Arc::clone(&gateway.register), known: Mutex::default() });
    };
    let (_ground, scene) = broken(Unchecked, keep).await;
    scene.perform(Act::Give, new_id(&scene)).await.unwrap();
    assert!(scene.ask(Act::Withdraw, new_id(&scene)).await.unwrap());
    seen(&scene).withdrawal_bound().unwrap();
    scene.perform(Act::Withdraw, new_id(&scene)).await.unwrap();
    assert!(scene.ask(Act::Withdraw, new_id(&scene)).await.unwrap());
    let wrong = seen(&scene).withdrawal_bound().unwrap_err();
    assert!(wrong.contains("after the withdrawal returned"), "{wrong}");
}

/// 11: questions are decided under a policy that the log does not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_under_another_policy_is_not_reproduced() {
    let (ground, scene) = broken(Unchecked, |_| ()).await;
    let files = &ground.folder.config.policy;
    let read = |file: &PathBuf| std::fs::read_to_string(file).unwrap();
    let numbered = format!("version = 2\nprevious = \"sha256:{}\"\n", "0".repeat(64));
    let policy = read(&files.policy).replacen("version = 1\n", &numbered, 1);
    let sources = Sources { catalog: &read(&files.catalog), ceiling: &read(&files.ceiling), policy: &policy };
    let (before, other) = (scene.gateway.active.load_full(), Arc::new(load(&sources).unwrap()));
    scene.gateway.active.store(Arc::new(ActivePolicy { policy: other, version: before.version }));
    scene.perform(Act::Release, new_id(&scene)).await.unwrap();
    scene.gateway.active.store(before);
    let gateway = Arc::clone(&scene.gateway);
    let replayed = tokio::spawn(async move { Replay::of(&gateway).await.violations });
    assert!(replayed.await.unwrap_err().is_panic(), "the replay reproduced what nobody decided");
}

/// 15: a surface that sends what it has although nothing could be recorded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_fails_open_is_found() {
    let (_ground, scene) = broken(Sound, |_| ()).await;
    scene.perform(Act::Release, new_id(&scene)).await.unwrap();
    let Some(Event::Left(before)) = seen(&scene).0.pop() else { panic!("nothing left") };
    scene.trip.arm(Some(("transaction_key", 0, How::Refused)));
    scene.perform(Act::Release, new_id(&scene)).await.unwrap_err();
    seen(&scene).log_before_release(&Log::of(&scene.gateway).await).unwrap();
    let body = [before.body.as_slice(), b"and what came since"].concat();
    scene.saw(Event::Left(Left { about: about(Act::Release).number, body, ..before }));
    let wrong = seen(&scene).log_before_release(&Log::of(&scene.gateway).await).unwrap_err();
    assert!(wrong.contains("does not release what left"), "{wrong}");
}
