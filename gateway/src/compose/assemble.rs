//! From configuration to an assembled gateway: open, check, provision, activate, enrol.

use super::housekeeping::Housekeeper;
use super::stopped::bury;
use super::{StartFault, engine, servers};
use crate::anchor;
use crate::brake::Brake;
use crate::config::{Config, Mode};
use crate::disclosure;
use crate::enrolling::Enrolling;
use crate::enrolment::EnrolmentFile;
use crate::fault::Fault;
use crate::gateway::{ActivePolicy, Gateway};
use crate::operation::ending::Ending;
use crate::operation::metrics::Metrics;
use crate::operation::watched::Watched;
use crate::origin::origin;
use crate::recorder::{Recorder, Verdict};
use crate::scrubber::{Scrubber, Stores};
use crate::slot::Slots;
use crate::sweeper;
use arc_swap::ArcSwap;
use sluis_adapters::anchor_file::AnchorFile;
use sluis_adapters::halt_flag::HaltFile;
use sluis_adapters::holder::{HolderDatabase, HolderMap};
use sluis_adapters::master::MasterKey;
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_core::enrolment::operator::Operators;
use sluis_core::log::checkpoint;
use sluis_core::log::shard::{Shard, first_opening};
use sluis_core::policy::{self, Policy, Sources};
use sluis_core::ports::{Clock, Ledger, Register, Signer};
use sluis_core::upkeep::AnchorStore;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Read-only connections to the holder's database.
const HOLDER_CONNECTIONS: usize = 2;

/// A gateway that is ready to serve, and what must happen beside it.
pub struct Assembled {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// Where the newest checkpoint is kept outside the database.
    pub anchor: Arc<dyn AnchorStore>,
    /// Subjects that were new to the register.
    pub provisioned: u64,
    /// What must happen while it serves.
    pub housekeeper: Housekeeper,
    /// What recomputes the log while it serves.
    pub scrubber: Scrubber,
    /// What stops it.
    pub brake: Arc<Brake>,
}

pub(super) fn read(path: &Path) -> Result<String, StartFault> {
    std::fs::read_to_string(path)
        .map_err(|source| StartFault::Io { what: format!("cannot read `{}`", path.display()), source })
}

/// Reads and loads the policy of a configuration. Loading enumerates it (core-design 2.5): a policy that violates a
/// property is not used.
///
/// # Errors
/// [`StartFault::Policy`] with every fault and its place.
pub fn read_policy(config: &Config) -> Result<Policy, StartFault> {
    let files = &config.policy;
    let (catalog, ceiling, text) = (read(&files.catalog)?, read(&files.ceiling)?, read(&files.policy)?);
    let sources = Sources { catalog: &catalog, ceiling: &ceiling, policy: &text };
    policy::load(&sources).map_err(|faults| {
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        StartFault::Policy(lines.join("\n"))
    })
}

/// The verifier key of the log of a configuration, under the name of the shard that it names.
///
/// # Errors
/// [`StartFault::Secret`] when the key cannot be read.
pub fn verifier_key(config: &Config) -> Result<String, StartFault> {
    let signer = Ed25519Signer::read(&config.log.signing_key)?;
    Ok(checkpoint::verifier_key(&shard_origin(config), &signer.public_key()))
}

pub(super) fn shard_origin(config: &Config) -> String {
    origin(&config.organisation.domain, &config.organisation.oin, config.log.year, config.log.epoch)
}

/// Whether a log is the one of a configuration: the shard it names is one of its shards, whichever is open now.
///
/// # Errors
/// [`StartFault::OtherShard`] when it is not.
pub(super) fn is_of(config: &Config, shards: &[Shard]) -> Result<(), StartFault> {
    let expected = shard_origin(config);
    if shards.iter().any(|shard| shard.head.origin == expected) {
        return Ok(());
    }
    let found = shards.last().map_or_else(String::new, |newest| newest.head.origin.clone());
    Err(StartFault::OtherShard { found, expected })
}

/// Opens every store, provisions subjects, activates the policy, enrols organisations.
///
/// # Errors
/// [`StartFault`]; nothing is served.
pub async fn assemble(config: &Config) -> Result<Assembled, StartFault> {
    assemble_at(config, Arc::new(SystemClock)).await
}

