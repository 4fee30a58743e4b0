//! Who notices when somebody changes the database: for every column, by flipping, deleting, inserting, swapping, putting back.
//!
//! Each case names every detector that fires, and no other may: `append` (the process that was running, at its next entry that
//! relies on policy, organisation and subject), `scrubber` (of the running process, and of the next one where it starts),
//! `verifier` (offline, on leaves and signed checkpoints), `open` (the next start), `anchor` (the note kept outside the
//! database). A case that nobody notices says so, and why that must be borne. A whole database put back or written anew with
//! the stolen key: `journey::anchor`.

mod acting;
mod cases;
mod ground;

use cases::{CASES, Case};
use ground::Ground;
use std::collections::BTreeSet;

/// The detectors that fire, as words in alphabetical order.
async fn fired(ground: &Ground, case: &Case) -> BTreeSet<&'static str> {
    let mut fired = BTreeSet::new();
    let log = ground.log().await;
    ground.tamper(case.sql).await;
    let by_running = ground.scrub(&log).await;
    let mut note = |fires: bool, who| _ = fires.then(|| fired.insert(who));
    note(!by_running.is_empty(), "scrubber");
    note(!ground.verifies().await, "verifier");
    note(!ground.appends(&log).await, "append");
    drop(log);
    match ground.reopened().await {
        None => note(true, "open"),
        Some(log) => {
            note(ground.anchored(&log).await.is_err(), "anchor");
            let by_next = ground.scrub(&log).await;
            assert_eq!(
                by_next.is_empty(),
                by_running.is_empty(),
                "{}: {by_running:?}, after a start {by_next:?}",
                case.what
            );
        }
    }
    fired
}

async fn table(table: &str) {
    let mut surprises = Vec::new();
    let cases: Vec<&Case> = CASES.iter().filter(|case| case.table == table).collect();
    assert!(!cases.is_empty());
    let whole = Ground::make().await;
    for case in cases {
        let ground = whole.copy();
        let fired = fired(&ground, case).await.into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(case.by.is_empty(), !case.because.is_empty(), "{}: nobody, because; else nothing", case.what);
        if fired != case.by {
            surprises.push(format!("{table}, {}: `{}` must notice, `{fired}` did", case.what, case.by));
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

/// Nothing fires when nothing was changed: else the table proves nothing.
#[tokio::test]
async fn nobody_cries_wolf() {
    let ground = Ground::make().await.copy();
    let untouched = Case { table: "", what: "nothing", sql: "SELECT 1", by: "", because: "nothing happened" };
    assert_eq!(fired(&ground, &untouched).await, BTreeSet::new());
}

macro_rules! tables {
    ($($test:ident: $table:literal;)+) => {
        $(#[tokio::test]
        async fn $test() {
            table($table).await;
        })+

        #[test]
        fn every_case_is_of_a_table_that_is_tried() {
            let tried = [$($table),+];
            assert!(CASES.iter().all(|case| tried.contains(&case.table)));
        }
    };
}

tables! {
    leaves: "log_leaf";
    sub_trees: "log_subtree";
    heads: "log_head";
    checkpoints: "log_checkpoint";
    states: "state";
    segments: "subject_segment";
    erased_keys: "erased_key";
    pages: "page_blob";
}
