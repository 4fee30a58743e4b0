//! What the key database has only on PostgreSQL: several replicas at once, names of refusals, sessions that end.

use super::Engine;
use super::postgres::{LOOK, Postgres};
use crate::world::PATIENCE;
use crate::world::postgres::Cluster;
use sluis_adapters::master::MasterKey;
use sluis_adapters::postgres::{KEY_STATEMENTS, LOG_STATEMENTS, OpenError, Place, PostgresKeys, PostgresKeysReader};
use sluis_adapters::system::OsEntropy;
use sluis_adapters::wrapping::Wrapping;
use sluis_core::ports::{KeyStore, StoreError};
use sluis_core::subject::SubjectId;
use sluis_core::upkeep::{KeyUpkeep, PayloadKeys};
use sqlx::{AssertSqlSafe, Connection, Executor, Row, SqlSafeStr};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::Barrier;

fn client(number: usize) -> SubjectId {
    SubjectId::client_number(&format!("C-{number}")).unwrap()
}

fn page(numbers: std::ops::Range<usize>) -> Vec<Vec<SubjectId>> {
    numbers.map(|number| vec![client(number)]).collect()
}

#[tokio::test]
async fn every_statement_prepares_on_its_own_schema() {
    let engine = Postgres::empty().await;
    let (log, keys) = (engine.database.log_intruder().await, engine.database.keys_intruder().await);
    for (mut intruder, statements) in [(log, LOG_STATEMENTS), (keys, KEY_STATEMENTS)] {
        for (name, sql) in statements {
            let prepared = intruder.prepare(sql.into_sql_str()).await;
            assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
        }
    }
}

/// A key that is looked for without an index is a call that reads every key of every year.
#[tokio::test]
async fn every_statement_of_the_keys_finds_its_rows_by_an_index() {
    let engine = Postgres::empty().await;
    let mut intruder = engine.database.keys_intruder().await;
    intruder.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan").await.unwrap();
    for (name, sql) in KEY_STATEMENTS {
        let nulls = (1..9).filter(|number| sql.contains(&format!("${number}"))).map(|_| "NULL").collect::<Vec<_>>();
        let arguments = if nulls.is_empty() { String::new() } else { format!("({})", nulls.join(", ")) };
        let explain = format!("PREPARE {name} AS {sql}; EXPLAIN EXECUTE {name}{arguments}");
        let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut intruder).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert!(!plan.iter().any(|step| step.contains("Seq Scan")), "{name}: {plan:#?}");
    }
}

/// Replicas that start together register the same subjects, each beginning elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_provision_together_give_one_pseudonym_and_one_key_each() {
    let engine = Postgres::empty().await;
    let mut replicas = Vec::new();
    for _ in 0..4 {
        replicas.push(Arc::new(engine.open_keys(&engine.master).await.unwrap()));
    }
    let tasks: Vec<_> = replicas
        .iter()
        .enumerate()
        .map(|(number, keys)| {
            let keys = Arc::clone(keys);
            tokio::spawn(async move {
                let mut new = 0;
                for step in 0..8 {
                    let from = (number + step) % 8 * 25;
                    new += keys.provision(&page(from..from + 50), 2026).await.unwrap();
                }
                new
            })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += task.await.unwrap();
    }
    assert_eq!(new, 225);
    let (mut subjects, mut ids) = (HashSet::new(), HashSet::new());
    for number in 0..225 {
        let subject = replicas[0].find(&client(number)).await.unwrap().unwrap();
        let mut of_all = HashSet::new();
        for keys in &replicas {
            assert_eq!(keys.find(&client(number)).await.unwrap(), Some(subject));
            of_all.insert(keys.subject_key(subject, 2026).await.unwrap().unwrap().key_id);
        }
        assert_eq!(of_all.len(), 1);
        assert!(subjects.insert(subject));
        ids.extend(of_all);
    }
    assert_eq!(ids.len(), 225);
    let orphans: i64 = sqlx::query_scalar("SELECT count(*) - 225 FROM subject")
        .fetch_one(&mut engine.database.keys_intruder().await)
        .await
        .unwrap();
    assert_eq!(orphans, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_meet_at_midnight_make_one_key_of_the_day() {
    let engine = Postgres::empty().await;
    let midnight = Arc::new(Barrier::new(4));
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (keys, midnight) = (engine.open_keys(&engine.master).await.unwrap(), Arc::clone(&midnight));
        tasks.push(tokio::spawn(async move {
            let mut made = Vec::new();
            for number in 1..20 {
                let day = jiff::civil::date(2026, 11, number);
                midnight.wait().await;
                made.push((keys.bucket_key(day).await.unwrap().key_id, *keys.transaction_key(day).await.unwrap()));
            }
            made
        }));
    }
    let mut made = HashSet::new();
    for task in tasks {
        made.insert(task.await.unwrap());
    }
    assert_eq!(made.len(), 1);
}

/// No standby confirms: the commit hangs, and so does the second attempt behind its row. Nobody gets the key. When the
/// commit has ended after all, its key is the key of the day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_an_answer_gives_no_key_and_is_settled_when_it_ends() {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start()));
    let engine = Postgres::bare_on(cluster);
    PostgresKeys::create(&engine.keys_place(), &engine.wrapping, 1).await.unwrap();
    let keys = engine.open_keys(&engine.master).await.unwrap();
    cluster.server.stop();
    cluster.server.set("synchronous_standby_names = 'nobody'");
    cluster.server.start();
    let day = jiff::civil::date(2026, 11, 21);
    let place = engine.keys_place();
    let (refused, strict) =
        tokio::join!(keys.bucket_key(day), PostgresKeys::open(&place, true, &engine.wrapping, Arc::new(OsEntropy)),);
    let locked = StoreError::Unavailable { store: "key database", state: "LOCKED" };
    assert_eq!(refused.map(|_| ()).unwrap_err(), locked);
    assert!(matches!(strict.map(|_| ()), Err(OpenError::NoStandby { .. })));
    let mut intruder = engine.database.keys_intruder().await;
    let count = || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM bucket_key");
    assert_eq!(count().fetch_one(&mut intruder).await.unwrap(), 0, "visible before it is durable");
    cluster.server.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''");
    cluster.server.sql("postgres", "SELECT pg_reload_conf()");
    let ended = tokio::time::timeout(PATIENCE, async {
        while count().fetch_one(&mut intruder).await.unwrap() == 0 {
            tokio::time::sleep(LOOK).await;
        }
    });
    ended.await.expect("the commit never ended");
    let id: [u8; 16] = sqlx::query_scalar("SELECT key_id FROM bucket_key").fetch_one(&mut intruder).await.unwrap();
    assert_eq!(keys.bucket_key(day).await.unwrap().key_id, id);
}

