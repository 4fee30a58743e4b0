//! Where the gateway listens, and how much it takes at once.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Where to listen.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// gRPC, mutual TLS.
    pub grpc: SocketAddr,
    /// Token endpoint, mutual TLS; absent where an FSC Manager issues the tokens (`[token.external]`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SocketAddr>,
    /// Calls in progress over all connections.
    #[serde(default = "default_calls_max")]
    pub calls_max: usize,
    /// Open connections.
    #[serde(default = "default_connections_max")]
    pub connections_max: usize,
    /// Whether a call without `fsc-transaction-id` is refused.
    #[serde(default)]
    pub transaction_id_required: bool,
}

const fn default_calls_max() -> usize {
    512
}

const fn default_connections_max() -> usize {
    1024
}
