//! Makes keys and empty databases: an explicit act that never overwrites.

use super::StartFault;
use crate::config::Config;
use crate::origin::origin;
use crate::token::keys::SigningKey;
use sluis_adapters::master::MasterKey;
use sluis_adapters::secret_file;
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::sqlite::{SqliteKeys, SqliteLog};
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_core::ports::Clock;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Makes the master key, the log key, the token key where the gateway issues tokens itself, the log database and the key database of a configuration.
///
/// # Errors
/// [`StartFault`] when one of them exists or cannot be written; what was made before it stays.
pub fn init(config: &Config) -> Result<(), StartFault> {
    let master = MasterKey::generate(&config.keys.master_key, &OsEntropy)?;
    Ed25519Signer::generate(&config.log.signing_key, &OsEntropy)?;
    if let Some(key) = &config.token.key {
        secret_file::create(key, SigningKey::generate()?.to_pem().as_bytes())?;
    }
    let name = origin(&config.organisation.domain, &config.organisation.oin, config.log.year, config.log.epoch);
    SqliteLog::create(&config.log.database, &name, &master, SystemClock.now(), 0)?;
    SqliteKeys::create(&config.keys.database, &master)?;
    [&config.log.database, &config.keys.database].into_iter().try_for_each(|file| owner_only(file))
}

/// Nobody else on the machine reads a database; the files that SQLite makes beside it take over its permissions.
fn owner_only(file: &Path) -> Result<(), StartFault> {
    let set = std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600));
    set.map_err(|source| StartFault::Io { what: format!("cannot take `{}` from others", file.display()), source })
}
