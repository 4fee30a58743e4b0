//! What a holder does about one subject while the gateway is stopped: look up its entries, keep it from erasure, erase a year.
//!
//! Each is an entry of the log before it is done or shown. An erasure writes the entry first, then the tombstone and the
//! payloads, then the key: if the process dies in between, the command can be repeated, and the next start destroys a key
//! whose tombstone stands. Afterwards every proof and receipt holds as before: no leaf changes.

use super::holds::{Holds, none_since};
use super::payloads::corrupt;
use super::stopped::Stopped;
use super::{StartFault, recomputed, rotation};
use crate::config::Config;
use serde_json::json;
use sluis_core::log::leaf::{Key, Leaf, LeafDraft};
use sluis_core::log::proof::receipt_for;
use sluis_core::log::receipt::Receipt;
use sluis_core::log::shard::{index_of, name_of};
use sluis_core::log::{LeafKind, Millis};
use sluis_core::subject::{SubjectId, SubjectRef, dutch_date};
use std::collections::BTreeSet;

/// Reason of the entry of a lookup.
const LOOKUP: &str = "SUBJECT_LOOKUP";
/// Reasons of the entries that keep a subject from erasure, and that end it.
pub(super) const HOLD: &str = "LEGAL_HOLD";
pub(super) const HOLD_LIFTED: &str = "LEGAL_HOLD_LIFTED";
pub(super) const DAY_MS: Millis = 24 * 3600 * 1000;

/// Why nothing was done about a subject. No text repeats its number.
#[derive(Debug, thiserror::Error)]
pub enum SubjectFault {
    /// The stores.
    #[error(transparent)]
    Start(#[from] StartFault),
    /// No such subject.
    #[error("nobody is registered under this number: compare it with the holder's system")]
    Unknown,
    /// No key of that year.
    #[error("there is no key of {year} for this client: that year was erased before, or nothing was ever kept in it")]
    NoKey {
        /// The year.
        year: i16,
    },
    /// Under legal hold.
    #[error(
        "this client is under legal hold since entry {index}: nothing is erased; `sluis subject hold --lift` ends it"
    )]
    OnHold {
        /// The entry that says so.
        index: u64,
    },
    /// Somebody was placed under legal hold after the holds were read.
    #[error(
        "somebody was placed under legal hold while this ran: what was not destroyed until then stays, also where an entry announces \
         it; run this again"
    )]
    HeldMeanwhile,
    /// What says whose keys go is not what was written.
    #[error(
        "the log is not what was written, nothing is erased:\n{}start the gateway, which rebuilds what follows from the entries, or restore the log; then run this again", .0.iter().map(|s| format!("  - {s}\n")).collect::<String>()
    )]
    NotWhole(Vec<String>),
    /// The subject index lost a hold.
    #[error(
        "the log says that {said} clients are under legal hold and the subject index finds {found} of them: nothing is erased; restore `subject_segment` from a backup"
    )]
    HoldsLost {
        /// By the entries.
        said: usize,
        /// By the index.
        found: usize,
    },
    /// It stands already.
    #[error("{0}")]
    Already(&'static str),
    /// The entry of an erasure stands, the erasure does not.
    #[error("entry {index} announces an erasure that was not completed ({source}): run the same command again")]
    NotCompleted {
        /// The entry.
        index: u64,
        /// Why.
        source: StartFault,
    },
}

impl From<sluis_core::ports::StoreError> for SubjectFault {
    fn from(error: sluis_core::ports::StoreError) -> Self {
        Self::Start(error.into())
    }
}

/// What an erasure rests on.
pub struct Erasure<'a> {
    /// Whose.
    pub subject: &'a SubjectId,
    /// Which year.
    pub year: i16,
    /// The code in the entry.
    pub reason: &'a str,
    /// Who decided, under which reference; stands in the payload only.
    pub authorised_by: &'a str,
    /// For how long backups of the key database are kept.
    pub backup_days: u16,
}

/// What an erasure did.
#[derive(Debug)]
pub struct Erased {
    /// Its entry.
    pub index: u64,
    /// Payloads that were removed.
    pub payloads: u64,
    /// Pages that concern the subject; they are sealed with the key of their day and stay.
    pub pages: u64,
    /// From when it holds for backups of the key database too, milliseconds since 1970.
    pub effective_after: Millis,
    /// Why superseded rows are still in the files of a server, where they are.
    pub untidy: Option<sluis_core::ports::StoreError>,
    /// The newest wrapping generation: once it ended and its secret was destroyed, no backup from before opens the key.
    pub generation: u32,
}

