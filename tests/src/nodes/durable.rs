//! The connection ends on the way from COMMIT to the standby's answer, the primary dies, and the standby takes its place: whatever
//! a caller was told is there, and nothing counted before it was (A1).

use super::failover::{CANCEL, WAITS};
use super::messages::{Lane, Met, meets};
use super::{Site, Told, UNKNOWN, at, blocking, rid};
use crate::world::postgres::pair::{Pair, wait_for};
use crate::world::postgres::server::Server;
use crate::world::wire::{Then, When, Wire};
use sluis_adapters::postgres::PostgresLog;

/// Every message of an append that waits for a standby: the last ones ask whether the standby has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_around_a_cut_is_on_the_standby_that_takes_over() {
    let pair = blocking(Pair::start);
    let mut lane = Lane::open(&pair.primary, true).await;
    let (mut messages, mut stood, mut lost) = (0, 0, 0);
    for when in [When::Before, When::Answered] {
        let mut message = 0;
        loop {
            match meets(&mut lane, (message, when, Then::Cut)).await {
                Met::Nothing => break,
                Met::Stood => stood += 1,
                Met::Lost => lost += 1,
                Met::Clear => {}
            }
            message += 1;
        }
        messages += message;
    }
    println!("{messages} messages, {stood} entries stood unknown, {lost} did not");
    assert!(messages > 20 && stood > 0, "no cut came between COMMIT and the answer of the standby");
    blocking(|| pair.primary.server.kill());
    blocking(|| pair.standby.promote());
    lane.site.check(pair.standby.port(), &lane.told).await;
    goes_on(&pair, &mut lane.told, (&lane.site, &lane.wire, &lane.log), 1_000_000).await;
}

/// The COMMIT is answered and no standby has the entry, since somebody cancelled the wait; before the replica can ask the
/// standby, its connection ends. Its row is there for whoever looks. Then a failover takes it away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_was_committed_and_never_on_the_standby_was_told_to_nobody() {
    for when in [When::Answered, When::Delivered] {
        let pair = blocking(Pair::start);
        let primary = &pair.primary.server;
        let site = Site::make(&pair.primary).await;
        let wire = Wire::to(primary.port()).await;
        let log = site.open(wire.port(), 1, true).await;
        let mut told = Told::from([(0, at(&site.append(&log, 0).await.unwrap()))]);
        site.tidied(primary);
        blocking(|| pair.standby.stop());
        wire.trap(when, Then::Cut);
        let (refused, ()) = tokio::join!(site.append(&log, 1), async {
            blocking(|| {
                primary.until("postgres", WAITS);
                primary.sql("postgres", CANCEL);
            });
            wire.caught().await;
        });
        assert_eq!(refused.unwrap_err(), UNKNOWN, "{when:?}");
        let visible = site.check(primary.port(), &told).await;
        assert_eq!(visible.get(&rid(1)), Some(&1), "the row is there for whoever trusts it");

        blocking(|| primary.kill());
        blocking(|| pair.standby.start());
        blocking(|| pair.standby.promote());
        let there = site.check(pair.standby.port(), &told).await;
        assert_eq!(there.get(&rid(1)), None, "the standby never had it");
        goes_on(&pair, &mut told, (&site, &wire, &log), 1).await;
        assert_eq!(told[&1], 1, "it takes the place of what was lost");
    }
}

/// The replica reaches the new primary at the same address, waits for a standby of that one, and appends this request.
async fn goes_on(pair: &Pair, told: &mut Told, (site, wire, log): (&Site, &Wire, &PostgresLog), number: u64) {
    wire.point_at(pair.standby.port());
    let third = blocking(|| Server::following(&pair.standby, "third"));
    blocking(|| third.start());
    blocking(|| wait_for(&pair.standby, "third"));
    told.insert(number, site.insist(log, number).await);
    site.check(pair.standby.port(), told).await;
}
