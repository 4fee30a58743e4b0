//! A halted log at the turn of the year: what may have been tampered with is neither closed nor forgotten (A27).

use super::scrub::{intrude, two_shards};
use super::{MovedClock, ask, child, near_new_year, record, released, set, workers_question};
use crate::conduct::{House, PARTNER, caseload};
use crate::world::PATIENCE;
use sluis::compose::lift::{LiftFault, Lifted, lift};
use sluis::compose::{Assembled, StartFault, assemble_at};
use sluis_adapters::sqlite::OpenError;
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::sync::Arc;
use std::time::Duration;

async fn assembled_at(house: &House, clock: &Arc<MovedClock>) -> Assembled {
    assemble_at(&house.config, Arc::clone(clock) as _).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halted_shard_is_not_closed_until_the_halt_is_lifted() {
    let mut house = House::build(1).await;
    let clock = near_new_year(600_000);
    house.config.log.year = dutch_date(clock.now()).year();
    let Assembled { gateway, scrubber, .. } = assembled_at(&house, &clock).await;
    record(&gateway, child(0), caseload(true)).await;
    let log = &scrubber.stores.log;
    log.halt(7, "`log_leaf` at 3: the text is not a leaf").await.unwrap();
    set(&clock, -60_000);
    let withdrawn = record(&gateway, child(0), caseload(false)).await;
    let kept = gateway.ledger.shards().await.unwrap();
    assert_eq!(kept.len(), 1, "a shard that may have been tampered with was closed");
    assert_eq!(kept[0].head.size(), withdrawn.index() + 1, "a withdrawal goes in");
    let refused = format!("{:?}", ask(&gateway, PARTNER, &workers_question(&gateway, child(0))).await.unwrap_err());
    assert!(refused.contains("LOG_TAMPERED"), "{refused}");
    let turned = gateway.recorder.checkpoint();
    assert_eq!(turned.size, withdrawn.index() + 1, "the checkpoint goes on");

    log.lift_halts(&[(1, 7)], "2026-1:9").await.unwrap();
    record(&gateway, child(0), caseload(true)).await;
    assert_eq!(gateway.ledger.shards().await.unwrap().len(), 2);
    released(ask(&gateway, PARTNER, &workers_question(&gateway, child(0))).await.unwrap());
}

/// Lifts the halt; the gateway before may still be closing its files.
async fn lifted(house: &House) -> Result<Lifted, LiftFault> {
    let lifting = async {
        loop {
            match lift(&house.config, "ROWS_RESTORED", "the board, 2026-31").await {
                Err(LiftFault::Start(StartFault::Open(OpenError::InUse { .. }))) => {
                    tokio::time::sleep(Duration::from_millis(10)).await
                }
                lifted => break lifted,
            }
        }
    };
    tokio::time::timeout(PATIENCE, lifting).await.expect("the log stays in use")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halt_is_not_lifted_while_a_closed_shard_is_not_what_was_written() {
    let (house, assembled) = two_shards().await;
    let first = 1u64 << 40;
    assembled.scrubber.stores.log.halt(7, "`log_leaf` at 0: the stored hash is not that of the leaf").await.unwrap();
    let log = rusqlite::Connection::open(house.config.log.database.as_deref().unwrap()).unwrap();
    let text = |sql: &str| log.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    // A start looks whether the triggers are there.
    let trigger = text("SELECT sql FROM sqlite_master WHERE name = 'log_leaf_stands'");
    let whole = text(&format!("SELECT leaf FROM log_leaf WHERE row = {first}"));
    drop(log);
    let set = |leaf: &str| {
        let set = format!("UPDATE log_leaf SET leaf = '{leaf}' WHERE row = {first}");
        intrude(&house, &format!("DROP TRIGGER log_leaf_stands; {set}; {trigger}"));
    };
    set(&whole.replacen("\"OPEN\"", "\"OPENED\"", 1));
    drop(assembled);
    let still = lifted(&house).await.err().expect("it was lifted with nothing mended").to_string();
    assert!(still.contains("-1:0: the stored hash is not that of the leaf"), "{still}");
    set(&whole);
    assert_eq!(lifted(&house).await.unwrap().found.len(), 1);
}