/// As [`assemble`], by another clock than that of the machine.
///
/// # Errors
/// [`StartFault`]; nothing is served.
pub async fn assemble_at(config: &Config, clock: Arc<dyn Clock>) -> Result<Assembled, StartFault> {
    open_at(config, clock).await?.begin().await
}

/// A gateway whose stores are open and whose settings were read; no entry was written yet.
pub struct Opened {
    gateway: Gateway,
    policy: Arc<Policy>,
    organisations: Option<EnrolmentFile>,
    /// What the process before this one left in flight.
    anchor: Arc<dyn AnchorStore>,
    left: Vec<u64>,
    provisioned: u64,
    housekeeper: Housekeeper,
    scrubber: Scrubber,
    brake: Arc<Brake>,
}

impl Opened {
    /// Writes what a start has to say: the opening of a shard, deliveries that the last process left unknown, policy
    /// and enrolments where they changed.
    ///
    /// # Errors
    /// [`StartFault`]; what was written before stands, and the next start goes on from there.
    pub async fn begin(self) -> Result<Assembled, StartFault> {
        let Self { gateway, policy, organisations, anchor, left, provisioned, housekeeper, scrubber, brake } = self;
        brake.at_start().await?;
        open_shard(&gateway).await?;
        let unknown = sweeper::sweep(&gateway, &left).await?;
        if unknown > 0 {
            tracing::warn!(unknown, "the previous process left releases of which the delivery is unknown");
        }
        gateway.activate(policy).await?;
        if let Some(organisations) = organisations {
            gateway.enrol(organisations).await?;
        }
        let gateway = Arc::new(gateway);
        // What a start signed stands outside the database before anybody is answered: an export needs it.
        anchor::keep(&gateway.recorder, &anchor, &gateway.conditions).await;
        sweeper::follow(&gateway);
        disclosure::follow(&gateway);
        Ok(Assembled { gateway, anchor, provisioned, housekeeper, scrubber, brake })
    }
}

/// Opens every store and reads every setting; registers subjects, which writes to the key database only.
///
/// # Errors
/// [`StartFault`]; no entry was written.
pub async fn open_at(config: &Config, clock: Arc<dyn Clock>) -> Result<Opened, StartFault> {
    let policy = Arc::new(read_policy(config)?);
    let organisations = config.enrolment.file.as_deref().map(read_organisations).transpose()?;
    let enrolling = read_operators(config)?;
    let master = MasterKey::read(&config.keys.master_key)?;
    servers::refuse_unsafe(config).await?;
    let entropy = Arc::new(OsEntropy);
    let log = engine::log(config, &master, Arc::clone(&clock)).await?;
    let keys = engine::keys(config, &master, Arc::<OsEntropy>::clone(&entropy)).await?;
    // Tombstones first: a key database that was put back from a backup must not revive an erased key (A21).
    bury(log.as_ref(), keys.as_ref()).await?;
    let holder = Arc::new(open_holder(config, Arc::clone(&clock))?);
    let housekeeper = Housekeeper {
        log: Arc::clone(&log),
        keys: Arc::clone(&keys),
        holder: Arc::clone(&holder) as _,
        clock: Arc::clone(&clock),
    };
    let left = log.left_in_flight().await?;
    let (ledger, register): (Arc<dyn Ledger>, Arc<dyn Register>) = (Arc::clone(&log) as _, log);
    let shards = ledger.shards().await?;
    is_of(config, &shards)?;
    let anchor: Arc<dyn AnchorStore> = Arc::new(AnchorFile::new(config.log.anchor()));
    // Before anything is signed: who signs a log that lost entries has signed two histories.
    anchor::check(ledger.as_ref(), anchor.as_ref(), &verifier_key(config)?).await?;
    let signer: Arc<dyn Signer> = Arc::new(Ed25519Signer::read(&config.log.signing_key)?);
    let recorder = Recorder::start(Arc::clone(&ledger), signer, Arc::clone(&clock)).await?;
    if let Some(first) = left.first() {
        recorder.in_flight().hold(*first);
    }
    let provisioned = housekeeper.provision().await?;
    let metrics = Arc::<Metrics>::default();
    let scrubber = scrubber(config, &housekeeper, &metrics)?;
    let gateway = Gateway {
        ledger: Watched::around(ledger, &metrics),
        register: Watched::around(register, &metrics),
        keys: Watched::around(keys, &metrics),
        facts: Watched::around(Arc::clone(&holder), &metrics),
        dossier: Watched::around(holder, &metrics),
        recorder,
        active: ArcSwap::from_pointee(ActivePolicy { policy: Arc::clone(&policy), version: 0 }),
        clock,
        entropy,
        test_numbers: config.mode != Mode::Production,
        grants: crate::enrolment::GrantCache::default(),
        slots: Slots::begin(),
        activating: tokio::sync::Mutex::default(),
        enrolling,
        conditions: Arc::default(),
        metrics,
        ending: Ending::default(),
        quotas: Arc::new(crate::quota::Quotas::new(&config.limits)),
    };
    let brake = Arc::new(brake(config, &gateway, &housekeeper));
    Ok(Opened { gateway, policy, organisations, anchor, left, provisioned, housekeeper, scrubber, brake })
}

