//! What decides: the policy with what bounds it, and the organisations that are admitted.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The policy and what bounds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFiles {
    /// The field catalogue.
    pub catalog: PathBuf,
    /// The legal ceiling.
    pub ceiling: PathBuf,
    /// The rules.
    pub policy: PathBuf,
}

/// Organisations that are admitted by a file: for a demo and for development. In production persons sign for each.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// One `[[organisation]]` per admitted role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}
