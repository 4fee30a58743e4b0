//! Makes keys and empty databases: an explicit act that never overwrites.

use super::{StartFault, engine};
use crate::anchor;
use crate::config::Config;
use crate::origin::origin;
use crate::token::keys::SigningKey;
use sluis_adapters::anchor_file::AnchorFile;
use sluis_adapters::master::MasterKey;
use sluis_adapters::secret_file;
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::system::OsEntropy;
use sluis_adapters::wrapping::Wrapping;

/// Makes the master key, the secret of the first wrapping generation, the log key, the token key where the gateway issues tokens itself, the log database and the key
/// database of a configuration. Gives what was made, by its name.
///
/// # Errors
/// [`StartFault`] when one of them exists or cannot be written; what was made before it stays.
pub async fn init(config: &Config) -> Result<Vec<String>, StartFault> {
    let databases = engine::names(config)?;
    engine::is_free(config).await?;
    anchor::is_absent(&AnchorFile::new(config.log.anchor()))?;
    let master = MasterKey::generate(&config.keys.master_key, &OsEntropy)?;
    let wrapping = Wrapping::generate(master, config.keys.wrapping(), &OsEntropy)?;
    Ed25519Signer::generate(&config.log.signing_key, &OsEntropy)?;
    if let Some(key) = &config.token.key {
        secret_file::create(key, SigningKey::generate()?.to_pem().as_bytes())?;
    }
    let name = origin(&config.organisation.domain, &config.organisation.oin, config.log.year, config.log.epoch);
    engine::create(config, &name, &wrapping).await?;
    let secret = wrapping.folder().file(1);
    let keys = [&config.keys.master_key, &secret, &config.log.signing_key].into_iter().chain(&config.token.key);
    Ok(keys.map(|file| file.display().to_string()).chain(databases).collect())
}
