//! The databases: the transfer log and, apart from it, the keys.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The transfer log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// SQLite file.
    pub database: PathBuf,
    /// Ed25519 key that signs checkpoints.
    pub signing_key: PathBuf,
    /// Year of the shard.
    pub year: i16,
    /// Epoch within the year, from 1.
    pub epoch: u32,
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
