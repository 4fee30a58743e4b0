//! What an append is told under the lock is what the last holder of the lock wrote, not what stood there when it began to wait.
//!
//! In one statement it would be the latter: PostgreSQL takes the snapshot of a statement before it waits for a row (A2).

use super::Engine;
use super::postgres::Postgres;
use crate::world::PATIENCE;
use sqlx::{Connection, Executor, Row};

/// Lock and head as one statement, which is the defect.
const AS_ONE: &str = "SELECT h.size, false, false, false FROM log_shard s JOIN log_head h USING (log_id)
                      WHERE s.log_id = 1 ORDER BY h.size DESC LIMIT 1 FOR UPDATE OF s";
const LOOK: &str = "SELECT size, versions IS NOT NULL, seen_indexes IS NOT NULL, halted
                    FROM log_look(1::smallint, 1::smallint, '{3}', '{x01}', '{00000001}', ARRAY[decode(repeat('02', 16), 'hex')])";
/// What the holder of the lock writes while the other waits: head, state, a transaction and a halt.
const WRITES: &str = "SET session_replication_role = replica;
    INSERT INTO log_leaf (log_id, idx, leaf, hash, kind, t, rid, replica, oin, txn, digest) VALUES (1, 0, '',
      decode(repeat('00', 32), 'hex'), 1, 0, decode(repeat('01', 16), 'hex'), 1, '00000001',
      decode(repeat('02', 16), 'hex'), decode(repeat('03', 32), 'hex'));
    INSERT INTO state (kind, key, version, log_id, leaf_index, sealed) VALUES (3, 'x01', 1, 1, 0, '');
    INSERT INTO log_halt (replica, t, found, sealed) VALUES (1, 5, 'x', '');
    INSERT INTO log_head (log_id, size, frontier, last_t) VALUES (1, 1, '', 0)";

/// What a session that waits for the lock reads when it has it: size, whether it saw the state, the transaction, and
/// the halt.
async fn told(statement: &'static str) -> (i64, bool, bool, bool) {
    let engine = Postgres::empty().await;
    let (mut holder, mut waits) = (engine.database.log_intruder().await, engine.database.log_intruder().await);
    let mut onlooker = engine.database.log_intruder().await;
    let waiter: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut waits).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    held.execute("SELECT FROM log_shard WHERE log_id = 1 FOR UPDATE").await.unwrap();
    let waiting = tokio::spawn(async move { waits.fetch_one(statement).await.unwrap() });
    tokio::time::timeout(PATIENCE, async {
        let waits = "SELECT coalesce(wait_event_type = 'Lock', false) FROM pg_stat_activity WHERE pid = $1";
        while !sqlx::query_scalar::<_, bool>(waits).bind(waiter).fetch_one(&mut onlooker).await.unwrap() {}
    })
    .await
    .expect("nobody waits for the lock");
    held.execute(WRITES).await.unwrap();
    held.commit().await.unwrap();
    let row = tokio::time::timeout(PATIENCE, waiting).await.expect("the lock was not given").unwrap();
    (row.get(0), row.get(1), row.get(2), row.get(3))
}

#[tokio::test]
async fn an_append_sees_what_the_last_holder_of_the_lock_wrote() {
    assert_eq!(told(LOOK).await, (1, true, true, true));
}

/// The control: in one statement the head is the one from before the wait.
#[tokio::test]
async fn one_statement_would_see_what_stood_there_before_it_waited() {
    assert_eq!(told(AS_ONE).await.0, 0);
}
