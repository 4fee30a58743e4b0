//! What only files have: versions, locks, bounds. Each refusal has its own name, and nothing is written.

use super::Engine;
use super::draft::{ORIGIN, index, refusal};
use super::sqlite::Sqlite;
use rusqlite::Connection;
use sluis_adapters::master::MasterKey;
use sluis_adapters::sqlite::{KEY_STATEMENTS, LOG_STATEMENTS, Limits, OpenError, SqliteLog};
use sluis_core::ports::{Ledger, StoreError};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

#[test]
fn every_statement_prepares_on_its_own_schema() {
    let engine = Sqlite::fresh();
    for (file, statements) in [(engine.log_file(), LOG_STATEMENTS), (engine.keys_file(), KEY_STATEMENTS)] {
        let connection = Connection::open(file).unwrap();
        for (name, sql) in statements {
            assert!(connection.prepare(sql).is_ok(), "{name}: {:?}", connection.prepare(sql).err());
        }
    }
}

/// An index that is not used is a release that reads the log of a year.
#[test]
fn every_statement_of_a_release_finds_its_row_by_its_whole_key() {
    let engine = Sqlite::fresh();
    let connection = engine.intruder();
    for (name, key) in [
        ("STATE", "(kind=? AND key=?)"),
        ("SEEN", "log_leaf_txn (oin=? AND txn=?)"),
        ("TRANSACTION", "log_leaf_txn (oin=? AND txn=?)"),
        ("ENTRY", "(rowid=?)"),
        ("LEAVES", "(rowid>? AND rowid<?)"),
        ("ANY_LEAF", "(rowid>? AND rowid<?)"),
        ("ERASE_LEAVES", "log_leaf_rare (kind=? AND rowid>?)"),
        ("ADMIN_LEAVES", "log_leaf_rare (kind=? AND rowid>?)"),
        ("MANUAL_LEAVES", "log_leaf_rare (kind=? AND rowid>?)"),
        ("DONE_LEAVES", "log_leaf_rare (kind=? AND rowid>?)"),
        ("HEAD", "(log_id=?)"),
        ("PRUNE_HEADS", "(log_id=? AND size<?)"),
        ("THIN_CHECKPOINTS", "(log_id=? AND size=?)"),
    ] {
        let sql = LOG_STATEMENTS.iter().find(|(n, _)| *n == name).unwrap().1;
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let nulls = vec![rusqlite::types::Null; plan.parameter_count()];
        let steps = plan.query_map(rusqlite::params_from_iter(nulls), |row| row.get(3)).unwrap();
        let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
        assert!(steps.iter().any(|step| step.ends_with(key)), "{name}: {steps:?}");
        let scans = |step: &String| step.starts_with("SCAN") && step != "SCAN CONSTANT ROW";
        assert!(!steps.iter().any(scans), "{name}: {steps:?}");
    }
}

#[test]
fn a_file_that_is_not_ours_is_refused_by_name() {
    let engine = Sqlite::fresh();
    let open = || engine.open(Limits::default()).map(|_| ()).unwrap_err();
    let file = engine.log_file();
    let again = SqliteLog::create(&file, ORIGIN, &engine.master, 0, 0);
    assert!(matches!(again, Err(OpenError::Exists { .. })));

    set_pragma(&engine, "user_version", 2);
    assert!(matches!(open(), OpenError::Version { expected: 1, found: 2, .. }));
    set_pragma(&engine, "user_version", 1);
    set_pragma(&engine, "application_id", 7);
    assert!(matches!(open(), OpenError::Foreign { .. }));
    std::fs::copy(engine.keys_file(), &file).unwrap();
    assert!(matches!(open(), OpenError::Foreign { .. }));
    std::fs::write(&file, "not a database, but long enough to have a header ".repeat(40)).unwrap();
    assert!(matches!(open(), OpenError::Foreign { .. }), "{:?}", open());
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(open(), OpenError::Missing { .. }));
    assert!(!file.exists(), "opening creates nothing");
}

fn set_pragma(engine: &Sqlite, name: &str, value: i32) {
    engine.intruder().pragma_update(None, name, value).unwrap();
}

#[test]
fn a_log_in_use_or_read_only_or_under_another_key_is_refused_by_name() {
    let engine = Sqlite::fresh();
    let file = engine.log_file();
    let open = || engine.open(Limits::default()).map(|_| ());
    let first = engine.open(Limits::default()).unwrap();
    assert!(matches!(open(), Err(OpenError::InUse { .. })));
    drop(first);
    open().unwrap();

    let other = MasterKey::from_bytes([9; 32]);
    let opened = SqliteLog::open(&file, &other, std::sync::Arc::new(super::TestClock::new()), Limits::default());
    assert!(matches!(opened.map(|_| ()), Err(OpenError::MasterKey { .. })));

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o440)).unwrap();
    assert!(matches!(open(), Err(OpenError::ReadOnly { .. })));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    open().unwrap();
}

/// The first act after opening empties the WAL; who still reads from it stops the start.
#[tokio::test]
async fn a_wal_that_cannot_be_emptied_stops_the_start() {
    let engine = Sqlite::fresh();
    let copy = engine.intruder();
    let log = engine.open(Limits::default()).unwrap();
    log.append(vec![refusal(0)]).await.unwrap();
    drop(log);
    copy.execute_batch("BEGIN; SELECT count(*) FROM log_leaf").unwrap();
    engine.intruder().execute("INSERT INTO replica VALUES (2, 0)", []).unwrap();
    let hasty = Limits { busy: Duration::from_millis(20), ..Limits::default() };
    assert!(matches!(engine.open(hasty).map(|_| ()), Err(OpenError::WalBusy { .. })));
    copy.execute_batch("COMMIT").unwrap();
    engine.open(Limits::default()).unwrap();
}

#[tokio::test]
async fn a_locked_log_answers_locked_and_writes_nothing() {
    let engine = Sqlite::fresh();
    let log = engine.open(Limits { busy: Duration::from_millis(20), pages_max: None }).unwrap();
    let intruder = engine.intruder();
    intruder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let locked = StoreError::Unavailable { store: "log database", state: "LOCKED" };
    assert_eq!(log.append(vec![refusal(0)]).await.unwrap_err(), locked);
    assert_eq!(log.head().await.unwrap().size(), 0, "reading goes on");
    intruder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(index(&log.append(vec![refusal(0)]).await.unwrap().outcomes()[0]), 0);
}

#[tokio::test]
async fn a_full_log_answers_disk_full_and_goes_on_when_there_is_room() {
    let engine = Sqlite::fresh();
    let log = engine.open(Limits { pages_max: Some(60), ..Limits::default() }).unwrap();
    let mut next = 0;
    let full = loop {
        match log.append((next..next + 8).map(refusal).collect()).await {
            Ok(_) => next += 8,
            Err(error) => break error,
        }
    };
    assert_eq!(full, StoreError::Unavailable { store: "log database", state: "DISK_FULL" });
    assert!(next > 0);
    assert_eq!(log.head().await.unwrap().size(), next);
    assert_eq!(log.leaves(0, 1000).await.unwrap().len() as u64, next);
    drop(log);
    let log = engine.log().await;
    let committed = log.append((next..next + 8).map(refusal).collect()).await.unwrap();
    assert_eq!(index(&committed.outcomes()[0]), next);
}