#[tokio::test]
async fn a_database_that_is_not_ours_is_refused_by_name() {
    let engine = Postgres::bare();
    let open = || async { engine.open_keys(&engine.master).await.map(|_| ()).unwrap_err() };
    assert!(matches!(open().await, OpenError::Missing { expected: "key database", .. }));
    PostgresKeys::create(&engine.keys_place(), &engine.wrapping, 1).await.unwrap();
    let again = PostgresKeys::create(&engine.keys_place(), &engine.wrapping, 1).await;
    assert!(matches!(again, Err(OpenError::Exists { .. })), "{again:?}");
    let other = Wrapping::new(MasterKey::from_bytes([9; 32]), engine.wrapping.folder().path());
    let other = PostgresKeysReader::open(&engine.keys_place(), &other).await;
    assert!(matches!(other.map(|_| ()), Err(OpenError::MasterKey { .. })));
    let mut intruder = engine.database.keys_intruder().await;
    intruder.execute("UPDATE sluis_schema SET version = 2").await.unwrap();
    assert!(matches!(open().await, OpenError::Version { expected: 1, found: 2, .. }));
    intruder.execute("UPDATE sluis_schema SET version = 1, kind = 'log database'").await.unwrap();
    assert!(matches!(open().await, OpenError::Foreign { .. }));
    intruder.execute("UPDATE sluis_schema SET kind = 'key database'; DELETE FROM wrapping").await.unwrap();
    assert!(matches!(open().await, OpenError::Corrupt { table: "wrapping", .. }));
    let nowhere = Place::parse("postgres://sluis@127.0.0.1:1/keys", None).unwrap();
    let opened = PostgresKeysReader::open(&nowhere, &engine.wrapping).await;
    assert!(matches!(opened.map(|_| ()), Err(OpenError::Unreachable { .. })));
}

#[tokio::test]
async fn another_process_opens_payloads_beside_the_replicas() {
    let engine = Postgres::empty().await;
    let keys = engine.open_keys(&engine.master).await.unwrap();
    keys.provision(&page(0..1), 2026).await.unwrap();
    let subject = keys.find(&client(0)).await.unwrap().unwrap();
    let key = keys.subject_key(subject, 2026).await.unwrap().unwrap();
    let bucket = keys.bucket_key(jiff::civil::date(2026, 11, 21)).await.unwrap();
    let reader = PostgresKeysReader::open(&engine.keys_place(), &engine.wrapping).await.unwrap();
    for known in [&key, &bucket] {
        let read = reader.key_by_id(known.key_id).await.unwrap().unwrap();
        assert_eq!((*read.tag, *read.payload), (*known.tag, *known.payload));
    }
    keys.destroy(vec![key.key_id]).await.unwrap();
    assert!(reader.key_by_id(key.key_id).await.unwrap().is_none());
}

