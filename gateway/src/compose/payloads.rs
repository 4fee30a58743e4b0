//! Opens payloads of stored entries, on the machine of the gateway and beside it.

use super::{StartFault, engine};
use crate::config::Config;
use sluis_adapters::master::MasterKey;
use sluis_core::log::draft::RequestId;
use sluis_core::log::leaf::Leaf;
use sluis_core::log::payload::{Sealing, open_committed};
use sluis_core::ports::{StoreError, StoredEntry};
use sluis_core::upkeep::PayloadKeys;
use std::sync::Arc;

/// The keys of the payloads of one log.
pub(super) struct Payloads {
    keys: Arc<dyn PayloadKeys>,
    origin: String,
}

impl Payloads {
    /// The keys of a configuration, for the log of this origin.
    ///
    /// # Errors
    /// [`StartFault`] names the place and what to do.
    pub async fn of(config: &Config, origin: String) -> Result<Self, StartFault> {
        let master = MasterKey::read(&config.keys.master_key)?;
        Ok(Self { keys: engine::payload_keys(config, &master).await?, origin })
    }

    /// The payload of an entry; `None` when its key was destroyed.
    ///
    /// # Errors
    /// [`StartFault::Store`] when it does not open although its key is there, or is not what the leaf commits to.
    pub async fn open(&self, leaf: &Leaf, entry: &StoredEntry) -> Result<Option<Vec<u8>>, StartFault> {
        let Some(sealed) = &entry.payload else { return Ok(None) };
        let Some(key) = self.keys.key_by_id(sealed.key_id).await? else { return Ok(None) };
        let rid = uuid::Uuid::try_parse(leaf.rid()).map_err(|_| corrupt())?;
        let at = Sealing { key: &key, origin: &self.origin, rid: RequestId(rid), item: 0 };
        open_committed(&at, sealed, leaf).map(Some).ok_or(corrupt())
    }
}

/// An entry that cannot be read back.
pub(super) const fn corrupt() -> StartFault {
    StartFault::Store(StoreError::Corrupt { store: "transfer log", table: "log_leaf" })
}
