//! Fault pairs: every call of every port that an act makes goes wrong once in each of five ways, on both engines.
//!
//! Enumerated, not drawn: an act is done once to learn its calls, then once per call and way. The caller of a silent call
//! waits a moment and leaves. After each: nothing left that the log does not bear out, nothing was fetched after a store
//! refused, and when the fault clears the same act succeeds under the same transaction id without anybody's help, after a
//! restart where an outcome that SQLite does not know ended the process (A6).
//!
//! Drawn besides ([`drawn`]): two faults in a row. `SLUIS_PAIRS_ROUNDS` sets how often (100), `SLUIS_PAIRS_SEED` repeats an
//! earlier run, `SLUIS_PAIRS_STEP` how many messages are passed over between two that are cut.

pub mod acts;
mod coverage;
pub mod deeds;
mod drawn;
pub mod ground;
pub mod ports;
mod start;
pub mod trip;
pub mod upkeep;
mod wire;
pub mod yard;

use crate::invariant::seen::{Log, Seen, Verdict};
use crate::journey::kill::from_environment;
use crate::race::offline;
use crate::race::replay::{Replay, Violation};
use crate::world::PATIENCE;
use acts::{Act, Scene};
use coverage::{By, Told};
use ground::Ground;
use sluis::fault::Fault;
use sluis::recorder::LogState;
use sluis_core::ports::StoreError;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use trip::How;

