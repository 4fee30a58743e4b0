//! Two faults in a row, drawn: the second meets whoever repeats what the first interrupted. Then it must succeed all the same.

use super::acts::{Act, Scene};
use super::ground::Ground;
use super::trip::How;
use super::{bears_out, calls_of, goes_wrong, nothing_is_fetched_after_it, patience, restarted, settled, succeeds};
use crate::invariant::seen::Seen;
use crate::journey::kill::{Dice, from_environment};
use sluis::fault::Fault;
use sluis_adapters::system::OsEntropy;
use sluis_core::ports::Entropy;
use std::sync::{Arc, Mutex};

const ROUNDS: u64 = 100;
/// Rounds between two comparisons of the log with what callers have.
const LOOKED_AT: u64 = 25;

type Call = (&'static str, usize);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_faults_in_a_row_on_sqlite_release_nothing_unlogged() {
    drawn(Ground::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_faults_in_a_row_on_postgres_release_nothing_unlogged() {
    drawn(Ground::postgres().await).await;
}

async fn drawn(mut ground: Ground) {
    let (rounds, mut dice) = rounds();
    let seen = Arc::<Mutex<Seen>>::default();
    let mut scene = Scene::open(&ground, &seen).await;
    scene.prepare().await;
    let mut calls = Vec::new();
    for act in Act::ALL {
        let of = calls_of(&scene, act).await;
        calls.extend(of.into_iter().map(|call| (act, call)));
    }
    let (mut met, one) = (0, |dice: &mut Dice, most: usize| dice.throw(&(0..=most as u64 - 1)) as usize);
    for round in 1..=rounds {
        let (act, first) = calls[one(&mut dice, calls.len())];
        let of_act: Vec<Call> = calls.iter().filter(|(of, _)| *of == act).map(|(_, call)| *call).collect();
        let second = of_act[one(&mut dice, of_act.len())];
        let ways = [How::ALL[one(&mut dice, How::ALL.len())], How::ALL[one(&mut dice, How::ALL.len())]];
        let place = format!("round {round}: {act:?}, {first:?} {:?}, then {second:?} {:?}", ways[0], ways[1]);
        let id = scene.gateway.new_uuid();
        scene = goes_wrong(&mut ground, scene, (act, id), (first.0, first.1, ways[0]), &place).await;
        scene.trip.arm(Some((second.0, second.1, ways[1])));
        let answer = tokio::select! {
            biased;
            answer = scene.perform(act, id) => Some(answer),
            () = patience(&scene, ways[1]) => None,
        };
        // A repeated call may be known, and then does not come as far as this.
        match answer {
            None => assert!(ways[1].is_silent(), "{place}: no answer"),
            Some(Ok(()) | Err(Fault::Store(_) | Fault::Defect(_))) => {}
            Some(Err(Fault::TransactionReused)) if act == Act::Audit => {}
            Some(Err(other)) => panic!("{place}: {other:?}"),
        }
        if scene.trip.tripped() {
            met += 1;
            nothing_is_fetched_after_it(&scene, second).unwrap_or_else(|wrong| panic!("{place}: {wrong}"));
        }
        scene = restarted(&mut ground, scene, act, &place).await;
        succeeds(&scene, act, id, &place).await;
        if round % LOOKED_AT == 0 || round == rounds {
            settled(&scene).await;
            bears_out(&scene, &seen).await;
        }
    }
    println!("{met} of {rounds} met the second fault too");
    assert!(met * 4 > rounds, "{met} of {rounds} met the second fault: this proves little");
}

/// How many rounds, and the dice of this run; both are printed.
fn rounds() -> (u64, Dice) {
    let mut seed = [0; 8];
    OsEntropy.fill(&mut seed);
    let seed = from_environment("SLUIS_PAIRS_SEED").unwrap_or_else(|| u64::from_be_bytes(seed));
    let rounds = from_environment("SLUIS_PAIRS_ROUNDS").unwrap_or(ROUNDS);
    println!("{rounds} rounds, SLUIS_PAIRS_SEED={seed}");
    (rounds, Dice(seed))
}
