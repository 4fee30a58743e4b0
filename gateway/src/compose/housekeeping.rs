//! What must happen without anybody asking: new subjects get their keys, old transaction ids and day keys go.

use super::StartFault;
use sluis_core::ports::{Clock, FactSource};
use sluis_core::subject::{SubjectId, dutch_date};
use sluis_core::upkeep::{KeyUpkeep, LogUpkeep};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often. A new client of the holder is known to the gateway within this time.
const EVERY: Duration = Duration::from_secs(600);
/// Subjects provisioned in one transaction.
const PROVISION_PAGE: u32 = 2000;
/// Transaction ids and the keys of their digests are destroyed after this time (A13).
const TRANSACTIONS_KEPT_MS: u64 = 96 * 3600 * 1000;

/// The stores and what is due in them.
pub struct Housekeeper {
    /// The log.
    pub log: Arc<dyn LogUpkeep>,
    /// The key database.
    pub keys: Arc<dyn KeyUpkeep>,
    /// The holder, who knows the subjects.
    pub holder: Arc<dyn FactSource>,
    /// The present.
    pub clock: Arc<dyn Clock>,
}

impl Housekeeper {
    /// Does what is due every ten minutes until told to end. A failure is tried again the next time: keys that are
    /// missing make a subject unknown, which protects; ids that stay longer are reported.
    pub async fn run(self, mut ending: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = ending.wait_for(|end| *end) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = self.provision().await {
                tracing::error!(%error, "new subjects have no keys yet: they are unknown until this succeeds");
            }
            if let Err(error) = self.forget().await {
                tracing::error!(%error, "old transaction ids could not be removed");
            }
        }
    }

    /// Registers every subject of the holder and makes the keys of this year, and in December those of the next: never
    /// at first contact, whose timing would tell who is known (A11). Gives how many subjects were new.
    ///
    /// # Errors
    /// A store that does not answer; what was provisioned before stays.
    pub async fn provision(&self) -> Result<u64, StartFault> {
        let today = dutch_date(self.clock.now());
        let (mut after, mut new) = (None::<String>, 0);
        loop {
            let page = self.holder.subjects(after.as_deref(), PROVISION_PAGE).await?;
            let Some(last) = page.last() else { return Ok(new) };
            after = last.iter().find(|id| id.kind() == "client-number").map(SubjectId::value);
            new += self.keys.provision(&page, today.year()).await?;
            if today.month() == 12 {
                self.keys.provision(&page, today.year() + 1).await?;
            }
            if after.is_none() {
                return Err(StartFault::Holder("a subject of the holder has no client number".to_owned()));
            }
        }
    }

    /// Removes transaction ids and the keys of their digests after 96 hours.
    ///
    /// # Errors
    /// A store that does not answer.
    pub async fn forget(&self) -> Result<(), StartFault> {
        let before = self.clock.now().saturating_sub(TRANSACTIONS_KEPT_MS);
        self.log.forget_transactions(before).await?;
        self.keys.destroy_transaction_keys(dutch_date(before)).await?;
        Ok(())
    }
}
