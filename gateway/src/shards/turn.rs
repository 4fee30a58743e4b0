//! The turn of the year, for a gateway that runs and for a command on the stores of one that does not.
//!
//! Exactly one process ends a shard, under the lock of the log; every other finds it ended. Process dies after the last entry of
//! the old shard: whoever turns next finds it closed, signs the same head (the same bytes) and opens the next.

use sluis_core::log::Millis;
use sluis_core::log::checkpoint::{OpenedCheckpoint, sign};
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::Head;
use sluis_core::log::shard::{self, Next, Shard};
use sluis_core::ports::{Ledger, SHARD_CLOSED, Signer, StoreError};
use std::sync::Arc;

/// What the log says when its newest shard takes no entries.
pub(crate) const CLOSED: StoreError = StoreError::Unavailable { store: "log database", state: SHARD_CLOSED };

/// Ends the newest shard if its year is over, and opens the next after one that is closed. A shard without any entry is never
/// ended; while the log is halted none is.
///
/// # Errors
/// [`CLOSED`] while the clock stands before the turn of the year and the shard is closed already; else what the store says.
pub(crate) async fn turn(ledger: &dyn Ledger, signer: &dyn Signer, now: Millis) -> Result<(), StoreError> {
    let mut newest = newest(ledger).await?;
    if newest.open {
        if newest.head.size() == 0 || shard::due(&newest.head.origin, now).is_none() {
            return Ok(());
        }
        close(ledger, &newest.head, now).await?;
        newest = self::newest(ledger).await?;
    }
    if newest.open { Ok(()) } else { open(ledger, signer, &newest.head, now).await }
}

async fn newest(ledger: &dyn Ledger) -> Result<Shard, StoreError> {
    let newest = ledger.shards().await?.pop();
    newest.ok_or(StoreError::Corrupt { store: "log database", table: "log_shard" })
}

async fn close(ledger: &dyn Ledger, head: &Head, now: Millis) -> Result<(), StoreError> {
    let rid = shard::request_id(&head.origin, head.end(), now);
    let closing = Draft::new(rid, Arc::from(head.origin.as_str()), shard::closing());
    match ledger.append(vec![closing]).await {
        Ok(committed) => {
            tracing::info!(origin = committed.head().origin, "the shard of a year that is over is closed");
            Ok(())
        }
        // Another replica was faster.
        Err(CLOSED) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Nothing follows this head in its shard, so its bytes are the same whoever signs.
async fn open(ledger: &dyn Ledger, signer: &dyn Signer, ended: &Head, now: Millis) -> Result<(), StoreError> {
    // A clock that stands before the turn of the year opens nothing: it catches up, or another replica opens.
    let origin = shard::due(&ended.origin, now).ok_or(CLOSED)?;
    let before = OpenedCheckpoint { origin: ended.origin.clone(), size: ended.size(), root: ended.root() };
    // Another replica may have ended it, and no standby may have that yet: it is signed when it cannot be lost any more (A1).
    if ledger.durable_head().await?.origin != ended.origin {
        return Ok(());
    }
    let rid = shard::request_id(&origin, ended.end(), now);
    let opening = Draft::new(rid, origin.as_str().into(), shard::opening(&before));
    let note = sign(ended, signer).note;
    ledger.open_shard(Next { origin, before: note, opening, now }).await
}
