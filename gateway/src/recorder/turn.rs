//! The turn of the year in the task that appends.
//!
//! Promise: whoever waits for an entry at that moment gets an answer, not an error: an entry made for the old shard is stale
//! and is made again for the new one. A failure leaves the log as it is, and nothing is released until the turn succeeds.

use super::answers::Batch;
use super::desk::Desk;
use crate::shards::Shards;
use crate::shards::turn::{CLOSED, Leap, Turned, turn};
use sluis_core::log::shard;
use sluis_core::ports::StoreError;
use std::sync::Arc;

impl Desk {
    /// Whether the year of the newest shard is over, or it is closed already. A shard without any entry is never ended.
    pub(super) fn is_turn_due(&self) -> bool {
        self.closed || (!self.empty && shard::due(&self.origin, self.clock.now()).is_some())
    }

    /// Ends the newest shard if that is due, opens the next, and makes entries for it from now on.
    pub(super) async fn turn(&mut self) -> Result<(), StoreError> {
        let leap = if self.clock.leaps() { Leap::Confirmed } else { Leap::Refused };
        let turning = turn(self.ledger.as_ref(), self.signer.as_ref(), self.clock.now(), leap);
        match self.answer_of(turning).await? {
            // Looked at again with every entry and every second; the shard we are in is the newest.
            Turned::Halted if !self.closed => Ok(()),
            Turned::Halted | Turned::Done => self.goes_on().await,
        }
    }

    /// Makes entries for the newest shard as the ledger has it now.
    pub(super) async fn goes_on(&mut self) -> Result<(), StoreError> {
        let shards = self.ledger.shards().await?;
        let known = Arc::new(Shards::of(&shards, &self.signer.public_key())?);
        let newest = shards.into_iter().next_back().ok_or(CLOSED)?;
        // Another replica may have turned the year, and no standby may have that yet: nothing of it is shown or signed before (A1).
        let head = self.answer_of(self.ledger.durable_head()).await?;
        (self.origin, self.closed, self.empty) = (known.origin(), !newest.open, head.size() == 0);
        self.end = head.end();
        self.shards.store(known);
        // After what was appended before, so that checkpoints come in the order of the log.
        let _gone = self.answers.send(Batch::Turned(head)).await;
        Ok(())
    }
}
