//! Exports the log of a configuration, beside a running gateway.

use super::{StartFault, engine};
use crate::client::export::{BEFORE, LeafPages, Notes, export};
use crate::config::Config;
use sluis_adapters::signer::Ed25519Signer;
use sluis_core::log::checkpoint;
use sluis_core::log::shard::name_of;
use sluis_core::ports::{Signer, StoreError};
use sluis_core::upkeep::LogArchive;
use std::path::Path;
use std::sync::Arc;

/// The leaves of one shard, by their index in it.
struct Pages {
    log: Arc<dyn LogArchive>,
    base: u64,
}

#[async_trait::async_trait]
impl LeafPages for Pages {
    async fn page(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        self.log.leaves(self.base + from, count).await
    }
}

/// Writes an export of every shard, each signed by the log key: the newest in the folder itself, those before it each in a folder
/// of its own under `before/`. Gives size and root of the newest.
///
/// # Errors
/// [`StartFault`].
pub async fn export_log(config: &Config, dir: &Path) -> Result<(u64, String), StartFault> {
    let log = engine::archive(config).await?;
    let signer = Ed25519Signer::read(&config.log.signing_key)?;
    let shards = log.shards().await?;
    let mut newest = (0, String::new());
    // The newest first: it makes the folder.
    for (number, shard) in shards.iter().rev().enumerate() {
        let head = &shard.head;
        let dir = if number == 0 { dir.to_owned() } else { dir.join(BEFORE).join(name_of(&head.origin)) };
        let signed = checkpoint::sign(head, &signer);
        let kept = log.checkpoints(head.end()).await?;
        let vkey = checkpoint::verifier_key(&head.origin, &signer.public_key());
        let notes = Notes { newest: &signed.note, kept, vkey: &vkey, size: head.size() };
        export(&dir, &notes, &Pages { log: Arc::clone(&log), base: head.position(0) }).await?;
        if number == 0 {
            newest = (signed.size, data_encoding::HEXLOWER.encode(&signed.root));
        }
    }
    Ok(newest)
}
