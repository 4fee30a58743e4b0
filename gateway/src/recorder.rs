//! Pool of pending entries → one durable append → one signature → a receipt for each.
//!
//! Promise: a receipt leaves this room only after its entry is durable. While one append runs the next one
//! fills and the one before it is answered; nothing waits for a batch to be full. Changes of standing go before questions,
//! because a withdrawal must stop the very next release.

mod answers;
mod unsettled;

use crate::condition::Condition;
use crate::in_flight::{Delivery, InFlight, PENDING_MAX};
use crate::operation::metrics::{Counted, LogCounts};
use crate::operation::stopwatch::Stopwatch;
use crate::operation::watched::{ANSWERS_WITHIN, SILENT};
use answers::{Answer, Answers, BATCHES_BEHIND, Durable, Kept};
use arc_swap::ArcSwap;
use sluis_core::log::LeafKind;
use sluis_core::log::checkpoint::{SignedCheckpoint, sign};
use sluis_core::log::draft::{Draft, Outcome};
use sluis_core::log::finalise::Committed;
use sluis_core::log::receipt::Receipt;
use sluis_core::ports::{Clock, Ledger, Signer, StoreError};
use sluis_core::standing::ChangeRefused;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use unsettled::Unsettled;

/// Most entries in one append.
const BATCH_ENTRIES_MAX: usize = 256;
/// Most entries waiting; beyond it callers are told that the log is busy.
const QUEUE_ENTRIES_MAX: usize = 8192;
/// While the log cannot be written, it is tried after this rest, so that it is found whole although nobody asks.
const PROBE_EVERY: Duration = Duration::from_secs(2);
/// The state after an append of unknown outcome, where the ledger settles it by itself.
const UNRESOLVED: &str = "UNRESOLVED";

/// What became of one draft.
#[derive(Debug)]
pub enum Verdict {
    /// Durable, with its receipt.
    Recorded(Receipt),
    /// Durable, and it says that something leaves: the receipt, and the delivery that must be told when it did.
    Released(Receipt, Delivery),
    /// Decide again.
    Stale,
    /// The same request is in the log already.
    Duplicate {
        /// Where.
        index: u64,
        /// As what.
        kind: LeafKind,
    },
    /// The transaction id was used for something else.
    Conflict,
    /// The change cannot be applied.
    Refused(ChangeRefused),
    /// The policy number is below the highest seen.
    PolicyTooOld,
    /// The entry itself is malformed: a defect of conduct.
    Malformed,
}

/// Whether the log can be written, for health and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogState {
    /// Appends succeed.
    Writing,
    /// Appends fail for now; releases resume when the fault clears.
    Failing(&'static str),
    /// The outcome of an append is unknown and this ledger does not settle it: the process must end and start again.
    Halted,
}

struct Job {
    draft: Draft,
    answer: Answer,
}

/// The way into the log.
#[derive(Clone)]
pub struct Recorder {
    urgent: mpsc::Sender<Job>,
    normal: mpsc::Sender<Job>,
    latest: Arc<ArcSwap<SignedCheckpoint>>,
    state: watch::Receiver<LogState>,
    in_flight: Arc<InFlight>,
    counts: Arc<LogCounts>,
    closed: Arc<ArcSwap<BTreeSet<&'static str>>>,
    stopped: Arc<OnceLock<&'static str>>,
}

impl Recorder {
    /// Starts the recording task on a ledger. Signs the durable head first, so that readers have a checkpoint.
    ///
    /// # Errors
    /// When the head cannot be read, or is not durable in time.
    pub async fn start(
        ledger: Arc<dyn Ledger>,
        signer: Arc<dyn Signer>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let head = ledger.durable_head().await?;
        let latest = Arc::new(ArcSwap::from_pointee(sign(&head, signer.as_ref())));
        let (urgent, urgent_jobs) = mpsc::channel(QUEUE_ENTRIES_MAX);
        let (normal, normal_jobs) = mpsc::channel(QUEUE_ENTRIES_MAX);
        let (state_out, state) = watch::channel(LogState::Writing);
        let kept = Kept { size: head.size(), time: clock.now() };
        let in_flight = InFlight::new(Arc::clone(&ledger), head.size());
        let counts = Arc::<LogCounts>::default();
        let (answers, durable) = mpsc::channel(BATCHES_BEHIND);
        let answering = Answers {
            ledger: Arc::clone(&ledger),
            signer,
            clock,
            latest: Arc::clone(&latest),
            in_flight: Arc::clone(&in_flight),
            kept,
        };
        tokio::spawn(answering.run(durable));
        let desk = Desk {
            ledger,
            size: head.size(),
            answers,
            state: state_out,
            in_flight: Arc::clone(&in_flight),
            counts: Arc::clone(&counts),
            unsettled: Unsettled::default(),
        };
        tokio::spawn(desk.run(urgent_jobs, normal_jobs));
        Ok(Self { urgent, normal, latest, state, in_flight, counts, closed: Arc::default(), stopped: Arc::default() })
    }

