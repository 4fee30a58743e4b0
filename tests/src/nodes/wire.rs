//! The connection ends or goes silent around a COMMIT: the next writer settles under the lock whether the entry stands.

use super::{Site, Told, UNKNOWN, at, named, rounds};
use crate::world::postgres::Cluster;
use crate::world::wire::{Then, When, Wire};
use sluis_core::log::draft::Outcome;

/// Where the connection is cut, and whether the entry then stands; either where it depends on who is faster.
const CUTS: [(When, Option<bool>); 5] = [
    (When::Before, Some(false)),
    (When::Half, Some(false)),
    (When::Sent, None),
    (When::Answered, Some(true)),
    (When::Delivered, Some(true)),
];

/// The caller is told that the entry stands, that it does not, or that it is not known, and never wrongly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_whose_connection_was_cut_around_its_commit_is_settled() {
    let cluster = Cluster::shared();
    let site = Site::make(cluster).await;
    let port = cluster.server.port();
    let wire = Wire::to(port).await;
    let (log, other) = (site.open(wire.port(), 1, false).await, site.open(port, 2, false).await);
    let (mut told, mut number) = (Told::new(), 0);
    for (when, stands) in (0..rounds(2)).flat_map(|_| CUTS) {
        // Another replica writes before and after, so that there is something to fold, and the index may be taken.
        told.insert(number, site.insist(&other, number).await);
        let cut = number + 1;
        wire.trap(when, Then::Cut);
        let answer = site.append(&log, cut).await;
        wire.caught().await;
        told.insert(number + 2, site.insist(&other, number + 2).await);
        let stood = match &answer {
            Ok(outcome) => {
                told.insert(cut, at(outcome));
                Some(true)
            }
            Err(error) if *error == named("LOST") => Some(false),
            Err(error) => {
                assert_eq!(*error, UNKNOWN, "{when:?}");
                None
            }
        };
        let again = site.insist(&log, cut).await;
        let repeated = told.insert(cut, again);
        assert!(repeated.is_none_or(|before| before == again), "{when:?}: {repeated:?}, then {again}");
        // What stood before the other went on has a lower index.
        let found = again < told[&(number + 2)];
        assert!(stands.is_none_or(|stands| stands == found), "{when:?}: {answer:?}, found {found}");
        assert!(stood.is_none_or(|stood| stood == found), "{when:?}: {answer:?}, found {found}");
        number += 3;
    }
    site.check(port, &told).await;
}

/// The server has answered, and the answer comes late: nobody else is held up, and the entry is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_comes_late_holds_up_nobody_else() {
    let cluster = Cluster::shared();
    let site = Site::make(cluster).await;
    let port = cluster.server.port();
    let wire = Wire::to(port).await;
    let (log, other) = (site.open(wire.port(), 1, false).await, site.open(port, 2, false).await);
    wire.trap(When::Answered, Then::Freeze);
    let (answer, told) = tokio::join!(site.append(&log, 0), async {
        wire.caught().await;
        let told = site.append(&other, 1).await;
        wire.thaw();
        told
    });
    assert!(matches!(answer, Ok(Outcome::Recorded { index: 0, .. })), "{answer:?}");
    assert!(matches!(told, Ok(Outcome::Recorded { index: 1, .. })), "{told:?}");
    site.check(port, &Told::from([(0, 0), (1, 1)])).await;
}
