//! From configuration to an assembled gateway: open, check, provision, activate, enrol.

use super::StartFault;
use crate::config::{Config, Mode};
use crate::enrolment::EnrolmentFile;
use crate::gateway::{ActivePolicy, Gateway};
use crate::origin::origin;
use crate::recorder::Recorder;
use crate::slot::Slots;
use arc_swap::ArcSwap;
use sluis_adapters::holder::{HolderDatabase, HolderMap};
use sluis_adapters::master::MasterKey;
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::sqlite::{Limits, SqliteKeys, SqliteLog};
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_core::log::LeafKind;
use sluis_core::log::checkpoint;
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::policy::{self, Policy, Sources};
use sluis_core::ports::{Clock, FactSource, KeyStore, Ledger, Register, Signer};
use sluis_core::subject::dutch_date;
use std::path::Path;
use std::sync::Arc;

/// Read-only connections to the holder's database.
const HOLDER_CONNECTIONS: usize = 2;
/// Subjects provisioned in one transaction.
const PROVISION_PAGE: u32 = 2000;

/// A gateway that is ready to serve, with the ledger's concrete handle for what only this engine can do.
pub struct Assembled {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// Subjects that were new to the register.
    pub provisioned: u64,
}

fn read(path: &Path) -> Result<String, StartFault> {
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

/// The verifier key of the log of a configuration.
///
/// # Errors
/// [`StartFault::Secret`] when the key cannot be read.
pub fn verifier_key(config: &Config) -> Result<String, StartFault> {
    let signer = Ed25519Signer::read(&config.log.signing_key)?;
    Ok(checkpoint::verifier_key(&shard_origin(config), &signer.public_key()))
}

fn shard_origin(config: &Config) -> String {
    origin(&config.organisation.domain, &config.organisation.oin, config.log.year, config.log.epoch)
}

/// Opens every store, provisions subjects, activates the policy, enrols organisations.
///
/// # Errors
/// [`StartFault`]; nothing is served.
pub async fn assemble(config: &Config) -> Result<Assembled, StartFault> {
    let policy = Arc::new(read_policy(config)?);
    let master = MasterKey::read(&config.keys.master_key)?;
    let (clock, entropy): (Arc<dyn Clock>, _) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let log = Arc::new(SqliteLog::open(&config.log.database, &master, Arc::clone(&clock), Limits::default())?);
    let keys = SqliteKeys::open(&config.keys.database, &master, Arc::<OsEntropy>::clone(&entropy), Limits::default())?;
    // Tombstones first: a key database that was put back from a backup must not revive an erased key (A21).
    keys.destroy(log.erased_keys()?).await?;
    let keys: Arc<dyn KeyStore> = Arc::new(keys);
    let holder = Arc::new(open_holder(config)?);
    let (ledger, register): (Arc<dyn Ledger>, Arc<dyn Register>) = (Arc::clone(&log) as _, log);
    let found = ledger.head().await?.origin;
    let expected = shard_origin(config);
    if found != expected {
        return Err(StartFault::OtherShard { found, expected });
    }
    let signer: Arc<dyn Signer> = Arc::new(Ed25519Signer::read(&config.log.signing_key)?);
    let recorder = Recorder::start(Arc::clone(&ledger), signer, Arc::clone(&clock)).await?;
    let provisioned = provision(holder.as_ref(), keys.as_ref(), clock.as_ref()).await?;
    let gateway = Gateway {
        ledger,
        register,
        keys,
        facts: Arc::clone(&holder) as _,
        dossier: holder,
        recorder,
        active: ArcSwap::from_pointee(ActivePolicy { policy: Arc::clone(&policy), version: 0 }),
        clock,
        entropy,
        origin: expected.into(),
        verifier_key: verifier_key(config)?.into(),
        test_numbers: config.mode != Mode::Production,
        grants: crate::enrolment::GrantCache::default(),
        slots: Slots::begin(),
    };
    open_shard(&gateway).await?;
    gateway.activate(policy).await?;
    gateway.enrol(read_organisations(&config.enrolment.file)?).await?;
    Ok(Assembled { gateway: Arc::new(gateway), provisioned })
}

fn open_holder(config: &Config) -> Result<HolderDatabase, StartFault> {
    let map = &config.holder.map;
    let named = |e: &dyn std::fmt::Display| StartFault::Holder(format!("`{}`: {e}", map.display()));
    let parsed = HolderMap::parse(&read(map)?).map_err(|e| named(&e))?;
    let file = config.holder.database.display();
    if !config.holder.database.is_file() {
        return Err(StartFault::Holder(format!("`{file}` does not exist: correct `holder.database`")));
    }
    HolderDatabase::open(&config.holder.database, parsed, HOLDER_CONNECTIONS)
        .map_err(|e| StartFault::Holder(format!("`{file}`: {e}")))
}

fn read_organisations(path: &Path) -> Result<EnrolmentFile, StartFault> {
    let malformed =
        |e: toml::de::Error| crate::config::ConfigFault::Malformed { file: path.to_owned(), text: e.to_string() };
    Ok(toml::from_str(&read(path)?).map_err(malformed)?)
}

/// The first leaf of a shard says that it was opened.
async fn open_shard(gateway: &Gateway) -> Result<(), StartFault> {
    if gateway.ledger.head().await?.size() == 0 {
        gateway.record_own(LeafDraft::new(LeafKind::Epoch).with(Key::Rs, vec!["OPEN".to_owned()]), Vec::new()).await?;
    }
    Ok(())
}

/// Registers every subject of the holder and makes the keys of this year, and in December those of the next: never
/// at first contact, whose timing would tell who is known (A11).
async fn provision(source: &dyn FactSource, keys: &dyn KeyStore, clock: &dyn Clock) -> Result<u64, StartFault> {
    let today = dutch_date(clock.now());
    let (mut after, mut new) = (None::<String>, 0);
    loop {
        let page = source.subjects(after.as_deref(), PROVISION_PAGE).await?;
        let Some(last) = page.last() else { return Ok(new) };
        after = last.iter().find(|id| id.kind() == "client-number").map(sluis_core::subject::SubjectId::value);
        new += keys.provision(&page, today.year()).await?;
        if today.month() == 12 {
            keys.provision(&page, today.year() + 1).await?;
        }
        if after.is_none() {
            return Err(StartFault::Holder("a subject of the holder has no client number".to_owned()));
        }
    }
}
