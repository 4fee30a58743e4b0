//! What the operator sees: metrics, log lines, health.

use serde::{Deserialize, Serialize};

/// What the operator sees: metrics, log lines, health.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {}