/// One entry that concerns a subject, with its receipt under the newest checkpoint.
pub struct Found {
    /// Name of the shard it stands in: `<year>-<epoch>`.
    pub shard: String,
    /// The leaf.
    pub leaf: Leaf,
    /// Which item of a page; 0 for an entry about one subject.
    pub item: u32,
    /// Its receipt.
    pub receipt: Receipt,
}

/// The entries that the subject index has for a subject, in all shards, oldest first. The lookup is recorded before anything is shown.
///
/// # Errors
/// [`SubjectFault`]. When the lookup cannot be recorded nothing is shown.
pub async fn look_up(config: &Config, subject: &SubjectId, reason: &str) -> Result<(u64, Vec<Found>), SubjectFault> {
    let stopped = Stopped::open(config).await?;
    let whom = find(&stopped, subject).await?;
    let index = record_admin(&stopped, whom, subject, LOOKUP, reason).await?;
    let checkpoint = stopped.checkpoint().await?;
    let (shards, mut found) = (stopped.shards(), Vec::new());
    for (at, item) in stopped.log.entries_of(whom).await? {
        let checkpoint = shards.last_checkpoint_at(at).unwrap_or(&checkpoint);
        let receipt = receipt_for(stopped.log.as_ref(), at, checkpoint).await?.ok_or(corrupt())?;
        let leaf = Leaf::decode(receipt.leaf()).map_err(|_| corrupt())?;
        let shard = shards.origin_at(at).map_or("", name_of).to_owned();
        found.push(Found { shard, leaf, item, receipt });
    }
    Ok((index, found))
}

/// Keeps a subject from erasure, or ends that. Gives the index of the entry that says so.
///
/// # Errors
/// [`SubjectFault::Already`] when it is so.
pub async fn hold(config: &Config, subject: &SubjectId, lift: bool, reason: &str) -> Result<u64, SubjectFault> {
    let stopped = Stopped::open(config).await?;
    let whom = find(&stopped, subject).await?;
    let held = Entries::read(&stopped, whom).await?.held;
    match (held, lift) {
        (Some(_), false) => Err(SubjectFault::Already("this client is under legal hold already")),
        (None, true) => Err(SubjectFault::Already("this client is not under legal hold")),
        (_, lift) => record_admin(&stopped, whom, subject, if lift { HOLD_LIFTED } else { HOLD }, reason).await,
    }
}

/// Erases what was kept about a subject in one year: the key, and the payloads that it opened.
///
/// # Errors
/// [`SubjectFault`]: nothing was erased, except after [`SubjectFault::NotCompleted`].
pub async fn erase(config: &Config, erasure: &Erasure<'_>) -> Result<Erased, SubjectFault> {
    let stopped = Stopped::open(config).await?;
    let erased = erase_upon(&stopped, config, erasure).await?;
    // A WAL still holds pages from before; opening a database empties it.
    drop(stopped);
    let not_completed = |source| SubjectFault::NotCompleted { index: erased.index, source };
    Stopped::open(config).await.map_err(not_completed)?;
    let generation = newest(config).await.map_err(not_completed)?;
    Ok(Erased { generation, ..erased })
}

/// The same upon stores that are open; superseded pages stay in their files until they are opened again.
///
/// # Errors
/// As [`erase`].
pub async fn erase_upon(stopped: &Stopped, config: &Config, erasure: &Erasure<'_>) -> Result<Erased, SubjectFault> {
    let whom = find(stopped, erasure.subject).await?;
    let year = erasure.year;
    // Told at once. A key that cannot be read is named when the whole log was.
    if let Ok(None) = stopped.keys.subject_key(whom, year).await {
        return Err(SubjectFault::NoKey { year });
    }
    whole(stopped, config).await?;
    let end = stopped.log.head().await?.end();
    if let Some(at) = Holds::read(stopped).await?.of(whom) {
        return Err(SubjectFault::OnHold { index: index_of(at) });
    }
    let entries = Entries::read(stopped, whom).await?;
    let key = stopped.keys.subject_key(whom, year).await?.ok_or(SubjectFault::NoKey { year })?;
    let effective_after = stopped.now().saturating_add(u64::from(erasure.backup_days) * DAY_MS);
    let leaf =
        LeafDraft::new(LeafKind::Erase).with(Key::N, 1).with(Key::Rs, erasure.reason).with(Key::Ea, effective_after);
    let said = json!({
        "v": "sluis-payload/1",
        "salt": stopped.salt(),
        "year": year,
        "authorised_by": erasure.authorised_by,
    });
    let index = index_of(stopped.record(leaf, &said).await?);
    none_since(stopped, end).await?;
    let done = destroy(stopped, whom, key.key_id).await;
    let payloads = done.map_err(|source| SubjectFault::NotCompleted { index, source })?;
    let untidy = tidy(stopped).await.err();
    Ok(Erased { index, payloads, pages: entries.pages, effective_after, untidy, generation: 0 })
}

