//! What follows from the leaves is rebuilt where somebody changed it; what cannot be is not given out (A27).

use super::ground::{Ground, SIZE};
use super::stage::{Of, Stage};
use super::{Postgres, Sqlite};
use sluis_core::upkeep::LogUpkeep;
use std::sync::Arc;

/// What the scrubber finds once is mended when it looks again.
const MENDED: [(&str, &str); 14] = [
    ("kind", "UPDATE log_leaf SET kind = 4 WHERE {i} = 20"),
    ("t", "UPDATE log_leaf SET t = t + 1 WHERE {i} = 20"),
    ("rid", "UPDATE log_leaf SET rid = {zero 16} WHERE {i} = 20"),
    ("oin", "UPDATE log_leaf SET oin = NULL WHERE {i} = 20"),
    ("txn", "UPDATE log_leaf SET txn = {zero 16} WHERE {i} = 20"),
    ("digest", "UPDATE log_leaf SET digest = NULL WHERE {i} = 20"),
    ("a note", "UPDATE log_checkpoint SET note = 'x' WHERE size = 258"),
    ("segments", "UPDATE subject_segment SET sealed = {turn sealed} WHERE first IN (3, 60)"),
    ("segments of pages", "UPDATE subject_segment SET sealed = {turn sealed} WHERE first IN (8, 10)"),
    ("no segments of pages", "DELETE FROM subject_segment WHERE first IN (8, 10)"),
    ("a segment with a hold", "UPDATE subject_segment SET sealed = {turn sealed} WHERE first = 11"),
    ("no segment with a hold", "DELETE FROM subject_segment WHERE first = 11"),
    (
        "a segment at the last place there is",
        "INSERT INTO subject_segment VALUES (1, 0, 9223372036854775807, 9223372036854775807, {zero 30})",
    ),
    ("no segment", "DELETE FROM subject_segment WHERE first IN (3, 60)"),
];

async fn what_follows_from_the_leaves_is_rebuilt<E: Stage>() {
    let ground = Ground::<E>::make().await;
    for (what, sql) in MENDED {
        ground.again().await;
        let (log, keys) = (ground.log().await, ground.engine.keys().await);
        let before = ground.entries(&log).await;
        ground.engine.change(Of::Log, &E::dialect().spell(sql)).await;
        let found = ground.pass(&log, &keys, true).await;
        assert!(!found.is_empty(), "{what}");
        assert_eq!(ground.pass(&log, &keys, true).await, [], "{what}: {found:?}");
        assert_eq!(ground.entries(&log).await, before, "{what}: a search finds what it found");
        assert!(ground.verifies().await && ground.appends(&log).await, "{what}");
    }
}

/// The segment of the entries from 258 on has one that its payload does not tell: it is not dropped, and a search refuses.
async fn what_only_the_index_knows_is_not_rebuilt_away<E: Stage>() {
    let ground = Ground::<E>::make().await;
    let (log, keys) = (ground.log().await, ground.engine.keys().await);
    let bend = "UPDATE subject_segment SET sealed = {turn sealed} WHERE first IN (3, 258)";
    ground.engine.change(Of::Log, &E::dialect().spell(bend)).await;
    ground.pass(&log, &keys, true).await;
    let left = ground.pass(&log, &keys, true).await;
    assert!(left.iter().any(|found| (found.table, found.index) == ("subject_segment", 258)), "{left:?}");
    assert!(left.iter().all(|found| found.index != 3), "what can be rebuilt is: {left:?}");
    assert!(log.entries_of(ground.child()).await.is_err());
}

/// Another process remembers a key for a moment after it was erased, and writes with it: that goes too, and is no finding.
async fn what_was_written_under_an_erased_key_goes_after_it<E: Stage>(
    ground: &Ground<E>,
    log: &Arc<dyn LogUpkeep>,
    by: &Arc<dyn LogUpkeep>,
) {
    let keys = ground.engine.keys().await;
    ground.erase_child(log, &keys).await;
    assert!(ground.appends(by).await);
    let is_there = || async { log.entry(SIZE).await.unwrap().unwrap().payload.is_some() };
    assert!(is_there().await && ground.entries(log).await[0].contains(&(SIZE, 0)));
    assert_eq!(ground.pass(log, &keys, false).await, [], "a tombstone explains it");
    assert!(is_there().await, "who only looks mends nothing");
    assert_eq!(ground.pass(log, &keys, true).await, []);
    assert!(!is_there().await);
    assert_eq!(ground.entries(log).await[0], [(8, 1), (10, 1)], "pages stay, and nothing else");
    assert_eq!(ground.pass(log, &keys, true).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_the_same_process() {
    let ground = Ground::<Sqlite>::make().await;
    let log = ground.log().await;
    what_was_written_under_an_erased_key_goes_after_it(&ground, &log, &log).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_another_replica() {
    let ground = Ground::<Postgres>::make().await;
    let (log, other) = (ground.log().await, Arc::new(ground.engine.open_log(2).await.unwrap()) as Arc<dyn LogUpkeep>);
    what_was_written_under_an_erased_key_goes_after_it(&ground, &log, &other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    what_only_the_index_knows_is_not_rebuilt_away::<Sqlite>().await;
    what_follows_from_the_leaves_is_rebuilt::<Sqlite>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    what_only_the_index_knows_is_not_rebuilt_away::<Postgres>().await;
    what_follows_from_the_leaves_is_rebuilt::<Postgres>().await;
}
