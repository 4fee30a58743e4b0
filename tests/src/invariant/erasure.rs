//! 14. After a subject's year is erased nothing at rest yields the subject, and every proof and old receipt still verifies.

use super::seen::{Log, Seen, Verdict};
use crate::pairs::acts::{Act, Scene, about};
use crate::pairs::ground::{Ground, patiently};
use sluis::compose::subject::{Erasure, SubjectFault, erase};
use sluis_core::subject::{SubjectId, SubjectRef};
use std::sync::{Arc, Mutex};

/// What there was about a subject before its erasure.
struct Before {
    subject: SubjectRef,
    year: i16,
    /// By its id: a client whom the holder still has gets another at the next start.
    key: [u8; 16],
    entries: Vec<u64>,
    sealed: Vec<Vec<u8>>,
}

fn number() -> SubjectId {
    SubjectId::client_number(&about(Act::Release).number).unwrap()
}

impl Before {
    async fn of(ground: &Ground) -> Self {
        let subject = ground.keys.find(&number()).await.unwrap().unwrap();
        let year = ground.folder.config.log.year;
        let key = ground.keys.subject_key(subject, year).await.unwrap().unwrap().key_id;
        let entries: Vec<u64> = ground.log().entries_of(subject).await.unwrap().into_iter().map(|(i, _)| i).collect();
        let mut sealed = Vec::new();
        for index in &entries {
            sealed.push(ground.log().entry(*index).await.unwrap().unwrap().payload.unwrap().ciphertext);
        }
        assert!(entries.len() >= 3, "a change and two releases: {entries:?}");
        Self { subject, year, key, entries, sealed }
    }

    /// Nothing of it is left.
    async fn is_gone(&self, ground: &Ground) -> Verdict {
        if ground.keys.key_by_id(self.key).await.unwrap().is_some() {
            return Err("the key of the year is still there".to_owned());
        }
        for index in &self.entries {
            if ground.log().entry(*index).await.unwrap().unwrap().payload.is_some() {
                return Err(format!("the payload of entry {index} is still there"));
            }
        }
        let left = ground.log().entries_of(self.subject).await.unwrap();
        if !left.is_empty() {
            return Err(format!("the subject index still names {left:?}"));
        }
        let rest = at_rest(ground).await;
        let holds = |bytes: &Vec<u8>| rest.windows(bytes.len()).any(|window| window == bytes.as_slice());
        if self.sealed.iter().any(holds) { Err("a payload is still at rest".to_owned()) } else { Ok(()) }
    }
}

async fn at_rest(ground: &Ground) -> Vec<u8> {
    match &ground.database {
        Some(database) => database.at_rest().await,
        None => crate::world::files(&ground.folder.dir, &["holder"]).into_iter().flat_map(|(_, bytes)| bytes).collect(),
    }
}

/// A log in which somebody was asked about, and what callers have of it.
async fn lived(ground: Ground) -> (Ground, Seen) {
    let all = Arc::<Mutex<Seen>>::default();
    let scene = Scene::open(&ground, &all).await;
    scene.prepare().await;
    for act in [Act::Release, Act::Release, Act::Refuse] {
        scene.perform(act, scene.gateway.new_uuid()).await.unwrap();
    }
    let seen = all.lock().unwrap().clone();
    (ground, seen)
}

async fn erased(ground: Ground) {
    let (ground, seen) = lived(ground).await;
    let before = Before::of(&ground).await;
    let (folder, database) = ground.close();
    let subject = number();
    let erasure =
        Erasure { subject: &subject, year: before.year, reason: "LOGGED_WRONGLY", authorised_by: "T", backup_days: 30 };
    // Whoever had the stores open may still be letting go of them; what is begun is completed.
    patiently(async || match erase(&folder.config, &erasure).await {
        Err(fault @ SubjectFault::NotCompleted { .. }) => panic!("{fault}"),
        other => other,
    })
    .await;
    let ground = Ground::reopen(folder, database).await;
    before.is_gone(&ground).await.unwrap();
    let scene = Scene::open(&ground, &Arc::default()).await;
    let log = Log::of(&scene.gateway).await;
    seen.log_before_release(&log).unwrap();
    seen.append_only(&log, &scene.gateway).await.unwrap();
    seen.proofs(&log, &scene.gateway).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_year_that_is_erased_on_sqlite_is_gone_and_every_proof_holds() {
    erased(Ground::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_year_that_is_erased_on_postgres_is_gone_and_every_proof_holds() {
    erased(Ground::postgres().await).await;
}

/// Negative control: an eraser that forgets one of the two databases.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_an_erasure_is_found() {
    for forgets_the_keys in [true, false] {
        let (ground, _) = lived(Ground::sqlite().await).await;
        let before = Before::of(&ground).await;
        let wrong = if forgets_the_keys {
            ground.log().erase(before.subject, vec![before.key]).await.unwrap();
            before.is_gone(&ground).await.unwrap_err()
        } else {
            ground.keys.destroy(vec![before.key]).await.unwrap();
            before.is_gone(&ground).await.unwrap_err()
        };
        let expected = if forgets_the_keys { "the key of the year" } else { "the payload of entry" };
        assert!(wrong.starts_with(expected), "{wrong}");
    }
}
