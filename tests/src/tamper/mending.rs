//! What follows from the leaves is rebuilt where somebody changed it; what cannot be is not given out (A27).

use super::ground::Ground;
use super::stage::{Of, Stage};
use super::{Postgres, Sqlite};

/// What the scrubber finds once is mended when it looks again.
const MENDED: [(&str, &str); 9] = [
    ("kind", "UPDATE log_leaf SET kind = 4 WHERE {i} = 20"),
    ("t", "UPDATE log_leaf SET t = t + 1 WHERE {i} = 20"),
    ("rid", "UPDATE log_leaf SET rid = {zero 16} WHERE {i} = 20"),
    ("oin", "UPDATE log_leaf SET oin = NULL WHERE {i} = 20"),
    ("txn", "UPDATE log_leaf SET txn = {zero 16} WHERE {i} = 20"),
    ("digest", "UPDATE log_leaf SET digest = NULL WHERE {i} = 20"),
    ("a note", "UPDATE log_checkpoint SET note = 'x' WHERE size = 258"),
    ("segments", "UPDATE subject_segment SET sealed = {turn sealed} WHERE first IN (3, 60)"),
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    what_follows_from_the_leaves_is_rebuilt::<Sqlite>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    what_follows_from_the_leaves_is_rebuilt::<Postgres>().await;
}