/// How long a caller waits for a call that is silent.
const WAITS: Duration = Duration::from_millis(40);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_that_fails_on_sqlite_releases_nothing_unlogged() {
    enumerate(Ground::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_that_fails_on_postgres_releases_nothing_unlogged() {
    enumerate(Ground::postgres().await).await;
}

/// Every act, every call, every way.
async fn enumerate(mut ground: Ground) {
    let seen = Arc::<Mutex<Seen>>::default();
    let mut scene = Scene::open(&ground, &seen).await;
    scene.prepare().await;
    let (mut rounds, mut told) = (0, Told::default());
    for act in Act::ALL {
        let calls = calls_of(&scene, act).await;
        println!("{act:?}: {calls:?}");
        assert!(!calls.is_empty());
        for (name, nth) in calls {
            for how in How::ALL {
                let place = format!("{act:?}, call {nth} of `{name}`, {how:?}");
                scene = round(&mut ground, scene, act, (name, nth, how), &place).await;
                told.tripped(name, how);
                rounds += 1;
            }
        }
        bears_out(&scene, &seen).await;
    }
    // What was given up at the end of the last process is marked by the next.
    drop(scene);
    ground.restart().await;
    let scene = Scene::open(&ground, &seen).await;
    bears_out(&scene, &seen).await;
    let log = Log::of(&scene.gateway).await;
    let seen = seen.lock().unwrap().clone();
    seen.undelivered_is_marked(&log).unwrap();
    println!("{rounds} rounds, {} entries", log.leaves.len());
    told.covers(By::Acts);
}

/// The calls that an act makes when nothing goes wrong, each with which of its name it is.
async fn calls_of(scene: &Scene, act: Act) -> Vec<(&'static str, usize)> {
    // First uses and first keys of the day are behind it.
    scene.perform(act, scene.gateway.new_uuid()).await.unwrap();
    settled(scene).await;
    scene.trip.arm(None);
    scene.perform(act, scene.gateway.new_uuid()).await.unwrap();
    settled(scene).await;
    scene.trip.numbered()
}

/// One call goes wrong in one way; then the fault clears and the act is done again.
async fn round(ground: &mut Ground, scene: Scene, act: Act, fault: (&'static str, usize, How), place: &str) -> Scene {
    let id = scene.gateway.new_uuid();
    let scene = goes_wrong(ground, scene, (act, id), fault, place).await;
    succeeds(&scene, act, id, place).await;
    scene
}

/// One call of an act goes wrong; then the fault clears, and the process is started again where it must be.
async fn goes_wrong(
    ground: &mut Ground,
    scene: Scene,
    (act, id): (Act, uuid::Uuid),
    fault: (&'static str, usize, How),
    place: &str,
) -> Scene {
    if act == Act::Withdraw {
        scene.perform(Act::Give, scene.gateway.new_uuid()).await.unwrap();
    }
    scene.trip.arm(Some(fault));
    let answer = tokio::select! {
        biased;
        answer = scene.perform(act, id) => Some(answer),
        () = patience(&scene, fault.2) => None,
    };
    // What happens after the answer may be what goes wrong: the keeping of a checkpoint.
    until(|| scene.trip.tripped(), place).await;
    match &answer {
        None => assert!(fault.2.is_silent(), "{place}: no answer"),
        Some(Ok(())) => assert!(tolerated(fault.0), "{place}: it went well"),
        Some(Err(Fault::Store(_) | Fault::Defect(_))) => {}
        Some(Err(other)) => panic!("{place}: {other:?}"),
    }
    nothing_is_fetched_after_it(&scene, (fault.0, fault.1)).unwrap_or_else(|wrong| panic!("{place}: {wrong}"));
    restarted(ground, scene, act, place).await
}

/// The fault clears; where an outcome is not known, a process that is stopped is started again.
async fn restarted(ground: &mut Ground, scene: Scene, act: Act, place: &str) -> Scene {
    scene.trip.clear();
    if *scene.gateway.recorder.state().borrow() == LogState::Halted {
        let asked = scene.perform(act, scene.gateway.new_uuid()).await;
        assert!(
            matches!(asked, Err(Fault::Store(StoreError::Unknown { .. }))) || act == Act::KeepHouse,
            "{place}: {asked:?}"
        );
        let seen = Arc::clone(&scene.seen);
        drop(scene);
        ground.restart().await;
        Scene::open(ground, &seen).await
    } else {
        scene
    }
}

/// The act succeeds under the same transaction id.
async fn succeeds(scene: &Scene, act: Act, id: uuid::Uuid, place: &str) {
    match scene.perform(act, id).await {
        Ok(()) => {}
        // What opened an audit stands; it is opened anew under another id.
        Err(Fault::TransactionReused) if act == Act::Audit => {
            scene.perform(act, scene.gateway.new_uuid()).await.unwrap_or_else(|fault| panic!("{place}: {fault:?}"));
        }
        Err(fault) => panic!("{place}: it does not resume: {fault:?}"),
    }
    if act == Act::Withdraw {
        let released = scene.ask(act, scene.gateway.new_uuid()).await;
        assert!(!released.unwrap_or_else(|fault| panic!("{place}: {fault:?}")), "{place}: released after a withdrawal");
    }
    settled(scene).await;
}

/// Ends when a caller leaves who waits for a silent call.
async fn patience(scene: &Scene, how: How) {
    if !how.is_silent() {
        return tokio::time::sleep(PATIENCE).await;
    }
    until(|| scene.trip.tripped(), "the silent call").await;
    tokio::time::sleep(WAITS).await;
}

/// Calls whose failure the caller is not told of, because what it was promised stands.
fn tolerated(name: &str) -> bool {
    name == "keep_checkpoint"
}

/// 7. A store that does not answer: nothing is fetched any more.
pub fn nothing_is_fetched_after_it(scene: &Scene, call: (&'static str, usize)) -> Verdict {
    let numbered = scene.trip.numbered();
    let at = numbered.iter().position(|passed| *passed == call).ok_or("the call did not come")?;
    let after = &numbered[at + 1..];
    let fetched = !tolerated(call.0) && after.iter().any(|(name, _)| *name == "fetch");
    if fetched { Err(format!("fetched after it: {after:?}")) } else { Ok(()) }
}

/// Waits until every delivery has its end in the log.
pub async fn settled(scene: &Scene) {
    until(|| scene.gateway.recorder.in_flight().open() == 0 && scene.gateway.recorder.waiting() == 0, "in flight")
        .await;
    // The checkpoint of the last append is kept after its callers were answered.
    let kept = || {
        let passed = scene.trip.passed();
        let count = |name| passed.iter().filter(|call| **call == name).count();
        count("keep_checkpoint") >= count("append")
    };
    let _ = tokio::time::timeout(WAITS, async {
        while !kept() {
            tokio::time::sleep(LOOK).await
        }
    })
    .await;
}

/// Messages between two that are cut.
fn step(normal: u64) -> u64 {
    from_environment("SLUIS_PAIRS_STEP").unwrap_or(normal)
}

async fn until(holds: impl Fn() -> bool, what: &str) {
    let waited = async {
        while !holds() {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("it does not come: {what}"));
}

/// The invariants that a log and what its callers have show, by their numbers.
pub async fn bears_out(scene: &Scene, seen: &Arc<Mutex<Seen>>) {
    let (seen, gateway) = (seen.lock().unwrap().clone(), &scene.gateway);
    let log = Log::of(gateway).await;
    seen.log_before_release(&log).unwrap();
    seen.no_gap_and_no_duplicate(&log).unwrap();
    seen.append_only(&log, gateway).await.unwrap();
    seen.proofs(&log, gateway).await.unwrap();
    seen.only_committed_heads(&log).unwrap();
    seen.field_bound(&log).unwrap();
    seen.withdrawal_bound().unwrap();
    // 8 and 11: replayed from the payloads alone, by two hands.
    let replay = Replay::of(gateway).await;
    assert_eq!(replay.violations, Vec::<Violation>::new());
    assert_eq!(offline::replayed(gateway).await.1, []);
}
