//! The holder's own database.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The holder's database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// SQLite file, opened for reading only.
    pub database: PathBuf,
    /// Which table and column holds which field.
    pub map: PathBuf,
}
