//! The transaction log record of FSC logging that an entry of our log amounts to, in the form of the log API (`logRecord`).
//!
//! One call is one record: the pages of an audit belong to the call that opened it. What the leaf does not say (grant,
//! service, delegators) stands in the payload of its entry, so a record can be derived for as long as the key of the
//! payload lives.

use serde::{Deserialize, Serialize};
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::organisation::Oin;

/// A record. The names are those of the log API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransactionLogRecord {
    /// UUIDv7 with hyphens.
    transaction_id: String,
    direction: &'static str,
    grant_hash: String,
    source: Source,
    destination: Destination,
    service_name: String,
    /// Unix time, seconds.
    created_at: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Source {
    r#type: &'static str,
    outway_peer_id: Oin,
    #[serde(skip_serializing_if = "Option::is_none")]
    delegator_peer_id: Option<Oin>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Destination {
    r#type: &'static str,
    service_peer_id: Oin,
    #[serde(skip_serializing_if = "Option::is_none")]
    delegator_peer_id: Option<Oin>,
}

/// What a payload says about the connection ([`super::connection::ServiceConnection`] as it was written).
#[derive(Deserialize)]
struct Said {
    fsc: Option<Connection>,
}

#[derive(Deserialize)]
struct Connection {
    grant: String,
    service: String,
    delegator: Option<Oin>,
    publication_delegator: Option<Oin>,
}

/// Whether the entry is one of a call, so that FSC wants a record of it.
#[must_use]
pub fn is_of_a_call(leaf: &Leaf) -> bool {
    leaf.kind() != LeafKind::Page && leaf.text(Key::Txn).is_some() && leaf.text(Key::X5).is_some()
}

impl TransactionLogRecord {
    /// The record of a call, from its leaf and its opened payload; `holder` offers the service.
    ///
    /// `None` when the entry is no call's, or was written before payloads said what FSC asks.
    #[must_use]
    pub fn of(leaf: &Leaf, payload: &[u8], holder: &Oin) -> Option<Self> {
        if !is_of_a_call(leaf) {
            return None;
        }
        let said = serde_json::from_slice::<Said>(payload).ok()?.fsc?;
        let source = match said.delegator {
            Some(_) => "SOURCE_TYPE_DELEGATED_SOURCE",
            None => "SOURCE_TYPE_SOURCE",
        };
        let destination = match said.publication_delegator {
            Some(_) => "DESTINATION_TYPE_DELEGATED_DESTINATION",
            None => "DESTINATION_TYPE_DESTINATION",
        };
        Some(Self {
            transaction_id: uuid::Uuid::try_parse(leaf.text(Key::Txn)?).ok()?.to_string(),
            direction: "DIRECTION_INCOMING",
            grant_hash: said.grant,
            source: Source {
                r#type: source,
                outway_peer_id: Oin::parse(leaf.text(Key::Rp)?).ok()?,
                delegator_peer_id: said.delegator,
            },
            destination: Destination {
                r#type: destination,
                service_peer_id: holder.clone(),
                delegator_peer_id: said.publication_delegator,
            },
            service_name: said.service,
            created_at: leaf.time() / 1000,
        })
    }

    /// Whether this organisation is named in the record: only then may its Manager have it (FSC logging).
    #[must_use]
    pub fn names(&self, peer: &Oin) -> bool {
        let named = [
            Some(&self.source.outway_peer_id),
            self.source.delegator_peer_id.as_ref(),
            Some(&self.destination.service_peer_id),
            self.destination.delegator_peer_id.as_ref(),
        ];
        named.contains(&Some(peer))
    }

    /// The grant of the call.
    #[must_use]
    pub fn grant_hash(&self) -> &str {
        &self.grant_hash
    }

    /// When, Unix time in seconds.
    #[must_use]
    pub const fn created_at(&self) -> u64 {
        self.created_at
    }
}
