//! The scrubber: recomputes the whole log, again and again, beside the calls, and acts on what it finds (A14, A27).
//!
//! Promise: within the configured time every shard was read and the chain of them compared: every leaf, hash, search column,
//! payload, page, sub-tree, kept checkpoint and row of state; what is found twice is named, what follows from the leaves is
//! rebuilt ([`mend`]), and what the log itself stands on stops this gateway. It holds
//! no snapshot: pages are read one by one, up to the size at which a pass began. Where this ends: what no leaf says, such as
//! the digest of a request, and a log that was written anew with our key: that is what the anchor and witnesses are for.

mod act;
mod guards;
mod index;
mod mend;
mod page;
mod paged;
mod payload;
mod progress;
mod shard;
mod tombs;
mod unread;

pub use act::Acting;
pub use progress::Progress;

use guards::Guards;
use page::LEAVES_READ;
use shard::OfShard;
use sluis_core::log::scrub::{Found, Walk};
use sluis_core::log::shard::{Shard, are_of_one_log, year_and_epoch};
use sluis_core::ports::{KeyStore, StoreError};
use sluis_core::upkeep::LogUpkeep;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tombs::Tombs;

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
    /// Origin of one of its shards.
    pub origin: Arc<str>,
    /// The verifier key of the log under that origin.
    pub verifier_key: Arc<str>,
}

impl Stores {
    /// Whether these are the shards of this log by their names. Under another name no note and no payload opens: nothing could
    /// be told from that, and what would be rebuilt would be lost.
    fn are_named(&self, shards: &[Shard]) -> bool {
        let is_ours = |origin: &str| are_of_one_log(&self.origin, origin) && year_and_epoch(origin).is_some();
        let known = shards.iter().any(|shard| shard.head.origin == *self.origin);
        known && shards.iter().all(|shard| is_ours(&shard.head.origin))
    }
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
        self.progress.expect(acting.now(), self.within);
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
        if !self.stores.are_named(&shards) {
            hearing.found(&Found::open("log_shard", 0, "the shards do not have the names of this log"));
            return Ok(1);
        }
        let size = shards.iter().filter(|shard| shard.pruned.is_none()).map(|shard| shard.head.size()).sum::<u64>();
        let rest = (over / u32::try_from(size / u64::from(LEAVES_READ) + 1).unwrap_or(u32::MAX)).min(REST_MAX);
        let (mut seen, mut whole, again) = (Seen::default(), true, AGAIN_AFTER.min(over));
        self.progress.begin(size);
        for (number, shard) in shards.iter().enumerate() {
            let of = OfShard::of(&self.stores, shard, number + 1 == shards.len());
            let before = number.checked_sub(1).and_then(|at| shards.get(at));
            if shard.pruned.is_some() {
                self.gone(&of, &shards, before, again, hearing, &mut seen).await?;
                continue;
            }
            // What is missing in a closed shard must not hide what is wrong in the open one.
            whole &= self.shard(&of, before, Rests { again, rest }, hearing, &mut seen).await?;
        }
        let told = whole && !seen.silent;
        let first = seen.guards.compare(&self.stores, &shards, told).await?;
        if !first.is_empty() {
            tokio::time::sleep(again).await;
            let twice = twice(first, &seen.guards.compare(&self.stores, &shards, told).await?);
            twice.iter().for_each(|found| hearing.found(found));
            seen.findings += twice.len();
            seen.index.found(&twice);
        }
        if self.mends && told {
            seen.index.rebuild(&self.stores).await;
        }
        Ok(if whole { seen.findings } else { seen.findings.max(1) })
    }

    /// A shard that was removed at the end of its term.
    async fn gone(
        &self,
        of: &OfShard<'_>,
        shards: &[Shard],
        before: Option<&Shard>,
        again: Duration,
        hearing: &dyn Hearing,
        seen: &mut Seen,
    ) -> Result<(), StoreError> {
        let first = of.gone(shards, before).await?;
        if !first.is_empty() {
            tokio::time::sleep(again).await;
            let twice = twice(first, &of.gone(shards, before).await?);
            of.tell(&twice, hearing);
            seen.findings += twice.len();
        }
        Ok(())
    }

    /// Every page of one shard, and then what can be compared when all of them were seen. False when a row is missing or cannot be
    /// read: the tree cannot go on behind it; what the other entries say of guards is noted all the same.
    async fn shard(
        &self,
        of: &OfShard<'_>,
        before: Option<&Shard>,
        rests: Rests,
        hearing: &dyn Hearing,
        seen: &mut Seen,
    ) -> Result<bool, StoreError> {
        let (mut walk, mut segments, size, mut whole) = (Walk::default(), of.base, of.size(), true);
        while walk.size() < size {
            let mut page = page::scrub(of, &walk, segments, size, &mut seen.tombs).await?;
            if !page.wrong.is_empty() {
                tokio::time::sleep(rests.again).await;
                let first = page;
                page = page::scrub(of, &walk, segments, size, &mut seen.tombs).await?;
                let twice = twice(first.wrong, &page.wrong);
                of.tell(&twice, hearing);
                seen.findings += twice.len();
                seen.index.found(&twice);
                seen.index.lacks(page.unindexed.iter().filter(|entry| first.unindexed.contains(*entry)).copied());
                if self.mends {
                    mend::page(of, &twice).await;
                }
            }
            if self.mends {
                mend::late(of, page.late).await;
            }
            seen.silent |= page.silent;
            seen.index.only_indexed(&page.only_indexed);
            page.notes.into_iter().for_each(|note| seen.guards.take(note));
            (walk, segments) = (page.walk, page.segments);
            if page.broken {
                whole = false;
                self.unread(of, walk.size(), rests, seen).await?;
                break;
            }
            self.progress.at(seen.done + walk.size());
            if walk.size() < size {
                tokio::time::sleep(rests.rest).await;
            }
        }
        seen.done += size;
        let walked = whole.then_some(&walk);
        let first = of.end(walked, before).await?;
        if !first.is_empty() {
            tokio::time::sleep(rests.again).await;
            let twice = twice(first, &of.end(walked, before).await?);
            of.tell(&twice, hearing);
            seen.findings += twice.len();
        }
        Ok(whole)
    }

    /// Notes what the entries from this index on say of guards.
    async fn unread(&self, of: &OfShard<'_>, mut from: u64, rests: Rests, seen: &mut Seen) -> Result<(), StoreError> {
        while from < of.size() {
            let (notes, next) = unread::notes(of, from, of.size()).await?;
            notes.into_iter().for_each(|note| seen.guards.take(note));
            from = next;
            self.progress.at(seen.done + from);
            tokio::time::sleep(rests.rest).await;
        }
        Ok(())
    }
}

/// What a pass has seen so far.
#[derive(Default)]
struct Seen {
    guards: Guards,
    index: mend::Index,
    tombs: Tombs,
    findings: usize,
    /// Some row is no leaf.
    silent: bool,
    /// Entries of the shards that were passed.
    done: u64,
}

/// How long a pass rests.
#[derive(Clone, Copy)]
struct Rests {
    /// Before something that was found is read again.
    again: Duration,
    /// Between two pages.
    rest: Duration,
}

/// What both readings found.
fn twice(first: Vec<Found>, again: &[Found]) -> Vec<Found> {
    first.into_iter().filter(|found| again.contains(found)).collect()
}
