//! The two databases, whichever engine keeps them: there, ours, of the configured shard, and set as they must be.

use super::{Findings, files, server};
use crate::compose::engine;
use crate::config::{Config, Engine};
use sluis_adapters::master::MasterKey;

/// Whether a gateway serves from these databases now; on a server, as this replica.
pub(super) async fn is_served(config: &Config) -> bool {
    match config.engine() {
        Ok(Engine::Sqlite { log, .. }) => files::is_served(log),
        Ok(Engine::Postgres { log, .. }) => server::is_served(log).await,
        Err(_) => false,
    }
}

/// They are databases of ours, of the version of this program, under our master key, and of the configured shard.
pub(super) async fn present(config: &Config, found: &mut Findings) {
    let master = MasterKey::read(&config.keys.master_key).ok();
    match config.engine() {
        Ok(Engine::Sqlite { log, keys }) => files::present(log, keys, master.as_ref(), found),
        Ok(Engine::Postgres { log, keys }) => server::present(config.mode, log, keys, master.as_ref(), found).await,
        // Said with the configuration.
        Err(_) => return,
    }
    shard(config, found).await;
}

/// The log holds the configured shard. What cannot be opened or read was said before.
async fn shard(config: &Config, found: &mut Findings) {
    let Ok(log) = engine::archive(config).await else { return };
    let Ok(head) = log.head().await else { return };
    let expected = crate::compose::assemble::shard_origin(config);
    if head.origin == expected {
        found.ok("log database", format!("holds the shard `{expected}`, {} entries", head.size()));
    } else {
        let text = format!("holds the shard `{}` and the configuration says `{expected}`", head.origin);
        found.fault("log database", text, "correct `log.year`, `log.epoch`, `organisation` or the path");
    }
}

/// What only shows inside them.
pub(super) async fn look_inside(config: &Config, found: &mut Findings) {
    match config.engine() {
        Ok(Engine::Sqlite { log, keys }) => files::look_inside(log, keys, found),
        Ok(Engine::Postgres { log, .. }) => server::look_inside(log, found).await,
        Err(_) => {}
    }
}

/// The number of the policy that is active in the log, `Some(None)` before the first; `None` when it cannot be read, which
/// was said before.
pub(super) async fn active_policy(config: &Config, master: &MasterKey) -> Option<Option<u64>> {
    match config.engine().ok()? {
        Engine::Sqlite { log, .. } => files::active_policy(log, master),
        Engine::Postgres { log, .. } => server::active_policy(log, master).await,
    }
}