    /// Records an answer to a question; returns when it is durable or refused.
    ///
    /// # Errors
    /// Nothing was written, except for [`StoreError::Unknown`], after which nothing may be assumed.
    pub async fn record(&self, draft: Draft) -> Result<Verdict, StoreError> {
        if let Some(state) = self.stopped.get().or(self.closed.load().first()) {
            return Err(StoreError::Unavailable { store: "log database", state });
        }
        if self.in_flight.pending() >= PENDING_MAX {
            return Err(StoreError::Unavailable { store: "log database", state: Condition::OutcomesPending.code() });
        }
        enqueue(&self.normal, draft).await
    }

    /// Records a change of standing, enrolment or policy, or what already happened outside or in an audit, ahead of
    /// questions and also while the log is closed to answers: nothing leaves by it.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub async fn record_change(&self, draft: Draft) -> Result<Verdict, StoreError> {
        enqueue(&self.urgent, draft).await
    }

    /// The newest signed checkpoint of a durable head.
    #[must_use]
    pub fn checkpoint(&self) -> Arc<SignedCheckpoint> {
        self.latest.load_full()
    }

    /// Follows whether the log can be written.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<LogState> {
        self.state.clone()
    }

    /// Closes the log to answers under a named state, or ends that state: while any holds, it is closed. Changes of standing
    /// and the gateway's own entries still go in: a withdrawal must be recorded as long as there is room for it
    /// (core-design 1.10).
    pub fn close_to_answers(&self, state: &'static str, holds: bool) {
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

    /// Closes the log to answers until the process ends, whoever opens it for other reasons: a person must decide whether it
    /// can still be trusted (A27). Changes of standing still go in.
    pub fn stop_answers(&self, state: &'static str) {
        let _already = self.stopped.set(state);
    }

    /// Numbers since the start.
    #[must_use]
    pub fn counts(&self) -> &LogCounts {
        &self.counts
    }

    /// Entries that wait to be appended.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let of = |queue: &mpsc::Sender<Job>| queue.max_capacity() - queue.capacity();
        of(&self.urgent) + of(&self.normal)
    }

    /// What was released and not handed over yet.
    #[must_use]
    pub fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }
}

async fn enqueue(queue: &mpsc::Sender<Job>, draft: Draft) -> Result<Verdict, StoreError> {
    let (answer, verdict) = oneshot::channel();
    let busy = StoreError::Unavailable { store: "log database", state: "QUEUE_FULL" };
    queue.try_send(Job { draft, answer }).map_err(|refused| match refused {
        TrySendError::Full(_) => busy,
        TrySendError::Closed(_) => StoreError::Unknown { store: "log database" },
    })?;
    let unknown = || StoreError::Unknown { store: "log database" };
    // The task answers every job it takes; a closed channel means that it died between taking and answering. Whoever waits
    // longer is told that nothing is known: what is recorded after all is given up, and a repeated call finds it.
    let answered = tokio::time::timeout(ANSWERS_WITHIN, verdict).await;
    answered.map_err(|_elapsed| unknown())?.unwrap_or_else(|_died| Err(unknown()))
}

struct Desk {
    ledger: Arc<dyn Ledger>,
    /// Of the log after the last append that is known to stand.
    size: u64,
    answers: mpsc::Sender<Durable>,
    state: watch::Sender<LogState>,
    in_flight: Arc<InFlight>,
    counts: Arc<LogCounts>,
    unsettled: Unsettled,
}

