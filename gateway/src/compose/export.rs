//! Exports the log of a configuration, beside a running gateway.

use super::{StartFault, engine, verifier_key};
use crate::client::export::{LeafPages, Notes, export};
use crate::config::Config;
use sluis_adapters::signer::Ed25519Signer;
use sluis_core::log::checkpoint;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::LogArchive;
use std::path::Path;
use std::sync::Arc;

struct Pages(Arc<dyn LogArchive>);

#[async_trait::async_trait]
impl LeafPages for Pages {
    async fn page(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        self.0.leaves(from, count).await
    }
}

/// Writes an export of the committed head, signed by the log key. Gives its size and root.
///
/// # Errors
/// [`StartFault`].
pub async fn export_log(config: &Config, dir: &Path) -> Result<(u64, String), StartFault> {
    let reader = engine::archive(config).await?;
    let head = reader.head().await?;
    let signer = Ed25519Signer::read(&config.log.signing_key)?;
    let signed = checkpoint::sign(&head, &signer);
    let kept = reader.checkpoints(head.size()).await?;
    let vkey = verifier_key(config)?;
    let notes = Notes { newest: &signed.note, kept, vkey: &vkey, size: head.size() };
    export(dir, &notes, &Pages(reader)).await?;
    Ok((signed.size, data_encoding::HEXLOWER.encode(&signed.root)))
}
