//! What an append reads, and what a release reads beside it, is found by a key, whatever the server knows of its tables.
//!
//! A session keeps its plans. One that was made while the log was empty serves when it no longer is, until the server counts the
//! rows of a table again, which may be a minute and thousands of entries later. Here it never does; it tells how many rows it read.

use super::Engine;
use super::draft::{caseload, index, oin, rare, refusal, uuid};
use super::postgres::Postgres;
use crate::world::PATIENCE;
use crate::world::postgres::ROLE;
use sluis_core::log::LeafKind;
use sluis_core::subject::{SubjectId, SubjectRef};
use sluis_core::upkeep::{KeyUpkeep, LogUpkeep};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor};

/// Entries, each appended alone. A plan that walks the log for each reads half as many rows, on average.
const ENTRIES: u64 = 600;
/// Subjects of the key database.
const SUBJECTS: usize = 600;
/// Reads of each kind, in plans that were made while there was nothing.
const READS: u64 = 200;
/// So often a statement is run before its plan is kept.
const UNTIL_KEPT: u64 = 10;
/// Rows, or entries of an index, that may be read for one entry or subject, of all tables together. Superseded rows are counted
/// when they are pruned.
const ROWS: i64 = 20;

/// Nobody counts the rows of a table by himself.
const UNCOUNTED: &str = "DO $$ DECLARE t regclass; BEGIN
    FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
      EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', t);
    END LOOP; END $$";
const READ: &str = "SELECT relname::text, coalesce(seq_tup_read, 0)::bigint FROM pg_stat_user_tables
    UNION ALL SELECT indexrelname::text, idx_tup_read FROM pg_stat_user_indexes ORDER BY 2 DESC";

/// What the sessions of a gateway read in a database, most first, after they ended: then they have told all of it.
async fn read(intruder: &mut PgConnection) -> Vec<(String, i64)> {
    let ended = format!(
        "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = '{ROLE}')"
    );
    tokio::time::timeout(PATIENCE, async {
        while !sqlx::query_scalar::<_, bool>(AssertSqlSafe(&*ended)).fetch_one(&mut *intruder).await.unwrap() {}
    })
    .await
    .expect("sessions do not end");
    sqlx::query_as(READ).fetch_all(intruder).await.unwrap()
}

fn few(read: &[(String, i64)], times: i64) {
    let rows: i64 = read.iter().map(|(_, rows)| rows).sum();
    assert!(rows <= ROWS * times, "{rows} rows read for {times}: {:?}", &read[..6]);
}

fn child(number: u64) -> SubjectRef {
    SubjectRef(u128::from(number).to_be_bytes())
}

/// Reads what a release, its repetition and its receipt read.
async fn read_log(log: &dyn LogUpkeep, number: u64) {
    let _size = log.head().await.unwrap();
    let _entry = log.entry(number).await.unwrap();
    let _transaction = log.transaction(&oin(), uuid(number)).await.unwrap();
    let _nobody = log.standing(child(u64::MAX - number)).await.unwrap();
    let _enrolled = log.enrolled_by(&oin()).await.unwrap();
    let _hash = log.leaf_hashes(number, number + 1).await.unwrap();
    let _subtree = log.subtree_hashes(1, number / 256, number / 256 + 1).await.unwrap();
    let _leaf = log.leaves(number, 1).await.unwrap();
}

/// Appends to an empty log in one session, and reads in others that knew it empty. The server counts its tables when the log
/// has this many entries, if ever.
async fn entries_are_found(counted: Option<u64>) {
    let engine = Postgres::empty().await;
    let mut intruder = engine.database.log_intruder().await;
    intruder.execute(UNCOUNTED).await.unwrap();
    let log = engine.log().await;
    for number in 0..ENTRIES {
        if counted == Some(number) {
            intruder.execute("ANALYZE").await.unwrap();
        }
        if number < UNTIL_KEPT {
            read_log(&*log, number).await;
        }
        let draft = if number % 2 == 0 { refusal(number) } else { caseload(number, child(number), "w1") };
        assert_eq!(index(&log.append(vec![draft]).await.unwrap().outcomes()[0]), number);
    }
    for number in 0..READS {
        read_log(&*log, number * (ENTRIES / READS)).await;
    }
    drop(log);
    few(&read(&mut intruder).await, i64::try_from(ENTRIES).unwrap());
}

#[tokio::test]
async fn entries_are_found_on_a_server_that_knows_nothing_of_its_tables() {
    entries_are_found(None).await;
}

