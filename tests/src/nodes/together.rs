//! Several replicas append to one log at once: none waits for one that is frozen.

use super::load::Load;
use super::{Site, Told, at, named, rounds};
use crate::world::postgres::{Cluster, ROLE};
use crate::world::wire::{Then, When, Wire};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
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
    for _ in 0..rounds(2) {
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
