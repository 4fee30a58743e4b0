//! The anchor: what this process last saw of its log must be the beginning of what the database holds now.
//!
//! Promise: after a backup was put back, a failover lost entries, or somebody wrote the log anew, no answer leaves here. What
//! this process saw is a checkpoint that it signed itself, kept in a file outside the database; the database must prove from
//! its own rows that it extends it. Where this ends: the anchor is at most a second old when the process dies, and who puts
//! back the file together with the database is found only by a receipt or a witness.

use crate::condition::{Condition, Conditions};
use crate::recorder::Recorder;
use sluis_core::log::checkpoint::{self, NoteError};
use sluis_core::log::proof::{self, verify_consistency};
use sluis_core::ports::{Ledger, StoreError};
use sluis_core::upkeep::AnchorStore;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How old the anchor may be when the process dies.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// Why a log is not served from. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum AnchorFault {
    /// The file cannot be read.
    #[error("the anchor `{anchor}` cannot be read: {source}; mend the file or its permissions, it must not be skipped")]
    Unreadable {
        /// Where it is.
        anchor: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A log is to be made where one was served before.
    #[error(
        "`{anchor}` is the anchor of a log that was served here: restore that log, or move the anchor away if it is really to \
         begin anew"
    )]
    Exists {
        /// Where it is.
        anchor: String,
    },
    /// The file is not a checkpoint that our key signed.
    #[error(
        "the anchor `{anchor}` is not a checkpoint of this log signed with its key ({reason}): correct `log.anchor` or `log.signing_key`"
    )]
    NotOurs {
        /// Where it is.
        anchor: String,
        /// What is wrong with it.
        reason: NoteError,
    },
    /// Entries that were durable are gone.
    #[error(
        "the log holds {size} entries and this gateway has seen {seen} (anchor `{anchor}`): a backup was put back or entries were lost. \
         Nothing is served from it. Find the newer database; do not remove the anchor"
    )]
    Shorter {
        /// Where it is.
        anchor: String,
        /// Entries this process signed for.
        seen: u64,
        /// Entries in the database.
        size: u64,
    },
    /// Entries that were durable are others now.
    #[error(
        "the first {seen} entries of the log are not those that this gateway signed (anchor `{anchor}`): the log was written anew. \
         Nothing is served from it. Keep both, and compare with receipts"
    )]
    Rewritten {
        /// Where it is.
        anchor: String,
        /// Entries this process signed for.
        seen: u64,
    },
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a new log may be made: not where an anchor says that there was one.
///
/// # Errors
/// [`AnchorFault::Exists`], and [`AnchorFault::Unreadable`] when that cannot be told.
pub fn is_absent(anchor: &dyn AnchorStore) -> Result<(), AnchorFault> {
    match anchor.read() {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(AnchorFault::Exists { anchor: anchor.name() }),
        Err(source) => Err(AnchorFault::Unreadable { anchor: anchor.name(), source }),
    }
}

/// Compares the log with the anchor. Without an anchor there is nothing to compare with: the first one is kept soon.
///
/// # Errors
/// [`AnchorFault`]: do not serve then.
pub async fn check(ledger: &dyn Ledger, anchor: &dyn AnchorStore, verifier_key: &str) -> Result<(), AnchorFault> {
    let name = anchor.name();
    let note = anchor.read().map_err(|source| AnchorFault::Unreadable { anchor: name.clone(), source })?;
    let Some(note) = note else { return Ok(()) };
    let seen = match checkpoint::open(&note, verifier_key) {
        Ok(seen) => seen,
        Err(reason) => return Err(AnchorFault::NotOurs { anchor: name, reason }),
    };
    let head = ledger.head().await?;
    if head.size() < seen.size {
        return Err(AnchorFault::Shorter { anchor: name, seen: seen.size, size: head.size() });
    }
    // Of the empty tree there is nothing to prove; of the same tree the roots say it.
    let extends = match seen.size {
        0 => true,
        size if size == head.size() => seen.root == head.root(),
        size => {
            let path = proof::consistency(ledger, size, head.size()).await?;
            path.is_some_and(|path| verify_consistency(size, head.size(), &path, &seen.root, &head.root()))
        }
    };
    if extends { Ok(()) } else { Err(AnchorFault::Rewritten { anchor: name, seen: seen.size }) }
}

/// Keeps the newest checkpoint every second while it moves, until the gateway ends.
pub async fn follow(
    recorder: Recorder,
    anchor: Arc<dyn AnchorStore>,
    conditions: Arc<Conditions>,
    mut ending: watch::Receiver<bool>,
) {
    let mut kept = None;
    while tokio::time::timeout(KEEP_EVERY, ending.wait_for(|end| *end)).await.is_err() {
        if kept != Some(recorder.checkpoint().size) {
            kept = keep(&recorder, &anchor, &conditions).await;
        }
    }
}

/// Keeps the newest checkpoint; gives its size when it was kept.
///
/// A file that cannot be written raises a condition: answers go on, since the log itself is whole, and the operator must act.
pub async fn keep(recorder: &Recorder, anchor: &Arc<dyn AnchorStore>, conditions: &Conditions) -> Option<u64> {
    let (newest, store) = (recorder.checkpoint(), Arc::clone(anchor));
    let note = newest.note.clone();
    let written = tokio::task::spawn_blocking(move || store.keep(&note)).await;
    let error = match written.unwrap_or_else(|ended| Err(std::io::Error::other(ended))) {
        Ok(()) => {
            conditions.clear(Condition::AnchorFailing);
            return Some(newest.size);
        }
        Err(error) => error,
    };
    let name = anchor.name();
    let text = format!("the anchor `{name}` cannot be written ({error}): give the gateway room and permission");
    conditions.raise(Condition::AnchorFailing, text);
    None
}
