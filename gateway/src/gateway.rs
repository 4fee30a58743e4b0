//! The assembled gateway: ports, the active policy, the recorder. What surfaces call is spread over one file per promise.

use crate::recorder::Recorder;
use arc_swap::ArcSwap;
use sluis_core::policy::Policy;
use sluis_core::ports::{Clock, DossierSource, Entropy, FactSource, KeyStore, Ledger, Register};
use std::sync::Arc;

/// The policy in force and the version of its row, compared again at every append.
pub struct ActivePolicy {
    /// The compiled policy.
    pub policy: Arc<Policy>,
    /// The version of the policy row in the register.
    pub version: u64,
}

/// The gateway as a value: made once at start, shared by every call.
pub struct Gateway {
    /// The log.
    pub ledger: Arc<dyn Ledger>,
    /// Standing, enrolments, active policy.
    pub register: Arc<dyn Register>,
    /// Pseudonyms and yearly keys.
    pub keys: Arc<dyn KeyStore>,
    /// Closed facts of the holder.
    pub facts: Arc<dyn FactSource>,
    /// Fields of the holder, to a permit only.
    pub dossier: Arc<dyn DossierSource>,
    /// The way into the log.
    pub recorder: Recorder,
    /// The policy in force.
    pub active: ArcSwap<ActivePolicy>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// Whether BSNs of the test range are the only ones accepted (true) or are refused (production).
    pub test_numbers: bool,
    /// Grant hashes computed before.
    pub grants: crate::enrolment::GrantCache,
    /// When the grid of answer slots begins.
    pub slots: crate::slot::Slots,
    /// Held while a policy becomes active: from its entry in the log until questions are decided under it.
    pub activating: tokio::sync::Mutex<()>,
    /// Who may change enrolments.
    pub enrolling: crate::enrolling::Enrolling,
    /// What is wrong now, by name.
    pub conditions: Arc<crate::condition::Conditions>,
    /// What happened since the start, as numbers.
    pub metrics: Arc<crate::operation::metrics::Metrics>,
    /// How far its end has come.
    pub ending: crate::operation::ending::Ending,
    /// What each organisation has left, and what was turned away.
    pub quotas: Arc<crate::quota::Quotas>,
}

impl Gateway {
    /// Origin of the shard that entries are made for now. Whoever makes one takes it once, in a [`Ticket`](crate::entry::Ticket).
    #[must_use]
    pub fn origin(&self) -> Arc<str> {
        self.recorder.shards().origin()
    }

    /// The verifier key of the shard that entries are made for now.
    #[must_use]
    pub fn verifier_key(&self) -> Arc<str> {
        self.recorder.shards().verifier_key()
    }

    /// 32 random bytes.
    #[must_use]
    pub fn salt(&self) -> [u8; 32] {
        let mut salt = [0; 32];
        self.entropy.fill(&mut salt);
        salt
    }

    /// Waits until a policy that is becoming active is. Call it before deciding again what was stale: until then the old
    /// policy would be read once more, and be stale once more.
    pub(crate) async fn settle(&self) {
        drop(self.activating.lock().await);
    }

    /// A new UUIDv7 from our clock and entropy.
    #[must_use]
    pub fn new_uuid(&self) -> uuid::Uuid {
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        uuid::Builder::from_unix_timestamp_millis(self.clock.now(), &random).into_uuid()
    }
}
