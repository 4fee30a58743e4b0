//! Bad input over the wire: each fault has its own code, reason and field, releases nothing, and writes nothing unless said.
//!
//! Tables are data; each row is one bad call. After every table a good call is answered, so nothing was lost either.

mod audit;
mod certificate;
mod disclosure;
mod enrolment;
mod frame;
mod question;
mod receipt;
mod repeated;
mod standing;
mod token;

use super::world::desk::{Desk, said};
use super::world::people::Client;
use super::world::{Options, World};
use sluis::demo::organisations::{Organisation, partners};
use sluis_proto::v1;
use sluis_proto::v1::release_response::Outcome;
use tonic::{Code, Status};

const WORKER: &str = "fs-0001";

/// A gateway, and a care partner with a worker on the case of client 1. Client 2 is there; client 3 is not.
struct Bench {
    world: World,
    desk: Desk,
    child: Client,
}

fn partner() -> Organisation {
    partners().next().unwrap()
}

impl Bench {
    async fn open() -> Self {
        let child = Client::new(1, 8);
        let world = World::open(Options::with(vec![child.clone(), Client::new(2, 8)])).await;
        world.standing(&child, &[child.caseload(partner().oin, WORKER)]).await;
        let desk = world.desk(&partner()).await;
        Self { world, desk, child }
    }

    fn good(&self) -> v1::ReleaseRequest {
        self.child.question(v1::Purpose::Treatment, WORKER)
    }

    /// A good call is answered with a release.
    async fn serves(&self, desk: &Desk) {
        let reply = desk.release(self.good()).await.unwrap();
        assert!(matches!(reply.outcome, Some(Outcome::Released(_))), "{reply:?}");
    }

    /// The error of a call that writes `entries`, as code, reason and field.
    async fn error<T: std::fmt::Debug>(
        &self,
        row: &str,
        entries: u64,
        call: impl Future<Output = Result<T, Status>>,
    ) -> (Code, String, String) {
        let before = self.world.size().await;
        let status = call.await.expect_err(row);
        assert_eq!(self.world.size().await, before + entries, "{row}");
        assert!(!status.message().is_empty(), "{row}");
        said(&status)
    }
}

/// What an error must say.
fn due(code: Code, reason: &str, field: &str) -> (Code, String, String) {
    (code, reason.to_owned(), field.to_owned())
}
