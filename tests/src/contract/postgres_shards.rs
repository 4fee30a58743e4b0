//! Several replicas at the turn of the year: exactly one ends the shard, exactly one opens the next, all go on.

use super::Engine;
use super::draft::refusal;
use super::postgres::{LOOK, Postgres};
use super::shards::{closing, later, next, turn};
use crate::world::PATIENCE;
use crate::world::ports::MovedClock;
use sluis_adapters::postgres::{OpenError, PostgresLog, PostgresLogReader};
use sluis_adapters::system::SystemClock;
use sluis_core::log::draft::{Draft, Outcome, RequestId};
use sluis_core::log::leaf::Leaf;
use sluis_core::log::shard::{Boundary, Next, boundary, position};
use sluis_core::ports::{Clock, Ledger, SHARD_CLOSED, StoreError};
use sluis_core::upkeep::{Ended, LogArchive, LogUpkeep};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

async fn replicas(engine: &Postgres) -> [Arc<dyn LogUpkeep>; 2] {
    [Arc::new(engine.open_log(1).await.unwrap()), Arc::new(engine.open_log(2).await.unwrap())]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_race_to_the_turn_end_the_shard_once_and_lose_nothing() {
    let engine = Postgres::empty().await;
    let [one, two] = replicas(&engine).await;
    one.append((0..3).map(refusal).collect()).await.unwrap();
    engine.clock().set(super::shards::NEW_YEAR);
    let race = |log: Arc<dyn LogUpkeep>, number: u64| {
        let engine = &engine;
        async move {
            let mut end = closing();
            end.rid = RequestId(super::draft::uuid(900_010 + number));
            let ended = log.append(vec![refusal(10 + number), end]).await;
            if let Err(error) = &ended {
                assert_eq!(*error, StoreError::Unavailable { store: "log database", state: SHARD_CLOSED });
            }
            while log.shards().await.unwrap().len() == 1 {
                let next = next(engine, &log).await;
                log.open_shard(next).await.unwrap();
            }
            log.append(vec![later(20 + number)]).await.unwrap().outcomes().to_vec()
        }
    };
    let (a, b) = tokio::join!(race(Arc::clone(&one), 0), race(Arc::clone(&two), 1));
    let mut places = [a, b].map(|outcomes| match outcomes[0] {
        Outcome::Recorded { index, .. } => index,
        ref other => panic!("{other:?}"),
    });
    places.sort_unstable();
    assert_eq!(places, [position(1, 1), position(1, 2)]);
    let shards = one.shards().await.unwrap();
    assert_eq!(shards.len(), 2);
    let old = one.leaves(0, 100).await.unwrap();
    let ends = old.iter().filter(|text| boundary(&Leaf::decode(text).unwrap()) == Some(Boundary::Closes)).count();
    assert_eq!((ends, old.len() as u64), (1, shards[0].head.size()));
}

/// A replica that slept over the turn follows: its entries are stale, and the next ones stand in the new shard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_was_away_follows() {
    let engine = Postgres::empty().await;
    let [one, two] = replicas(&engine).await;
    two.append(vec![refusal(0)]).await.unwrap();
    one.append(vec![refusal(1)]).await.unwrap();
    turn(&engine, &one).await;
    one.append(vec![later(2)]).await.unwrap();
    let stale = two.append(vec![refusal(3), refusal(4)]).await.unwrap();
    assert_eq!(stale.outcomes(), [Outcome::Stale, Outcome::Stale]);
    assert_eq!(stale.head().origin, super::shards::NEXT);
    let written = two.append(vec![later(5)]).await.unwrap();
    assert!(matches!(written.outcomes()[0], Outcome::Recorded { index, .. } if index == position(1, 2)));
}

/// Whoever opens a shard that does not continue the closed one is not followed (A5).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_that_does_not_continue_the_closed_one_is_not_followed() {
    let engine = Postgres::empty().await;
    let [one, two] = replicas(&engine).await;
    one.append(vec![refusal(0)]).await.unwrap();
    two.append(vec![refusal(1)]).await.unwrap();
    one.append(vec![closing()]).await.unwrap();
    let mut other = next(&engine, &one).await;
    let before =
        sluis_core::log::checkpoint::OpenedCheckpoint { origin: super::draft::ORIGIN.into(), size: 3, root: [9; 32] };
    other.opening = Draft::new(other.opening.rid, super::shards::NEXT.into(), sluis_core::log::shard::opening(&before));
    let refused = one.open_shard(other).await.unwrap_err();
    assert_eq!(refused, StoreError::Corrupt { store: "log database", table: "log_shard" });
    let refused = two.append(vec![refusal(2)]).await.unwrap_err();
    assert_eq!(refused, StoreError::Corrupt { store: "log database", table: "log_shard" });
}

