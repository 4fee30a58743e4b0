//! The standby does not answer, or nobody waits for it: nothing counts, a state is named, and it goes on by itself.

use super::failover::{CANCEL, WAITS};
use super::{Site, Told, UNKNOWN, at, blocking, named};
use crate::world::postgres::pair::{Pair, name, wait_for};
use sluis_core::log::draft::Outcome;
use sluis_core::ports::Ledger;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_standby_is_paused_nothing_counts() {
    let pair = blocking(Pair::start);
    let site = Site::make(&pair.primary).await;
    let port = pair.primary.server.port();
    let log = site.open(port, 1, true).await;
    let mut told = Told::from([(0, at(&site.append(&log, 0).await.unwrap()))]);
    site.tidied(&pair.primary.server);
    pair.standby.freeze();
    assert_eq!(site.append(&log, 1).await.unwrap_err(), UNKNOWN);
    assert_eq!(site.append(&log, 2).await.unwrap_err(), named("UNRESOLVED"));
    assert_eq!(log.probe().await.unwrap_err(), named("UNRESOLVED"));
    pair.standby.thaw();
    told.insert(2, site.insist(&log, 2).await);
    told.insert(1, site.insist(&log, 1).await);
    assert_eq!([told[&1], told[&2]], [1, 2], "the first was written when the standby was asked");
    site.check(port, &told).await;
    blocking(|| pair.catches_up());
    site.check(pair.standby.port(), &told).await;
}

/// COMMIT says that all is well. Only a replica that asks the standby itself notices (A1).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_no_standby_has_does_not_count() {
    let pair = blocking(Pair::start);
    let primary = &pair.primary.server;
    let site = Site::make(&pair.primary).await;
    let log = site.open(primary.port(), 1, true).await;
    let second = site.open(primary.port(), 2, true).await;
    let careless = site.open(primary.port(), 3, false).await;
    let mut told = Told::from([(0, at(&site.append(&log, 0).await.unwrap()))]);

    site.tidied(primary);
    pair.standby.freeze();
    let cancel = |recorded: &str| {
        primary.until("postgres", WAITS);
        primary.sql("postgres", CANCEL);
        primary.until(&site.database, &format!("SELECT count(*) = {recorded} FROM log_leaf"));
    };
    // Another replica sees the entry; no more than the one that wrote it may it say that it stands.
    let (written, elsewhere) = tokio::join!(site.append(&log, 1), async {
        blocking(|| cancel("2"));
        site.append(&second, 1).await
    });
    assert_eq!([written.unwrap_err(), elsewhere.unwrap_err()], [UNKNOWN, named("NO_STANDBY")]);
    let (recorded, ()) = tokio::join!(site.append(&careless, 2), async { blocking(|| cancel("3")) });
    assert!(matches!(recorded, Ok(Outcome::Recorded { index: 2, .. })), "{recorded:?}");

    blocking(|| name(primary, ""));
    let (settled, written, recorded) =
        tokio::join!(site.append(&log, 3), site.append(&second, 4), site.append(&careless, 5));
    assert_eq!([settled.unwrap_err(), written.unwrap_err()], [named("UNRESOLVED"), UNKNOWN]);
    assert!(matches!(recorded, Ok(Outcome::Recorded { .. })), "{recorded:?}");

    pair.standby.thaw();
    blocking(|| wait_for(primary, "standby"));
    for number in 1..=5 {
        told.insert(number, site.insist(if number % 2 == 0 { &second } else { &log }, number).await);
    }
    site.check(primary.port(), &told).await;
    blocking(|| primary.kill());
    blocking(|| pair.standby.promote());
    site.check(pair.standby.port(), &told).await;
}
