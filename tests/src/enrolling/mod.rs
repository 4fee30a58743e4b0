//! Two persons admit, one person stops: signed changes of enrolments over the wire, and what the next call meets.

mod admission;
mod first_use;
mod persons;

use crate::world::World;
use crate::world::desk::{Desk, said, transaction};
use crate::world::operators::Person;
use jiff::{Timestamp, ToSpan};
use sluis::client::connection::{Connection, with_metadata};
use sluis::client::enrolment::Organisation as Enrolled;
use sluis::demo::organisations::{HOLDER_OIN, Organisation, partners};
use sluis_adapters::system::SystemClock;
use sluis_core::enrolment::Enrolment;
use sluis_core::enrolment::change::{CHANGE_FORMAT, ChangeDocument};
use sluis_core::organisation::Oin;
use sluis_core::ports::Clock;
use sluis_proto::v1;
use sluis_proto::v1::enrolment_service_client::EnrolmentServiceClient;
use std::sync::Arc;
use tonic::{Code, Status};

fn partner() -> Organisation {
    partners().next().unwrap()
}

fn oin(text: &str) -> Oin {
    Oin::parse(text).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_millisecond(i64::try_from(SystemClock.now()).unwrap()).unwrap()
}

/// What an error must say.
fn due(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

/// The holder's own desk, at which persons read and change enrolments.
struct Office {
    connection: Connection,
    desk: Desk,
}

impl Office {
    async fn open(world: &World) -> Self {
        let (grpc, token) = world.addresses();
        let profile = world.folder.profile("gateway", HOLDER_OIN, grpc, token);
        let connection = Connection::open(&profile, Arc::new(SystemClock), Arc::new(transaction)).await.unwrap();
        Self { connection, desk: Desk::open(profile).await }
    }

    async fn enrolled(&self, organisation: &str) -> Enrolled {
        self.connection.organisation(&oin(organisation)).await.unwrap()
    }

    /// A change of an organisation as it is now.
    async fn document(&self, organisation: &str, change: impl FnOnce(&mut Vec<Enrolment>)) -> ChangeDocument {
        let present = self.enrolled(organisation).await;
        let mut enrolments = present.enrolments;
        change(&mut enrolments);
        ChangeDocument {
            format: CHANGE_FORMAT.to_owned(),
            gateway: self.connection.verifier_key().await.unwrap(),
            organisation: oin(organisation),
            from: present.basis,
            enrolments,
            reason: "test".to_owned(),
            made_at: now(),
            valid_until: now().checked_add(24.hours()).unwrap(),
        }
    }

    /// Submits a document signed by these persons; the version it made, or code and reason.
    async fn submit(&self, document: &ChangeDocument, persons: &[Person]) -> Result<u64, (Code, String)> {
        let bytes = serde_json::to_vec(document).unwrap();
        let signatures: Vec<_> = persons.iter().map(|person| person.sign(&bytes)).collect();
        let sent = signatures.into_iter().map(|s| (s.key, s.signature)).collect();
        self.send(&self.desk, bytes, sent).await.map(|reply| reply.version).map_err(|status| coarse(&status))
    }

    async fn send(
        &self,
        desk: &Desk,
        change: Vec<u8>,
        signatures: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Result<v1::SubmitChangeResponse, Status> {
        let on_wire =
            |(key, signature): (Vec<u8>, Vec<u8>)| v1::ChangeSignature { key: key.into(), signature: signature.into() };
        let signatures = signatures.into_iter().map(on_wire).collect();
        let message = v1::SubmitChangeRequest { change: change.into(), signatures };
        let request = with_metadata(message, &desk.token, transaction()).unwrap();
        Ok(EnrolmentServiceClient::new(desk.channel.clone()).submit_change(request).await?.into_inner())
    }

    /// Makes a change with both persons.
    async fn make(&self, organisation: &str, change: impl FnOnce(&mut Vec<Enrolment>)) -> u64 {
        let document = self.document(organisation, change).await;
        self.submit(&document, &[Person::Anna, Person::Bram]).await.unwrap()
    }
}

fn coarse(status: &Status) -> (Code, String) {
    let (code, reason, _) = said(status);
    assert!(!status.message().is_empty());
    (code, reason)
}
