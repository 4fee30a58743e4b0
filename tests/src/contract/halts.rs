//! Halts outlive the process, stop answers inside the lock, and are lifted by nobody but us (A27).

use super::Engine;
use super::draft::{caseload, refusal, subject};
use super::postgres::Postgres;
use sluis_core::log::draft::Outcome;
use sluis_core::upkeep::{Halt, LogHalts, LogUpkeep, stops};

const FOUND: &str = "`state` at 3: the row is gone";

/// Whether an answer is recorded; a change of standing always is.
async fn answers(log: &dyn LogUpkeep, number: u64) -> bool {
    let drafts = vec![caseload(number, subject(9), "w-1"), refusal(number + 1)];
    let committed = log.append(drafts).await.unwrap();
    match committed.outcomes() {
        [Outcome::Recorded { .. }, Outcome::Recorded { .. }] => true,
        [Outcome::Recorded { .. }, Outcome::Halted] => false,
        other => panic!("{other:?}"),
    }
}

fn stopped(log: &dyn LogUpkeep, halts: &[Halt]) -> bool {
    !stops(halts, log.replica()).is_empty()
}

pub async fn a_halt_stops_answers_and_outlives_the_process(engine: &impl Engine) {
    let log = engine.log().await;
    assert!(answers(&*log, 1).await);
    log.halt(5, FOUND).await.unwrap();
    log.halt(5, FOUND).await.unwrap();
    assert!(!answers(&*log, 3).await);
    drop(log);
    let log = engine.log().await;
    let halts = log.halts().await.unwrap();
    let halt = Halt { replica: log.replica(), time: 5, found: FOUND.to_owned(), lifted: None, ours: true };
    assert_eq!(halts, [halt]);
    assert_eq!(engine.archive().await.halted().await.unwrap(), [FOUND]);
    assert!(!answers(&*log, 5).await);
    let these = [(log.replica(), 5)];
    assert_eq!(log.lift_halts(&[(log.replica(), 4)], "2026-1:8").await.unwrap(), 0, "another stays");
    assert!(stopped(&*log, &log.halts().await.unwrap()));
    assert_eq!(log.lift_halts(&these, "2026-1:9").await.unwrap(), 1);
    assert_eq!(log.lift_halts(&these, "2026-1:10").await.unwrap(), 0);
    assert!(answers(&*log, 7).await);
    assert!(!stopped(&*log, &log.halts().await.unwrap()));
    assert!(engine.archive().await.halted().await.unwrap().is_empty());
}

/// The append counts what nobody lifted; whoever reads the rows sees who lifted.
pub async fn a_halt_that_somebody_else_lifted_holds(engine: &impl Engine) {
    let log = engine.log().await;
    log.halt(5, FOUND).await.unwrap();
    engine.intrude("UPDATE log_halt SET lifted = '2026-1:9'").await;
    let halts = log.halts().await.unwrap();
    assert!(stopped(&*log, &halts) && !halts[0].ours);
    assert_eq!(log.lift_halts(&[(log.replica(), 5)], "2026-1:10").await.unwrap(), 1);
    assert!(!stopped(&*log, &log.halts().await.unwrap()));
}

/// One other replica may have a memory that failed; two that read the same have not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_others_stop_a_replica_inside_the_lock() {
    let engine = Postgres::empty().await;
    let log = engine.log().await;
    let [two, three] = [engine.open_log(2).await.unwrap(), engine.open_log(3).await.unwrap()];
    two.halt(5, FOUND).await.unwrap();
    two.halt(6, FOUND).await.unwrap();
    assert!(answers(&*log, 1).await && !answers(&two, 3).await);
    three.halt(6, FOUND).await.unwrap();
    assert!(!answers(&*log, 5).await);
    assert!(stopped(&*log, &log.halts().await.unwrap()));
}
