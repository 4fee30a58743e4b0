//! Lines that a port, the clock or the disk of a gateway in process brings about, over the wire as its callers see it.

use super::{By, Ends, LINES, Line};
use crate::replicas::becomes_at;
use crate::world::broken::Broken;
use crate::world::desk::{Desk, said, transaction};
use crate::world::people::Client;
use crate::world::ports::{Append, Fetch};
use crate::world::{Options, PATIENCE};
use sluis::condition::Condition;
use sluis::demo::organisations::{DOSSIER_SYSTEM, partners};
use sluis::operation::watch::{Disk, Expiry, Surroundings, Usage, Watch};
use sluis::scrubber::{Acting, Hearing};
use sluis_core::log::scrub::Found;
use sluis_core::ports::{DossierError, StoreError};
use sluis_proto::v1;
use sluis_proto::v1::release_response::Outcome;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tonic::Code;
use uuid::Uuid;

const WORKER: &str = "fs-0001";

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
pub enum Plant {
    LogRefuses(&'static str),
    LogSilent,
    LogForgets,
    NoOutcomes,
    KeysRefuse,
    FactsRefuse,
    FactsSilent,
    ClockBehind,
    DiskLow,
    Tampered,
}

/// A disk of which nothing is free, or everything.
#[derive(Default)]
struct Switchable(AtomicBool);

impl Surroundings for Switchable {
    fn disk(&self) -> Option<Disk> {
        Some(Disk { free: if self.0.load(Ordering::SeqCst) { 4 } else { 100 }, total: 100 })
    }
    fn usage(&self) -> Option<Usage> {
        None
    }
    fn expiries(&self) -> Vec<Expiry> {
        Vec::new()
    }
}

/// A gateway that is watched, and a question that it answers with a release.
struct Ward {
    broken: Broken,
    disk: Arc<Switchable>,
    desk: Desk,
    question: v1::ReleaseRequest,
    _end: tokio::sync::watch::Sender<bool>,
}

impl Ward {
    async fn open() -> Self {
        let (child, partner) = (Client::new(1, 8), partners().next().unwrap());
        let broken = Broken::open(Options::with(vec![child.clone()])).await;
        let (kind, on) = sluis::client::standing::on_wire(&child.caseload(partner.oin, WORKER));
        broken.desk(&DOSSIER_SYSTEM).await.record(child.by_number(), kind, on).await.unwrap();
        let (disk, (end, ending)) = (Arc::<Switchable>::default(), tokio::sync::watch::channel(false));
        let watch = Watch::new(Arc::clone(&broken.gateway), Arc::clone(&disk) as _, 5);
        tokio::spawn(watch.run(ending));
        let desk = broken.desk(&partner).await;
        let question = child.question(v1::Purpose::Treatment, WORKER);
        Self { broken, disk, desk, question, _end: end }
    }

    /// Gives the transaction under which it was.
    async fn released(&self, place: &str) -> Uuid {
        let id = transaction();
        let reply = self.desk.release_under(self.question.clone(), id).await;
        let reply = reply.unwrap_or_else(|e| panic!("{place}: {e}"));
        assert!(matches!(reply.outcome, Some(Outcome::Released(_))), "{place}");
        id
    }

    async fn refused(&self, line: &Line) {
        let before = self.broken.size().await;
        let status = self.desk.release(self.question.clone()).await.unwrap_err();
        assert_eq!(said(&status), (Code::Unavailable, line.reason.to_owned(), String::new()), "{}", line.says);
        let written = u64::from(line.shows == Some(Condition::LogHalted));
        assert_eq!(self.broken.size().await, before + written, "{}", line.says);
    }

