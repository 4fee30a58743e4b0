//! The engine of log and keys, by configuration: whoever opens one of them does so here.

use super::StartFault;
use crate::config::Config;
use sluis_adapters::master::MasterKey;
use sluis_adapters::sqlite::{Limits, SqliteKeys, SqliteKeysReader, SqliteLog, SqliteLogReader};
use sluis_adapters::system::SystemClock;
use sluis_core::ports::{Clock, Entropy};
use sluis_core::upkeep::{KeyUpkeep, LogArchive, LogUpkeep, PayloadKeys};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

/// Makes an empty log for a shard, and an empty key database. Never overwrites.
///
/// # Errors
/// [`StartFault::Open`] when one of them exists; what was made before it stays.
pub(super) async fn create(config: &Config, origin: &str, master: &MasterKey) -> Result<(), StartFault> {
    SqliteLog::create(&config.log.database, origin, master, SystemClock.now(), 0)?;
    SqliteKeys::create(&config.keys.database, master)?;
    [&config.log.database, &config.keys.database].into_iter().try_for_each(|file| owner_only(file))
}

/// Nobody else on the machine reads a database; the files that SQLite makes beside it take over its permissions.
fn owner_only(file: &Path) -> Result<(), StartFault> {
    let set = std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600));
    set.map_err(|source| StartFault::Io { what: format!("cannot take `{}` from others", file.display()), source })
}

/// The log, for the process that serves.
///
/// # Errors
/// [`StartFault::Open`] names the place and what to do.
pub(super) async fn log(
    config: &Config,
    master: &MasterKey,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn LogUpkeep>, StartFault> {
    Ok(Arc::new(SqliteLog::open(&config.log.database, master, clock, Limits::default())?))
}

/// The keys, for the process that serves.
///
/// # Errors
/// [`StartFault::Open`] names the place and what to do.
pub(super) async fn keys(
    config: &Config,
    master: &MasterKey,
    entropy: Arc<dyn Entropy>,
) -> Result<Arc<dyn KeyUpkeep>, StartFault> {
    Ok(Arc::new(SqliteKeys::open(&config.keys.database, master, entropy, Limits::default())?))
}

/// The log for reading only, beside whoever serves it.
///
/// # Errors
/// [`StartFault::Open`] names the place and what to do.
pub(super) async fn archive(config: &Config) -> Result<Arc<dyn LogArchive>, StartFault> {
    Ok(Arc::new(SqliteLogReader::open(&config.log.database)?))
}

/// The keys of payloads for reading only, beside whoever serves them.
///
/// # Errors
/// [`StartFault::Open`] names the place and what to do.
pub(super) async fn payload_keys(config: &Config, master: &MasterKey) -> Result<Arc<dyn PayloadKeys>, StartFault> {
    Ok(Arc::new(SqliteKeysReader::open(&config.keys.database, master)?))
}
