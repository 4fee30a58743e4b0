//! What a finding does (A27): beside the tree an alarm; in what the log stands on, this gateway stops releasing.
//!
//! What was stopped stays stopped until the gateway is started again: whether the log can still be trusted, a person decides.
//! Changes of standing still go in, where the log takes them.

use super::Hearing;
use crate::condition::Condition;
use crate::gateway::Gateway;
use sluis_core::log::Millis;
use sluis_core::log::scrub::{Found, Grave};
use std::sync::Arc;

/// Acts on behalf of one gateway.
pub struct Acting(pub Arc<Gateway>);

impl Acting {
    pub(super) fn now(&self) -> Millis {
        self.0.clock.now()
    }

    /// A whole pass ended: without findings what was wrong beside the tree is mended.
    pub(super) fn passed(&self, findings: usize) {
        if findings == 0 {
            self.0.conditions.clear(Condition::ScrubFinding);
        }
    }
}

impl Hearing for Acting {
    fn found(&self, found: &Found) {
        let Found { table, index, what, grave } = found;
        tracing::error!(table, index, what, ?grave, "the scrubber read something twice that is not what was written");
        self.0.metrics.scrub.found();
        match grave {
            Grave::Beside => {
                let text =
                    format!("`{table}` at {index}: {what}; what was released stays provable. Find out who changed it");
                self.0.conditions.raise(Condition::ScrubFinding, text);
            }
            Grave::Open => {
                self.0.recorder.stop_answers(Condition::LogTampered.code());
                let text = format!(
                    "`{table}` at {index}: {what}. Nothing is released any more. Keep a copy, compare with exports and receipts; \
                     start again only when it is known what happened"
                );
                self.0.conditions.raise(Condition::LogTampered, text);
            }
        }
    }
}