/// The process dies while it opens the next shard: nothing of it stands, and another replica opens it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_the_next_shard_is_opened_leaves_it_to_another() {
    let engine = Postgres::empty().await;
    let [one, two] = replicas(&engine).await;
    one.append(vec![refusal(0), closing()]).await.unwrap();
    // What a replica did before it died: everything but the commit, under the lock of the closed shard.
    let mut dying = engine.database.log_intruder().await;
    for sql in [
        "BEGIN",
        "SELECT origin FROM log_shard WHERE log_id = 1 FOR UPDATE",
        "INSERT INTO log_shard (log_id, origin, state, prev_log, prev_note, opened_at) VALUES (2, 'x', 1, 1, 'y', 0)",
        "CREATE TABLE log_leaf_2 (LIKE log_leaf INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)",
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut dying).await.unwrap();
    }
    let next = next(&engine, &two).await;
    let opening = tokio::spawn({
        let two = Arc::clone(&two);
        async move { two.open_shard(next).await }
    });
    drop(dying);
    opening.await.unwrap().unwrap();
    let written = one.append(vec![later(1)]).await.unwrap();
    assert!(matches!(written.outcomes()[0], Outcome::Recorded { index, .. } if index == position(1, 1)));
}

/// What a replica had in flight when it ended is found by another one in the next year, and judged up to there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_replica_left_before_the_turn_is_judged_after_it() {
    let engine = Postgres::empty().await;
    let [one, two] = replicas(&engine).await;
    two.append((0..2).map(refusal).collect()).await.unwrap();
    two.delivered_below(1);
    two.append(vec![refusal(2)]).await.unwrap();
    drop(two);
    turn(&engine, &one).await;
    // The server ends the session of a log that was dropped a moment ago.
    let held = async {
        loop {
            match one.hold_replica(2).await.unwrap() {
                Some(left) => break left,
                None => tokio::time::sleep(LOOK).await,
            }
        }
    };
    let left = tokio::time::timeout(PATIENCE, held).await.expect("the replica stays in use");
    assert_eq!(left.entries(), [1, 2]);
    assert_eq!(left.judged().await.unwrap(), position(1, 1));
    let ended = async {
        while one.ended_replicas().await.unwrap() != [Ended { replica: 2, low: position(1, 1) }] {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("its mark is not past the turn");
}

/// Others write without pause, and turn the year: a start compares what belongs together, and refuses nothing that is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_beside_replicas_that_write_refuses_nothing() {
    let engine = Postgres::empty().await;
    let one: Arc<dyn LogUpkeep> = Arc::new(engine.open_log(1).await.unwrap());
    one.append(vec![refusal(0)]).await.unwrap();
    let writing = async {
        for n in 1..400 {
            one.append(vec![refusal(n)]).await.unwrap();
        }
        turn(&engine, &one).await;
        for n in 400..800 {
            one.append(vec![later(n)]).await.unwrap();
        }
    };
    let starting = async {
        let mut starts = 0u32;
        loop {
            match engine.open_log(2).await {
                Ok(_opened) => starts += 1,
                // The server ends the session of a log that was dropped a moment ago.
                Err(OpenError::InUse { .. }) => {}
                Err(error) => panic!("after {starts} starts: {error}"),
            }
            if one.head().await.unwrap().size() == 401 && one.shards().await.unwrap().len() == 2 {
                break starts;
            }
        }
    };
    let ((), starts) = tokio::join!(writing, starting);
    assert!(starts > 1, "{starts}");
}

/// One fast clock must not stop all replicas for as long as it is fast: the first entry of a shard would take its time (A7).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_whose_clock_is_fast_opens_no_shard() {
    let engine = Postgres::empty().await;
    engine.clock().set(SystemClock.now());
    let one: Arc<dyn LogUpkeep> = Arc::new(engine.open_log(1).await.unwrap());
    one.append(vec![refusal(0), closing()]).await.unwrap();
    let next = next(&engine, &one).await;
    let apart = StoreError::Unavailable { store: "log database", state: "CLOCK_APART" };
    let clock = Arc::new(MovedClock(AtomicI64::new(60_000)));
    let fast = PostgresLog::open(&engine.log_place(), 2, false, &engine.master, clock).await.unwrap();
    assert_eq!(fast.open_shard(next.clone()).await, Err(apart.clone()));
    drop(fast);
    let right = tokio::time::timeout(PATIENCE, async {
        let busy = |error: &OpenError| matches!(error, OpenError::InUse { .. });
        loop {
            let clock = Arc::new(MovedClock::default());
            match PostgresLog::open(&engine.log_place(), 2, false, &engine.master, clock).await {
                Err(error) if busy(&error) => tokio::time::sleep(LOOK).await,
                opened => break opened.unwrap(),
            }
        }
    });
    let right = right.await.expect("the replica stays in use");
    // The year was named by a clock that was fast.
    let early = Next { now: next.now + 60_000, ..next.clone() };
    assert_eq!(right.open_shard(early).await, Err(apart));
    assert_eq!(one.shards().await.unwrap().len(), 1);
    right.open_shard(next).await.unwrap();
    assert_eq!(one.shards().await.unwrap().len(), 2);
}

/// What a head that is read beside the gateways stands on may be lost with its server: it is signed when a standby has it (A1).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_to_be_signed_is_on_a_standby_where_one_is_required() {
    let engine = Postgres::empty().await;
    let reader = PostgresLogReader::open(&engine.log_place(), &engine.master).await.unwrap();
    assert_eq!(reader.durable().await, Ok(()));
    let none = StoreError::Unavailable { store: "log database", state: "NO_STANDBY" };
    assert_eq!(reader.with_standby(true).durable().await, Err(none));
}
