//! The folder of a world served with ports that can be made to fail: the same door, services and acceptor as in production.
//!
//! Tokens are signed by the world's token key in the name of the token endpoint, a minute back, so that a clock that is
//! moved a little does not spoil them.

use super::desk::Desk;
use super::folder::{AUDIENCE, Folder, GROUP, SERVICE};
use super::ports::{Append, Fetch};
use super::ports::{Dossier, Facts, Keys, Log, MovedClock, Switch};
use super::{Options, PATIENCE, tokens};
use arc_swap::ArcSwap;
use sluis::brake::Brake;
use sluis::compose;
use sluis::demo::organisations::{HOLDER_OIN, Organisation};
use sluis::enrolment::grant_hash;
use sluis::gateway::{ActivePolicy, Gateway};
use sluis::grpc::{self, GrpcLimits};
use sluis::operation::metrics::Metrics;
use sluis::operation::watched::Watched;
use sluis::recorder::Recorder;
use sluis::slot::Slots;
use sluis::token::issue::{Issuer, LIFETIME_S, Realm};
use sluis::token::keys::{KeySet, SigningKey};
use sluis::token::verify::{Expectation, IssuedBy, Verifier};
use sluis::transport::acceptor::{Limits, accept};
use sluis::transport::counters::Counters;
use sluis::transport::trust::{Files, Material, Protocol, Trust};
use sluis_adapters::halt_flag::HaltFile;
use sluis_adapters::holder::{HolderDatabase, HolderMap};
use sluis_adapters::master::MasterKey;
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::sqlite::{self, SqliteKeys, SqliteLog};
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_adapters::wrapping::Wrapping;
use sluis_core::organisation::Oin;
use sluis_core::ports::{Clock, KeyStore, Ledger, StoreError};
use sluis_core::upkeep::LogHalts;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::net::TcpListener;

/// A gateway whose ports can be broken.
pub struct Broken {
    /// Where everything lies.
    pub folder: Folder,
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// What stops it when its log is not what was written.
    pub brake: Arc<Brake>,
    /// The gRPC listener.
    pub grpc: SocketAddr,
    /// What is wrong with appending.
    pub log: Arc<Switch<Append>>,
    /// What is wrong with the keys.
    pub keys: Arc<Switch<StoreError>>,
    /// What is wrong with the facts.
    pub facts: Arc<Switch<StoreError>>,
    /// How long the facts take, milliseconds.
    pub facts_slow_ms: Arc<AtomicU64>,
    /// What is wrong with the fields.
    pub dossier: Arc<Switch<Fetch>>,
    /// The clock of gateway and log.
    pub clock: Arc<MovedClock>,
}

impl Broken {
    /// Makes a folder, lets composition prepare it, and serves it with ports that nothing is wrong with yet.
    pub async fn open(options: Options) -> Self {
        let folder = Folder::make(&options);
        compose::init(&folder.config).await.unwrap();
        drop(compose::assemble(&folder.config).await.unwrap());
        let (log, keys, facts, dossier) = (Switch::off(), Switch::off(), Switch::off(), Switch::off());
        let (clock, facts_slow_ms) = (Arc::new(MovedClock::default()), Arc::new(AtomicU64::new(0)));
        let (store, key_store) = stores(&folder, &clock).await;
        let holder = Arc::new(holder(&folder));
        let ledger: Arc<dyn Ledger> = Arc::new(Log { real: Arc::clone(&store) as _, wrong: Arc::clone(&log) });
        let signer = Arc::new(Ed25519Signer::read(&folder.config.log.signing_key).unwrap());
        let time: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let policy = Arc::new(compose::read_policy(&folder.config).unwrap());
        let metrics = Arc::<Metrics>::default();
        let watched_facts = Arc::new(Facts {
            real: Arc::clone(&holder) as _,
            wrong: Arc::clone(&facts),
            slow_ms: Arc::clone(&facts_slow_ms),
        });
        let halts: Arc<dyn LogHalts> = Arc::clone(&store) as _;
        let gateway = Gateway {
            grants: sluis::enrolment::GrantCache::default(),
            recorder: Recorder::start(Arc::clone(&ledger), signer, Arc::clone(&time)).await.unwrap(),
            ledger,
            register: Watched::around(store, &metrics),
            keys: Watched::around(Arc::new(Keys { real: key_store, wrong: Arc::clone(&keys) }), &metrics),
            facts: Watched::around(watched_facts, &metrics),
            dossier: Watched::around(Arc::new(Dossier { real: holder, wrong: Arc::clone(&dossier) }), &metrics),
            active: ArcSwap::from_pointee(ActivePolicy { policy: Arc::clone(&policy), version: 0 }),
            clock: time,
            entropy: Arc::new(OsEntropy),
            test_numbers: true,
            slots: Slots::begin(),
            activating: tokio::sync::Mutex::default(),
            enrolling: sluis::enrolling::Enrolling::default(),
            conditions: Arc::default(),
            metrics,
            ending: sluis::operation::ending::Ending::default(),
            quotas: Arc::default(),
        };
        gateway.activate(policy).await.unwrap();
        let gateway = Arc::new(gateway);
        let brake = Arc::new(Brake::new(
            halts,
            Arc::new(HaltFile::beside(folder.config.log.anchor())),
            gateway.recorder.clone(),
            Arc::clone(&gateway.conditions),
            Arc::clone(&gateway.clock),
            Arc::default(),
        ));
        sluis::sweeper::follow(&gateway);
        let grpc = serve(&folder, &gateway).await;
        Self { folder, gateway, brake, grpc, log, keys, facts, facts_slow_ms, dossier, clock }
    }

