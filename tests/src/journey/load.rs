//! Clients under load: callers who ask without a pause, and a holder's system that records changes meanwhile.

use super::evidence::Kept;
use super::place::Place;
use super::program::Running;
use sluis::client::ask::{Question, Reply, by_client_number};
use sluis::client::connection::{CallError, Connection};
use sluis::demo::organisations::{DOSSIER_SYSTEM, Organisation, partners};
use sluis_adapters::holder::{HolderDatabase, HolderMap};
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_core::ports::{Clock, Entropy, FactSource};
use sluis_core::subject::SubjectId;
use sluis_proto::v1;
use sluis_proto::v1::standing::Kind;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

const WORKER: &str = "fs-journey";
const CLIENTS: u32 = 48;
const CALLERS: usize = 16;
const CONNECTIONS: usize = 2;

/// What a caller wants; kept when the reply did not come, and asked again under the same transaction id.
#[derive(Debug, Clone)]
pub enum Wish {
    /// The dossier of a client.
    Dossier(String),
    /// A worker, by number, is put on a client's caseload.
    Caseload(String, u32),
}

/// What came of one wish.
pub enum Came {
    /// A reply: its proof, and the body of a dossier.
    Kept(Kept, Option<(String, Vec<u8>)>),
    /// The call broke off.
    Broken(Uuid, Wish),
    /// Something that may never come.
    Wrong(String),
}

/// Who asks about whom.
#[derive(Clone)]
pub struct World {
    /// The verifier key of the log.
    pub vkey: Arc<str>,
    clients: Arc<[String]>,
    /// Whether the stores may fail: a call that says so broke off.
    pub outages: bool,
    /// The body about each client: the same every time, because nothing that is recorded here changes it.
    bodies: BTreeMap<String, Vec<u8>>,
}

/// A UUIDv7 as a client makes it.
pub fn transaction() -> Uuid {
    let mut random = [0; 10];
    OsEntropy.fill(&mut random);
    uuid::Builder::from_unix_timestamp_millis(SystemClock.now(), &random).into_uuid()
}

/// A connection as this organisation.
pub async fn connect(place: &Place, organisation: &Organisation) -> Connection {
    let profile = place.profile(organisation);
    Connection::open(&profile, Arc::new(SystemClock), Arc::new(transaction)).await.unwrap()
}

/// The first care partner of the demo.
pub fn partner() -> Organisation {
    partners().next().unwrap()
}

impl World {
    /// Puts clients on the caseload, and keeps those whose dossier is then released.
    pub async fn lay(place: &Place, _gateway: &Running) -> (Self, Vec<Kept>) {
        let settings = place.config_read();
        let map = HolderMap::parse(&std::fs::read_to_string(&settings.holder.map).unwrap()).unwrap();
        let holder = HolderDatabase::open(&settings.holder.database, map, 1, Arc::new(SystemClock)).unwrap();
        let clients = holder.subjects(None, CLIENTS).await.unwrap();
        let desk = connect(place, &DOSSIER_SYSTEM).await;
        let vkey: Arc<str> = desk.verifier_key().await.unwrap().into();
        let mut world = Self { vkey, clients: Arc::new([]), outages: false, bodies: BTreeMap::new() };
        let (mut kept, asking) = (Vec::new(), connect(place, &partner()).await);
        for client in clients.iter().flatten() {
            let SubjectId::ClientNumber(client) = client else { continue };
            desk.record(by_client_number(client), caseload(WORKER)).await.unwrap();
            let reply = asking.ask(&dossier(client), transaction()).await.unwrap();
            let Reply::Released { body, .. } = &reply else { continue };
            world.bodies.insert(client.clone(), body.clone());
            kept.push(Kept::of_reply(transaction(), &reply, &world.vkey).unwrap());
        }
        world.clients = world.bodies.keys().cloned().collect();
        assert!(world.clients.len() > 4, "dossiers of {} clients only are released", world.clients.len());
        (world, kept)
    }

    /// The clients whose dossier is released.
    pub fn clients(&self) -> impl Iterator<Item = &String> + Clone {
        self.clients.iter()
    }

