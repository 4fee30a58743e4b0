//! A gateway in process over the real stores of either engine, its ports behind a [`Trip`].

use super::ports::Tripped;
use super::trip::Trip;
use crate::world::folder::Folder;
use crate::world::people::Client;
use crate::world::postgres::{Cluster, Database};
use crate::world::{Options, PATIENCE};
use arc_swap::ArcSwap;
use sluis::compose::{self, Assembled};
use sluis::config::{Engine, KeysPostgres, LogPostgres};
use sluis::gateway::{ActivePolicy, Gateway};
use sluis::operation::metrics::Metrics;
use sluis::operation::watched::Watched;
use sluis::recorder::Recorder;
use sluis_adapters::master::MasterKey;
use sluis_adapters::postgres::{Place, PostgresLog};
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::sqlite::{Limits, SqliteLog};
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_core::log::Millis;
use sluis_core::policy::Policy;
use sluis_core::ports::{Clock, DossierSource, FactSource, Ledger};
use sluis_core::upkeep::{KeyUpkeep, LogUpkeep};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often a log that is still in use is tried again.
const LOOK: Duration = Duration::from_millis(5);

/// Clients of the holder: one is asked about and released, one is refused, one whose standing changes, one who is erased.
pub fn clients() -> Vec<Client> {
    (1..=4).map(|n| Client::new(n, 8)).collect()
}

/// Stores, and what a gateway over them needs besides.
pub struct Ground {
    pub folder: Folder,
    /// Of PostgreSQL, as long as the stores are used.
    pub database: Option<Database<'static>>,
    log: Option<Arc<dyn LogUpkeep>>,
    pub keys: Arc<dyn KeyUpkeep>,
    pub facts: Arc<dyn FactSource>,
    pub dossier: Arc<dyn DossierSource>,
    policy: Arc<Policy>,
    version: u64,
}

/// A clock that is a minute and more further at each look: a checkpoint is due at every append.
struct Leaping(AtomicU64);

impl Clock for Leaping {
    fn now(&self) -> Millis {
        SystemClock.now() + 61_000 * self.0.fetch_add(1, Ordering::SeqCst)
    }
}

impl Ground {
    /// On files.
    pub async fn sqlite() -> Self {
        Self::over(Folder::make(&Options::with(clients())), None).await
    }

    /// On a pair of databases of the cluster of this process.
    pub async fn postgres() -> Self {
        Self::at_ports(Cluster::shared().server.port(), Cluster::shared().server.port()).await
    }

    /// The same, the log and the keys reached at these ports.
    pub async fn at_ports(log: u16, keys: u16) -> Self {
        let (database, port) = (Cluster::shared().database(), Cluster::shared().server.port());
        let mut folder = Folder::make(&Options::with(clients()));
        let at = |url: &str, other: u16| url.replace(&format!(":{port}/"), &format!(":{other}/"));
        on_server(&mut folder, at(&database.log_url, log), at(&database.keys_url, keys));
        Self::over(folder, Some(database)).await
    }

    /// On files, the keys at another place.
    pub async fn with_keys_at(file: &Path) -> Self {
        let mut folder = Folder::make(&Options::with(clients()));
        folder.config.keys.database = Some(file.to_owned());
        Self::over(folder, None).await
    }

    /// On a pair of databases of somebody's own cluster.
    pub async fn on_database(database: Database<'static>) -> Self {
        let mut folder = Folder::make(&Options::with(clients()));
        on_server(&mut folder, database.log_url.clone(), database.keys_url.clone());
        Self::over(folder, Some(database)).await
    }

    async fn over(folder: Folder, database: Option<Database<'static>>) -> Self {
        compose::init(&folder.config).await.unwrap();
        Self::reopen(folder, database).await
    }

    /// Opens what was closed.
    pub async fn reopen(folder: Folder, database: Option<Database<'static>>) -> Self {
        let Assembled { gateway, housekeeper, .. } = patiently(|| compose::assemble(&folder.config)).await;
        let (policy, version) = {
            let active = gateway.active.load();
            (Arc::clone(&active.policy), active.version)
        };
        let (facts, dossier, keys) =
            (Arc::clone(&gateway.facts), Arc::clone(&gateway.dossier), Arc::clone(&housekeeper.keys));
        drop((gateway, housekeeper));
        let log = Some(open_log(&folder).await);
        Self { folder, database, log, keys, facts, dossier, policy, version }
    }

    /// Lets go of the stores; what they lie in stays.
    pub fn close(self) -> (Folder, Option<Database<'static>>) {
        (self.folder, self.database)
    }

