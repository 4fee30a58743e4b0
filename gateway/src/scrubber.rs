//! The scrubber: recomputes the whole log, again and again, beside the calls, and acts on what it finds (A14, A27).
//!
//! Promise: within the configured time every shard was read and the chain of them compared: every leaf, hash, search column, payload, page, sub-tree, kept checkpoint and row of
//! state was read and compared; what is found twice is named, and what the log itself stands on stops this gateway. It holds
//! no snapshot: pages are read one by one, up to the size at which a pass began. Where this ends: what no leaf says, such as
//! the digest of a request, and a log that was written anew with our key: that is what the anchor and witnesses are for.

mod act;
mod guards;
mod page;
mod payload;
mod progress;
mod shard;

pub use act::Acting;
pub use progress::Progress;

use guards::Guards;
use page::LEAVES_READ;
use shard::OfShard;
use sluis_core::log::scrub::{Found, Walk};
use sluis_core::ports::{KeyStore, StoreError};
use sluis_core::upkeep::LogUpkeep;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Longest rest between two pages: a small log is recomputed more often than it must be.
const REST_MAX: Duration = Duration::from_secs(60);
/// Rest after which a finding is read again before it counts.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// What is read.
pub struct Stores {
    /// The log.
    pub log: Arc<dyn LogUpkeep>,
    /// The keys of payloads.
    pub keys: Arc<dyn KeyStore>,
    /// Origin of one of its shards.
    pub origin: Arc<str>,
    /// The verifier key of the log under that origin.
    pub verifier_key: Arc<str>,
}

/// Who is told what was found, as soon as it was found twice.
pub trait Hearing: Send + Sync {
    /// Something is wrong.
    fn found(&self, found: &Found);
}

/// The scrubber of one gateway.
pub struct Scrubber {
    /// What is read.
    pub stores: Stores,
    /// Within which everything is recomputed.
    pub within: Duration,
    /// How far it is.
    pub progress: Arc<Progress>,
}

impl Scrubber {
    /// Passes over the log until the gateway ends. Half of the time is for one pass, so that what was changed behind its back
    /// is met by the next one in time.
    pub async fn run(self, acting: Acting, mut ending: watch::Receiver<bool>) {
        loop {
            let pass = self.pass(self.within / 2, &acting);
            let ended = tokio::select! {
                _ = ending.wait_for(|end| *end) => return,
                ended = pass => ended,
            };
            match ended {
                Ok(findings) => {
                    self.progress.passed(acting.now());
                    acting.passed(findings);
                }
                Err(error) => tracing::warn!(%error, "the log could not be recomputed to its end; it is tried again"),
            }
            tokio::select! {
                _ = ending.wait_for(|end| *end) => return,
                () = tokio::time::sleep(REST_MAX.min(self.within / 2)) => {}
            }
        }
    }

    /// One pass over the log as it is now, all shards, spread over about this time. Gives how much was found twice.
    ///
    /// # Errors
    /// A store that does not answer; what was found before was told.
    pub async fn pass(&self, over: Duration, hearing: &dyn Hearing) -> Result<usize, StoreError> {
        let shards = match self.stores.log.shards().await {
            Err(StoreError::Corrupt { table, .. }) => {
                hearing.found(&Found::open(table, 0, "the head cannot be read"));
                return Ok(1);
            }
            shards => shards?,
        };
        let size: u64 = shards.iter().map(|shard| shard.head.size()).sum();
        let rest = (over / u32::try_from(size / u64::from(LEAVES_READ) + 1).unwrap_or(u32::MAX)).min(REST_MAX);
        let (mut guards, mut findings, mut done) = (Guards::default(), 0, 0);
        self.progress.begin(size);
        for (number, shard) in shards.iter().enumerate() {
            let of = OfShard::of(&self.stores, shard, number + 1 == shards.len());
            let mut walk = Walk::default();
            while walk.size() < shard.head.size() {
                let mut page = page::scrub(&of, &walk, shard.head.size()).await?;
                if !page.wrong.is_empty() {
                    tokio::time::sleep(AGAIN_AFTER.min(over)).await;
                    let first = std::mem::take(&mut page.wrong);
                    let again = page::scrub(&of, &walk, shard.head.size()).await?;
                    findings += tell(first, &again.wrong, hearing);
                    page = again;
                }
                if page.broken {
                    return Ok(findings.max(1));
                }
                page.notes.into_iter().for_each(|note| guards.take(note));
                walk = page.walk;
                self.progress.at(done + walk.size());
                if walk.size() < shard.head.size() {
                    tokio::time::sleep(rest).await;
                }
            }
            done += walk.size();
            let before = number.checked_sub(1).and_then(|at| shards.get(at));
            let first = of.whole(&walk, before).await?;
            if !first.is_empty() {
                tokio::time::sleep(AGAIN_AFTER.min(over)).await;
                findings += tell(first, &of.whole(&walk, before).await?, hearing);
            }
        }
        let first = guards.compare(&self.stores, &shards).await?;
        if !first.is_empty() {
            tokio::time::sleep(AGAIN_AFTER.min(over)).await;
            findings += tell(first, &guards.compare(&self.stores, &shards).await?, hearing);
        }
        Ok(findings)
    }
}

/// Tells what both readings found, and how much it was.
fn tell(first: Vec<Found>, again: &[Found], hearing: &dyn Hearing) -> usize {
    let twice: Vec<Found> = first.into_iter().filter(|found| again.contains(found)).collect();
    twice.iter().for_each(|found| hearing.found(found));
    twice.len()
}