    /// Connects and begins to ask; ends when the gateway is gone.
    pub async fn begin(&self, place: &Place, round: u32) -> JoinSet<Vec<Came>> {
        let mut callers = JoinSet::new();
        let desk = connect(place, &DOSSIER_SYSTEM).await;
        // A token of each before anybody calls, so that the load begins with calls.
        desk.token().await.unwrap();
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let connection = connect(place, &partner()).await;
            connection.token().await.unwrap();
            connections.push(connection);
        }
        callers.spawn(self.clone().record_until_gone(desk, round));
        for (caller, connection) in (0..CALLERS).zip(connections.iter().cycle()) {
            callers.spawn(self.clone().ask_until_gone(connection.clone(), caller));
        }
        callers
    }

    /// Fulfils a wish again, under its transaction id.
    pub async fn again(&self, place: &Place, broken: &[(Uuid, Wish)]) -> Vec<Came> {
        let (desk, asking) = (connect(place, &DOSSIER_SYSTEM).await, connect(place, &partner()).await);
        let mut came = Vec::new();
        for (transaction, wish) in broken {
            let connection = if matches!(wish, Wish::Dossier(_)) { &asking } else { &desk };
            came.push(self.fulfil(connection, *transaction, wish.clone()).await);
        }
        came
    }

    async fn ask_until_gone(self, connection: Connection, first: usize) -> Vec<Came> {
        let mut came = Vec::new();
        for client in self.clients.iter().cycle().skip(first * 7) {
            came.push(self.fulfil(&connection, transaction(), Wish::Dossier(client.clone())).await);
            if !matches!(came.last(), Some(Came::Kept(..))) {
                break;
            }
        }
        came
    }

    async fn record_until_gone(self, connection: Connection, round: u32) -> Vec<Came> {
        let mut came = Vec::new();
        // Begins with another client in each round: one may have 200 workers at most.
        let clients = self.clients.iter().cycle().skip(round as usize);
        for (number, client) in (round * 10_000..).zip(clients) {
            came.push(self.fulfil(&connection, transaction(), Wish::Caseload(client.clone(), number)).await);
            if !matches!(came.last(), Some(Came::Kept(..))) {
                break;
            }
        }
        came
    }

    async fn fulfil(&self, connection: &Connection, transaction: Uuid, wish: Wish) -> Came {
        let done = match &wish {
            Wish::Dossier(client) => self.open_dossier(connection, transaction, client).await,
            Wish::Caseload(client, number) => self.record(connection, transaction, client, *number).await,
        };
        match done {
            Ok(came) => came,
            // Standing changed under the question, again and again: said so, and nothing happened.
            Err(CallError::Refused { reason, .. }) if reason == "TRY_AGAIN" => Came::Broken(transaction, wish),
            Err(CallError::Refused { reason, code: tonic::Code::Unavailable, .. })
                if self.outages && is_outage(&reason) =>
            {
                Came::Broken(transaction, wish)
            }
            // No reason of ours: the connection broke.
            Err(CallError::Refused { reason, code, .. }) if reason == format!("{code:?}") => {
                Came::Broken(transaction, wish)
            }
            Err(CallError::Connect(_) | CallError::Token(_)) => Came::Broken(transaction, wish),
            Err(error) => Came::Wrong(format!("{wish:?}: {error}")),
        }
    }

    async fn open_dossier(&self, by: &Connection, transaction: Uuid, client: &str) -> Result<Came, CallError> {
        let reply = by.ask(&dossier(client), transaction).await?;
        let Reply::Released { body, .. } = &reply else {
            return Ok(Came::Wrong(format!("the dossier of {client} was not released: {reply:?}")));
        };
        if self.bodies.get(client) != Some(body) {
            return Ok(Came::Wrong(format!("the body about {client} is another one than before")));
        }
        Ok(match Kept::of_reply(transaction, &reply, &self.vkey) {
            Ok(kept) => Came::Kept(kept, Some((client.to_owned(), body.clone()))),
            Err(error) => Came::Wrong(format!("the receipt about {client}: {error}")),
        })
    }

    async fn record(&self, by: &Connection, transaction: Uuid, client: &str, number: u32) -> Result<Came, CallError> {
        let standing = Some(v1::Standing { kind: Some(caseload(&format!("other-{number}"))) });
        let message = v1::RecordStandingRequest { subject: Some(by_client_number(client)), standing };
        let request = by.request(message, transaction).await?;
        let reply = by.standings().record_standing(request).await?.into_inner();
        let receipt = reply.receipt.ok_or(CallError::Reply("no receipt"))?;
        Ok(Kept::of_receipt(transaction, &receipt, &self.vkey).map_or_else(Came::Wrong, |kept| Came::Kept(kept, None)))
    }
}

fn is_outage(reason: &str) -> bool {
    ["LOG_UNAVAILABLE", "KEYS_UNAVAILABLE"].contains(&reason)
}

fn caseload(worker: &str) -> Kind {
    Kind::Caseload(v1::Caseload { partner_oin: partner().oin.to_owned(), worker: worker.to_owned() })
}

/// The question of a worker who is on the caseload.
pub fn dossier(client: &str) -> Question {
    Question {
        subject: by_client_number(client),
        purpose: v1::Purpose::Treatment,
        actor: WORKER.to_owned(),
        ..Question::default()
    }
}