/// What recomputes the log.
fn scrubber(config: &Config, housekeeper: &Housekeeper, metrics: &Metrics) -> Result<Scrubber, StartFault> {
    let stores = Stores {
        log: Arc::clone(&housekeeper.log),
        keys: Arc::clone(&housekeeper.keys) as _,
        origin: shard_origin(config).into(),
        verifier_key: verifier_key(config)?.into(),
    };
    let within = Duration::from_secs(u64::from(config.operation.scrub_hours.get()) * 3600);
    Ok(Scrubber { stores, within, mends: true, progress: Arc::clone(&metrics.scrub) })
}

/// What stops the gateway when the log is not what was written.
fn brake(config: &Config, gateway: &Gateway, housekeeper: &Housekeeper) -> Brake {
    Brake::new(
        Arc::clone(&housekeeper.log) as _,
        Arc::new(HaltFile::beside(config.log.anchor())),
        gateway.recorder.clone(),
        Arc::clone(&gateway.conditions),
        Arc::clone(&gateway.clock),
        Arc::clone(&gateway.metrics.scrub),
    )
}

pub(super) fn open_holder(config: &Config, clock: Arc<dyn Clock>) -> Result<HolderDatabase, StartFault> {
    let map = &config.holder.map;
    let named = |e: &dyn std::fmt::Display| StartFault::Holder(format!("`{}`: {e}", map.display()));
    let parsed = HolderMap::parse(&read(map)?).map_err(|e| named(&e))?;
    let file = config.holder.database.display();
    if !config.holder.database.is_file() {
        return Err(StartFault::Holder(format!("`{file}` does not exist: correct `holder.database`")));
    }
    HolderDatabase::open(&config.holder.database, parsed, HOLDER_CONNECTIONS, clock)
        .map_err(|e| StartFault::Holder(format!("`{file}`: {e}")))
}

pub(super) fn read_organisations(path: &Path) -> Result<EnrolmentFile, StartFault> {
    let malformed =
        |e: toml::de::Error| crate::config::ConfigFault::Malformed { file: path.to_owned(), text: e.to_string() };
    Ok(toml::from_str(&read(path)?).map_err(malformed)?)
}

/// The persons who may change enrolments; nobody when no register is configured.
pub(super) fn read_operators(config: &Config) -> Result<Enrolling, StartFault> {
    let operators = match &config.operators.register {
        None => Operators::default(),
        Some(file) => Operators::read(&read(file)?)
            .map_err(|fault| crate::config::ConfigFault::Malformed { file: file.clone(), text: fault.to_string() })?,
    };
    let (holder, operators) = (Some(config.organisation.oin.clone()), ArcSwap::from_pointee(operators));
    Ok(Enrolling { holder, operators, ..Enrolling::default() })
}

/// The first leaf of a shard says that it was opened, whoever of several gateways writes it.
async fn open_shard(gateway: &Gateway) -> Result<(), StartFault> {
    let head = gateway.ledger.head().await?;
    if head.size() == 0 && head.shard == 0 {
        let opening = Gateway::bare_draft(&gateway.ticket(), first_opening());
        match gateway.recorder.record_change(opening).await? {
            Verdict::Recorded(_) | Verdict::Stale => {}
            _ => return Err(Fault::Defect("the ledger refused the opening of the shard").into()),
        }
    }
    Ok(())
}
