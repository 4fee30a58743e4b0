//! Replays an export for freshness; with a configuration also what its payloads say, out of the log beside a gateway.

use super::payloads::Payloads;
use super::{StartFault, engine};
use crate::client::bundle::Bundle;
use crate::client::verify::{VerifyFault, verify_export};
use crate::config::Config;
use sluis_core::log::freshness::{Freshness, Opened, Report, Stale};
use sluis_core::log::leaf::Leaf;
use sluis_core::log::verify::Summary;
use sluis_core::ports::StoredEntry;
use sluis_core::upkeep::LogArchive;
use std::path::Path;
use std::sync::Arc;

/// Entries of one bundle.
const BUNDLE: u32 = 256;
/// Most findings that are kept; all are counted.
const KEPT: usize = 100;

/// Why an export was not replayed to its end.
#[derive(Debug, thiserror::Error)]
pub enum FreshnessFault {
    /// The export.
    #[error(transparent)]
    Export(#[from] VerifyFault),
    /// The log and the keys of the configuration.
    #[error(transparent)]
    Start(#[from] StartFault),
}

impl From<sluis_core::ports::StoreError> for FreshnessFault {
    fn from(error: sluis_core::ports::StoreError) -> Self {
        Self::Start(error.into())
    }
}

/// What a replay gives.
pub struct Replayed {
    /// The export, verified.
    pub summary: Summary,
    /// What was compared.
    pub report: Report,
    /// The first hundred entries that are stale.
    pub stale: Vec<Stale>,
    /// How many there are.
    pub count: u64,
}

/// Verifies an export, then replays it. `progress` is called with entries done and in all, for each of both.
///
/// # Errors
/// [`FreshnessFault::Export`] when the export does not verify, or is not what the log of the configuration holds.
pub async fn freshness(
    dir: &Path,
    vkey: &str,
    config: Option<&Config>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Replayed, FreshnessFault> {
    let summary = verify_export(dir, Some(vkey), &mut progress)?;
    let bundle = Bundle::open(dir, vkey)?;
    let behind = match config {
        Some(config) => Some(Behind::open(config, &bundle).await?),
        None => None,
    };
    let (mut replay, mut stale, mut count) = (Freshness::new(), Vec::new(), 0);
    for number in 0..bundle.size().div_ceil(u64::from(BUNDLE)) {
        let first = number * u64::from(BUNDLE);
        let texts = bundle.entries(number)?;
        let stored = match &behind {
            Some(behind) => behind.log.entries(behind.base + first, BUNDLE).await?,
            None => Vec::new(),
        };
        for (position, text) in texts.iter().enumerate() {
            let leaf = Leaf::decode(text).map_err(|e| VerifyFault::Found(e.to_string()))?;
            let found = match &behind {
                None => replay.entry(&leaf, Opened::NotAsked),
                Some(behind) => behind.replay(&mut replay, &leaf, text, stored.get(position)).await?,
            };
            count += found.len() as u64;
            stale.extend(found.into_iter().take(KEPT.saturating_sub(stale.len())));
        }
        progress(first + texts.len() as u64, bundle.size());
    }
    Ok(Replayed { summary, report: *replay.report(), stale, count })
}

/// The log behind an export, with its payloads.
struct Behind {
    log: Arc<dyn LogArchive>,
    payloads: Payloads,
    /// The position of the first entry of the shard.
    base: u64,
}

impl Behind {
    async fn open(config: &Config, bundle: &Bundle) -> Result<Self, FreshnessFault> {
        let log = engine::archive(config).await?;
        let (shards, expected) = (log.shards().await?, bundle.checkpoint.origin.clone());
        let Some(shard) = shards.iter().find(|shard| shard.head.origin == expected) else {
            let found = shards.last().map_or_else(String::new, |newest| newest.head.origin.clone());
            return Err(StartFault::OtherShard { found, expected }.into());
        };
        let base = shard.head.position(0);
        Ok(Self { log, payloads: Payloads::of(config, expected).await?, base })
    }

    async fn replay(
        &self,
        replay: &mut Freshness,
        leaf: &Leaf,
        text: &str,
        stored: Option<&StoredEntry>,
    ) -> Result<Vec<Stale>, FreshnessFault> {
        let Some(stored) = stored.filter(|stored| stored.leaf == text) else {
            let text = format!("entry {} of the export is not the one in the log of the configuration", leaf.index());
            return Err(VerifyFault::Found(text).into());
        };
        let plain = self.payloads.open(leaf, stored).await?;
        Ok(match (&stored.payload, &plain) {
            (Some(sealed), Some(bytes)) => replay.entry(leaf, Opened::Plain { key_id: sealed.key_id, bytes }),
            _ => replay.entry(leaf, Opened::Gone),
        })
    }
}