impl Desk {
    async fn run(mut self, mut urgent: mpsc::Receiver<Job>, mut normal: mpsc::Receiver<Job>) {
        loop {
            let first = tokio::select! {
                biased;
                job = urgent.recv() => job,
                job = normal.recv() => job,
                () = tokio::time::sleep(PROBE_EVERY), if self.is_failing() => {
                    self.probe().await;
                    continue;
                }
            };
            let Some(first) = first else { return };
            let mut jobs = vec![first];
            // Callers that were just answered come back now: one flush for them together instead of one for the first.
            tokio::task::yield_now().await;
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
        match self.ledger.probe().await {
            Ok(()) => {
                self.state.send_replace(LogState::Writing);
                self.unsettled.settle(self.ledger.as_ref(), &self.in_flight).await;
            }
            Err(error) => self.fails(&error),
        }
    }

    fn fails(&self, error: &StoreError) {
        let state = match error {
            StoreError::Unknown { .. } if self.ledger.settles() => LogState::Failing(UNRESOLVED),
            StoreError::Unknown { .. } => LogState::Halted,
            StoreError::Unavailable { state, .. } => LogState::Failing(state),
            StoreError::Corrupt { .. } => LogState::Failing("CORRUPT"),
            StoreError::ClockBehind { .. } => LogState::Failing("CLOCK_BEHIND"),
        };
        self.state.send_if_modified(|now| std::mem::replace(now, state.clone()) != state);
    }

    async fn append(&mut self, jobs: Vec<Job>) {
        let (drafts, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|j| (j.draft, j.answer)).unzip();
        // Once an outcome is not known nothing is built upon it, whatever the ledger would do now (A6).
        if *self.state.borrow() == LogState::Halted {
            return refuse(answers, &StoreError::Unknown { store: "log database" });
        }
        // Process dies before this returns: no caller has an answer, and the restart finds what is durable.
        let counted: Vec<_> = drafts.iter().map(Counted::of).collect();
        let leaving = unsettled::leaving(&drafts);
        let (entries, stopwatch) = (drafts.len(), Stopwatch::start());
        match self.answer_of(self.ledger.append(drafts)).await {
            Ok(committed) => {
                self.count(&committed, counted, entries, stopwatch);
                self.state.send_if_modified(|s| std::mem::replace(s, LogState::Writing) != LogState::Writing);
                self.size = committed.head().size();
                self.unsettled.settle(self.ledger.as_ref(), &self.in_flight).await;
                // Closed only when answering died: its callers hear that nothing may be assumed, and so does everybody after.
                if self.answers.send(Durable { committed, answers }).await.is_err() {
                    self.state.send_replace(LogState::Halted);
                }
            }
            Err(error) => {
                tracing::error!(%error, "an append failed; nothing of it was released");
                self.counts.failed();
                if matches!(error, StoreError::Unknown { .. }) && self.ledger.settles() {
                    self.unsettled.remember(self.size, leaving, &self.in_flight);
                }
                self.fails(&error);
                refuse(answers, &error);
            }
        }
    }

    /// Waits for an append as long as it takes, and says meanwhile that the log is silent.
    async fn answer_of(
        &self,
        append: impl Future<Output = Result<Committed, StoreError>>,
    ) -> Result<Committed, StoreError> {
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

fn verdict(outcome: &Outcome, receipt: Option<Receipt>, in_flight: &Arc<InFlight>) -> Result<Verdict, StoreError> {
    Ok(match (outcome, receipt) {
        (Outcome::Recorded { index, .. }, Some(receipt))
            if matches!(receipt.kind(), LeafKind::Release | LeafKind::Page) =>
        {
            Verdict::Released(receipt, in_flight.begin(*index))
        }
        (Outcome::Recorded { .. }, Some(receipt)) => Verdict::Recorded(receipt),
        // An entry without its receipt contradicts itself: nothing may be released on it.
        (Outcome::Recorded { .. }, None) => return Err(StoreError::Unknown { store: "log database" }),
        (Outcome::Stale, _) => Verdict::Stale,
        (Outcome::Duplicate { index, kind }, _) => Verdict::Duplicate { index: *index, kind: *kind },
        (Outcome::Halted, _) => {
            return Err(StoreError::Unavailable { store: "log database", state: Condition::LogTampered.code() });
        }
        (Outcome::Conflict, _) => Verdict::Conflict,
        (Outcome::Refused(refused), _) => Verdict::Refused(refused.clone()),
        (Outcome::PolicyTooOld, _) => Verdict::PolicyTooOld,
        (Outcome::Malformed(_), _) => Verdict::Malformed,
    })
}