    async fn plant(&self, what: Plant) {
        let broken = &self.broken;
        let silent = |store| StoreError::Unavailable { store, state: "UNREACHABLE" };
        match what {
            Plant::LogRefuses(state) => {
                broken.log.set(Some(Append::Fails(StoreError::Unavailable { store: "log database", state })));
            }
            Plant::LogSilent => broken.log.set(Some(Append::Silent)),
            Plant::LogForgets => broken.log.set(Some(Append::ForgetsThatItWrote)),
            Plant::NoOutcomes => self.give_up(silent("log database")).await,
            Plant::KeysRefuse => broken.keys.set(Some(silent("key database"))),
            Plant::FactsRefuse => {
                broken.facts.set(Some(silent("holder database")));
                broken.dossier.set(Some(Fetch::Fails(DossierError::Store(silent("holder database")))));
            }
            Plant::FactsSilent => broken.facts_slow_ms.store(60_000, Ordering::SeqCst),
            Plant::ClockBehind => broken.clock.0.store(-10_000, Ordering::SeqCst),
            Plant::DiskLow => self.disk.0.store(true, Ordering::SeqCst),
            Plant::Tampered => {
                let acting = Acting { gateway: Arc::clone(&broken.gateway), brake: Arc::clone(&broken.brake) };
                acting.found(&Found::open("log_leaf", 1, "changed"));
            }
        }
        // What the watch finds by itself closes the door before anybody asks.
        if matches!(what, Plant::DiskLow) {
            becomes_at(&broken.gateway.conditions, Condition::DiskLow, true).await;
        }
    }

    /// So many callers go away with a release in their hands that their outcomes pile up.
    async fn give_up(&self, error: StoreError) {
        let in_flight = self.broken.gateway.recorder.in_flight();
        self.broken.log.set(Some(Append::FailsOutcomes(error)));
        let fill = async {
            while in_flight.pending() < sluis::in_flight::PENDING_MAX {
                let from = in_flight.pending();
                let asked = (0..32).map(|_| {
                    let (desk, question) = (self.desk.clone(), self.question.clone());
                    tokio::spawn(async move { desk.release(question).await })
                });
                for call in asked.collect::<Vec<_>>() {
                    while !call.is_finished() && in_flight.open() == from {
                        tokio::task::yield_now().await;
                    }
                    call.abort();
                }
            }
        };
        tokio::time::timeout(4 * PATIENCE, fill).await.expect("too few deliveries are given up");
        becomes_at(&self.broken.gateway.conditions, Condition::OutcomesPending, true).await;
    }

    fn lift(&self) {
        let broken = &self.broken;
        broken.log.set(None);
        broken.keys.set(None);
        broken.facts.set(None);
        broken.dossier.set(None);
        broken.facts_slow_ms.store(0, Ordering::SeqCst);
        broken.clock.0.store(0, Ordering::SeqCst);
        self.disk.0.store(false, Ordering::SeqCst);
    }
}

async fn walk(line: &Line, what: Plant) {
    let ward = Ward::open().await;
    let conditions = Arc::clone(&ward.broken.gateway.conditions);
    let earlier = ward.released(line.says).await;
    assert!(conditions.ready(), "{}", line.says);
    ward.plant(what).await;
    ward.refused(line).await;
    let shown = line.shows.unwrap();
    becomes_at(&conditions, shown, true).await;
    assert!(!conditions.ready(), "{}: callers still come", line.says);
    assert!(line.is_told(&conditions), "{}: {:?}", line.says, conditions.watch().borrow());
    if matches!(what, Plant::LogRefuses(_) | Plant::DiskLow) {
        // What stands is still proven (core-design 1.10).
        ward.desk.receipt(earlier).await.unwrap_or_else(|status| panic!("{}: no proof: {status}", line.says));
    }
    ward.lift();
    if line.ends == Ends::ByItself {
        becomes_at(&conditions, shown, false).await;
        ward.released(line.says).await;
    } else {
        ward.desk.release(ward.question.clone()).await.unwrap_err();
        assert!(conditions.holds(shown), "{}: it ended by itself", line.says);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_a_port_fails_closed_under_its_name_and_ends() {
    for line in LINES {
        let By::Port(what) = line.by else { continue };
        println!("{}", line.says);
        walk(line, what).await;
    }
}
