//! Two gateways release on a pair of servers, the primary dies at a moment when entries are committed and nobody has heard it, and
//! the standby takes its place: every receipt that a client holds is borne out by the new primary's log, releases go on in the
//! same processes, and in a gateway that is started at the new address.

use super::{LOOK, blocking};
use crate::journey::evidence::{Export, Kept};
use crate::replicas::becomes;
use crate::world::desk::{Desk, transaction};
use crate::world::folder::Folder;
use crate::world::people::Client;
use crate::world::postgres::pair::{Pair, wait_for};
use crate::world::postgres::server::Server;
use crate::world::wire::{Then, When, Wire};
use crate::world::{Options, PATIENCE};
use sluis::client::ask::{Question, Reply};
use sluis::client::connection::Connection;
use sluis::client::standing::on_wire;
use sluis::compose::{self, Listening};
use sluis::condition::Condition;
use sluis::config::{Config, KeysPostgres, LogPostgres};
use sluis::demo::organisations::{DOSSIER_SYSTEM, Organisation, partners};
use sluis::transport::profile::Profile;
use sluis_adapters::system::SystemClock;
use sluis_proto::v1;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

const WORKER: &str = "fs-0001";
/// Callers at each gateway.
const CALLERS: usize = 3;

/// A folder whose log and keys are reached through a wire, each waiting for a standby.
struct Site {
    folder: Folder,
    child: Client,
    /// Addresses of log and keys, with the port where they are first.
    urls: [String; 2],
}

impl Site {
    fn make(pair: &Pair) -> Self {
        let database = pair.primary.database();
        let child = Client::new(1, 8);
        let folder = Folder::make(&Options::with(vec![child.clone()]));
        Self { folder, child, urls: [database.log_url.clone(), database.keys_url.clone()] }
    }

    /// The configuration of a replica that reaches the server at this port.
    fn config(&self, replica: i16, from: u16, to: u16) -> Config {
        let mut config = self.folder.config.clone();
        let [log, keys] = self.urls.each_ref().map(|url| url.replace(&format!(":{from}/"), &format!(":{to}/")));
        let log = LogPostgres { address: log, password_file: None, replica, require_standby: true };
        let keys = KeysPostgres { address: keys, password_file: None, require_standby: true };
        (config.log.database, config.log.postgres) = (None, Some(log));
        (config.keys.database, config.keys.postgres) = (None, Some(keys));
        config.log.anchor = Some(self.folder.dir.join(format!("log-{replica}.anchor")));
        config
    }

    fn profile(&self, at: &Listening, organisation: &Organisation) -> Profile {
        self.folder.profile(organisation.slug, organisation.oin, at.grpc, at.token.unwrap())
    }

    async fn connect(&self, at: &Listening) -> Connection {
        let profile = self.profile(at, &partners().next().unwrap());
        Connection::open(&profile, Arc::new(SystemClock), Arc::new(transaction)).await.unwrap()
    }

    fn question(&self) -> Question {
        let (subject, actor) = (self.child.by_number(), WORKER.to_owned());
        Question { subject, purpose: v1::Purpose::Treatment, actor, ..Question::default() }
    }
}

/// Callers who repeat each question under its transaction id until it is answered, and keep every receipt.
struct Load {
    kept: Arc<Mutex<Vec<Kept>>>,
    /// Answers that did not come.
    broken: Arc<Mutex<u64>>,
    over: Arc<AtomicBool>,
    callers: JoinSet<()>,
}

impl Load {
    async fn begin(site: &Site, gateways: &[Listening], vkey: &Arc<str>) -> Self {
        let mut load =
            Self { kept: Arc::default(), broken: Arc::default(), over: Arc::default(), callers: JoinSet::new() };
        for gateway in gateways {
            let connection = site.connect(gateway).await;
            for _ in 0..CALLERS {
                let (connection, question) = (connection.clone(), site.question());
                let (kept, broken) = (Arc::clone(&load.kept), Arc::clone(&load.broken));
                let (over, vkey) = (Arc::clone(&load.over), Arc::clone(vkey));
                load.callers.spawn(async move {
                    while !over.load(Ordering::SeqCst) {
                        let one = asked(&connection, &question, &vkey, &broken).await;
                        kept.lock().unwrap().push(one);
                    }
                });
            }
        }
        load
    }

