//! The engine of log and keys, by configuration: whoever opens one of them does so here.

use super::StartFault;
use super::stopped::bury;
use crate::config::{Config, Engine, KeysPostgres, LogPostgres};
use sluis_adapters::master::MasterKey;
use sluis_adapters::postgres::inspect::{Database, version};
use sluis_adapters::postgres::{OpenError, Place, PostgresKeys, PostgresKeysReader, PostgresLog, PostgresLogReader};
use sluis_adapters::secret_file::{self, SecretFileError};
use sluis_adapters::sqlite::{Limits, SqliteKeys, SqliteKeysReader, SqliteLog, SqliteLogReader};
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_adapters::wrapping::Wrapping;
use sluis_core::ports::{Clock, Entropy};
use sluis_core::upkeep::{KeyRotation, KeyUpkeep, LogArchive, LogUpkeep, PayloadKeys};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Where log and keys are, in this order, for people.
///
/// # Errors
/// [`StartFault`] when the configuration does not say.
pub(super) fn names(config: &Config) -> Result<[String; 2], StartFault> {
    Ok(match config.engine()? {
        Engine::Sqlite { log, keys } => [log, keys].map(|file| file.display().to_string()),
        Engine::Postgres { log, keys } => [place_of_log(log)?, place_of_keys(keys)?].map(|at| at.name().to_owned()),
    })
}

/// Sees that nothing would be overwritten, before a key is made.
///
/// # Errors
/// [`StartFault`] when a database of a server holds tables of Sluis, or does not answer.
pub(super) async fn is_free(config: &Config) -> Result<(), StartFault> {
    // A file that exists is refused where it is made; a server keeps the keys of whoever made its tables.
    let Engine::Postgres { log, keys } = config.engine()? else { return Ok(()) };
    for (place, database) in [(place_of_log(log)?, Database::Log), (place_of_keys(keys)?, Database::Keys)] {
        match version(&place, database).await {
            Err(OpenError::Missing { .. }) => {}
            Ok(_) | Err(OpenError::Foreign { .. }) => {
                return Err(OpenError::Exists { place: place.name().to_owned() }.into());
            }
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}

/// Makes an empty log for a shard, and an empty key database. Never overwrites.
///
/// # Errors
/// [`StartFault`] when one of them exists; what was made before it stays.
pub(super) async fn create(config: &Config, origin: &str, wrapping: &Wrapping) -> Result<(), StartFault> {
    let (master, now) = (wrapping.master(), SystemClock.now());
    match config.engine()? {
        Engine::Sqlite { log, keys } => {
            SqliteLog::create(log, origin, master, now, 0)?;
            SqliteKeys::create(keys, wrapping, now)?;
            [log, keys].into_iter().try_for_each(owner_only)
        }
        Engine::Postgres { log, keys } => {
            PostgresLog::create(&place_of_log(log)?, origin, master, now, 0).await?;
            Ok(PostgresKeys::create(&place_of_keys(keys)?, wrapping, now).await?)
        }
    }
}

/// Nobody else on the machine reads a database; the files that SQLite makes beside it take over its permissions.
fn owner_only(file: &Path) -> Result<(), StartFault> {
    let set = std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600));
    set.map_err(|source| StartFault::Io { what: format!("cannot take `{}` from others", file.display()), source })
}

