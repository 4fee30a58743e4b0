//! The turn of the year in the assembled gateway: callers see nothing of it, and what was before it is found after it.

pub mod chain;
mod export;
mod halted;
mod leap;
mod pruned;
mod refused;
mod resumed;
mod scrub;
mod stopped;
mod trusted;

use crate::conduct::{House, PARTNER, ask, caseload, child, record, workers_question};
use crate::world::PATIENCE;
use crate::world::ports::MovedClock;
use sluis::compose;
use sluis::gateway::Gateway;
use sluis::release::Answer;
use sluis_adapters::system::SystemClock;
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::receipt::{Receipt, verify_text};
use sluis_core::log::shard::{Boundary, base_of, boundary, name_of, position};
use sluis_core::ports::Clock;
use sluis_core::subject::{dutch_date, dutch_midnight};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A clock that stands this many milliseconds before (or after) the first Dutch midnight of next year.
fn near_new_year(before: i64) -> Arc<MovedClock> {
    let clock = MovedClock::default();
    set(&clock, before);
    Arc::new(clock)
}

fn set(clock: &MovedClock, before: i64) {
    let now = SystemClock.now();
    let midnight = dutch_midnight(jiff::civil::date(dutch_date(now).year() + 1, 1, 1));
    clock.0.store(i64::try_from(midnight).unwrap() - before - i64::try_from(now).unwrap(), Ordering::SeqCst);
}

fn released(answer: Answer) -> Receipt {
    match answer {
        Answer::Released(released, delivery) => {
            delivery.handed_over();
            let (_, _, receipt) = released.into_parts();
            receipt
        }
        other => panic!("not released: {other:?}"),
    }
}

fn leaf(receipt: &Receipt) -> Leaf {
    Leaf::decode(receipt.leaf()).unwrap()
}

/// Every leaf of the log with its position.
async fn leaves(gateway: &Gateway) -> Vec<(u64, Leaf)> {
    let (mut all, mut next) = (Vec::new(), 0);
    loop {
        let page = gateway.ledger.leaves_from(next, 500).await.unwrap();
        let Some((last, _)) = page.last() else { return all };
        next = last + 1;
        all.extend(page.into_iter().map(|(at, text)| (at, Leaf::decode(&text).unwrap())));
    }
}