    /// Ends the process as far as the log goes, and opens it anew.
    pub async fn restart(&mut self) {
        // Closed before it is opened; whoever else holds it lets go while it is tried.
        self.log = None;
        self.log = Some(open_log(&self.folder).await);
    }

    /// The log as it is.
    pub fn log(&self) -> &Arc<dyn LogUpkeep> {
        self.log.as_ref().unwrap()
    }

    /// The signer of the log.
    pub fn signer(&self) -> Ed25519Signer {
        Ed25519Signer::read(&self.folder.config.log.signing_key).unwrap()
    }

    /// Starts a gateway as composition does: what the process before left in flight is held and called unknown.
    pub async fn gateway(&self, trip: &Arc<Trip>) -> Arc<Gateway> {
        let ledger: Arc<dyn Ledger> = Tripped::around(self.log(), trip);
        let gateway = self.assemble(ledger, trip).await;
        let left = self.log().left_in_flight().await.unwrap();
        if let Some(first) = left.first() {
            gateway.recorder.in_flight().hold(*first);
        }
        sluis::sweeper::sweep(&gateway, &left).await.unwrap();
        let gateway = Arc::new(gateway);
        sluis::sweeper::follow(&gateway);
        gateway
    }

    /// A gateway whose log is written through this ledger.
    pub async fn assemble(&self, ledger: Arc<dyn Ledger>, trip: &Arc<Trip>) -> Gateway {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let leaping = Arc::new(Leaping(AtomicU64::new(0)));
        let metrics = Arc::<Metrics>::default();
        let active = ActivePolicy { policy: Arc::clone(&self.policy), version: self.version };
        Gateway {
            recorder: Recorder::start(Arc::clone(&ledger), Arc::new(self.signer()), leaping).await.unwrap(),
            ledger,
            register: Tripped::around(self.log(), trip),
            keys: Watched::around(Tripped::around(&self.keys, trip), &metrics),
            facts: Tripped::around(&self.facts, trip),
            dossier: Tripped::around(&self.dossier, trip),
            active: ArcSwap::from_pointee(active),
            clock,
            entropy: Arc::new(OsEntropy),
            test_numbers: true,
            grants: sluis::enrolment::GrantCache::default(),
            slots: sluis::slot::Slots::begin(),
            activating: tokio::sync::Mutex::default(),
            enrolling: sluis::enrolling::Enrolling::default(),
            conditions: Arc::default(),
            metrics,
            ending: sluis::operation::ending::Ending::default(),
            quotas: Arc::default(),
        }
    }
}

/// Puts log and keys of a folder on a server.
pub fn on_server(folder: &mut Folder, log: String, keys: String) {
    let log = LogPostgres { address: log, password_file: None, replica: 1, require_standby: false };
    let keys = KeysPostgres { address: keys, password_file: None, require_standby: false };
    (folder.config.log.database, folder.config.log.postgres) = (None, Some(log));
    (folder.config.keys.database, folder.config.keys.postgres) = (None, Some(keys));
}

/// Tries until it succeeds: the process before may still be letting go of what it had open.
pub async fn patiently<T, E: std::fmt::Display>(attempt: impl AsyncFn() -> Result<T, E>) -> T {
    let mut said = Vec::new();
    let tried = tokio::time::timeout(PATIENCE, async {
        loop {
            match attempt().await {
                Ok(done) => return done,
                Err(error) => said.push(error.to_string()),
            }
            said.dedup();
            tokio::time::sleep(LOOK).await;
        }
    });
    tried.await.unwrap_or_else(|_| panic!("it does not succeed: {said:#?}"))
}

async fn open_log(folder: &Folder) -> Arc<dyn LogUpkeep> {
    let config = &folder.config;
    let master = MasterKey::read(&config.keys.master_key).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let opened = async {
        loop {
            let clock = Arc::clone(&clock);
            let opened: Option<Arc<dyn LogUpkeep>> = match config.engine().unwrap() {
                Engine::Sqlite { log, .. } => {
                    SqliteLog::open(log, &master, clock, Limits::default()).ok().map(|log| Arc::new(log) as _)
                }
                Engine::Postgres { log, .. } => {
                    let place = Place::parse(&log.address, None).unwrap();
                    let opened = PostgresLog::open(&place, log.replica, false, &master, clock).await;
                    opened.ok().map(|log| Arc::new(log) as _)
                }
            };
            match opened {
                Some(log) => return log,
                None => tokio::time::sleep(LOOK).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, opened).await.expect("the process before does not let go of the log")
}
