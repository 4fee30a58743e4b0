//! Who notices when somebody changes a database: for every column of every table of log and keys, on both engines, by
//! flipping, deleting, inserting, swapping, duplicating, emptying and putting back.
//!
//! Each case names every detector that fires, and no other may. A case that nobody notices says so, and why that must be
//! borne. A whole database put back or written anew with the stolen key: [`rewritten`] and, with the program, `journey::anchor`.

mod acting;
mod blind;
mod case;
pub mod entries;
pub mod ground;
mod key_cases;
mod leaf_cases;
mod log_cases;
mod mending;
mod pruned;
mod reads;
mod rewritten;
pub mod stage;
mod state_cases;

use crate::contract::postgres::Postgres;
use crate::contract::sqlite::Sqlite;
use case::{Case, Op};
use ground::Ground;
use stage::{Of, Stage};
use std::collections::BTreeSet;

/// Who may notice: the process that was running, at its next answer that relies on policy, organisation and subject
/// (`append`); a pass of the scrubber in it and in the next one (`scrubber`); the offline verifier on leaves and signed notes
/// (`verifier`); the next start (`open`, `keys`); the note kept outside the database (`anchor`); the halts that stand in the
/// log (`halts`), the tombstones that a start applies (`tombs`) and the flag of one beside the anchor (`flag`); whoever asks the keys (`read`) or registers (`provision`).
const DETECTORS: [&str; 11] =
    ["anchor", "append", "flag", "halts", "keys", "open", "provision", "read", "scrubber", "tombs", "verifier"];

/// Tables of which the log or key database here has one row.
const SINGLE: [&str; 8] =
    ["log_head", "log_shard", "replica", "replica_mark", "seal_check", "sluis_schema", "wrapping", "wrapping_ended"];
/// Those of them of which there cannot be more.
const ONLY_ONE: [&str; 2] = ["seal_check", "sluis_schema"];
/// Sets of numbers: a number has no other place and stands there once.
const SETS: [&str; 1] = ["subject"];

fn cases() -> impl Iterator<Item = &'static Case> {
    [leaf_cases::CASES, log_cases::CASES, state_cases::CASES, key_cases::CASES].into_iter().flatten()
}

/// The detectors that fire, without those that are switched off.
async fn fired<E: Stage>(ground: &Ground<E>, case: &Case, off: &[&str]) -> BTreeSet<&'static str> {
    let mut fired = match case.of {
        Of::Log => in_log(ground, case, &case.sql(E::dialect())).await,
        Of::Keys => in_keys(ground, &case.sql(E::dialect())).await,
    };
    fired.retain(|who| !off.contains(who));
    assert!(fired.iter().all(|who| DETECTORS.contains(who)));
    fired
}

async fn in_log<E: Stage>(ground: &Ground<E>, case: &Case, sql: &str) -> BTreeSet<&'static str> {
    let mut fired = BTreeSet::new();
    let (log, keys) = (ground.log().await, ground.engine.keys().await);
    if case.halted {
        ground.halt(&log).await;
    }
    if case.erased {
        ground.erase(&log).await;
    }
    ground.engine.change(Of::Log, sql).await;
    let by_running = ground.scrub(&log, &keys).await;
    let mut note = |fires: bool, who| _ = fires.then(|| fired.insert(who));
    note(!by_running.is_empty(), "scrubber");
    note(!ground.verifies().await, "verifier");
    note(!ground.appends(&log).await, "append");
    note(Ground::<E>::is_stopped(&log).await, "halts");
    note(case.halted && Ground::<E>::is_flagged(&log).await, "flag");
    drop(log);
    match ground.reopened().await {
        None => note(true, "open"),
        Some(log) => {
            note(ground.anchored(&log).await.is_err(), "anchor");
            match log.erased_keys().await {
                Ok(erased) => _ = keys.destroy(erased).await.unwrap(),
                Err(_) => note(true, "tombs"),
            }
            let by_next = ground.scrub(&log, &keys).await;
            // A head is superseded by the next one.
            let same = by_next.is_empty() == by_running.is_empty() || case.table == "log_head";
            assert!(same, "{}: {by_running:?}, after a start {by_next:?}", case.what);
            note(!by_next.is_empty(), "scrubber");
        }
    }
    fired
}

async fn in_keys<E: Stage>(ground: &Ground<E>, sql: &str) -> BTreeSet<&'static str> {
    let mut fired = BTreeSet::new();
    let log = ground.log().await;
    ground.engine.change(Of::Keys, sql).await;
    let mut note = |fires: bool, who| _ = fires.then(|| fired.insert(who));
    match ground.engine.try_keys().await {
        None => note(true, "keys"),
        Some(keys) => {
            note(!ground.reads(&keys).await, "read");
            note(!ground.scrub(&log, &keys).await.is_empty(), "scrubber");
            note(!ground.provisions(&keys).await, "provision");
        }
    }
    fired
}

