//! The anchor: what this process last saw of its log must be the beginning of what the database holds now.
//!
//! Promise: after a backup was put back, a failover lost entries, or somebody wrote the log anew, no answer leaves here. What
//! this process saw is a checkpoint that it signed itself, kept in a file outside the database; the database must prove from
//! its own rows that it extends it. Where this ends: the anchor is at most a second old when the process dies, and who puts
//! back the file together with the database is found only by a receipt or a witness.

use crate::condition::{Condition, Conditions};
use crate::recorder::Recorder;
use sluis_core::log::checkpoint::{self, NoteError, OpenedCheckpoint};
use sluis_core::log::leaf::Leaf;
use sluis_core::log::proof::{self, verify_consistency, verify_inclusion};
use sluis_core::log::pruned::{divide, vouches};
use sluis_core::log::shard::{Shard, are_of_one_log, continues, index_of, name_of, number_of};
use sluis_core::log::tree::leaf_hash;
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
    /// The shard that was open is not there any more.
    #[error(
        "this gateway has seen shard {seen} of the log (anchor `{anchor}`) and the newest here is {newest}: a backup was put back. \
         Nothing is served from it. Find the newer database; do not remove the anchor"
    )]
    ShardGone {
        /// Where it is.
        anchor: String,
        /// Name of the shard it is of.
        seen: String,
        /// Name of the newest shard in the database.
        newest: String,
    },
    /// A later shard does not continue the one before it.
    #[error(
        "shard {shard} of the log does not continue the one before it (anchor `{anchor}`): the log was written anew. Nothing is \
         served from it. Keep both, and compare with receipts"
    )]
    NotContinued {
        /// Where it is.
        anchor: String,
        /// Name of the shard.
        shard: String,
    },
    /// A shard is gone and no entry says so.
    #[error(
        "shard {0} of the log was removed, and no entry of a later shard announced it: entries were destroyed. Nothing is served \
         from it. Keep the database, and put back the newest backup that has the shard"
    )]
    NotAnnounced(String),
    /// The shard that was open is gone.
    #[error(
        "the anchor `{anchor}` is of shard {seen}, which was removed at the end of its term: what this gateway saw of it cannot be \
         compared any more. Compare a newer receipt or export, then move the anchor away"
    )]
    Pruned {
        /// Where it is.
        anchor: String,
        /// Name of the shard it is of.
        seen: String,
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

/// Compares the log with the anchor, from the shard that was open then to the newest. `verifier_key` is that of any shard. Without an anchor there is nothing to compare with: the first one is kept soon.
///
/// # Errors
/// [`AnchorFault`]: do not serve then.
pub async fn check(ledger: &dyn Ledger, anchor: &dyn AnchorStore, verifier_key: &str) -> Result<(), AnchorFault> {
    let shards = ledger.shards().await?;
    is_announced(ledger, &shards).await?;
    let name = anchor.name();
    let Some(seen) = seen(anchor, verifier_key)? else { return Ok(()) };
    let Some(at) = shards.iter().position(|shard| shard.head.origin == seen.origin) else {
        let newest = shards.last().map_or("", |shard| name_of(&shard.head.origin)).to_owned();
        return Err(AnchorFault::ShardGone { anchor: name, seen: name_of(&seen.origin).to_owned(), newest });
    };
    let (Some(shard), rest) = (shards.get(at), shards.get(at..).unwrap_or_default()) else { return Ok(()) };
    let head = &shard.head;
    if head.size() < seen.size {
        return Err(AnchorFault::Shorter { anchor: name, seen: seen.size, size: head.size() });
    }
    // Of the empty tree there is nothing to prove; of the same tree the roots say it.
    let extends = match seen.size {
        0 => true,
        size if size < head.size() && shard.pruned.is_some() => {
            return Err(AnchorFault::Pruned { anchor: name, seen: name_of(&seen.origin).to_owned() });
        }
        size if size == head.size() => seen.root == head.root(),
        size => {
            let path = proof::consistency(ledger, head.position(size), head.end()).await?;
            path.is_some_and(|path| verify_consistency(size, head.size(), &path, &seen.root, &head.root()))
        }
    };
    if !extends {
        return Err(AnchorFault::Rewritten { anchor: name, seen: seen.size });
    }
    continues_to_the_newest(ledger, rest, verifier_key)
        .await?
        .map_or(Ok(()), |shard| Err(AnchorFault::NotContinued { anchor: name, shard }))
}

/// The checkpoint in the anchor; `None` where there is none. `verifier_key` is that of any shard of the log.
///
/// # Errors
/// [`AnchorFault::Unreadable`], and [`AnchorFault::NotOurs`] when our key did not sign it for a shard of this log.
pub fn seen(anchor: &dyn AnchorStore, verifier_key: &str) -> Result<Option<OpenedCheckpoint>, AnchorFault> {
    let note = anchor.read().map_err(|source| AnchorFault::Unreadable { anchor: anchor.name(), source })?;
    let Some(note) = note else { return Ok(None) };
    // The note is of the shard that was open when it was kept: the same key, under the name of that shard.
    let origin = note.split('\n').next().unwrap_or_default();
    let not_ours = |reason| AnchorFault::NotOurs { anchor: anchor.name(), reason };
    let key = checkpoint::under_name(verifier_key, origin).map_err(not_ours)?;
    let seen = checkpoint::open(&note, &key).map_err(not_ours)?;
    if !are_of_one_log(&seen.origin, checkpoint::key_name(verifier_key).map_err(not_ours)?) {
        return Err(not_ours(NoteError::OtherOrigin));
    }
    Ok(Some(seen))
}

/// Whether an entry of a shard that is there says that exactly these are gone which are.
///
/// # Errors
/// [`AnchorFault::NotAnnounced`].
async fn is_announced(ledger: &dyn Ledger, shards: &[Shard]) -> Result<(), AnchorFault> {
    let not_announced = |name: &str| AnchorFault::NotAnnounced(name.to_owned());
    let Some(prefix) = divide(shards).map_err(not_announced)? else { return Ok(()) };
    let last = prefix.gone.last().map_or("", |last| name_of(&last.head.origin));
    let Some(text) = ledger.leaves(prefix.announced_at, 1).await?.into_iter().next() else {
        return Err(not_announced(last));
    };
    let vouched = Leaf::decode(&text).is_ok_and(|leaf| vouches(&leaf, prefix.gone));
    let among = prefix.kept.iter().find(|shard| shard.head.shard == number_of(prefix.announced_at));
    let Some(Shard { head, .. }) = among.filter(|_| vouched) else { return Err(not_announced(last)) };
    // A row is no entry: the tree has it, under the head that the rest of the start holds against the anchor.
    let path = proof::inclusion(ledger, prefix.announced_at, head.size()).await?.unwrap_or_default();
    let (hash, index) = (leaf_hash(text.as_bytes()), index_of(prefix.announced_at));
    if verify_inclusion(&hash, index, head.size(), &path, &head.root()) { Ok(()) } else { Err(not_announced(last)) }
}

/// Whether every shard after the first of these continues the one before it: by its first entry, and by the note that is kept
/// of the one before. Gives the name of the first that does not.
async fn continues_to_the_newest(
    ledger: &dyn Ledger,
    shards: &[Shard],
    verifier_key: &str,
) -> Result<Option<String>, AnchorFault> {
    for (before, shard) in shards.iter().zip(shards.iter().skip(1)) {
        let (origin, head) = (before.head.origin.clone(), &before.head);
        let last = OpenedCheckpoint { origin, size: head.size(), root: head.root() };
        let key = checkpoint::under_name(verifier_key, &last.origin).unwrap_or_default();
        let note = shard.before.as_deref().and_then(|note| checkpoint::open(note, &key).ok());
        let first = ledger.leaves(shard.head.position(0), 1).await?.into_iter().next();
        let first = first.and_then(|text| Leaf::decode(&text).ok());
        // The entry that announced its removal vouches for one that is gone.
        let continued = shard.pruned.is_some() || first.is_some_and(|leaf| continues(&leaf, &last));
        if !continued || note != Some(last) {
            return Ok(Some(name_of(&shard.head.origin).to_owned()));
        }
    }
    Ok(None)
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
        // Sizes begin anew with every shard.
        if kept.as_deref() != Some(&*recorder.checkpoint().note) {
            kept = keep(&recorder, &anchor, &conditions).await;
        }
    }
}

/// Keeps the newest checkpoint; gives its note when it was kept.
///
/// A file that cannot be written raises a condition: answers go on, since the log itself is whole, and the operator must act.
pub async fn keep(recorder: &Recorder, anchor: &Arc<dyn AnchorStore>, conditions: &Conditions) -> Option<String> {
    let (newest, store) = (recorder.checkpoint(), Arc::clone(anchor));
    let note = newest.note.clone();
    let written = tokio::task::spawn_blocking(move || store.keep(&note)).await;
    let error = match written.unwrap_or_else(|ended| Err(std::io::Error::other(ended))) {
        Ok(()) => {
            conditions.clear(Condition::AnchorFailing);
            return Some(newest.note.clone());
        }
        Err(error) => error,
    };
    let name = anchor.name();
    let text = format!("the anchor `{name}` cannot be written ({error}): give the gateway room and permission");
    conditions.raise(Condition::AnchorFailing, text);
    None
}
