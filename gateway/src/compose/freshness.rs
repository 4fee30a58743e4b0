//! Replays an export for freshness; with a configuration also what its payloads say, out of the log beside a gateway.

use super::StartFault;
use super::behind::Behind;
use crate::client::bundle::Bundle;
use crate::client::verify::{VerifyFault, verify_export};
use crate::config::Config;
use sluis_core::log::freshness::{Freshness, Opened, Report, Stale};
use sluis_core::log::leaf::Leaf;
use sluis_core::log::verify::Summary;
use std::path::Path;

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
            Some(behind) => behind.entries(first, BUNDLE).await?,
            None => Vec::new(),
        };
        for (position, text) in texts.iter().enumerate() {
            let leaf = Leaf::decode(text).map_err(|e| VerifyFault::Found(e.to_string()))?;
            let found = match &behind {
                None => replay.entry(&leaf, Opened::NotAsked),
                Some(behind) => {
                    let stored = stored.get(position);
                    let plain = behind.plain(&leaf, text, stored).await?;
                    let sealed = stored.and_then(|stored| stored.payload.as_ref());
                    replay.entry(
                        &leaf,
                        match (sealed, &plain) {
                            (Some(sealed), Some(bytes)) => Opened::Plain { key_id: sealed.key_id, bytes },
                            _ => Opened::Gone,
                        },
                    )
                }
            };
            count += found.len() as u64;
            stale.extend(found.into_iter().take(KEPT.saturating_sub(stale.len())));
        }
        progress(first + texts.len() as u64, bundle.size());
    }
    Ok(Replayed { summary, report: *replay.report(), stale, count })
}
