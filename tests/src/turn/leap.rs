//! A clock that leaps forward does not end a year: a person who looked at a calendar does, where nothing was written for long.

use super::{MovedClock, child, record};
use crate::conduct::{HOLDER, House, caller, caseload, recording};
use sluis::compose;
use sluis::compose::subject::hold;
use sluis::gateway::Gateway;
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const DAY: i64 = 24 * 3_600_000;

async fn shards(gateway: &Gateway) -> usize {
    gateway.ledger.shards().await.unwrap().len()
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
        let refused = format!(
            "{:?}",
            gateway
                .record_standing(&caller(HOLDER), &recording(&gateway, child(0), caseload(false)))
                .await
                .unwrap_err()
        );
        assert!(refused.contains("CLOCK_LEAPT"), "{days}: {refused}");
    }
    clock.0.store(0, Ordering::SeqCst);
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
    let refused = gateway.record_standing(&caller(HOLDER), &recording(&gateway, child(0), caseload(false))).await;
    assert!(format!("{:?}", refused.unwrap_err()).contains("CLOCK_LEAPT"));
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