/// The wrapping generation that no backup from before this moment outlives.
pub(super) async fn newest(config: &Config) -> Result<u32, StartFault> {
    Ok(rotation::look(config).await?.0.last().map_or(0, |newest| newest.number))
}

/// Recomputes the log before something is erased by its rows.
///
/// # Errors
/// [`SubjectFault::NotWhole`] when one of them is not what was written.
pub(super) async fn whole(stopped: &Stopped, config: &Config) -> Result<(), SubjectFault> {
    let wrong = recomputed::wrong(stopped, config).await?;
    if wrong.is_empty() { Ok(()) } else { Err(SubjectFault::NotWhole(wrong)) }
}

/// The tombstone and the payloads first: a key database that comes back from a backup revives nothing (A21).
pub(super) async fn destroy(stopped: &Stopped, subject: SubjectRef, key: [u8; 16]) -> Result<u64, StartFault> {
    let payloads = stopped.log.erase(subject, vec![key]).await?;
    stopped.keys.destroy(vec![key]).await?;
    Ok(payloads)
}

/// Superseded rows go before the moment that the entry names (A30).
pub(super) async fn tidy(stopped: &Stopped) -> Result<(), sluis_core::ports::StoreError> {
    stopped.log.tidy().await?;
    stopped.keys.tidy().await
}

async fn find(stopped: &Stopped, subject: &SubjectId) -> Result<SubjectRef, SubjectFault> {
    stopped.keys.find(subject).await?.ok_or(SubjectFault::Unknown)
}

/// Records what an officer did about a subject, with the reason in the payload. Gives the index in the newest shard.
async fn record_admin(
    stopped: &Stopped,
    whom: SubjectRef,
    subject: &SubjectId,
    code: &str,
    reason: &str,
) -> Result<u64, SubjectFault> {
    let year = dutch_date(stopped.now()).year();
    let key = stopped.keys.subject_key(whom, year).await?;
    // A former client has no key of this year: under the key of the day a number would outlive every erasure. The handle says
    // what the subject index says, so that a hold is found again when that is rebuilt.
    let named = key.as_ref().map(|_| json!({ subject.kind(): subject.value() }));
    let handle = named.is_none().then(|| data_encoding::HEXLOWER.encode(&whom.0));
    let said = json!({
        "v": "sluis-payload/1", "salt": stopped.salt(), "subject": named, "subject_ref": handle, "reason": reason,
    });
    let leaf = LeafDraft::new(LeafKind::Admin).with(Key::Rs, code);
    Ok(index_of(stopped.record_about(whom, key.as_ref(), leaf, &said).await?))
}

/// What the entries of a subject say about its erasure.
pub(super) struct Entries {
    /// The position of the entry under which it is kept.
    pub held: Option<u64>,
    pages: u64,
}

impl Entries {
    pub async fn read(stopped: &Stopped, subject: SubjectRef) -> Result<Self, SubjectFault> {
        let indices: BTreeSet<u64> =
            stopped.log.entries_of(subject).await?.into_iter().map(|(index, _)| index).collect();
        let mut entries = Self { held: None, pages: 0 };
        for index in indices {
            let text = stopped.log.leaves(index, 1).await?.into_iter().next().ok_or(corrupt())?;
            let leaf = Leaf::decode(&text).map_err(|_| corrupt())?;
            let code = leaf.list(Key::Rs).and_then(<[String]>::first).map(String::as_str);
            match (leaf.kind(), code) {
                (LeafKind::Admin, Some(HOLD)) => entries.held = Some(index),
                (LeafKind::Admin, Some(HOLD_LIFTED)) => entries.held = None,
                (LeafKind::Page, _) => entries.pages += 1,
                _ => {}
            }
        }
        Ok(entries)
    }
}
