//! The primary dies: it comes back, or the standby takes its place. Nothing that was recorded is missing then.

use super::load::Load;
use super::{Site, Told, UNKNOWN, at, blocking, contradicts, named, rid, rounds};
use crate::world::PATIENCE;
use crate::world::postgres::pair::{Pair, name, wait_for};
use crate::world::postgres::server::Server;
use crate::world::wire::{Then, When, Wire};
use sluis_adapters::postgres::PostgresLog;
use sluis_core::ports::{Ledger, StoreError};
use std::sync::Arc;

/// How often the primary is killed and started again.
const KILLS: u64 = 8;
/// Whether a COMMIT waits for a standby.
pub const WAITS: &str =
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query = 'COMMIT')";

/// Cancels that wait: the COMMIT says that all is well, and no standby has it.
pub const CANCEL: &str =
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query = 'COMMIT'";

/// Under load the primary is killed, between COMMIT and reply in every second round, and started again; at last it is killed
/// for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_recorded_is_missing_after_the_primary_dies() {
    let pair = blocking(Pair::start);
    let primary = &pair.primary.server;
    let site = Arc::new(Site::make(&pair.primary).await);
    let wire = Wire::to(primary.port()).await;
    let (one, two) = (site.open(wire.port(), 1, true).await, site.open(primary.port(), 2, true).await);
    let logs = [Arc::new(one), Arc::new(two)];
    let load = Load::start(&site, &[Arc::clone(&logs[0]), Arc::clone(&logs[0]), Arc::clone(&logs[1])]);
    for round in 0..rounds(KILLS) {
        load.goes_on(usize::try_from(10 + 7 * round % 23).unwrap()).await;
        if round % 2 == 0 {
            wire.trap(When::Answered, Then::Freeze);
            wire.caught().await;
        }
        blocking(|| primary.kill());
        wire.thaw();
        blocking(|| primary.start());
        load.goes_on(5).await;
    }
    let mut told = load.stop().await;
    let size = site.check(primary.port(), &told).await.len();
    assert_eq!(size, told.len(), "an entry that nobody was told of");
    blocking(|| primary.kill());
    blocking(|| pair.standby.promote());
    site.check(pair.standby.port(), &told).await;
    // The gateway reaches the new primary at the same address; it waits for a standby of that one.
    wire.point_at(pair.standby.port());
    let third = blocking(|| Server::following(&pair.standby, "third"));
    blocking(|| third.start());
    blocking(|| wait_for(&pair.standby, "third"));
    told.insert(1, site.insist(&logs[0], 1).await);
    assert_eq!(told[&1], size as u64);
    site.check(pair.standby.port(), &told).await;
}

/// A commit that no standby has becomes visible when the primary starts again. Trusting the row would release what a
/// failover takes away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_is_found_after_a_restart_does_not_count_before_a_standby_has_it() {
    let pair = blocking(Pair::start);
    let primary = &pair.primary.server;
    let site = Site::make(&pair.primary).await;
    let wire = Wire::to(primary.port()).await;
    let log = site.open(wire.port(), 1, true).await;
    let mut told = Told::from([(0, at(&site.append(&log, 0).await.unwrap()))]);
    site.tidied(primary);
    blocking(|| pair.standby.stop());
    let (refused, ()) = tokio::join!(site.append(&log, 1), async {
        blocking(|| {
            primary.until("postgres", WAITS);
            primary.kill();
            primary.start();
        });
    });
    assert_eq!(refused.unwrap_err(), UNKNOWN);
    let visible = site.check(primary.port(), &told).await;
    assert_eq!(visible.get(&rid(1)), Some(&1), "the row is there for whoever trusts it");
    assert_eq!(site.append(&log, 1).await.unwrap_err(), named("UNRESOLVED"));
    // Where no standby is required it counts, and is lost in what follows.
    blocking(|| name(primary, ""));
    let careless_wire = Wire::to(primary.port()).await;
    let careless = site.open(careless_wire.port(), 2, false).await;
    let lost = at(&site.append(&careless, 1).await.unwrap());
    assert_eq!(lost, 1);

    blocking(|| primary.kill());
    blocking(|| pair.standby.start());
    blocking(|| pair.standby.promote());
    let there = site.check(pair.standby.port(), &told).await;
    assert_eq!(there.get(&rid(1)), None, "the standby never had it");
    // Who told of it does not write where it is missing, as long as the log is shorter, as long, and longer than it saw.
    careless_wire.point_at(pair.standby.port());
    refuses_for_ever(&site, &careless, 3).await;
    wire.point_at(pair.standby.port());
    let third = blocking(|| Server::following(&pair.standby, "third"));
    blocking(|| third.start());
    blocking(|| wait_for(&pair.standby, "third"));
    told.insert(2, site.insist(&log, 2).await);
    refuses_for_ever(&site, &careless, 4).await;
    told.insert(1, site.insist(&log, 1).await);
    refuses_for_ever(&site, &careless, 5).await;
    assert_eq!([told[&2], told[&1]], [1, 2]);
    let found = site.check(pair.standby.port(), &told).await;
    assert_eq!(found.len(), 3, "who was refused wrote something: {found:?}");
}

/// A replica that saw what a failover took away says that the log is not the one it knows, also when nobody asks.
async fn refuses_for_ever(site: &Site, log: &PostgresLog, number: u64) {
    let refused = tokio::time::timeout(PATIENCE, async {
        loop {
            match site.append(log, number).await.unwrap_err() {
                // Its session ended with the server.
                StoreError::Unavailable { state: "UNREACHABLE", .. } => {}
                other => return other,
            }
        }
    });
    assert_eq!(refused.await.expect("it does not reach the server"), contradicts("log_head"));
    assert_eq!(log.probe().await.unwrap_err(), contradicts("log_head"));
}
