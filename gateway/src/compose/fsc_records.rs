//! Reads the log of a configuration as transaction log records of FSC, beside a running gateway.

use super::payloads::{Payloads, corrupt};
use super::{StartFault, engine};
use crate::config::Config;
use crate::fsc::record::{TransactionLogRecord, is_of_a_call};
use sluis_core::log::leaf::Leaf;
use sluis_core::ports::StoreError;

/// Entries read at once.
const ENTRIES: u32 = 512;

/// Calls of which no record can be given any more, or could never be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unavailable {
    /// The payload went with the key of its subject.
    pub erased: u64,
    /// Written before payloads named the grant and the service.
    pub older: u64,
    /// The payload is not what its entry commits to: somebody changed it.
    pub changed: u64,
}

/// Gives every record to `take`, oldest first, and counts the calls without one.
///
/// # Errors
/// [`StartFault`] when a file, key or entry cannot be read: what was given before stands.
pub async fn fsc_records(
    config: &Config,
    mut take: impl FnMut(TransactionLogRecord),
) -> Result<Unavailable, StartFault> {
    let log = engine::archive(config).await?;
    let mut unavailable = Unavailable::default();
    for shard in log.shards().await? {
        let head = shard.head;
        let payloads = Payloads::of(config, head.origin.clone()).await?;
        let mut from = head.position(0);
        while from < head.end() {
            let entries = log.entries(from, ENTRIES).await?;
            for entry in &entries {
                let leaf = Leaf::decode(&entry.leaf).map_err(|_| corrupt())?;
                if !is_of_a_call(&leaf) {
                    continue;
                }
                let payload = match payloads.open(&leaf, entry).await {
                    Ok(Some(payload)) => payload,
                    Ok(None) => {
                        unavailable.erased += 1;
                        continue;
                    }
                    // Set aside: it takes no other call along.
                    Err(StartFault::Store(StoreError::Corrupt { .. })) => {
                        unavailable.changed += 1;
                        continue;
                    }
                    Err(other) => return Err(other),
                };
                match TransactionLogRecord::of(&leaf, &payload, &config.organisation.oin) {
                    Some(record) => take(record),
                    None => unavailable.older += 1,
                }
            }
            from = entries.last().map_or(head.end(), |last| last.index + 1);
        }
    }
    Ok(unavailable)
}
