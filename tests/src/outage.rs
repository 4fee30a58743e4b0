//! Outage: a store that fails, forgets or lies releases nothing, says so coarsely, and work resumes when it is well again.
//!
//! The faults are in decorators of the ports ([`super::world::ports`]); everything above them is the gateway as it is.

mod ledger;
mod liar;
mod stores;

use super::world::broken::Broken;
use super::world::desk::{Desk, said};
use super::world::people::Client;
use super::world::{Options, PATIENCE};
use sluis::condition::Condition;
use sluis::demo::organisations::{DOSSIER_SYSTEM, Organisation, partners};
use sluis::operation::watch::{Disk, Expiry, Surroundings, Usage, Watch};
use sluis_core::ports::StoreError;
use sluis_proto::v1;
use sluis_proto::v1::release_response::Outcome;
use std::sync::Arc;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const WORKER: &str = "fs-0001";

/// A gateway whose ports can break, and a question that it answers with a release while they do not.
struct Ward {
    broken: Broken,
    desk: Desk,
    question: v1::ReleaseRequest,
}

fn partner() -> Organisation {
    partners().next().unwrap()
}

impl Ward {
    async fn open() -> Self {
        let (child, other) = (Client::new(1, 8), Client::new(2, 8));
        let question = child.question(v1::Purpose::Treatment, WORKER);
        let broken = Broken::open(Options::with(vec![child.clone(), other])).await;
        let system = broken.desk(&DOSSIER_SYSTEM).await;
        let (kind, on) = sluis::client::standing::on_wire(&child.caseload(partner().oin, WORKER));
        system.record(child.by_number(), kind, on).await.unwrap();
        let desk = broken.desk(&partner()).await;
        let ward = Self { broken, desk, question };
        ward.releases().await;
        ward
    }

    /// The question is answered with a release.
    async fn releases(&self) {
        let reply = self.desk.release(self.question.clone()).await.unwrap();
        assert!(matches!(reply.outcome, Some(Outcome::Released(_))));
    }

    /// The question is answered with this error, and nothing is written.
    async fn fails(&self, code: Code, reason: &str) {
        let before = self.broken.size().await;
        let status = self.desk.release(self.question.clone()).await.unwrap_err();
        assert_eq!(said(&status), (code, reason.to_owned(), String::new()));
        for secret in ["log database", "LOCKED", "READ_ONLY", "DISK_FULL", "holder database", "key database", "KR-"] {
            assert!(!status.message().contains(secret), "{}", status.message());
        }
        assert_eq!(self.broken.size().await, before);
    }

    /// Health follows, in its own time.
    async fn becomes(&self, wanted: ServingStatus) {
        let follow = async {
            let request = HealthCheckRequest { service: "sluis.v1.ReleaseService".to_owned() };
            let mut changes = HealthClient::new(self.desk.channel.clone()).watch(request).await.unwrap().into_inner();
            while changes.message().await.unwrap().unwrap().status() != wanted {}
        };
        tokio::time::timeout(PATIENCE, follow).await.unwrap();
    }
}

/// What lies around a gateway that has nothing around it.
struct Nothing;

impl Surroundings for Nothing {
    fn disk(&self) -> Option<Disk> {
        None
    }
    fn usage(&self) -> Option<Usage> {
        None
    }
    fn expiries(&self) -> Vec<Expiry> {
        Vec::new()
    }
}

/// Identifiers are there and facts are not: a column of facts that was renamed.
#[tokio::test]
async fn a_holder_that_knows_identifiers_and_no_facts_is_failing() {
    let broken = Broken::open(Options::with(vec![Client::new(1, 15)])).await;
    let watch = Watch::new(Arc::clone(&broken.gateway), Arc::new(Nothing), 5);
    broken.facts.set(Some(StoreError::Unavailable { store: "holder database", state: "SCHEMA" }));
    watch.look().await;
    assert!(broken.gateway.conditions.holds(Condition::HolderFailing), "identifiers alone answer no question");
    broken.facts.set(None);
    watch.look().await;
    assert!(!broken.gateway.conditions.holds(Condition::HolderFailing));
}
