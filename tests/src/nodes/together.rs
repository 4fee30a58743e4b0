//! Several replicas append to one log at once: none waits for one that is frozen, or for whoever reads.

use super::load::Load;
use super::{Site, Told, at, named, rounds};
use crate::world::postgres::{Cluster, ROLE, SUPERUSER};
use crate::world::wire::{Then, When, Wire};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use std::sync::Arc;
use std::time::Duration;

/// Longest that others may stand still when one of them freezes with the lock in its hand: a second and a half until the
/// server ends its session, and what two slow cores need besides.
const STANDSTILL: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_leave_no_gap_and_no_duplicate() {
    let cluster = Cluster::shared();
    let site = Arc::new(Site::make(cluster).await);
    let port = cluster.server.port();
    let mut logs = Vec::new();
    for replica in [1, 2, 3] {
        let log = Arc::new(site.open(port, replica, false).await);
        logs.extend([Arc::clone(&log), log]);
    }
    let load = Load::start(&site, &logs);
    for _ in 0..rounds() {
        load.goes_on(60).await;
    }
    let told = load.stop().await;
    assert_eq!(site.check(port, &told).await.len(), told.len());
}

/// A replica freezes between writing and COMMIT, with the lock: the server ends its session, and nothing of it stands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_freezes_with_the_lock_does_not_stop_the_others() {
    let cluster = Cluster::shared();
    let site = Site::make(cluster).await;
    let port = cluster.server.port();
    let wire = Wire::to(port).await;
    let frozen = site.open(wire.port(), 1, false).await;
    let others = [site.open(port, 2, false).await, site.open(port, 3, false).await];
    wire.trap(When::Before, Then::Freeze);
    let others_go_on = async {
        wire.caught().await;
        let go_on = async { tokio::join!(site.append(&others[0], 2), site.append(&others[1], 3)) };
        let told = tokio::time::timeout(STANDSTILL, go_on).await.expect("the others stand still");
        wire.thaw();
        told
    };
    let (refused, told) = tokio::join!(site.append(&frozen, 1), others_go_on);
    assert_eq!(refused.unwrap_err(), named("LOST"));
    let mut told = Told::from([(2, at(&told.0.unwrap())), (3, at(&told.1.unwrap()))]);
    told.insert(1, site.insist(&frozen, 1).await);
    assert_eq!(told.values().copied().max(), Some(2));

    // A session without the time limits of a writer holds the lock as long as it likes; the others say so.
    let mut holder = PgConnection::connect(&cluster.server.url(ROLE, &site.database)).await.unwrap();
    holder.execute("BEGIN; SELECT FROM log_shard FOR UPDATE").await.unwrap();
    assert_eq!(site.append(&others[0], 4).await.unwrap_err(), named("LOCKED"));
    holder.execute("ROLLBACK").await.unwrap();
    told.insert(4, site.insist(&others[0], 4).await);
    site.check(port, &told).await;
}

/// What a statement looks at, in pages: `Buffers: shared hit=3 read=1` of its outermost node.
async fn pages(session: &mut PgConnection, statement: &str) -> u64 {
    let explained = format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {statement}");
    let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explained)).fetch_all(session).await.unwrap();
    let buffers = plan.iter().find(|line| line.contains("Buffers: shared")).unwrap();
    let counts = buffers.split_whitespace().filter_map(|word| word.split_once('='));
    counts.filter(|(kind, _)| ["hit", "read"].contains(kind)).map(|(_, count)| count.parse::<u64>().unwrap()).sum()
}

/// Appends while somebody holds an old snapshot: what lock and head cost stays as it was, and what one row that is
/// updated in every commit would cost does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_snapshot_slows_nobody() {
    const APPENDS: u64 = 600;
    const HOT: &str = "SELECT n FROM hot WHERE id = 1";
    let cluster = Cluster::shared();
    let site = Site::make(cluster).await;
    let log = site.open(cluster.server.port(), 1, false).await;
    let url = cluster.server.url(SUPERUSER, &site.database);
    let mut session = PgConnection::connect(&url).await.unwrap();
    session.execute("CREATE TABLE hot (id int PRIMARY KEY, n int); INSERT INTO hot VALUES (1, 0)").await.unwrap();
    at(&site.append(&log, 0).await.unwrap());
    let statements = sluis_adapters::postgres::LOG_STATEMENTS;
    let named = |name| {
        let found = statements.iter().find(|(found, _)| *found == name).unwrap();
        found.1.replace("$1", "1")
    };
    let statements = [named("LOCK"), named("HEAD"), HOT.to_owned()];
    let mut before = [0; 3];
    let mut after = [0; 3];
    for (count, statement) in before.iter_mut().zip(&statements) {
        *count = pages(&mut session, statement).await.max(1);
    }
    let mut old = PgConnection::connect(&url).await.unwrap();
    old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM log_head").await.unwrap();
    let update = "DO 'BEGIN FOR i IN 1..6000 LOOP UPDATE hot SET n = i WHERE id = 1; COMMIT; END LOOP; END'";
    session.execute(update).await.unwrap();
    for number in 1..=APPENDS {
        at(&site.append(&log, number).await.unwrap());
    }
    for (count, statement) in after.iter_mut().zip(&statements) {
        *count = pages(&mut session, statement).await;
    }
    assert!(after[0] <= 4 * before[0] && after[1] <= 4 * before[1], "{before:?} pages, then {after:?}");
    assert!(after[2] > 4 * before[2], "an old snapshot costs nothing here: {before:?} pages, then {after:?}");
    old.execute("ROLLBACK").await.unwrap();
}
