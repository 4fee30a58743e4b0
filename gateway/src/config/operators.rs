//! The persons who may change who is admitted.

use serde::{Deserialize, Serialize};

/// The persons who may change who is admitted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operators {}
