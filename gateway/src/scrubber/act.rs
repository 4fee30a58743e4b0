//! What a finding does (A27): beside the tree an alarm; in what the log stands on, this gateway stops releasing.
//!
//! What was stopped stays stopped, also after a start: whether the log can still be trusted, a person decides
//! ([`Brake`]). Changes of standing still go in, where the log takes them.

use super::Hearing;
use crate::brake::Brake;
use crate::condition::Condition;
use crate::gateway::Gateway;
use sluis_core::log::Millis;
use sluis_core::log::scrub::{Found, Grave};
use std::sync::Arc;

/// Acts on behalf of one gateway.
pub struct Acting {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// What stops it.
    pub brake: Arc<Brake>,
}

impl Acting {
    pub(super) fn now(&self) -> Millis {
        self.gateway.clock.now()
    }

    /// A whole pass ended: without findings what was wrong beside the tree is mended.
    pub(super) fn passed(&self, findings: usize) {
        if findings == 0 {
            self.gateway.conditions.clear(Condition::ScrubFinding);
        }
    }
}

impl Hearing for Acting {
    fn found(&self, found: &Found) {
        let Found { table, index, what, grave, shard, .. } = found;
        tracing::error!(
            table,
            index,
            shard = shard.as_deref(),
            what,
            ?grave,
            "the scrubber read something twice that is not what was written"
        );
        self.gateway.metrics.scrub.found();
        match grave {
            Grave::Beside => {
                let text = format!("{found}; what was released stays provable. Find out who changed it");
                self.gateway.conditions.raise(Condition::ScrubFinding, text);
            }
            Grave::Open => self.brake.pull(found),
        }
    }
}
