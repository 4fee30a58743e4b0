//! The scrubber: recomputes the whole log, again and again, beside the calls, and acts on what it finds (A14, A27).
//!
//! Promise: within the configured time every leaf, hash, search column, payload, page, sub-tree, kept checkpoint and row of
//! state was read and compared; what is found twice is named, what follows from the leaves is rebuilt ([`mend`]), and what the
//! log itself stands on stops this gateway. It holds
//! no snapshot: pages are read one by one, up to the size at which a pass began. Where this ends: what no leaf says, such as
//! the digest of a request, and a log that was written anew with our key: that is what the anchor and witnesses are for.

mod act;
mod guards;
mod index;
mod mend;
mod page;
mod payload;
mod progress;

pub use act::Acting;
pub use progress::Progress;

use guards::Guards;
use page::LEAVES_READ;
use sluis_core::log::scrub::{Found, Walk};
use sluis_core::ports::{KeyStore, StoreError};
use sluis_core::upkeep::LogUpkeep;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Longest rest between two pages: a small log is recomputed more often than it must be.
const REST_MAX: Duration = Duration::from_secs(60);
/// Rest after which a finding is read again before it counts; all the rest that a pass in a hurry takes.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// What is read.
pub struct Stores {
    /// The log.
    pub log: Arc<dyn LogUpkeep>,
    /// The keys of payloads.
    pub keys: Arc<dyn KeyStore>,
    /// Origin of the shard.
    pub origin: Arc<str>,
    /// The verifier key of the log.
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
    /// Whether what follows from the leaves is rebuilt where it was changed.
    pub mends: bool,
    /// How far it is.
    pub progress: Arc<Progress>,
}

impl Scrubber {
    /// Passes over the log until the gateway ends. Half of the time is for one pass, so that what was changed behind its back
    /// is met by the next one in time.
    pub async fn run(self, acting: Acting, mut ending: watch::Receiver<bool>) {
        let mut over = self.within / 2;
        loop {
            let pass = self.pass(over, &acting);
            let ended = tokio::select! {
                _ = ending.wait_for(|end| *end) => return,
                // What was passed already is looked at again too.
                () = self.progress.hurried(), if over > AGAIN_AFTER => {
                    over = AGAIN_AFTER;
                    continue;
                }
                ended = pass => ended,
            };
            over = self.within / 2;
            match ended {
                Ok(findings) => {
                    self.progress.passed(acting.now());
                    acting.passed(findings);
                }
                Err(error) => tracing::warn!(%error, "the log could not be recomputed to its end; it is tried again"),
            }
            tokio::select! {
                _ = ending.wait_for(|end| *end) => return,
                () = self.progress.hurried() => over = AGAIN_AFTER,
                () = tokio::time::sleep(REST_MAX.min(over)) => {}
            }
        }
    }

    /// One pass over the log as it is now, spread over about this time. Gives how much was found twice.
    ///
    /// # Errors
    /// A store that does not answer; what was found before was told.
    pub async fn pass(&self, over: Duration, hearing: &dyn Hearing) -> Result<usize, StoreError> {
        let head = match self.stores.log.head().await {
            Err(StoreError::Corrupt { table, .. }) => {
                hearing.found(&Found::open(table, 0, "the head cannot be read"));
                return Ok(1);
            }
            head => head?,
        };
        let (mut walk, mut guards, mut findings) = (Walk::default(), Guards::default(), 0);
        let (mut segments, mut index) = (0, mend::Index::default());
        let rest = (over / u32::try_from(head.size() / u64::from(LEAVES_READ) + 1).unwrap_or(u32::MAX)).min(REST_MAX);
        self.progress.begin(head.size());
        while walk.size() < head.size() {
            let mut page = page::scrub(&self.stores, &walk, segments, head.size()).await?;
            if !page.wrong.is_empty() {
                tokio::time::sleep(AGAIN_AFTER.min(over)).await;
                let first = page;
                page = page::scrub(&self.stores, &walk, segments, head.size()).await?;
                let twice = tell(first.wrong, &page.wrong, hearing);
                findings += twice.len();
                index.found(&twice);
                index.lacks(page.unindexed.iter().filter(|entry| first.unindexed.contains(*entry)).copied());
                if self.mends {
                    mend::page(&self.stores, &twice).await;
                }
            }
            if page.broken {
                return Ok(findings.max(1));
            }
            page.notes.into_iter().for_each(|note| guards.take(note));
            (walk, segments) = (page.walk, page.segments);
            self.progress.at(walk.size());
            if walk.size() < head.size() {
                tokio::time::sleep(rest).await;
            }
        }
        let first = self.whole(&walk, &guards, &head).await?;
        if !first.is_empty() {
            tokio::time::sleep(AGAIN_AFTER.min(over)).await;
            let twice = tell(first, &self.whole(&walk, &guards, &head).await?, hearing);
            findings += twice.len();
            index.found(&twice);
        }
        if self.mends {
            index.rebuild(&self.stores).await;
        }
        Ok(findings)
    }

    /// What can be compared only when every leaf was seen.
    async fn whole(
        &self,
        walk: &Walk,
        guards: &Guards,
        head: &sluis_core::log::finalise::Head,
    ) -> Result<Vec<Found>, StoreError> {
        let mut wrong = Vec::new();
        if *walk.tree() != head.frontier {
            wrong.push(Found::open("log_head", head.size(), "the head is not that of the leaves"));
        }
        if walk.size() > 0 && walk.last_time() != head.last_time {
            wrong.push(Found::open("log_head", head.size(), "the time of the head is not that of the last leaf"));
        }
        let after = self.stores.log.leaf_rows(self.stores.log.head().await?.size(), 1).await?;
        if let Some(row) = after.first()
            && row.index >= self.stores.log.head().await?.size()
        {
            wrong.push(Found::open("log_leaf", row.index, "there is a row beyond the head"));
        }
        let beyond = self.stores.log.checkpoint_rows(head.size().saturating_add(1), 1).await?;
        if let Some(row) = beyond.first()
            && self.stores.log.head().await?.size() < row.size
            && page::opened(&self.stores, row, &mut wrong).is_some()
        {
            wrong.push(Found::open("log_head", row.size, "we signed more entries than there are"));
        }
        wrong.extend(guards.compare(&self.stores, head.size()).await?);
        Ok(wrong)
    }
}

/// Tells what both readings found, and gives it.
fn tell(first: Vec<Found>, again: &[Found], hearing: &dyn Hearing) -> Vec<Found> {
    let twice: Vec<Found> = first.into_iter().filter(|found| again.contains(found)).collect();
    twice.iter().for_each(|found| hearing.found(found));
    twice
}