    /// Returns when this many more receipts are held.
    async fn goes_on(&self, more: usize) {
        let held = || self.kept.lock().unwrap().len();
        let enough = held() + more;
        let reached = tokio::time::timeout(2 * PATIENCE, async {
            while held() < enough {
                tokio::time::sleep(LOOK).await;
            }
        });
        reached.await.unwrap_or_else(|_| panic!("{} of {enough} releases came", held()));
    }

    /// Every caller has its last answer; gives the receipts, and how many answers did not come.
    async fn end(mut self) -> (Vec<Kept>, u64) {
        self.over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.callers.join_next().await {
            ended.unwrap();
        }
        let broken = *self.broken.lock().unwrap();
        (std::mem::take(&mut self.kept.lock().unwrap()), broken)
    }
}

/// One question until it is answered; its receipt verifies.
async fn asked(connection: &Connection, question: &Question, vkey: &str, broken: &Mutex<u64>) -> Kept {
    let id = transaction();
    let mut said = None;
    let answered = tokio::time::timeout(2 * PATIENCE, async {
        loop {
            match connection.ask(question, id).await {
                Ok(reply) => break reply,
                Err(error) => said = Some(error),
            }
            *broken.lock().unwrap() += 1;
            tokio::time::sleep(LOOK).await;
        }
    });
    let reply = answered.await.unwrap_or_else(|_| panic!("{id} is not answered: {said:?}"));
    assert!(matches!(reply, Reply::Released { .. }), "{id}: {reply:?}");
    Kept::of_reply(id, &reply, vkey).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_receipt_is_borne_out_by_the_standby_that_takes_over_and_releases_go_on() {
    let pair = blocking(Pair::start);
    let old = pair.primary.server.port();
    let wire = Wire::to(old).await;
    let site = Site::make(&pair);
    let at_wire = |replica| site.config(replica, old, wire.port());
    compose::init(&at_wire(1)).await.unwrap();
    let vkey: Arc<str> = compose::verifier_key(&at_wire(1)).unwrap().into();
    let gateways = [compose::listen(&at_wire(1)).await.unwrap(), compose::listen(&at_wire(2)).await.unwrap()];
    let (kind, on) = on_wire(&site.child.caseload(partners().next().unwrap().oin, WORKER));
    let system = Desk::open(site.profile(&gateways[0], &DOSSIER_SYSTEM)).await;
    system.record(site.child.by_number(), kind, on).await.unwrap();
    let load = Load::begin(&site, &gateways, &vkey).await;
    load.goes_on(40).await;

    // Committed, flushed on the standby, and its caller does not hear it.
    wire.trap(When::Answered, Then::Freeze);
    wire.caught().await;
    blocking(|| pair.primary.server.kill());
    for gateway in &gateways {
        becomes(gateway, Condition::LogUnreadable, true).await;
        assert!(!gateway.gateway.conditions.ready());
    }
    blocking(|| pair.standby.promote());
    wire.point_at(pair.standby.port());
    wire.thaw();
    let third = blocking(|| {
        let third = Server::following(&pair.standby, "third");
        third.start();
        wait_for(&pair.standby, "third");
        third
    });
    load.goes_on(40).await;
    for gateway in &gateways {
        becomes(gateway, Condition::LogUnreadable, false).await;
        becomes(gateway, Condition::LogFailing, false).await;
    }
    let (mut kept, broken) = load.end().await;
    assert!(broken > 0, "the failover interrupted nobody");
    let [one, two] = gateways;
    one.stop().await.unwrap();
    two.stop().await.unwrap();

    // A gateway that is started at the new address goes on too.
    let direct = site.config(1, old, pair.standby.port());
    let again = compose::listen(&direct).await.unwrap();
    kept.push(asked(&site.connect(&again).await, &site.question(), &vkey, &Mutex::default()).await);
    again.stop().await.unwrap();
    let dir = site.folder.dir.join("export");
    compose::export_log(&direct, &dir).await.unwrap();
    let export = Export::read(&dir, &vkey).unwrap();
    export.bears_out(&kept).unwrap();
    println!("{} receipts, {broken} answers that did not come, {} entries", kept.len(), export.leaves.len());
    drop(third);

    // Without the newest entry that somebody holds a receipt of, the comparison is not content.
    let newest = kept.iter().map(|one| one.index).max().unwrap();
    let mut leaves = export.leaves;
    leaves.truncate(usize::try_from(newest).unwrap());
    Export { leaves }.bears_out(&kept).unwrap_err();
}
