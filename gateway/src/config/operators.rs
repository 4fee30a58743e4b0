//! The persons who may change who is admitted.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The persons who may change who is admitted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operators {
    /// One `[[operator]]` per person, as `sluis operator key` prints it; without it nobody may change anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<PathBuf>,
}