    /// An organisation that is connected.
    pub async fn desk(&self, organisation: &Organisation) -> Desk {
        let oin = Oin::parse(organisation.oin).unwrap();
        let grant = grant_hash(&oin, &self.gateway.register.enrolments(&oin).await.unwrap().state);
        let issuer = Issuer::new(SigningKey::load(tokens::key_file(&self.folder)).unwrap(), realm());
        let peer = tokens::peer(&self.folder, organisation.slug);
        let token = issuer.issue(&peer, &grant, SystemClock.now() - 60_000).unwrap().token;
        let profile = self.folder.profile(organisation.slug, organisation.oin, self.grpc, self.grpc);
        Desk::with_token(profile, token).await
    }

    /// Entries in the log.
    pub async fn size(&self) -> u64 {
        self.gateway.ledger.head().await.unwrap().size()
    }
}

fn realm() -> Realm {
    Realm {
        issuer: HOLDER_OIN.to_owned(),
        audience: AUDIENCE.to_owned(),
        group: GROUP.to_owned(),
        service: SERVICE.to_owned(),
    }
}

/// Opens log and keys again. The gateway that prepared them lets go in its own time, so this is tried until it has.
async fn stores(folder: &Folder, clock: &Arc<MovedClock>) -> (Arc<SqliteLog>, Arc<dyn KeyStore>) {
    let master = MasterKey::read(&folder.config.keys.master_key).unwrap();
    let limits = sqlite::Limits::default();
    let open = async {
        loop {
            let time: Arc<dyn Clock> = Arc::clone(clock) as _;
            match SqliteLog::open(folder.config.log.database.as_deref().unwrap(), &master, time, limits) {
                Ok(log) => return log,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let log = tokio::time::timeout(PATIENCE, open).await.unwrap();
    let wrapping = Wrapping::new(master, folder.config.keys.wrapping());
    let keys = folder.config.keys.database.as_deref().unwrap();
    let keys = SqliteKeys::open(keys, &wrapping, Arc::new(OsEntropy), limits).unwrap();
    (Arc::new(log), Arc::new(keys))
}

fn holder(folder: &Folder) -> HolderDatabase {
    let map = std::fs::read_to_string(&folder.config.holder.map).unwrap();
    HolderDatabase::open(&folder.config.holder.database, HolderMap::parse(&map).unwrap(), 2, Arc::new(SystemClock))
        .unwrap()
}

async fn serve(folder: &Folder, gateway: &Arc<Gateway>) -> SocketAddr {
    let tls = &folder.config.tls;
    let files = Files {
        authorities: tls.authorities.clone(),
        revocation: Vec::new(),
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
    };
    let trust = Arc::new(Trust::new(&Material::read(&files).unwrap(), Protocol::Grpc).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = accept(listener, trust, Limits::default(), Arc::new(Counters::default()));
    let keys = KeySet::new().with_own(&SigningKey::load(tokens::key_file(folder)).unwrap());
    let expectation = Expectation { realm: realm(), lifetime_max_s: LIFETIME_S, issued_by: IssuedBy::Endpoint };
    let verifier = Arc::new(Verifier::new(expectation, keys));
    let gateway = Arc::clone(gateway);
    let services = grpc::services(gateway, verifier, GrpcLimits::default()).unwrap();
    tokio::spawn(services.serve(incoming, std::future::pending()));
    address
}
