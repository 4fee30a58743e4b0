//! The scrubber over a log of two shards: the first of last year, closed, with two entries, and the one of this year.

use super::{SystemClock, ask, child, record, released, workers_question};
use crate::conduct::{House, PARTNER, caseload};
use crate::world::PATIENCE;
use rusqlite::Connection;
use sluis::compose::{self, Assembled};
use sluis::scrubber::Hearing;
use sluis_core::log::scrub::{Found, Grave};
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Default)]
struct Heard(Mutex<Vec<Found>>);

impl Hearing for Heard {
    fn found(&self, found: &Found) {
        self.0.lock().unwrap().push(found.clone());
    }
}

/// A gateway whose log began last year.
pub(super) async fn two_shards() -> (House, Assembled) {
    let mut house = House::build(2).await;
    house.reinitialise_for(dutch_date(SystemClock.now()).year() - 1).await;
    let assembled = compose::assemble_at(&house.config, Arc::new(SystemClock)).await.unwrap();
    for number in 0..2 {
        record(&assembled.gateway, child(number), caseload(true)).await;
        let question = workers_question(&assembled.gateway, child(number));
        released(ask(&assembled.gateway, PARTNER, &question).await.unwrap());
    }
    assert_eq!(assembled.gateway.recorder.shards().names().count(), 2);
    (house, assembled)
}

/// What one pass finds.
pub async fn pass(assembled: &Assembled) -> Vec<Found> {
    let heard = Heard::default();
    let count = assembled.scrubber.pass(Duration::ZERO, &heard).await.unwrap();
    let found = heard.0.into_inner().unwrap();
    assert_eq!(count, found.len());
    found
}

/// Changes the log past its triggers.
pub(super) fn intrude(house: &House, sql: &str) {
    let intruder = Connection::open(house.config.log.database.as_deref().unwrap()).unwrap();
    intruder.busy_timeout(PATIENCE).unwrap();
    intruder.execute_batch(sql).unwrap();
}

fn count(house: &House, table: &str) -> i64 {
    let log = Connection::open(house.config.log.database.as_deref().unwrap()).unwrap();
    log.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// The scrubber reads every shard and the chain of them, and finds nothing in what is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scrubber_finds_nothing_in_two_shards_that_are_whole() {
    let (_house, assembled) = two_shards().await;
    assert_eq!(pass(&assembled).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_from_the_leaves_is_rebuilt_in_every_shard() {
    let (house, assembled) = two_shards().await;
    let changed = "DROP TRIGGER log_leaf_stands; UPDATE log_leaf SET t = t + 1; DELETE FROM subject_segment";
    intrude(&house, changed);
    let found = pass(&assembled).await;
    assert!(found.iter().all(|found| found.grave == Grave::Beside), "{found:?}");
    let leaves = found.iter().filter(|found| found.table == "log_leaf").count();
    assert_eq!(i64::try_from(leaves).unwrap(), count(&house, "log_leaf"), "{found:?}");
    assert!(found.iter().any(|found| found.table == "subject_segment"), "{found:?}");
    assert_eq!(pass(&assembled).await, []);
}

/// A closed shard is an alarm; were the pass to end with it, nobody would look at the open one any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_in_a_closed_shard_hides_nothing_in_the_open_one() {
    let (house, assembled) = two_shards().await;
    let (closed, open) = (1u64 << 40, 2u64 << 40);
    intrude(&house, &format!("DROP TRIGGER log_leaf_stays; DELETE FROM log_leaf WHERE row = {closed}"));
    let found = pass(&assembled).await;
    assert!(!found.is_empty() && found.iter().all(|found| found.grave == Grave::Beside), "{found:?}");
    let bend = "DROP TRIGGER log_leaf_stands; UPDATE log_leaf SET hash = zeroblob(32)";
    intrude(&house, &format!("{bend} WHERE row = {}", open + 1));
    let found = pass(&assembled).await;
    assert!(found.iter().any(|found| found.table == "log_leaf" && found.grave == Grave::Open), "{found:?}");
}

/// An index alone is that of another entry in every shard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finding_names_its_shard() {
    let (house, assembled) = two_shards().await;
    let names: Vec<String> = assembled.gateway.recorder.shards().names().map(str::to_owned).collect();
    intrude(&house, "DROP TRIGGER log_leaf_stays; DROP TRIGGER state_grows; DELETE FROM log_leaf WHERE row = 1 << 40");
    let found = pass(&assembled).await;
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(texts[0].starts_with(&format!("`log_leaf` at {}:0: ", names[0])), "{texts:?}");
    assert!(found.iter().all(|found| found.shard.as_deref() == Some(&*names[0])), "{texts:?}");
    intrude(&house, "UPDATE state SET sealed = zeroblob(40) WHERE kind = 3");
    let found = pass(&assembled).await;
    let states: Vec<&Found> = found.iter().filter(|found| found.table == "state").collect();
    assert_eq!(states.len(), 2, "{found:?}");
    assert!(states.iter().all(|found| found.shard.as_deref() == Some(&*names[1]) && found.index < 99), "{states:?}");
}

/// Nothing is appended to it as long as the other one is there: whoever took that away could write on in this one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_shard_that_takes_entries_again_is_found() {
    let (house, assembled) = two_shards().await;
    intrude(&house, "DROP TRIGGER log_shard_goes; UPDATE log_shard SET state = 1 WHERE log_id = 1");
    let found = pass(&assembled).await;
    assert!(found.len() == 1 && found[0].table == "log_shard", "{found:?}");
}

/// Under another name no note and no payload opens: that is found, and nothing is thrown away for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_under_another_name_is_found_and_its_notes_stay() {
    let (house, assembled) = two_shards().await;
    let before = count(&house, "log_checkpoint");
    assert!(before > 0);
    intrude(&house, "UPDATE log_shard SET origin = origin || 'x' WHERE log_id = 1");
    let found = pass(&assembled).await;
    assert!(found.len() == 1 && found[0].table == "log_shard" && found[0].grave == Grave::Open, "{found:?}");
    assert_eq!(count(&house, "log_checkpoint"), before);
}
