//! What cannot be read hides nothing else: a pass that meets it goes on, and finds a row of state that was put back.

use super::ground::Ground;
use super::stage::{Of, Stage};
use super::{Postgres, Sqlite};

const PUT_BACK: &str =
    "DELETE FROM state WHERE leaf_index = 6; INSERT INTO state SELECT * FROM before_state WHERE kind = 3";

/// What stands in the way of a pass.
const IN_THE_WAY: [(&str, &str); 3] = [
    ("a leaf is gone", "DELETE FROM log_leaf WHERE {i} = 4"),
    ("a leaf cannot be read", "UPDATE log_leaf SET leaf = NULL WHERE {i} = 4"),
    ("a segment cannot be opened", "UPDATE subject_segment SET sealed = {turn sealed} WHERE first = 60"),
];
/// The same where an engine takes bytes that are no text.
const NO_TEXT: [(&str, &str); 2] = [
    ("a leaf is no text", "UPDATE log_leaf SET leaf = CAST(x'ff' AS TEXT) WHERE {i} = 4"),
    ("a note is no text", "UPDATE log_checkpoint SET note = CAST(x'ff' AS TEXT) WHERE size = 60"),
];

async fn what_cannot_be_read_hides_nothing<E: Stage>(cases: &[(&str, &str)]) {
    let ground = Ground::<E>::make().await;
    for (what, sql) in cases {
        ground.again().await;
        let (log, keys) = (ground.log().await, ground.engine.keys().await);
        ground.engine.change(Of::Log, &E::dialect().spell(sql)).await;
        let alone = ground.scrub(&log, &keys).await;
        assert!(!alone.is_empty() && alone.iter().all(|found| found.table != "state"), "{what}: {alone:?}");
        ground.engine.change(Of::Log, PUT_BACK).await;
        let found = ground.scrub(&log, &keys).await;
        assert!(found.iter().any(|found| found.table == "state"), "{what}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    what_cannot_be_read_hides_nothing::<Sqlite>(&IN_THE_WAY).await;
    what_cannot_be_read_hides_nothing::<Sqlite>(&NO_TEXT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    what_cannot_be_read_hides_nothing::<Postgres>(&IN_THE_WAY).await;
}
