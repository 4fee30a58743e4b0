//! A clock that leaps forward does not end a year: a person who looked at a calendar does, where nothing was written for long.

use super::{MovedClock, child, record};
use crate::conduct::{House, caseload};
use crate::world::PATIENCE;
use sluis::compose;
use sluis::compose::subject::hold;
use sluis::gateway::Gateway;
use sluis::recorder::LogState;
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const DAY: i64 = 24 * 3_600_000;

async fn shards(gateway: &Gateway) -> usize {
    gateway.ledger.shards().await.unwrap().len()
}

/// Waits until the log takes nothing because of its clock.
async fn leapt(gateway: &Gateway) {
    let mut state = gateway.recorder.state();
    let leapt = state.wait_for(|state| *state == LogState::Failing("CLOCK_LEAPT"));
    drop(tokio::time::timeout(PATIENCE, leapt).await.expect("the year is turned").unwrap());
}

/// One second of a wrong clock: the year goes on as if nothing had been.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_leaps_into_another_year_ends_nothing() {
    let (house, clock) = (House::build(1).await, Arc::new(MovedClock::default()));
    let gateway = house.start_by(Arc::clone(&clock) as _).await;
    record(&gateway, child(0), caseload(true)).await;
    let size = gateway.ledger.head().await.unwrap().size();
    for days in [400, 800, 3_653] {
        clock.0.store(days * DAY, Ordering::SeqCst);
        leapt(&gateway).await;
    }
    clock.0.store(0, Ordering::SeqCst);
    // The next probe finds the clock right.
    let mut state = gateway.recorder.state();
    let writing = state.wait_for(|state| *state == LogState::Writing);
    drop(tokio::time::timeout(PATIENCE, writing).await.expect("the log stays closed").unwrap());
    record(&gateway, child(0), caseload(false)).await;
    assert_eq!((shards(&gateway).await, gateway.ledger.head().await.unwrap().size()), (1, size + 1));
}

/// A log that stood idle for more than a month over New Year: neither a gateway nor a command turns the year by itself, and one
/// that says which year it is does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_turns_the_year_of_a_log_that_stood_idle() {
    let this_year = dutch_date(SystemClock.now()).year();
    let mut house = House::build(1).await;
    house.reinitialise_for(this_year - 1).await;
    let clock = Arc::new(MovedClock(AtomicI64::new(-400 * DAY)));
    let gateway = house.start_by(Arc::clone(&clock) as _).await;
    record(&gateway, child(0), caseload(true)).await;
    clock.0.store(0, Ordering::SeqCst);
    leapt(&gateway).await;
    drop(gateway);
    drop(house.open_log().await);
    let refused = hold(&house.config, &child(0), false, "case 8").await.unwrap_err().to_string();
    assert!(refused.contains("`sluis log turn --year` opens the shard of this year"), "{refused}");
    let refused = compose::turn_year(&house.config, this_year + 1).await.unwrap_err().to_string();
    assert!(refused.contains(&format!("it is {this_year}, and you say {}", this_year + 1)), "{refused}");
    for _ in 0..2 {
        assert_eq!(compose::turn_year(&house.config, this_year).await.unwrap(), format!("{this_year}-1"));
    }
    let gateway = house.start().await;
    assert_eq!(shards(&gateway).await, 2);
    record(&gateway, child(0), caseload(false)).await;
}
