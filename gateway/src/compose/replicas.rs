//! Judges what other gateways of the same log left in flight when they ended (A9): their open deliveries are UNKNOWN.
//!
//! A number that nobody holds at two looks is of a process that ended: one that lives takes its number again within two
//! seconds when the server let it go. If this process dies in between, the next one finds what was named already.

use super::StartFault;
use crate::gateway::Gateway;
use crate::sweeper;
use sluis_core::upkeep::{Ended, LogUpkeep};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// For one look, with what it judges. A server that is gone without a word is waited for by nobody else, and a number that is
/// held for longer keeps its process from coming back. What was named by then stands; the next look goes on behind it.
const WITHIN: Duration = Duration::from_secs(30);

/// The other gateways of a log, looked at by one of them.
pub struct Others {
    /// The log that they share.
    pub log: Arc<dyn LogUpkeep>,
    /// Who looks, and records what became of their deliveries.
    pub gateway: Arc<Gateway>,
}

impl Others {
    /// Looks until the gateway ends.
    pub async fn run(self, mut ending: watch::Receiver<bool>) {
        let (mut before, mut judged) = (Vec::new(), BTreeMap::new());
        loop {
            tokio::select! {
                _ = ending.wait_for(|end| *end) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            // A store that does not answer says nothing about others: the next two looks begin anew.
            let looked = tokio::time::timeout(WITHIN, self.look(&before, &mut judged)).await;
            before = match looked {
                Ok(Ok(free)) => free,
                Ok(Err(error)) => unknown(&error),
                Err(elapsed) => unknown(&elapsed),
            };
        }
    }

    /// Judges those that were free at the last look too; gives those that are free now.
    async fn look(&self, before: &[Ended], judged: &mut BTreeMap<i16, u64>) -> Result<Vec<Ended>, StartFault> {
        let free = self.log.ended_replicas().await?;
        for ended in free.iter().filter(|ended| before.contains(ended)) {
            // Whoever came back, wrote and ended again has another mark.
            if judged.get(&ended.replica) == Some(&ended.low) {
                continue;
            }
            let Some(left) = self.log.hold_replica(ended.replica).await? else { continue };
            let unknown = sweeper::judge(&self.gateway, left.entries()).await?;
            judged.insert(ended.replica, left.judged().await?);
            if unknown > 0 {
                let replica = ended.replica;
                tracing::warn!(
                    replica,
                    unknown,
                    "another gateway ended and left releases of which the delivery is unknown"
                );
            }
        }
        Ok(free)
    }
}

fn unknown(error: &dyn std::fmt::Display) -> Vec<Ended> {
    tracing::warn!(%error, "whether other gateways of this log have ended is not known");
    Vec::new()
}
