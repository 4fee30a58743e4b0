//! Reads the log of a configuration as transaction log records of FSC, beside a running gateway.

use super::{StartFault, engine};
use crate::config::Config;
use crate::fsc::record::{TransactionLogRecord, is_of_a_call};
use sluis_adapters::master::MasterKey;
use sluis_core::log::draft::RequestId;
use sluis_core::log::leaf::Leaf;
use sluis_core::log::payload::{Sealing, open};
use sluis_core::ports::{StoreError, StoredEntry};
use sluis_core::upkeep::PayloadKeys;
use std::sync::Arc;

/// Entries read at once.
const ENTRIES: u32 = 512;

/// Calls of which no record can be given any more, or could never be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unavailable {
    /// The payload went with the key of its subject.
    pub erased: u64,
    /// Written before payloads named the grant and the service.
    pub older: u64,
}

/// Gives every record to `take`, oldest first, and counts the calls without one.
///
/// # Errors
/// [`StartFault`] when a file, key or entry cannot be read: what was given before stands.
pub async fn fsc_records(
    config: &Config,
    mut take: impl FnMut(TransactionLogRecord),
) -> Result<Unavailable, StartFault> {
    let master = MasterKey::read(&config.keys.master_key)?;
    let log = engine::archive(config).await?;
    let keys = engine::payload_keys(config, &master).await?;
    let head = log.head().await?;
    let opened = Opened { keys, origin: head.origin.clone() };
    let (mut from, mut unavailable) = (0, Unavailable::default());
    while from < head.size() {
        let entries = log.entries(from, ENTRIES).await?;
        for entry in &entries {
            let leaf = Leaf::decode(&entry.leaf).map_err(|_| corrupt())?;
            if !is_of_a_call(&leaf) {
                continue;
            }
            let Some(payload) = opened.payload(&leaf, entry).await? else {
                unavailable.erased += 1;
                continue;
            };
            match TransactionLogRecord::of(&leaf, &payload, &config.organisation.oin) {
                Some(record) => take(record),
                None => unavailable.older += 1,
            }
        }
        from = entries.last().map_or(head.size(), |last| last.index + 1);
    }
    Ok(unavailable)
}

struct Opened {
    keys: Arc<dyn PayloadKeys>,
    origin: String,
}

impl Opened {
    /// The payload of an entry; `None` when its key was destroyed.
    async fn payload(&self, leaf: &Leaf, entry: &StoredEntry) -> Result<Option<Vec<u8>>, StartFault> {
        let Some(sealed) = &entry.payload else { return Ok(None) };
        let Some(key) = self.keys.key_by_id(sealed.key_id).await? else { return Ok(None) };
        let rid = uuid::Uuid::try_parse(leaf.rid()).map_err(|_| corrupt())?;
        let at = Sealing { key: &key, origin: &self.origin, rid: RequestId(rid), item: 0 };
        open(&at, sealed).map(Some).ok_or(corrupt())
    }
}

fn corrupt() -> StartFault {
    StartFault::Store(StoreError::Corrupt { store: "transfer log", table: "log_leaf" })
}