/// A replica that holds the lock and hangs: the others answer with a named state, write nothing, and go on when it is over.
/// A subject that is known needs no lock, so that a hanging replica stops no start.
#[tokio::test]
async fn a_lock_that_is_held_is_named_and_stops_only_what_is_new() {
    let engine = Postgres::empty().await;
    let keys = engine.open_keys(&engine.master).await.unwrap();
    keys.provision(&page(0..2), 2026).await.unwrap();
    let mut holder = engine.database.keys_intruder().await;
    holder.execute("BEGIN; INSERT INTO subject VALUES (decode(repeat('00', 16), 'hex'))").await.unwrap();
    let lock = KEY_STATEMENTS.iter().find(|(name, _)| *name == "LOCK_PROVISIONING").unwrap().1;
    holder.execute(lock).await.unwrap();
    assert_eq!(keys.provision(&page(0..2), 2026).await.unwrap(), 0);
    let locked = StoreError::Unavailable { store: "key database", state: "LOCKED" };
    assert_eq!(keys.provision(&page(1..3), 2026).await.unwrap_err(), locked);
    assert_eq!(keys.find(&client(2)).await.unwrap(), None);
    holder.execute("ROLLBACK").await.unwrap();
    assert_eq!(keys.provision(&page(1..3), 2026).await.unwrap(), 1);
}

/// The server ends every session, as at its restart: the next call makes a new one, and loses nothing.
#[tokio::test]
async fn sessions_that_the_server_ended_are_made_again() {
    let engine = Postgres::empty().await;
    let keys = engine.open_keys(&engine.master).await.unwrap();
    keys.provision(&page(0..2), 2026).await.unwrap();
    let mut intruder = engine.database.keys_intruder().await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended: i64 = sqlx::query_scalar(end).fetch_one(&mut intruder).await.unwrap();
    assert!(ended > 0);
    assert_eq!(keys.destroy_transaction_keys(jiff::civil::date(2026, 11, 21)).await.unwrap(), 0);
    assert_eq!(keys.provision(&page(0..3), 2026).await.unwrap(), 1);
    intruder.close().await.unwrap();
}

/// A server that does not answer at all is named, and is not waited for without end; then everything goes on.
#[tokio::test]
async fn a_frozen_server_is_named_and_answers_again_when_it_thaws() {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start()));
    let engine = Postgres::bare_on(cluster);
    PostgresKeys::create(&engine.keys_place(), &engine.wrapping, 1).await.unwrap();
    let keys = engine.open_keys(&engine.master).await.unwrap();
    keys.provision(&page(0..1), 2026).await.unwrap();
    let subject = keys.find(&client(0)).await.unwrap().unwrap();
    let key = keys.subject_key(subject, 2026).await.unwrap().unwrap();
    let day = jiff::civil::date(2026, 11, 21);
    cluster.server.freeze();
    let silent = StoreError::Unavailable { store: "key database", state: "UNREACHABLE" };
    let unknown = client(1);
    let (unread, unwritten) = tokio::join!(keys.find(&unknown), keys.destroy_transaction_keys(day));
    assert_eq!((unread.unwrap_err(), unwritten.unwrap_err()), (silent.clone(), silent));
    assert_eq!(keys.subject_key(subject, 2026).await.unwrap().map(|known| known.key_id), Some(key.key_id));
    cluster.server.thaw();
    assert_eq!(keys.find(&client(1)).await.unwrap(), None);
    assert_eq!(keys.destroy_transaction_keys(day).await.unwrap(), 0);
    assert_eq!(keys.provision(&page(0..2), 2026).await.unwrap(), 1);
}

/// A row that was edited opens nothing.
#[tokio::test]
async fn a_key_that_was_edited_or_moved_does_not_open() {
    let engine = Postgres::empty().await;
    let keys = engine.open_keys(&engine.master).await.unwrap();
    keys.provision(&page(0..2), 2026).await.unwrap();
    let subject = keys.find(&client(0)).await.unwrap().unwrap();
    let mut intruder = engine.database.keys_intruder().await;
    let swap =
        "UPDATE subject_key SET wrapped = (SELECT o.wrapped FROM subject_key o WHERE o.key_id <> subject_key.key_id)";
    intruder.execute(swap).await.unwrap();
    let corrupt = StoreError::Corrupt { store: "key database", table: "subject_key" };
    assert_eq!(keys.subject_key(subject, 2026).await.map(|_| ()).unwrap_err(), corrupt);
    intruder.execute("UPDATE subject_key SET kek_generation = kek_generation").await.unwrap();
    intruder
        .execute("UPDATE subject_key SET wrapped = set_byte(wrapped, 20, 1 # get_byte(wrapped, 20))")
        .await
        .unwrap();
    let id: [u8; 16] =
        sqlx::query_scalar("SELECT key_id FROM subject_key LIMIT 1").fetch_one(&mut intruder).await.unwrap();
    assert_eq!(keys.key_by_id(id).await.map(|_| ()).unwrap_err(), corrupt);
}