/// The first OUTCOME leaf, when it comes.
async fn outcome_of(gateway: &Gateway) -> (u64, Leaf) {
    let look = async {
        loop {
            match leaves(gateway).await.into_iter().find(|(_, leaf)| leaf.kind() == LeafKind::Outcome) {
                Some(found) => break found,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("an aborted release gets its outcome")
}

/// Four callers ask without pause, a worker is put on a case in between, and the year turns meanwhile.
async fn asked_over_the_turn(gateway: &Arc<Gateway>, clock: &Arc<MovedClock>) -> Vec<Receipt> {
    let asking: Vec<_> = (0..4u32)
        .map(|number| {
            let (gateway, clock) = (Arc::clone(gateway), Arc::clone(clock));
            tokio::spawn(async move {
                let mut receipts = Vec::new();
                for round in 0..40 {
                    if (number, round) == (0, 15) {
                        set(&clock, -60_000);
                    }
                    let question = workers_question(&gateway, child(number));
                    receipts.push(released(ask(&gateway, PARTNER, &question).await.unwrap()));
                    if number == 3 && round % 5 == 0 {
                        record(&gateway, child(number), caseload(true)).await;
                    }
                }
                receipts
            })
        })
        .collect();
    let mut receipts = Vec::new();
    for one in asking {
        receipts.extend(one.await.unwrap());
    }
    receipts
}

/// Asks without pause while the year turns: nobody sees an error, and every receipt holds under the key of its year.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_see_nothing_of_the_turn_of_the_year() {
    let mut house = House::build(4).await;
    let clock = near_new_year(600_000);
    house.config.log.year = dutch_date(clock.now()).year();
    let gateway = house.start_by(Arc::clone(&clock) as _).await;
    for number in 0..4 {
        record(&gateway, child(number), caseload(true)).await;
    }
    let question = workers_question(&gateway, child(0));
    let first = released(ask(&gateway, PARTNER, &question).await.unwrap());
    let lost = ask(&gateway, PARTNER, &workers_question(&gateway, child(1))).await.unwrap();

    let mut receipts = vec![first.clone()];
    receipts.extend(asked_over_the_turn(&gateway, &clock).await);
    let shards = gateway.recorder.shards();
    let keys: Vec<&str> = shards.verifier_keys().collect();
    assert_eq!(keys.len(), 2);
    for receipt in &receipts {
        assert!(keys.iter().any(|key| verify_text(&receipt.text(), key).is_ok()), "{}", receipt.text());
        let year = dutch_date(leaf(receipt).time()).year();
        assert!(
            receipt.shard().starts_with(&year.to_string()) || receipt.shard() == first.shard(),
            "{}",
            receipt.shard()
        );
    }
    assert!(receipts.iter().any(|receipt| receipt.shard() != first.shard()));

    // Asked in December, asked again in January.
    let again = released(ask(&gateway, PARTNER, &question).await.unwrap());
    let repeats = format!("{}:{}", first.shard(), first.index());
    assert_eq!(leaf(&again).text(Key::Ref), Some(repeats.as_str()));
    assert_ne!(again.shard(), first.shard());

    // A release of December that is given up in January.
    let Answer::Released(_, delivery) = lost else { panic!("not released") };
    drop(delivery);
    let (at, outcome) = outcome_of(&gateway).await;
    assert_eq!(base_of(at), position(1, 0));
    assert!(outcome.list(Key::Refs).unwrap()[0].starts_with(&format!("{}:", first.shard())));

    let all = leaves(&gateway).await;
    let ends = all.iter().filter(|(_, leaf)| boundary(leaf) == Some(Boundary::Closes)).count();
    assert_eq!(ends, 1);
    assert!(matches!(
        all.iter().find(|(at, _)| *at == position(1, 0)).map(|(_, leaf)| boundary(leaf)),
        Some(Some(Boundary::Opens { broken: false, .. }))
    ));

    // The scrubber finds nothing in both shards, and the log is exported whole.
    drop((gateway, shards));
    let gateway = house.start_by(Arc::clone(&clock) as _).await;
    assert_eq!(gateway.recorder.shards().names().count(), 2);
    let dir = house.config.log.signing_key.with_file_name("export");
    compose::export_log(&house.config, &dir).await.unwrap();
    chain::holds(&dir, 2);
    chain::is_under_one_policy(&dir, first.shard());
    chain::is_found(&dir, first.shard());
    assert!(record(&gateway, child(0), caseload(false)).await.index() > 0);
    assert_eq!(gateway.origin().rsplit('/').next(), Some(again.shard()));
}

/// A gateway that stood still over New Year: its start ends the shard of last year before anything else is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_in_a_later_year_opens_the_shard_of_that_year() {
    let mut house = House::build(1).await;
    let this_year = dutch_date(SystemClock.now()).year();
    house.reinitialise_for(this_year - 1).await;
    let gateway = house.start().await;
    let shards = gateway.ledger.shards().await.unwrap();
    let names: Vec<&str> = shards.iter().map(|shard| name_of(&shard.head.origin)).collect();
    assert_eq!(names, [format!("{}-1", this_year - 1), format!("{this_year}-1")]);
    assert_eq!((shards[0].open, shards[0].head.size()), (false, 2), "it was opened and closed");
    record(&gateway, child(0), caseload(true)).await;
    let receipt = released(ask(&gateway, PARTNER, &workers_question(&gateway, child(0))).await.unwrap());
    assert_eq!(receipt.shard(), names[1]);
    verify_text(&receipt.text(), &gateway.verifier_key()).unwrap();
}
