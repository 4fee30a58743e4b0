//! The log behind an export, with its payloads: out of the stores of a configuration, beside a gateway.

use super::freshness::FreshnessFault;
use super::payloads::Payloads;
use super::{StartFault, engine};
use crate::client::bundle::Bundle;
use crate::client::verify::VerifyFault;
use crate::config::Config;
use sluis_core::log::leaf::Leaf;
use sluis_core::ports::StoredEntry;
use sluis_core::upkeep::LogArchive;
use std::sync::Arc;

/// The shard of a log that an export was made of.
pub(super) struct Behind {
    log: Arc<dyn LogArchive>,
    payloads: Payloads,
    /// The position of the first entry of the shard.
    base: u64,
}

impl Behind {
    /// Opens the stores of a configuration, beside whoever serves from them.
    ///
    /// # Errors
    /// [`FreshnessFault::Start`] when they do not open, or hold another log.
    pub async fn open(config: &Config, bundle: &Bundle) -> Result<Self, FreshnessFault> {
        let log = engine::archive(config).await?;
        let (shards, expected) = (log.shards().await?, bundle.checkpoint.origin.clone());
        let Some(shard) = shards.iter().find(|shard| shard.head.origin == expected) else {
            let found = shards.last().map_or_else(String::new, |newest| newest.head.origin.clone());
            return Err(StartFault::OtherShard { found, expected }.into());
        };
        let base = shard.head.position(0);
        Ok(Self { log, payloads: Payloads::of(config, expected).await?, base })
    }

    /// So many entries of the shard from this index on.
    pub async fn entries(&self, first: u64, count: u32) -> Result<Vec<StoredEntry>, FreshnessFault> {
        Ok(self.log.entries(self.base + first, count).await?)
    }

    /// The payload of an entry of the export; `None` when it has none, or it went with its key.
    ///
    /// # Errors
    /// [`FreshnessFault::Export`] when the log holds another entry there.
    pub async fn plain(
        &self,
        leaf: &Leaf,
        text: &str,
        stored: Option<&StoredEntry>,
    ) -> Result<Option<Vec<u8>>, FreshnessFault> {
        let Some(stored) = stored.filter(|stored| stored.leaf == text) else {
            let text = format!("entry {} of the export is not the one in the log of the configuration", leaf.index());
            return Err(VerifyFault::Found(text).into());
        };
        Ok(self.payloads.open(leaf, stored).await?)
    }
}
