//! How much one organisation may ask.

use serde::{Deserialize, Serialize};

/// How much one organisation may ask.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {}
