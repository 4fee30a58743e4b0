//! Every message of one append, from BEGIN to COMMIT and, where a standby is required, to its answer: the connection is cut,
//! everything goes silent, or every packet is lost, before the server sees it, and after the server has answered what it belongs to.
//!
//! The caller is told that the entry stands, that it does not, or that it is not known, and never wrongly; the next append
//! settles it, and another replica goes on.

use super::{Site, Told, UNKNOWN, at};
use crate::world::postgres::Cluster;
use crate::world::wire::{Then, When, Wire};
use sluis_adapters::postgres::PostgresLog;
use sluis_core::ports::StoreError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Longest that another replica may stand still: five to six seconds until the server's kernel gives up a peer that acknowledges
/// nothing (`tcp_keepalives`, `tcp_user_timeout`), and what slow cores need besides.
///
/// Amid the messages of one statement the server limits nothing else: it holds off `statement_timeout` while it reads, and only
/// its version 17 has `transaction_timeout`. There a middlebox that is alive, acknowledges and says nothing holds the lock as
/// long as it likes; the others release nothing meanwhile, and say so.
const STANDSTILL: Duration = Duration::from_secs(9);
/// More messages than one append has.
const MESSAGES_MAX: u64 = 400;
/// Silences that are waited for at one time: each takes as long as the patience of the gateway or of the server.
const AT_ONCE: u64 = 8;

/// A replica behind a wire, and another one beside it.
pub struct Lane {
    pub site: Site,
    pub wire: Wire,
    /// Behind the wire.
    pub log: PostgresLog,
    other: PostgresLog,
    port: u16,
    number: u64,
    /// What callers were told of every request.
    pub told: Told,
}

impl Lane {
    pub async fn open(cluster: &Cluster, standby: bool) -> Self {
        let (port, site) = (cluster.server.port(), Site::make(cluster).await);
        let wire = Wire::to(port).await;
        let (log, other) = (site.open(wire.port(), 1, standby).await, site.open(port, 2, standby).await);
        Self { site, wire, log, other, port, number: 0, told: Told::new() }
    }
}

/// What came of an append.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// It has no such message.
    Nothing,
    /// Its caller was told whether it stands.
    Clear,
    /// It was not known to stand, and stood.
    Stood,
    /// It was not known to stand, and did not.
    Lost,
}

/// One append whose message with this number meets something.
pub async fn meets(lane: &mut Lane, (message, when, then): (u64, When, Then)) -> Met {
    let (first, cut, last) = (lane.number, lane.number + 1, lane.number + 2);
    lane.number += 3;
    let Lane { site, wire, log, other, told, port, .. } = lane;
    told.insert(first, site.insist(log, first).await);
    wire.trap_message(Some((message, when, then)));
    let answer = site.append(log, cut).await;
    let caught = wire.has_caught();
    wire.trap_message(None);
    let place = format!("{when:?} message {message}, {then:?}: {answer:?}");
    // Another replica is not held up for longer than the server lets a silent session hold the lock.
    let goes_on = tokio::time::timeout(STANDSTILL, site.insist(other, last)).await;
    wire.thaw();
    told.insert(
        last,
        match goes_on {
            Ok(index) => index,
            Err(_elapsed) => {
                let amid = when == When::Before && ['D', 'E', 'C', 'S'].contains(&wire.kind());
                assert!(amid && then == Then::Freeze, "{place}, `{}`: another replica stands still", wire.kind());
                site.insist(other, last).await
            }
        },
    );
    let again = site.insist(log, cut).await;
    match &answer {
        Ok(outcome) => assert_eq!(at(outcome), again, "{place}: it stands elsewhere"),
        Err(StoreError::Unavailable { .. }) => assert!(again > told[&last], "{place}: it stood although it did not"),
        Err(error) => assert_eq!(*error, UNKNOWN, "{place}"),
    }
    told.insert(cut, again);
    site.check(*port, told).await;
    match answer {
        _ if !caught => Met::Nothing,
        Err(error) if error == UNKNOWN && again < told[&last] => Met::Stood,
        Err(error) if error == UNKNOWN => Met::Lost,
        _ => Met::Clear,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_connection_is_cut_at_any_message_is_settled() {
    let mut lane = Lane::open(Cluster::shared(), false).await;
    for when in [When::Before, When::Answered] {
        let mut messages = 0;
        while meets(&mut lane, (messages, when, Then::Cut)).await != Met::Nothing {
            messages += 1;
            assert!(messages < MESSAGES_MAX);
        }
        println!("{when:?}: {messages} messages");
        assert!(messages > 10, "an append of {messages} messages proves little");
    }
}

/// Every message of an append meets the same, several at a time.
async fn at_any_message(when: When, then: Then) {
    let next = Arc::new(AtomicU64::new(0));
    let mut lanes = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let next = Arc::clone(&next);
        lanes.spawn(async move {
            let (mut lane, mut met) = (Lane::open(Cluster::shared(), false).await, 0);
            while meets(&mut lane, (next.fetch_add(1, Ordering::SeqCst), when, then)).await != Met::Nothing {
                met += 1;
            }
            met
        });
    }
    let met: u64 = lanes.join_all().await.into_iter().sum();
    println!("{when:?}, {then:?}: {met} silences");
    assert!(met > 10, "an append of {met} messages proves little");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_goes_silent_at_any_message_is_settled() {
    at_any_message(When::Before, Then::Freeze).await;
    at_any_message(When::Answered, Then::Freeze).await;
}

/// A partition: the server's packets are lost too, so that its kernel finds out, at whatever message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_cut_off_at_any_message_does_not_stop_the_others() {
    at_any_message(When::Before, Then::Vanish).await;
    at_any_message(When::Answered, Then::Vanish).await;
}
