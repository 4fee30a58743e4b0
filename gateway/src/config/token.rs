//! Access tokens: what one must be for, and who issues it.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Access tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// `aud`: the address of this gateway, scheme and port included.
    pub audience: String,
    /// `gid`: the FSC group.
    pub group: String,
    /// `svc`: the service.
    pub service: String,
    /// P-256 key that signs tokens, PEM.
    pub key: PathBuf,
}
