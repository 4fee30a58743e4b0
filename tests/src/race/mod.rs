//! Withdrawal against release: after a consent is withdrawn, a worker is taken off the case or a restriction is set, no
//! release relies on what was.
//!
//! Thousands of rounds on the real conduct and the real SQLite; then the log is replayed offline, leaf by leaf, from the
//! payloads alone. With the in-append check switched off the same replay must find violations: so it can see them.

pub mod offline;
mod policy;
pub mod replay;
mod rounds;

use crate::conduct::House;
use crate::conduct::decorate::Unchecked;
use replay::{Replay, Violation};
use rounds::play;

/// Rounds of the negative control: enough for many violations.
const CONTROL_ROUNDS: u32 = 400;

fn rounds() -> u32 {
    let wanted = std::env::var("SLUIS_RACE_ROUNDS").ok();
    wanted.map_or(10_000, |rounds| rounds.parse().expect("SLUIS_RACE_ROUNDS is a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_release_after_a_withdrawal_that_it_contradicts() {
    let house = House::build(16).await;
    let gateway = house.own().await;
    let (gateway, played) = play(&house, gateway, rounds()).await;
    let replay = Replay::of(&gateway).await;
    println!("{played:?}; {} releases, {} refusals, {} changes", replay.released, replay.refused, replay.changes);
    assert_eq!(replay.violations, Vec::<Violation>::new());
    let answered = (played.released, played.refused);
    assert_eq!((replay.released, replay.refused), answered, "every answer has its leaf, and every leaf its answer");
    let (report, stale) = offline::replayed(&gateway).await;
    assert_eq!(stale, []);
    assert_eq!((report.subjects, report.admissions), (replay.released, replay.released), "{report:?}");
    assert!(played.gave_up > 0, "no release was ever overtaken: this run proves nothing");
    assert!(replay.released > u64::from(rounds()) / 10 && replay.refused > 0, "too few questions between the changes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_check_switched_off_the_replay_finds_violations() {
    let house = House::build(16).await;
    let mut gateway = house.own().await;
    house.decorate(&mut gateway, Unchecked).await;
    let (gateway, played) = play(&house, gateway, CONTROL_ROUNDS).await;
    let replay = Replay::of(&gateway).await;
    println!("{played:?}; {} violations in {} releases", replay.violations.len(), replay.released);
    assert!(!replay.violations.is_empty());
    offline::same(&replay, &offline::replayed(&gateway).await.1);
}
