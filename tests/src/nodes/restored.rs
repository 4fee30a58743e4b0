//! A database that was put back, or written anew, under replicas that saw more: they write nothing more, and say so (A5).

use super::{Site, at, blocking, contradicts};
use crate::world::postgres::server::Server;
use crate::world::postgres::{Cluster, SUPERUSER};
use crate::world::wire::Wire;
use sluis_core::ports::Ledger;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};

/// Takes the newest entries away, past every trigger, as a careful intruder does.
pub const PUT_BACK: &str = "BEGIN;
    SET LOCAL session_replication_role = replica;
    DELETE FROM log_leaf WHERE idx >= (SELECT max(size) FROM kept);
    DELETE FROM subject_segment WHERE last >= (SELECT max(size) FROM kept);
    DELETE FROM log_head;
    INSERT INTO log_head SELECT * FROM kept;
    COMMIT";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_cut_back_is_not_written_to_by_who_saw_more() {
    let cluster = Cluster::shared();
    let site = Site::make(cluster).await;
    let port = cluster.server.port();
    let mut intruder = PgConnection::connect(&cluster.server.url(SUPERUSER, &site.database)).await.unwrap();
    let (one, two) = (site.open(port, 1, false).await, site.open(port, 2, false).await);
    for number in 0..4 {
        at(&site.append(&one, number).await.unwrap());
    }
    let keep = "CREATE TABLE kept AS SELECT * FROM log_head ORDER BY size DESC LIMIT 1";
    intruder.execute(keep).await.unwrap();
    // Each of them saw another size; three writes anew what they saw.
    at(&site.append(&two, 10).await.unwrap());
    at(&site.append(&one, 11).await.unwrap());
    intruder.execute(PUT_BACK).await.unwrap();
    assert_eq!(site.append(&one, 12).await.unwrap_err(), contradicts("log_head"));
    assert_eq!(one.probe().await.unwrap_err(), contradicts("log_head"));

    let three = site.open(port, 3, false).await;
    at(&site.append(&three, 20).await.unwrap());
    assert_eq!(site.append(&two, 13).await.unwrap_err(), contradicts("log_head"), "the same size, another tree");
    at(&site.append(&three, 21).await.unwrap());
    at(&site.append(&three, 22).await.unwrap());
    // Longer than what they saw, and still not theirs.
    for log in [&one, &two] {
        assert_eq!(site.append(log, 14).await.unwrap_err(), contradicts("log_head"));
    }
    let found = site.check(port, &[(20, 4), (21, 5), (22, 6)].into()).await;
    assert_eq!(found.len(), 7, "nothing was written by those who halted");
}

/// Nobody looked in between: the tree that the others wrote does not begin with what this replica saw.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_written_anew_and_grew_is_found_before_anybody_is_told() {
    let cluster = Cluster::shared();
    let site = Site::make(cluster).await;
    let port = cluster.server.port();
    let mut intruder = PgConnection::connect(&cluster.server.url(SUPERUSER, &site.database)).await.unwrap();
    let one = site.open(port, 1, false).await;
    at(&site.append(&one, 0).await.unwrap());
    intruder.execute("CREATE TABLE kept AS SELECT * FROM log_head ORDER BY size DESC LIMIT 1").await.unwrap();
    at(&site.append(&one, 1).await.unwrap());
    intruder.execute(PUT_BACK).await.unwrap();
    let two = site.open(port, 2, false).await;
    for number in 10..14 {
        at(&site.append(&two, number).await.unwrap());
    }
    // A refusal that stands already is an answer too: its head would be signed.
    assert_eq!(site.append(&one, 12).await.unwrap_err(), contradicts("log_head"));
    assert_eq!(site.append(&one, 2).await.unwrap_err(), contradicts("log_head"));
    assert_eq!(one.probe().await.unwrap_err(), contradicts("log_head"));
    at(&site.append(&two, 14).await.unwrap());
}

/// A backup takes the place of the server, at the same address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_was_put_back_is_not_written_to() {
    let cluster = blocking(Cluster::start);
    let site = Site::make(&cluster).await;
    let wire = Wire::to(cluster.server.port()).await;
    let log = site.open(wire.port(), 1, false).await;
    at(&site.append(&log, 0).await.unwrap());
    let backup = blocking(|| Server::backup(&cluster.server, "backup"));
    let told = [(0, 0), (1, at(&site.append(&log, 1).await.unwrap()))].into();
    site.check(wire.port(), &told).await;
    blocking(|| cluster.server.kill());
    blocking(|| backup.start());
    wire.point_at(backup.port());
    let refused = loop {
        match site.append(&log, 2).await.unwrap_err() {
            // The session ended with the server.
            sluis_core::ports::StoreError::Unavailable { state: "UNREACHABLE", .. } => {}
            other => break other,
        }
    };
    assert_eq!(refused, contradicts("log_head"));
    drop(site.check(backup.port(), &[(0, 0)].into()).await);
}
