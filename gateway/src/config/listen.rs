//! Where the gateway listens, and how much it takes at once.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

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
    /// Seconds after which a connection is asked to end; the caller then connects again by itself. After a third more it
    /// is cut, also within a stream.
    #[serde(default = "default_connection_age_s")]
    pub connection_age_s: NonZeroU16,
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

const fn default_connection_age_s() -> NonZeroU16 {
    Listen::CONNECTION_AGE_S
}

impl Listen {
    /// A quarter of an hour: long beside the cost of a handshake, short beside a day's work on an old address.
    pub const CONNECTION_AGE_S: NonZeroU16 = NonZeroU16::MIN.saturating_add(15 * 60 - 1);

    /// When a connection is asked to end.
    #[must_use]
    pub fn connection_age(&self) -> Duration {
        Duration::from_secs(self.connection_age_s.get().into())
    }

    /// When it is cut.
    #[must_use]
    pub fn connection_age_max(&self) -> Duration {
        self.connection_age() * 4 / 3
    }
}
