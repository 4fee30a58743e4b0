//! Somebody holds an old snapshot open, as a backup or a report does: appends go on and cost what they cost (A2).

use super::{Site, at};
use crate::world::PATIENCE;
use crate::world::postgres::{Cluster, ROLE, SUPERUSER};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};

/// Appends that are counted together.
const APPENDS: u64 = 600;
/// Appends under the snapshot before those that are counted: what it keeps alive lies in their way.
const BEFORE: u64 = 1_400;
/// How much more an append may read under an old snapshot, in tenths.
const AT_MOST: u64 = 15;
/// What the server counted in this database: pages of tables and of their indexes, TOAST included.
const PAGES: &str = "SELECT sum(coalesce(heap_blks_read, 0) + coalesce(heap_blks_hit, 0) + coalesce(idx_blks_read, 0)
    + coalesce(idx_blks_hit, 0) + coalesce(toast_blks_read, 0) + coalesce(toast_blks_hit, 0)
    + coalesce(tidx_blks_read, 0) + coalesce(tidx_blks_hit, 0))::bigint FROM pg_statio_user_tables";
/// One row that is updated again and again, as a head would be that is no list of rows.
const HOT: &str = "SELECT n FROM hot WHERE id = 1";

async fn superuser(site: &Site, cluster: &Cluster) -> PgConnection {
    PgConnection::connect(&cluster.server.url(SUPERUSER, &site.database)).await.unwrap()
}

/// What was read in the whole database, when every session of a gateway has ended: then they have told all of it.
async fn read(session: &mut PgConnection) -> u64 {
    let ended = format!(
        "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = '{ROLE}')"
    );
    tokio::time::timeout(PATIENCE, async {
        while !sqlx::query_scalar::<_, bool>(AssertSqlSafe(&*ended)).fetch_one(&mut *session).await.unwrap() {}
    })
    .await
    .expect("sessions do not end");
    let pages: i64 = sqlx::query_scalar(PAGES).fetch_one(session).await.unwrap();
    u64::try_from(pages).unwrap()
}

/// So many appends in a session of their own; the pages that they read, pruning included.
async fn cost(site: &Site, session: &mut PgConnection, requests: std::ops::Range<u64>) -> u64 {
    let before = read(session).await;
    let log = site.open(Cluster::shared().server.port(), 1, false).await;
    for number in requests {
        at(&site.append(&log, number).await.unwrap());
    }
    drop(log);
    read(session).await - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_reads_no_more_under_an_old_snapshot() {
    let cluster = Cluster::shared();
    let site = Site::make(cluster).await;
    let mut session = superuser(&site, cluster).await;
    session.execute("CREATE TABLE hot (id int PRIMARY KEY, n int); INSERT INTO hot VALUES (1, 0)").await.unwrap();
    cost(&site, &mut session, 0..APPENDS).await;
    let before = cost(&site, &mut session, APPENDS..2 * APPENDS).await;
    let hot = pages(&mut session, HOT).await.max(1);

    let mut old = superuser(&site, cluster).await;
    old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM log_head").await.unwrap();
    let update = "DO 'BEGIN FOR i IN 1..6000 LOOP UPDATE hot SET n = i WHERE id = 1; COMMIT; END LOOP; END'";
    session.execute(update).await.unwrap();
    cost(&site, &mut session, 2 * APPENDS..2 * APPENDS + BEFORE).await;
    let after = cost(&site, &mut session, 2 * APPENDS + BEFORE..3 * APPENDS + BEFORE).await;
    println!("{before} pages for {APPENDS} appends, {after} under an old snapshot");
    assert!(10 * after <= AT_MOST * before, "{APPENDS} appends read {before} pages, then {after}");
    // Without it the snapshot would not be one that costs anything here.
    let heated = pages(&mut session, HOT).await;
    assert!(heated > 4 * hot, "an old snapshot costs nothing here: {hot} pages, then {heated}");
    old.execute("ROLLBACK").await.unwrap();
}

/// What a statement looks at, in pages: `Buffers: shared hit=3 read=1` of its outermost node.
async fn pages(session: &mut PgConnection, statement: &str) -> u64 {
    let explained = format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {statement}");
    let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explained)).fetch_all(session).await.unwrap();
    let buffers = plan.iter().find(|line| line.contains("Buffers: shared")).unwrap();
    let counts = buffers.split_whitespace().filter_map(|word| word.split_once('='));
    counts.filter(|(kind, _)| ["hit", "read"].contains(kind)).map(|(_, count)| count.parse::<u64>().unwrap()).sum()
}
