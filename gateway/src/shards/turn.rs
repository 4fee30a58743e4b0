//! The turn of the year, for a gateway that runs and for a command on the stores of one that does not.
//!
//! Exactly one process ends a shard, under the lock of the log; every other finds it ended. Process dies after the last entry of
//! the old shard: whoever turns next finds it closed, signs the same head (the same bytes) and opens the next.

use sluis_core::log::Millis;
use sluis_core::log::checkpoint::{OpenedCheckpoint, sign};
use sluis_core::log::draft::{Draft, Outcome};
use sluis_core::log::finalise::Head;
use sluis_core::log::shard::{self, Next, Shard};
use sluis_core::ports::{Ledger, SHARD_CLOSED, Signer, StoreError};
use sluis_core::subject::dutch_date;
use std::sync::Arc;

/// What the log says when its newest shard takes no entries.
pub(crate) const CLOSED: StoreError = StoreError::Unavailable { store: "log database", state: SHARD_CLOSED };

/// What the log says when the clock stands so far beyond its last entry that a person must say that it is right.
pub(crate) const LEAPT: StoreError = StoreError::Unavailable { store: "log database", state: "CLOCK_LEAPT" };

/// How far beyond the last entry a clock may turn the year without a person. A year that was ended is ended for good: one second
/// of a wrong clock must not do it. A log in which nothing was written for longer is turned by `sluis log turn`.
const LEAP_MAX: Millis = 31 * 24 * 3_600_000;

/// Who says that the clock is right, where it stands far beyond the last entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leap {
    /// Nobody: the year is not turned.
    Refused,
    /// An operator, who was asked for the year.
    Confirmed,
}

/// What became of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    /// The newest shard takes entries of this year, or was not due.
    Done,
    /// The log is halted: what may have been tampered with is not closed, and the old shard takes what a halted log takes.
    Halted,
}

/// Ends the newest shard if its year is over, and opens the next after one that is closed. A shard without any entry is never
/// ended; while the log is halted none is.
///
/// # Errors
/// [`CLOSED`] while the clock stands before the turn of the year and the shard is closed already; [`LEAPT`]; else what the store
/// says.
pub(crate) async fn turn(
    ledger: &dyn Ledger,
    signer: &dyn Signer,
    now: Millis,
    leap: Leap,
) -> Result<Turned, StoreError> {
    let mut newest = newest(ledger).await?;
    if newest.open && (newest.head.size() == 0 || shard::due(&newest.head.origin, now).is_none()) {
        return Ok(Turned::Done);
    }
    if leap == Leap::Refused && leaps(&newest.head, now) {
        return Err(LEAPT);
    }
    if newest.open {
        if close(ledger, &newest.head, now).await? == Turned::Halted {
            return Ok(Turned::Halted);
        }
        newest = self::newest(ledger).await?;
    }
    if !newest.open {
        open(ledger, signer, &newest.head, now).await?;
    }
    Ok(Turned::Done)
}

/// Whether a turn at this moment would skip a year, or comes long after the last entry.
fn leaps(head: &Head, now: Millis) -> bool {
    let next = shard::year_and_epoch(&head.origin).and_then(|(year, _)| year.checked_add(1));
    next.is_none_or(|next| dutch_date(now).year() > next) || now > head.last_time.saturating_add(LEAP_MAX)
}

async fn newest(ledger: &dyn Ledger) -> Result<Shard, StoreError> {
    let newest = ledger.shards().await?.pop();
    newest.ok_or(StoreError::Corrupt { store: "log database", table: "log_shard" })
}

async fn close(ledger: &dyn Ledger, head: &Head, now: Millis) -> Result<Turned, StoreError> {
    let rid = shard::request_id(&head.origin, head.end(), now);
    let closing = Draft::new(rid, Arc::from(head.origin.as_str()), shard::closing());
    match ledger.append(vec![closing]).await {
        Ok(committed) if committed.outcomes() == [Outcome::Halted] => Ok(Turned::Halted),
        Ok(committed) => {
            tracing::info!(origin = committed.head().origin, "the shard of a year that is over is closed");
            Ok(Turned::Done)
        }
        // Another replica was faster.
        Err(CLOSED) => Ok(Turned::Done),
        Err(error) => Err(error),
    }
}

/// Nothing follows this head in its shard, so its bytes are the same whoever signs.
async fn open(ledger: &dyn Ledger, signer: &dyn Signer, ended: &Head, now: Millis) -> Result<(), StoreError> {
    // A clock that stands before the turn of the year opens nothing: it catches up, or another replica opens.
    let origin = shard::due(&ended.origin, now).ok_or(CLOSED)?;
    let before = OpenedCheckpoint { origin: ended.origin.clone(), size: ended.size(), root: ended.root() };
    // Another replica may have ended it, and no standby may have that yet: it is signed when it cannot be lost any more (A1).
    let durable = ledger.durable_head().await?;
    if durable.origin != ended.origin {
        return Ok(());
    }
    // What is signed is what the ledger compared with its own tree, not what another read of the row said.
    if durable != *ended {
        return Err(StoreError::Corrupt { store: "log database", table: "log_head" });
    }
    let rid = shard::request_id(&origin, ended.end(), now);
    let opening = Draft::new(rid, origin.as_str().into(), shard::opening(&before));
    let note = sign(ended, signer).note;
    ledger.open_shard(Next { origin, before: note, opening, now }).await
}
