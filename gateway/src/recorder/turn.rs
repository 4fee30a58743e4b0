//! The turn of the year: ends the shard of a year that is over and opens the next.
//!
//! Promise: whoever waits for an entry at that moment gets an answer, not an error: an entry made for the old shard is stale
//! and is made again for the new one. Exactly one replica ends a shard, under the lock; all others follow. Process dies after
//! the last entry of the old shard: whoever appends next, or the next start, finds it closed, signs the same head (the same
//! bytes) and opens the next. A failure leaves the log as it is, and nothing is released until the turn succeeds.

use super::answers::Batch;
use super::desk::Desk;
use crate::shards::Shards;
use sluis_core::log::checkpoint::{OpenedCheckpoint, sign};
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::Head;
use sluis_core::log::shard::{self, Next};
use sluis_core::ports::{SHARD_CLOSED, StoreError};
use std::sync::Arc;

/// Whether the log says that its newest shard takes no entries.
pub(super) fn is_closed(error: &StoreError) -> bool {
    *error == closed()
}

const fn closed() -> StoreError {
    StoreError::Unavailable { store: "log database", state: SHARD_CLOSED }
}

impl Desk {
    /// Whether the year of the newest shard is over, or it is closed already. A shard without any entry is never ended.
    pub(super) fn is_turn_due(&self) -> bool {
        self.closed || (!self.empty && shard::due(&self.origin, self.clock.now()).is_some())
    }

    /// Ends the newest shard if that is due, opens the next, and makes entries for it from now on.
    pub(super) async fn turn(&mut self) -> Result<(), StoreError> {
        if !self.closed {
            self.close().await?;
        }
        let newest = self.ledger.shards().await?.pop();
        let newest = newest.ok_or(StoreError::Corrupt { store: "log database", table: "log_shard" })?;
        if !newest.open {
            self.open(&newest.head).await?;
        }
        self.goes_on().await
    }

    async fn close(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let rid = shard::request_id(&self.origin, self.end, now);
        let closing = Draft::new(rid, Arc::clone(&self.origin), shard::closing());
        match self.answer_of(self.ledger.append(vec![closing])).await {
            Ok(committed) => {
                self.end = committed.head().end();
                tracing::info!(origin = committed.head().origin, "the shard of a year that is over is closed");
                Ok(())
            }
            // Another replica was faster.
            Err(error) if is_closed(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The head is durable, so it may be signed; nothing follows it in its shard, so its bytes are the same whoever signs.
    async fn open(&self, ended: &Head) -> Result<(), StoreError> {
        let now = self.clock.now();
        // A clock that stands before the turn of the year opens nothing: it catches up, or another replica opens.
        let origin = shard::due(&ended.origin, now).ok_or(closed())?;
        let before = OpenedCheckpoint { origin: ended.origin.clone(), size: ended.size(), root: ended.root() };
        let rid = shard::request_id(&origin, ended.end(), now);
        let opening = Draft::new(rid, origin.as_str().into(), shard::opening(&before));
        let note = sign(ended, self.signer.as_ref()).note;
        self.answer_of(self.ledger.open_shard(Next { origin, before: note, opening, now })).await
    }

    /// Makes entries for the newest shard as the ledger has it now.
    pub(super) async fn goes_on(&mut self) -> Result<(), StoreError> {
        let shards = self.ledger.shards().await?;
        let known = Arc::new(Shards::of(&shards, &self.signer.public_key())?);
        let newest = shards.into_iter().next_back().ok_or(closed())?;
        (self.origin, self.closed, self.empty) = (known.origin(), !newest.open, newest.head.size() == 0);
        self.end = newest.head.end();
        self.shards.store(known);
        // After what was appended before, so that checkpoints come in the order of the log.
        let _gone = self.answers.send(Batch::Turned(newest.head)).await;
        Ok(())
    }
}
