//! The task that appends: takes what waits, appends it as one, and hands what is durable to whoever answers.

use super::answers::{Answer, Batch, Durable};
use super::closing::Closing;
use super::unsettled::{self, Unsettled};
use super::{Job, LogState, Verdict};
use crate::in_flight::InFlight;
use crate::operation::metrics::{Counted, LogCounts};
use crate::operation::stopwatch::Stopwatch;
use crate::operation::watched::{ANSWERS_WITHIN, SILENT};
use crate::shards::Shards;
use crate::shards::turn::CLOSED;
use arc_swap::ArcSwap;
use sluis_core::log::draft::Outcome;
use sluis_core::log::finalise::Committed;
use sluis_core::ports::{Clock, Ledger, Signer, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Most entries in one append.
const BATCH_ENTRIES_MAX: usize = 256;
/// So many entries that wait are appended without looking for more.
const WORTH_A_FLUSH: usize = 32;
/// While the log cannot be written, it is tried after this rest, so that it is found whole although nobody asks.
const PROBE_EVERY: Duration = Duration::from_secs(2);
/// While nobody asks, the end of the year is looked for this often.
const TURN_LOOK: Duration = Duration::from_secs(1);
/// The state after an append of unknown outcome, where the ledger settles it by itself.
const UNRESOLVED: &str = "UNRESOLVED";

/// The desk that appends.
pub(super) struct Desk {
    pub ledger: Arc<dyn Ledger>,
    pub signer: Arc<dyn Signer>,
    pub clock: Arc<dyn Clock>,
    pub shards: Arc<ArcSwap<Shards>>,
    /// Of the newest shard, as far as this process followed.
    pub origin: Arc<str>,
    /// The newest shard takes no entries.
    pub closed: bool,
    /// It has none yet.
    pub empty: bool,
    /// The position after the last append that is known to stand.
    pub end: u64,
    pub answers: mpsc::Sender<Batch>,
    pub state: watch::Sender<LogState>,
    pub in_flight: Arc<InFlight>,
    pub counts: Arc<LogCounts>,
    pub closing: Arc<Closing>,
    pub unsettled: Unsettled,
}

impl Desk {
    /// Appends what comes, changes before questions, until nobody can come any more.
    pub async fn run(mut self, mut urgent: mpsc::Receiver<Job>, mut normal: mpsc::Receiver<Job>) {
        loop {
            let first = tokio::select! {
                biased;
                job = urgent.recv() => job,
                job = normal.recv() => job,
                () = tokio::time::sleep(PROBE_EVERY), if self.is_failing() => {
                    self.probe().await;
                    continue;
                }
                () = tokio::time::sleep(TURN_LOOK), if !self.is_failing() => {
                    self.turn_when_due().await.unwrap_or_else(|error| self.fails(&error));
                    continue;
                }
            };
            let Some(first) = first else { return };
            let mut jobs = vec![first];
            // Callers that were just answered come back now: one flush for them together instead of one for the first. Where
            // enough wait already, the store would only stand idle meanwhile.
            if urgent.len() + normal.len() < WORTH_A_FLUSH {
                tokio::task::yield_now().await;
            }
            fill(&mut jobs, &mut urgent);
            fill(&mut jobs, &mut normal);
            self.append(jobs).await;
            // Nothing is appended after an outcome that only a restart can find, whatever the store says next.
            if *self.state.borrow() == LogState::Halted {
                return;
            }
        }
    }

    fn is_failing(&self) -> bool {
        matches!(*self.state.borrow(), LogState::Failing(_))
    }

    /// Writes something harmless; the state of the log follows what comes of it.
    async fn probe(&mut self) {
        let tried = match self.turn_when_due().await {
            Ok(()) => self.ledger.probe().await,
            Err(error) => Err(error),
        };
        match tried {
            Ok(()) => {
                self.state.send_replace(LogState::Writing);
                self.unsettled.settle(self.ledger.as_ref(), &self.in_flight).await;
            }
            Err(error) => self.fails(&error),
        }
    }

    async fn turn_when_due(&mut self) -> Result<(), StoreError> {
        if self.is_turn_due() { self.turn().await } else { Ok(()) }
    }

    pub(super) fn fails(&self, error: &StoreError) {
        let state = match error {
            StoreError::Unknown { .. } if self.ledger.settles() => LogState::Failing(UNRESOLVED),
            StoreError::Unknown { .. } => LogState::Halted,
            StoreError::Unavailable { state, .. } => LogState::Failing(state),
            StoreError::Corrupt { .. } => LogState::Failing("CORRUPT"),
            StoreError::Secret { .. } => LogState::Failing("SECRET"),
            StoreError::ClockBehind { .. } => LogState::Failing("CLOCK_BEHIND"),
        };
        self.state.send_if_modified(|now| std::mem::replace(now, state.clone()) != state);
    }

    async fn append(&mut self, jobs: Vec<Job>) {
        let jobs = self.admitted(jobs);
        if jobs.is_empty() {
            return;
        }
        let (drafts, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|j| (j.draft, j.answer)).unzip();
        // Once an outcome is not known nothing is built upon it, whatever the ledger would do now (A6).
        if *self.state.borrow() == LogState::Halted {
            return refuse(answers, &StoreError::Unknown { store: "log database" });
        }
        if let Err(error) = self.turn_when_due().await {
            tracing::error!(%error, "the next shard could not be opened; nothing is released");
            self.fails(&error);
            return refuse(answers, &error);
        }
        // Process dies before this returns: no caller has an answer, and the restart finds what is durable.
        let counted: Vec<_> = drafts.iter().map(Counted::of).collect();
        let leaving = unsettled::leaving(&drafts);
        let (entries, stopwatch) = (drafts.len(), Stopwatch::start());
        match self.answer_of(self.ledger.append(drafts)).await {
            Ok(committed) => {
                self.count(&committed, counted, entries, stopwatch);
                self.state.send_if_modified(|s| std::mem::replace(s, LogState::Writing) != LogState::Writing);
                if *committed.head().origin != *self.origin
                    && let Err(error) = self.goes_on().await
                {
                    self.fails(&error);
                    return refuse(answers, &error);
                }
                self.end = committed.head().end();
                self.empty = false;
                self.unsettled.settle(self.ledger.as_ref(), &self.in_flight).await;
                // Closed only when answering died: its callers hear that nothing may be assumed, and so does everybody after.
                if self.answers.send(Batch::Durable(Durable { committed, answers })).await.is_err() {
                    self.state.send_replace(LogState::Halted);
                }
            }
            // The shard ended between our look at the clock and the lock: nothing was written.
            Err(CLOSED) => self.stale(answers).await,
            Err(error) => {
                tracing::error!(%error, "an append failed; nothing of it was released");
                self.counts.failed();
                if matches!(error, StoreError::Unknown { .. }) && self.ledger.settles() {
                    self.unsettled.remember(self.end, leaving, &self.in_flight);
                }
                self.fails(&error);
                refuse(answers, &error);
            }
        }
    }

    /// What waited when the log was closed to answers is refused now: nothing of it was written.
    fn admitted(&self, jobs: Vec<Job>) -> Vec<Job> {
        let Some(closed) = self.closing.refusal() else { return jobs };
        let (late, admitted): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.answers);
        refuse(late.into_iter().map(|job| job.answer).collect(), &closed);
        admitted
    }

    /// Every entry was made for a shard that is closed: it must be made again, for the one that is open now.
    async fn stale(&mut self, answers: Vec<Answer>) {
        self.closed = true;
        if let Err(error) = self.turn().await {
            self.fails(&error);
            return refuse(answers, &error);
        }
        for answer in answers {
            let _ = answer.send(Ok(Verdict::Stale)); // the caller may be gone
        }
    }

    /// Waits for an append as long as it takes, and says meanwhile that the log is silent.
    pub(super) async fn answer_of<T>(
        &self,
        append: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut append = std::pin::pin!(append);
        if let Ok(answer) = tokio::time::timeout(ANSWERS_WITHIN, append.as_mut()).await {
            return answer;
        }
        self.fails(&StoreError::Unavailable { store: "log database", state: SILENT });
        append.await
    }

    fn count(&self, committed: &Committed, counted: Vec<Counted>, entries: usize, stopwatch: Stopwatch) {
        self.counts.append_seconds.took(stopwatch.elapsed());
        self.counts.batch.count(f64::from(u32::try_from(entries).unwrap_or(u32::MAX)));
        let recorded = committed.outcomes().iter().zip(counted);
        for (_, counted) in recorded.filter(|(outcome, _)| matches!(outcome, Outcome::Recorded { .. })) {
            self.counts.recorded(counted);
        }
    }
}

fn refuse(answers: Vec<Answer>, error: &StoreError) {
    for answer in answers {
        // The caller may be gone.
        let _ = answer.send(Err(error.clone()));
    }
}

fn fill(jobs: &mut Vec<Job>, queue: &mut mpsc::Receiver<Job>) {
    while jobs.len() < BATCH_ENTRIES_MAX {
        let Ok(job) = queue.try_recv() else { return };
        jobs.push(job);
    }
}