#[tokio::test]
async fn entries_are_found_on_a_server_that_knows_an_empty_log() {
    entries_are_found(Some(0)).await;
}

#[tokio::test]
async fn entries_are_found_on_a_server_that_knows_a_small_log() {
    entries_are_found(Some(3)).await;
}

/// Looks for each rare kind in the whole log, a page at a time.
async fn read_rare(log: &dyn LogUpkeep) -> usize {
    let mut found = 0;
    for kind in [LeafKind::Erase, LeafKind::Admin, LeafKind::Manual, LeafKind::ObligationDone] {
        let mut from = 0;
        loop {
            let page = log.leaves_of(kind, from, 10).await.unwrap();
            let Some((last, _)) = page.last() else { break };
            (from, found) = (last + 1, found + page.len());
        }
    }
    found
}

/// Half of the entries are what an officer did, three are of the other rare kinds; the rest are refusals. What is rare is looked
/// for in plans that were made while there was nothing, and a page of it reads no more than its entries.
async fn what_is_rare_is_found(counted: Option<u64>) {
    let engine = Postgres::empty().await;
    let mut intruder = engine.database.log_intruder().await;
    intruder.execute(UNCOUNTED).await.unwrap();
    let log = engine.log().await;
    for number in 0..ENTRIES {
        if counted == Some(number) {
            intruder.execute("ANALYZE").await.unwrap();
        }
        if number < UNTIL_KEPT {
            read_rare(&*log).await;
        }
        let draft = match number {
            101 => rare(number, LeafKind::Erase),
            103 => rare(number, LeafKind::Manual),
            105 => rare(number, LeafKind::ObligationDone),
            _ if number % 2 == 0 => rare(number, LeafKind::Admin),
            _ => refusal(number),
        };
        log.append(vec![draft]).await.unwrap();
    }
    let rounds = 20;
    for _ in 0..rounds {
        assert_eq!(read_rare(&*log).await as u64, ENTRIES / 2 + 3);
    }
    drop(log);
    let read = read(&mut intruder).await;
    let leaves: i64 = read.iter().filter(|(name, _)| name.starts_with("log_leaf")).map(|(_, rows)| rows).sum();
    let asked = i64::try_from(rounds * ENTRIES / 2 + 2 * ENTRIES).unwrap();
    assert!(leaves <= 2 * asked, "{leaves} rows read for {asked}: {:?}", &read[..6]);
}

#[tokio::test]
async fn what_is_rare_is_found_on_a_server_that_knows_nothing_of_its_tables() {
    what_is_rare_is_found(None).await;
}

#[tokio::test]
async fn what_is_rare_is_found_on_a_server_that_knows_a_small_log() {
    what_is_rare_is_found(Some(3)).await;
}

async fn read_keys(keys: &dyn KeyUpkeep, client: &SubjectId) {
    let known = keys.find(client).await.unwrap();
    let subject = known.unwrap_or(child(0));
    let key = keys.subject_key(subject, 2026).await.unwrap();
    let key_id = key.map_or([0; 16], |key| key.key_id);
    assert_eq!(keys.key_by_id(key_id).await.unwrap().is_some(), known.is_some());
}

/// Registers subjects page by page, and reads in sessions that knew the key database empty.
async fn keys_are_found(counted: bool) {
    let engine = Postgres::empty().await;
    let mut intruder = engine.database.keys_intruder().await;
    intruder.execute(UNCOUNTED).await.unwrap();
    if counted {
        intruder.execute("ANALYZE").await.unwrap();
    }
    let keys = engine.keys().await;
    let list: Vec<_> = (0..SUBJECTS).map(|number| SubjectId::client_number(&format!("C-{number}")).unwrap()).collect();
    for client in list.iter().take(usize::try_from(UNTIL_KEPT).unwrap()) {
        read_keys(&*keys, client).await;
    }
    for page in list.chunks(10) {
        let page: Vec<_> = page.iter().map(|client| vec![client.clone()]).collect();
        assert_eq!(keys.provision(&page, 2026).await.unwrap(), 10);
    }
    for client in &list {
        read_keys(&*keys, client).await;
    }
    drop(keys);
    few(&read(&mut intruder).await, i64::try_from(SUBJECTS).unwrap());
}

#[tokio::test]
async fn keys_are_found_on_a_server_that_knows_nothing_of_its_tables() {
    keys_are_found(false).await;
}

#[tokio::test]
async fn keys_are_found_on_a_server_that_knows_empty_tables() {
    keys_are_found(true).await;
}
