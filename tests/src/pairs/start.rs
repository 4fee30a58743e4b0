//! Faults while a gateway starts, and of the anchor beside its log: it does not serve, and the next start does.

use super::acts::{Act, Scene};
use super::ground::Ground;
use super::trip::{How, Trip};
use super::{bears_out, ports::Tripped, step};
use crate::invariant::seen::Seen;
use crate::world::postgres::Cluster;
use crate::world::wire::{Then, When, Wire};
use sluis::anchor::{AnchorFault, check, keep};
use sluis::compose::assemble;
use sluis::condition::Condition;
use sluis_core::ports::Ledger;
use sluis_core::upkeep::AnchorStore;
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

/// Messages between two cuts of a start: each start costs what reading the policy costs.
const STEP: u64 = 13;

/// Every so many messages that a start sends to the server of the log, and to that of the keys, are cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_is_cut_serves_nothing_and_the_next_one_does() {
    let port = Cluster::shared().server.port();
    let (log, keys) = (Wire::to(port).await, Wire::to(port).await);
    let mut ground = Ground::at_ports(log.port(), keys.port()).await;
    let seen = Arc::<Mutex<Seen>>::default();
    let mut refused = 0;
    for (wire, first, when) in [(&log, 0, When::Before), (&log, 4, When::Answered), (&keys, 1, When::Before)] {
        let mut message = first;
        loop {
            let scene = Scene::open(&ground, &seen).await;
            scene.prepare().await;
            scene.perform(Act::Release, scene.gateway.new_uuid()).await.unwrap();
            drop(scene);
            let (folder, database) = ground.close();
            wire.trap_message(Some((message, when, Then::Cut)));
            let started = assemble(&folder.config).await.map(drop);
            let caught = wire.has_caught();
            wire.trap_message(None);
            refused += u32::from(caught && started.is_err());
            ground = Ground::reopen(folder, database).await;
            if !caught {
                break;
            }
            message += step(STEP);
        }
    }
    println!("{refused} starts refused");
    assert!(refused > 5, "{refused} starts that were refused prove little");
    bears_out(&Scene::open(&ground, &seen).await, &seen).await;
}

const WELL: u8 = 0;
const UNREADABLE: u8 = 1;
const LOST: u8 = 2;
const WRITTEN: u8 = 3;

/// An anchor that cannot be read, or says that it could not be written, when it was not and when it was.
#[derive(Default)]
struct Anchor {
    note: Mutex<Option<String>>,
    how: AtomicU8,
}

impl Anchor {
    fn is(&self, how: u8) -> bool {
        self.how.load(Ordering::SeqCst) == how
    }
}

impl AnchorStore for Anchor {
    fn read(&self) -> io::Result<Option<String>> {
        if self.is(UNREADABLE) { Err(io::Error::other("unreadable")) } else { Ok(self.note.lock().unwrap().clone()) }
    }

    fn keep(&self, note: &str) -> io::Result<()> {
        if !self.is(LOST) {
            *self.note.lock().unwrap() = Some(note.to_owned());
        }
        if self.is(LOST) || self.is(WRITTEN) { Err(io::Error::other("full")) } else { Ok(()) }
    }

    fn name(&self) -> String {
        "anchor".to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_anchor_that_fails_is_named_and_what_cannot_be_compared_is_not_served() {
    let ground = Ground::sqlite().await;
    let scene = Scene::open(&ground, &Arc::default()).await;
    scene.prepare().await;
    let (gateway, anchor) = (&scene.gateway, Arc::new(Anchor::default()));
    let store: Arc<dyn AnchorStore> = Arc::clone(&anchor) as _;
    let (recorder, conditions) = (&gateway.recorder, &gateway.conditions);
    for how in [LOST, WRITTEN] {
        anchor.how.store(how, Ordering::SeqCst);
        assert_eq!(keep(recorder, &store, conditions).await, None);
        assert!(conditions.holds(Condition::AnchorFailing));
        scene.perform(Act::Release, gateway.new_uuid()).await.unwrap();
        anchor.how.store(WELL, Ordering::SeqCst);
        assert!(keep(recorder, &store, conditions).await.is_some());
        assert!(!conditions.holds(Condition::AnchorFailing), "it ends with the fault");
    }
    scene.perform(Act::Release, gateway.new_uuid()).await.unwrap();
    let ledger = gateway.ledger.as_ref();
    anchor.how.store(UNREADABLE, Ordering::SeqCst);
    let refused = check(ledger, anchor.as_ref(), &gateway.verifier_key()).await.unwrap_err();
    assert!(matches!(refused, AnchorFault::Unreadable { .. }), "{refused}");
    anchor.how.store(WELL, Ordering::SeqCst);

    // Every read of the comparison fails in turn: it is never taken for an agreement.
    scene.trip.arm(None);
    check(ledger, anchor.as_ref(), &gateway.verifier_key()).await.unwrap();
    let calls = scene.trip.numbered();
    assert!(calls.len() > 1, "the log grew, and only its head was read: {calls:?}");
    let trip = Arc::new(Trip::idle());
    let tripped: Arc<dyn Ledger> = Tripped::around(ground.log(), &trip);
    for (name, nth) in calls {
        for how in [How::Refused, How::Lost, How::Persisted] {
            trip.arm(Some((name, nth, how)));
            let compared = check(tripped.as_ref(), anchor.as_ref(), &gateway.verifier_key()).await;
            assert!(matches!(compared, Err(AnchorFault::Store(_))), "{name} {nth} {how:?}: {compared:?}");
        }
    }
}
