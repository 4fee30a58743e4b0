//! The databases: the transfer log and, apart from it, the keys.

use serde::{Deserialize, Serialize};
use sluis_adapters::anchor_file::AnchorFile;
use std::path::{Path, PathBuf};

/// The transfer log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// SQLite file.
    pub database: PathBuf,
    /// Ed25519 key that signs checkpoints.
    pub signing_key: PathBuf,
    /// Where the newest checkpoint is kept outside the database; `log.anchor` beside the signing key when not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<PathBuf>,
    /// Year of the shard.
    pub year: i16,
    /// Epoch within the year, from 1.
    pub epoch: u32,
}

impl Log {
    /// The file of the anchor.
    #[must_use]
    pub fn anchor(&self) -> PathBuf {
        self.anchor.clone().unwrap_or_else(|| self.signing_key.with_file_name("log.anchor"))
    }

    /// Whether the anchor may be lost or put back together with the database: both are on one file system, or one of them
    /// cannot be looked at.
    #[must_use]
    pub fn anchor_goes_with(&self, database: &Path) -> bool {
        AnchorFile::shares_storage(&self.anchor(), database).unwrap_or(true)
    }
}

/// The key database, apart from the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// SQLite file.
    pub database: PathBuf,
    /// 32 bytes from which wrapping, lookup and state keys are derived; outside every database.
    pub master_key: PathBuf,
}
