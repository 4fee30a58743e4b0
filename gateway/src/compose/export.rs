//! Exports the log of a configuration, beside a running gateway.

use super::signable::Evidence;
use super::{StartFault, engine, verifier_key};
use crate::client::export::{self, BEFORE, LeafPages, Notes, export_gone};
use crate::config::Config;
use sluis_adapters::anchor_file::AnchorFile;
use sluis_adapters::signer::Ed25519Signer;
use sluis_core::log::checkpoint;
use sluis_core::log::shard::{Shard, name_of};
use sluis_core::ports::{Signer, StoreError};
use sluis_core::upkeep::LogArchive;
use std::path::{Path, PathBuf};
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

/// Writes an export of every shard: the newest in the folder itself, signed by the log key when all of it was recomputed and extends
/// what was signed before ([`signable`](super::signable)); those before it each in a folder of its own under `before/`, with the
/// note that was signed when it was closed; of one that was removed at the end of its term only that. Gives size and root of the
/// newest.
///
/// # Errors
/// [`StartFault`]: nothing was signed. What was written stays, without a checkpoint.
pub async fn export_log(config: &Config, dir: &Path) -> Result<(u64, String), StartFault> {
    let (signer, vkey) = (Ed25519Signer::read(&config.log.signing_key)?, verifier_key(config)?);
    let log = engine::archive(config).await?;
    let mut evidence = Evidence::read(log.as_ref(), &AnchorFile::new(config.log.anchor()), &vkey).await?;
    let shards = log.shards().await?;
    // A head that a failover may still lose is not signed.
    log.durable().await?;
    evidence.about(log.as_ref(), &shards).await?;
    for (shard, next) in shards.iter().zip(shards.iter().skip(1)) {
        evidence.signed_end(shard, next)?;
    }
    shards.iter().try_for_each(|shard| evidence.fits(shard))?;
    export::begin(dir)?;
    let mut newest = (0, String::new());
    let before = [None].into_iter().chain(shards.iter().map(Some));
    for ((shard, before), number) in shards.iter().zip(before).zip(1..) {
        let head = &shard.head;
        let vkey = checkpoint::verifier_key(&head.origin, &signer.public_key());
        let ended = shards.get(number).map(|next| evidence.signed_end(shard, next)).transpose()?;
        let place = place(dir, shard, ended.is_none());
        if let (Some(note), true) = (ended, shard.pruned.is_some()) {
            export_gone(&place, note, &vkey)?;
            continue;
        }
        let pages = Pages { log: Arc::clone(&log), base: head.position(0) };
        let leaves = export::leaves(&place, head.size(), &evidence.sizes(shard), &pages).await?;
        evidence.holds(shard, before, &leaves)?;
        let kept = evidence.kept(shard);
        let signed = match ended {
            Some(note) => note.to_owned(),
            None => {
                // The newest comes last: everything before it was compared.
                newest = (head.size(), data_encoding::HEXLOWER.encode(&head.root()));
                checkpoint::sign(head, &signer).note
            }
        };
        export::notes(&place, &Notes { newest: &signed, kept, vkey: &vkey })?;
    }
    Ok(newest)
}

/// Where a shard lies in an export.
fn place(dir: &Path, shard: &Shard, newest: bool) -> PathBuf {
    if newest { dir.to_owned() } else { dir.join(BEFORE).join(name_of(&shard.head.origin)) }
}
