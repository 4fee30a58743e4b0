//! What follows a durable append: one signature, a receipt for each entry, and the answers; while the next append runs.
//!
//! One task does it, batch after batch, so that checkpoints come in the order of the log. It may lag behind the appends by
//! [`BATCHES_BEHIND`]; then the log waits for it. The mark of what was handed over rises only here, after the deliveries of a
//! batch have begun, so an append that runs meanwhile writes a mark that is at most too low.

use super::closing::Closing;
use super::{Verdict, verdict};
use crate::in_flight::InFlight;
use arc_swap::ArcSwap;
use sluis_core::log::Millis;
use sluis_core::log::checkpoint::{SignedCheckpoint, sign};
use sluis_core::log::finalise::{Committed, Head};
use sluis_core::log::shard::position;
use sluis_core::ports::{Clock, Ledger, Signer, StoreError};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Durable batches that may wait for their answers.
pub(super) const BATCHES_BEHIND: usize = 4;
/// A checkpoint is kept in the store after this many entries or milliseconds, whichever comes first.
const KEEP_ENTRIES: u64 = 1000;
const KEEP_AFTER_MS: Millis = 60_000;

/// Where the answer to one draft goes.
pub(super) type Answer = oneshot::Sender<Result<Verdict, StoreError>>;

/// What comes after an append, in the order of the log.
pub(super) enum Batch {
    /// Entries that are durable.
    Durable(Durable),
    /// The log goes on in another shard, with this head.
    Turned(Head),
}

/// A batch that is durable, and those who wait for it, in its order.
pub(super) struct Durable {
    pub committed: Committed,
    pub answers: Vec<Answer>,
}

/// What stands in the store as the last kept checkpoint.
pub(super) struct Kept {
    pub size: u64,
    pub time: Millis,
}

/// The desk that answers.
pub(super) struct Answers {
    pub ledger: Arc<dyn Ledger>,
    pub signer: Arc<dyn Signer>,
    pub clock: Arc<dyn Clock>,
    pub latest: Arc<ArcSwap<SignedCheckpoint>>,
    pub in_flight: Arc<InFlight>,
    pub closing: Arc<Closing>,
    pub kept: Kept,
    /// The number of the shard that the newest checkpoint is of.
    pub shard: u16,
}

impl Answers {
    /// Answers every batch, until nothing is appended any more.
    pub async fn run(mut self, mut batches: mpsc::Receiver<Batch>) {
        while let Some(batch) = batches.recv().await {
            match batch {
                Batch::Durable(durable) => self.answer(durable),
                Batch::Turned(head) => self.turned(&head),
            }
            self.keep_checkpoint().await;
        }
    }

    /// Process dies here: the batch is durable, and whoever has no answer asks again; what was to leave is UNKNOWN.
    fn answer(&self, Durable { committed, answers }: Durable) {
        let checkpoint = sign(committed.head(), self.signer.as_ref());
        let receipts = committed.receipts(&checkpoint);
        self.latest.store(Arc::new(checkpoint));
        for ((answer, outcome), receipt) in answers.into_iter().zip(committed.outcomes()).zip(receipts) {
            let answers = receipt.as_ref().is_some_and(|receipt| receipt.kind().answers());
            let verdict = verdict(outcome, receipt, &self.in_flight);
            // Looked at for each: what was in the hands of the store when the brake was pulled does not leave. Its delivery is dropped
            // with the verdict, so that the log says that it was aborted.
            let closed = if answers { self.closing.refusal() } else { None };
            // The caller may be gone; the entry stands, a repeated call finds it, and a release is aborted.
            let _ = answer.send(closed.map_or(verdict, Err));
        }
        self.in_flight.recorded(committed.head().end());
    }

    fn turned(&mut self, head: &Head) {
        self.latest.store(Arc::new(sign(head, self.signer.as_ref())));
        (self.shard, self.kept) = (head.shard, Kept { size: head.size(), time: self.clock.now() });
        self.in_flight.recorded(head.end());
    }

    async fn keep_checkpoint(&mut self) {
        let (latest, now) = (self.latest.load_full(), self.clock.now());
        let due = latest.size >= self.kept.size + KEEP_ENTRIES || now >= self.kept.time + KEEP_AFTER_MS;
        let at = position(self.shard, latest.size);
        if due && self.ledger.keep_checkpoint(at, &latest.note, now).await.is_ok() {
            self.kept = Kept { size: latest.size, time: now };
        }
    }
}
