//! Pool of pending entries → one durable append → one signature → a receipt for each.
//!
//! Promise: a receipt leaves this room only after its entry is durable. While one append runs the next one
//! fills and the one before it is answered; nothing waits for a batch to be full. Changes of standing go before questions,
//! because a withdrawal must stop the very next release.

mod answers;
mod closing;
mod desk;
mod turn;
mod unsettled;

use crate::condition::Condition;
use crate::in_flight::{Delivery, InFlight, PENDING_MAX};
use crate::operation::metrics::LogCounts;
use crate::operation::watched::ANSWERS_WITHIN;
use crate::shards::Shards;
use answers::{Answer, Answers, BATCHES_BEHIND, Kept};
use arc_swap::ArcSwap;
use closing::Closing;
use desk::Desk;
use sluis_core::log::LeafKind;
use sluis_core::log::checkpoint::{SignedCheckpoint, sign};
use sluis_core::log::draft::{Draft, Outcome};
use sluis_core::log::receipt::Receipt;
use sluis_core::ports::{Clock, Ledger, Signer, StoreError};
use sluis_core::standing::ChangeRefused;
use std::sync::Arc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use unsettled::Unsettled;

/// Most entries waiting; beyond it callers are told that the log is busy.
const QUEUE_ENTRIES_MAX: usize = 8192;

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
        /// At which position.
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
    /// It answers a question: nothing of the kind is appended while the log is closed to answers.
    answers: bool,
    answer: Answer,
}

/// The way into the log.
#[derive(Clone)]
pub struct Recorder {
    urgent: mpsc::Sender<Job>,
    normal: mpsc::Sender<Job>,
    latest: Arc<ArcSwap<SignedCheckpoint>>,
    shards: Arc<ArcSwap<Shards>>,
    state: watch::Receiver<LogState>,
    in_flight: Arc<InFlight>,
    counts: Arc<LogCounts>,
    closing: Arc<Closing>,
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
        // Shards first: a head of a later one than is known here is followed with the first append.
        let known = ledger.shards().await?;
        let open = known.last().is_some_and(|newest| newest.open);
        let known = Shards::of(&known, &signer.public_key())?;
        let origin = known.origin();
        let shards = Arc::new(ArcSwap::from_pointee(known));
        let head = ledger.durable_head().await?;
        let latest = Arc::new(ArcSwap::from_pointee(sign(&head, signer.as_ref())));
        let (urgent, urgent_jobs) = mpsc::channel(QUEUE_ENTRIES_MAX);
        let (normal, normal_jobs) = mpsc::channel(QUEUE_ENTRIES_MAX);
        let (state_out, state) = watch::channel(LogState::Writing);
        let kept = Kept { size: head.size(), time: clock.now() };
        let in_flight = InFlight::new(Arc::clone(&ledger), head.end());
        let counts = Arc::<LogCounts>::default();
        let (answers, durable) = mpsc::channel(BATCHES_BEHIND);
        let closing = Arc::<Closing>::default();
        let answering = Answers {
            ledger: Arc::clone(&ledger),
            signer: Arc::clone(&signer),
            clock: Arc::clone(&clock),
            latest: Arc::clone(&latest),
            in_flight: Arc::clone(&in_flight),
            closing: Arc::clone(&closing),
            kept,
            shard: head.shard,
        };
        tokio::spawn(answering.run(durable));
        let desk = Desk {
            ledger,
            signer,
            clock,
            shards: Arc::clone(&shards),
            origin,
            closed: !open,
            empty: head.size() == 0,
            end: head.end(),
            answers,
            state: state_out,
            in_flight: Arc::clone(&in_flight),
            counts: Arc::clone(&counts),
            closing: Arc::clone(&closing),
            unsettled: Unsettled::default(),
        };
        tokio::spawn(desk.run(urgent_jobs, normal_jobs));
        Ok(Self { urgent, normal, latest, shards, state, in_flight, counts, closing })
    }

    /// Records an answer to a question; returns when it is durable or refused.
    ///
    /// # Errors
    /// Nothing was written, except for [`StoreError::Unknown`], after which nothing may be assumed.
    pub async fn record(&self, draft: Draft) -> Result<Verdict, StoreError> {
        if let Some(closed) = self.closing.refusal() {
            return Err(closed);
        }
        if self.in_flight.pending() >= PENDING_MAX {
            return Err(StoreError::Unavailable { store: "log database", state: Condition::OutcomesPending.code() });
        }
        enqueue(&self.normal, draft, true).await
    }

    /// Records a change of standing, enrolment or policy, or what already happened outside or in an audit, ahead of
    /// questions and also while the log is closed to answers: nothing leaves by it.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub async fn record_change(&self, draft: Draft) -> Result<Verdict, StoreError> {
        enqueue(&self.urgent, draft, false).await
    }

    /// The newest signed checkpoint of a durable head.
    #[must_use]
    pub fn checkpoint(&self) -> Arc<SignedCheckpoint> {
        self.latest.load_full()
    }

    /// The shards of the log: entries are made for the newest.
    #[must_use]
    pub fn shards(&self) -> Arc<Shards> {
        self.shards.load_full()
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
        self.closing.close(state, holds);
    }

    /// Closes the log to answers until the process ends, whoever opens it for other reasons: a person must decide whether it
    /// can still be trusted (A27). Changes of standing still go in.
    pub fn stop_answers(&self, state: &'static str) {
        self.closing.stop(state);
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

async fn enqueue(queue: &mpsc::Sender<Job>, draft: Draft, answers: bool) -> Result<Verdict, StoreError> {
    let (answer, verdict) = oneshot::channel();
    let busy = StoreError::Unavailable { store: "log database", state: "QUEUE_FULL" };
    queue.try_send(Job { draft, answers, answer }).map_err(|refused| match refused {
        TrySendError::Full(_) => busy,
        TrySendError::Closed(_) => StoreError::Unknown { store: "log database" },
    })?;
    let unknown = || StoreError::Unknown { store: "log database" };
    // The task answers every job it takes; a closed channel means that it died between taking and answering. Whoever waits
    // longer is told that nothing is known: what is recorded after all is given up, and a repeated call finds it.
    let answered = tokio::time::timeout(ANSWERS_WITHIN, verdict).await;
    answered.map_err(|_elapsed| unknown())?.unwrap_or_else(|_died| Err(unknown()))
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
