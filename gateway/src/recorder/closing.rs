//! Why the log is closed to answers: states that come and go, and one that only a person ends.
//!
//! Looked at three times: when an answer is handed in, before it is appended, and when it is durable and would be given, so that
//! neither what waited in the queue at that moment leaves nor what was being written. Changes of standing and the gateway's own
//! entries go in either way.

use arc_swap::ArcSwap;
use sluis_core::ports::StoreError;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// The states in which nothing is answered.
#[derive(Debug, Default)]
pub(super) struct Closing {
    closed: ArcSwap<BTreeSet<&'static str>>,
    stopped: OnceLock<&'static str>,
}

impl Closing {
    /// Closes under a named state, or ends that state; closed while any holds.
    pub fn close(&self, state: &'static str, holds: bool) {
        if self.closed.load().contains(state) == holds {
            return;
        }
        self.closed.rcu(|closed| {
            let mut closed = BTreeSet::clone(closed);
            if holds {
                closed.insert(state)
            } else {
                closed.remove(state)
            };
            closed
        });
    }

    /// Closes until the process ends.
    pub fn stop(&self, state: &'static str) {
        let _already = self.stopped.set(state);
    }

    /// Why nothing is answered now, if so.
    pub fn refusal(&self) -> Option<StoreError> {
        let closed = self.closed.load();
        let state = self.stopped.get().or(closed.first())?;
        Some(StoreError::Unavailable { store: "log database", state })
    }
}