/// The log, for the process that serves.
///
/// # Errors
/// [`StartFault`] names the place and what to do.
pub(super) async fn log(
    config: &Config,
    master: &MasterKey,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn LogUpkeep>, StartFault> {
    Ok(match config.engine()? {
        Engine::Sqlite { log, .. } => Arc::new(SqliteLog::open(log, master, clock, Limits::default())?),
        Engine::Postgres { log, .. } => {
            let (place, standby) = (place_of_log(log)?, log.require_standby);
            Arc::new(PostgresLog::open(&place, log.replica, standby, master, clock).await?)
        }
    })
}

/// The keys, for the process that serves.
///
/// # Errors
/// [`StartFault`] names the place and what to do.
pub(super) async fn keys(
    config: &Config,
    master: &MasterKey,
    entropy: Arc<dyn Entropy>,
) -> Result<Arc<dyn KeyUpkeep>, StartFault> {
    let wrapping = wrapping(config, master);
    Ok(match config.engine()? {
        Engine::Sqlite { keys, .. } => Arc::new(SqliteKeys::open(keys, &wrapping, entropy, Limits::default())?),
        Engine::Postgres { keys, .. } => {
            let (place, standby) = (place_of_keys(keys)?, keys.require_standby);
            Arc::new(PostgresKeys::open(&place, standby, &wrapping, entropy).await?)
        }
    })
}

/// What the wrapping keys of a configuration follow from.
pub(super) fn wrapping(config: &Config, master: &MasterKey) -> Wrapping {
    Wrapping::new(master.clone(), config.keys.wrapping())
}

/// The keys, for whoever rotates them: on a server beside gateways, in a file alone and with its tombstones applied.
///
/// # Errors
/// [`StartFault`] names the place and what to do.
pub(super) async fn rotation(config: &Config, master: &MasterKey) -> Result<Arc<dyn KeyRotation>, StartFault> {
    let (wrapping, entropy) = (wrapping(config, master), Arc::new(OsEntropy));
    Ok(match config.engine()? {
        Engine::Sqlite { log, keys } => {
            let log = SqliteLog::open(log, master, Arc::new(SystemClock), Limits::default())?;
            let keys = SqliteKeys::open(keys, &wrapping, entropy, Limits::default())?;
            bury(&log, &keys).await?;
            Arc::new(keys)
        }
        Engine::Postgres { keys, .. } => {
            let (place, standby) = (place_of_keys(keys)?, keys.require_standby);
            Arc::new(PostgresKeys::open(&place, standby, &wrapping, entropy).await?)
        }
    })
}

/// The log for reading only, beside whoever serves it.
///
/// # Errors
/// [`StartFault`] names the place and what to do.
pub(super) async fn archive(config: &Config) -> Result<Arc<dyn LogArchive>, StartFault> {
    Ok(match config.engine()? {
        Engine::Sqlite { log, .. } => Arc::new(SqliteLogReader::open(log)?),
        Engine::Postgres { log, .. } => {
            let master = MasterKey::read(&config.keys.master_key)?;
            Arc::new(PostgresLogReader::open(&place_of_log(log)?, &master).await?.with_standby(log.require_standby))
        }
    })
}

/// The keys of payloads for reading only, beside whoever serves them.
///
/// # Errors
/// [`StartFault`] names the place and what to do.
pub(super) async fn payload_keys(config: &Config, master: &MasterKey) -> Result<Arc<dyn PayloadKeys>, StartFault> {
    let wrapping = wrapping(config, master);
    Ok(match config.engine()? {
        Engine::Sqlite { keys, .. } => Arc::new(SqliteKeysReader::open(keys, &wrapping)?),
        Engine::Postgres { keys, .. } => Arc::new(PostgresKeysReader::open(&place_of_keys(keys)?, &wrapping).await?),
    })
}

/// Where the log is, on a server.
///
/// # Errors
/// [`StartFault`] when the address or the file of the password cannot be read.
pub(super) fn place_of_log(log: &LogPostgres) -> Result<Place, StartFault> {
    place(&log.address, log.password_file.as_deref())
}

/// Where the keys are, on a server.
///
/// # Errors
/// [`StartFault`] when the address or the file of the password cannot be read.
pub(super) fn place_of_keys(keys: &KeysPostgres) -> Result<Place, StartFault> {
    place(&keys.address, keys.password_file.as_deref())
}

fn place(address: &str, password_file: Option<&Path>) -> Result<Place, StartFault> {
    let password = password_file.map(password).transpose()?;
    Ok(Place::parse(address, password.as_ref().map(|password| password.as_str()))?)
}

/// A password out of its file: one line.
fn password(file: &Path) -> Result<Zeroizing<String>, SecretFileError> {
    let bytes = secret_file::read(file)?;
    let text = std::str::from_utf8(&bytes).map_or("", |text| text.trim_end_matches(['\r', '\n']));
    if text.is_empty() || text.contains(['\r', '\n']) {
        return Err(SecretFileError::Content { file: file.to_owned(), expected: "a password on one line" });
    }
    Ok(Zeroizing::new(text.to_owned()))
}
