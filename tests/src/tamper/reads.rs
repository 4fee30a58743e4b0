//! How often a pass reads what explains the payloads that are gone, and the items of pages.

use super::Sqlite;
use super::ground::Ground;
use super::stage::{Of, Stage};
use crate::contract::Engine;
use crate::pairs::ports::Tripped;
use crate::pairs::trip::{How, Trip};
use crate::world::PATIENCE;
use sluis_core::upkeep::LogUpkeep;
use std::sync::Arc;
use std::time::Duration;

fn times(trip: &Trip, call: &str) -> usize {
    trip.passed().iter().filter(|name| **name == call).count()
}

/// Payloads are gone on every page of the log: the tombstones are read for the first, and once more to be compared themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tombstones_and_items_of_pages_are_read_once() {
    let ground = Ground::<Sqlite>::make().await;
    let (log, keys, trip) = (ground.log().await, ground.engine.keys().await, Arc::new(Trip::idle()));
    ground.erase_child(&log, &keys).await;
    let counted = Tripped::around(&log, &trip) as Arc<dyn LogUpkeep>;
    assert_eq!(ground.scrub(&counted, &keys).await, []);
    assert_eq!(times(&trip, "leaf_rows"), 3, "two pages, and a look beyond the end");
    assert_eq!(times(&trip, "erased_keys"), 2);
    assert_eq!(times(&trip, "page"), 2, "the log has two entries with items");
}

/// A key is erased after the tombstones were read, between an entry and its key: they are read again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_erased_during_a_pass_is_known() {
    let ground = Ground::<Sqlite>::make().await;
    let (log, keys, trip) = (ground.log().await, ground.engine.keys().await, Arc::new(Trip::idle()));
    ground.erase(&log).await;
    ground.engine.change(Of::Log, "UPDATE log_leaf SET key_id = NULL, ct = NULL WHERE row = (1 << 40) + 20").await;
    let counted = Tripped::around(&log, &trip) as Arc<dyn LogUpkeep>;
    trip.arm(Some(("leaf_rows", 1, How::DoneThenSilent)));
    let meanwhile = async {
        while !trip.tripped() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        ground.bury_child(&log, &keys).await;
        trip.clear();
    };
    let meanwhile = tokio::time::timeout(PATIENCE, meanwhile);
    let (found, erased) = tokio::join!(ground.scrub(&counted, &keys), meanwhile);
    erased.expect("the second page is not read");
    assert_eq!(found, []);
    assert_eq!(times(&trip, "erased_keys"), 3);
}