/// Tries every case of these tables on one engine.
async fn tables<E: Stage>(of: Of, tables: &[&str]) {
    let ground = Ground::<E>::make().await;
    let mine = |case: &&Case| case.of == of && tables.contains(&case.table) && case.is_for(E::dialect());
    let mut surprises = Vec::new();
    for case in cases().filter(mine) {
        ground.again().await;
        let fired = fired(&ground, case, &[]).await.into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(case.by.is_empty(), !case.because.is_empty(), "{}: nobody, because; else nothing", case.what);
        if fired != case.by {
            surprises
                .push(format!("{} {:?} {}: `{}` must notice, `{fired}` did", case.table, case.op, case.what, case.by));
        }
    }
    assert!(surprises.is_empty(), "{:?}\n{}", E::dialect(), surprises.join("\n"));
}

/// Nothing fires when nothing was changed: else the table proves nothing.
async fn nobody_cries_wolf<E: Stage>() {
    let ground = Ground::<E>::make().await;
    for untouched in
        [case::log("", Op::Delete, "nothing", "SELECT 1"), case::keys("", Op::Delete, "nothing", "SELECT 1")]
    {
        ground.again().await;
        assert_eq!(fired(&ground, &untouched, &[]).await, BTreeSet::new(), "{:?}", untouched.of);
    }
}

/// Each detector notices by itself, and without it and those beside it the case goes unnoticed.
async fn each_detector_can_fail<E: Stage>() {
    let ground = Ground::<E>::make().await;
    for detector in DETECTORS {
        let has = |case: &&Case| case.is_for(E::dialect()) && case.by.split(' ').any(|by| by == detector);
        let case = cases().filter(has).min_by_key(|case| case.by.len()).expect(detector);
        let others: Vec<&str> = case.by.split(' ').filter(|by| *by != detector).collect();
        ground.again().await;
        assert_eq!(fired(&ground, case, &others).await, BTreeSet::from([detector]), "{detector} alone");
        ground.again().await;
        let without: Vec<&str> = case.by.split(' ').collect();
        assert_eq!(fired(&ground, case, &without).await, BTreeSet::new(), "{detector} off");
    }
}

/// Every column of every table has a case in which it is flipped, and every table one of each kind.
async fn every_column_has_a_case<E: Stage>() {
    let engine = E::empty().await;
    let mut missing = Vec::new();
    for of in [Of::Log, Of::Keys] {
        let mine = || cases().filter(move |case| case.of == of && case.is_for(E::dialect()));
        let columns = engine.columns(of).await;
        assert!(columns.len() > 10, "{columns:?}");
        for (table, column) in &columns {
            if !mine().any(|case| case.table == table && case.columns().any(|flipped| flipped == column)) {
                missing.push(format!("{table}.{column}: nobody flips it"));
            }
        }
        for table in engine.tables(of).await {
            let mut needed = vec![Op::Delete, Op::Truncate, Op::PutBack];
            let is_of = |tables: &[&str]| tables.contains(&table.as_str());
            if !is_of(&SINGLE) && !is_of(&SETS) {
                needed.push(Op::Swap);
            }
            if !is_of(&ONLY_ONE) {
                needed.push(Op::Insert);
            }
            if !is_of(&ONLY_ONE) && !is_of(&SETS) {
                needed.push(Op::Duplicate);
            }
            let lacks = needed.into_iter().filter(|op| !mine().any(|case| case.table == table && case.op == *op));
            missing.extend(lacks.map(|op| format!("{table}: no {op:?}")));
        }
        let absent = mine().filter(|case| !columns.iter().any(|(table, _)| table == case.table));
        missing.extend(absent.map(|case| format!("{}: there is no such table", case.table)));
    }
    assert!(missing.is_empty(), "{:?}\n{}", E::dialect(), missing.join("\n"));
}

macro_rules! on_engine {
    ($room:ident, $engine:ident, $($test:ident: $of:ident $tables:expr;)+) => {
        mod $room {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                tables::<$engine>(Of::$of, &$tables).await;
            })+

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn nobody_cries_wolf() {
                super::nobody_cries_wolf::<$engine>().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn each_detector_can_fail() {
                super::each_detector_can_fail::<$engine>().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn every_column_has_a_case() {
                super::every_column_has_a_case::<$engine>().await;
            }

            #[test]
            fn every_case_is_of_a_table_that_is_tried() {
                let tried: Vec<(Of, &str)> = [$($tables.map(|table| (Of::$of, table)).to_vec()),+].concat();
                assert!(cases().all(|case| tried.contains(&(case.of, case.table))));
            }
        }
    };
}

macro_rules! on_engines {
    ($($test:ident: $of:ident $tables:expr;)+) => {
        on_engine! { on_sqlite, Sqlite, $($test: $of $tables;)+ }
        on_engine! { on_postgres, Postgres, $($test: $of $tables;)+ }
    };
}

on_engines! {
    leaves: Log ["log_leaf"];
    sub_trees_and_heads: Log ["log_subtree", "log_head"];
    shards_and_checkpoints: Log ["log_shard", "log_checkpoint"];
    states: Log ["state"];
    halts: Log ["log_halt"];
    segments: Log ["subject_segment"];
    pages_and_tombstones: Log ["page_blob", "erased_key"];
    marks_and_seals: Log ["replica", "replica_mark", "seal_check", "sluis_schema"];
    subjects_and_aliases: Keys ["subject_alias", "subject"];
    keys_of_subjects: Keys ["subject_key", "wrapping", "wrapping_ended"];
    keys_of_days: Keys ["bucket_key", "transaction_key", "seal_check", "sluis_schema"];
}
