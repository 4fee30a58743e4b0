//! A whole gateway in this process, over real mutual TLS on loopback, for tests that speak the wire.
//!
//! [`World`] makes a temporary folder with an authority, certificates, keys, policies and a holder's database of a handful of
//! clients, and serves it through `sluis::compose`. [`Desk`] is one organisation at the other end. [`broken::Broken`] is
//! the same folder served with ports that fail, hang or lie. Nothing here sleeps: what must come is waited for, with an end.

pub mod broken;
pub mod deaf;
pub mod desk;
pub mod folder;
pub mod manager;
pub mod operators;
pub mod people;
pub mod ports;
pub mod postgres;
pub mod raw;
pub mod tokens;
pub mod wire;

use desk::Desk;
use folder::Folder;
use people::Client;
use sluis::client::standing::on_wire;
use sluis::compose::{self, Listening};
use sluis::demo::organisations::{DOSSIER_SYSTEM, Organisation};
use sluis::enrolment::EnrolmentFile;
use sluis_core::log::leaf::Leaf;
use sluis_core::standing::Change;
use sluis_proto::v1;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Longest wait for anything that must come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a world is made of, where it is not the default.
#[derive(Default)]
pub struct Options {
    /// Clients of the holder; none by default.
    pub clients: Vec<Client>,
    /// Changes the words of the policy `kracht`.
    pub policy: Option<fn(String) -> String>,
    /// Changes who is enrolled, and how.
    pub enrolments: Option<fn(&mut EnrolmentFile)>,
    /// How much one organisation may ask, as TOML; the default when empty.
    pub limits: &'static str,
}

impl Options {
    /// Default but for these clients.
    pub fn with(clients: Vec<Client>) -> Self {
        Self { clients, ..Self::default() }
    }
}

/// A gateway that is served through composition.
pub struct World {
    /// Where everything lies.
    pub folder: Folder,
    /// The gateway and its addresses.
    pub listening: Listening,
}

impl World {
    /// Makes the folder, initialises and listens.
    pub async fn open(options: Options) -> Self {
        let folder = Folder::make(&options);
        compose::init(&folder.config).await.unwrap();
        let listening = compose::listen(&folder.config).await.unwrap();
        Self { folder, listening }
    }

    /// Addresses of the gRPC listener and the token endpoint.
    pub fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.listening.grpc, self.listening.token.unwrap())
    }

    /// An organisation that is connected, with a token from the token endpoint.
    pub async fn desk(&self, organisation: &Organisation) -> Desk {
        let (grpc, token) = self.addresses();
        Desk::open(self.folder.profile(organisation.slug, organisation.oin, grpc, token)).await
    }

    /// Records changes of standing as the holder's system does, over the wire.
    pub async fn standing(&self, client: &Client, changes: &[Change]) {
        let desk = self.desk(&DOSSIER_SYSTEM).await;
        for change in changes {
            let (kind, on) = on_wire(change);
            desk.record(client.by_number(), kind, on).await.unwrap();
        }
    }

    /// Entries in the log.
    pub async fn size(&self) -> u64 {
        self.listening.gateway.ledger.head().await.unwrap().size()
    }

    /// One entry of the log.
    pub async fn leaf(&self, index: u64) -> Leaf {
        Leaf::decode(&self.leaf_text(index).await).unwrap()
    }

    /// The text of one entry.
    pub async fn leaf_text(&self, index: u64) -> String {
        self.listening.gateway.ledger.leaves(index, 1).await.unwrap().remove(0)
    }

    /// Length of the encrypted payload of one entry.
    pub async fn payload_len(&self, index: u64) -> usize {
        let entry = self.listening.gateway.ledger.entry(index).await.unwrap().unwrap();
        entry.payload.unwrap().ciphertext.len()
    }
}

/// Everything that lies in a folder, with the path of each file from it; `skipped` names files that are left out.
pub fn files(dir: &Path, skipped: &[&str]) -> Vec<(String, Vec<u8>)> {
    let (mut open, mut found) = (vec![dir.to_owned()], Vec::new());
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).unwrap().map(Result::unwrap) {
            let name = entry.path().strip_prefix(dir).unwrap().to_string_lossy().into_owned();
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else if !skipped.iter().any(|s| name.starts_with(s)) {
                found.push((name, std::fs::read(entry.path()).unwrap()));
            }
        }
    }
    found
}

/// The index in a reply to a question, whichever way it went.
pub fn index_of(reply: &v1::ReleaseResponse) -> u64 {
    receipt_of(reply).index
}

/// The receipt in a reply.
pub fn receipt_of(reply: &v1::ReleaseResponse) -> &v1::Receipt {
    use v1::release_response::Outcome;
    let receipt = match reply.outcome.as_ref().unwrap() {
        Outcome::Released(r) => &r.receipt,
        Outcome::Refused(r) => &r.receipt,
        Outcome::Escalated(e) => &e.receipt,
    };
    receipt.as_ref().unwrap()
}

#[tokio::test]
async fn a_world_releases_refuses_and_forgets_its_folder() {
    use sluis::demo::organisations::partners;
    use v1::release_response::Outcome;
    let child = Client::new(1, 8);
    let world = World::open(Options::with(vec![child.clone()])).await;
    let partner = partners().next().unwrap();
    let desk = world.desk(&partner).await;
    let question = child.question(v1::Purpose::Treatment, "fs-0001");
    let before = desk.release(question.clone()).await.unwrap();
    assert!(matches!(before.outcome, Some(Outcome::Refused(_))));
    world.standing(&child, &[child.caseload(partner.oin, "fs-0001")]).await;
    let after = desk.release(question).await.unwrap();
    assert!(matches!(after.outcome, Some(Outcome::Released(_))));
    assert_eq!(index_of(&after) + 1, world.size().await);
    let dir = world.folder.dir.clone();
    drop(world);
    assert!(!dir.exists());
}
