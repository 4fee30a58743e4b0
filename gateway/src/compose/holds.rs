//! Legal holds in force: what the leaves say, and whom the subject index says it of.
//!
//! A leaf names nobody; only the index does. An entry under hold that the index lost would leave its subject unprotected, so the
//! two are counted against each other: whoever is held cannot be erased, so of the entries that the index does not have any
//! more, as many end a hold as begin one. What went with a shard counts on neither side.

use super::stopped::Stopped;
use super::subject::{HOLD, HOLD_LIFTED, SubjectFault};
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::subject::SubjectRef;
use std::collections::{BTreeMap, BTreeSet};

/// Subjects under hold.
#[derive(Default)]
pub(super) struct Holds(BTreeMap<SubjectRef, u64>);

impl Holds {
    /// The holds in force.
    ///
    /// # Errors
    /// [`SubjectFault::HoldsLost`] when the index finds fewer than the leaves say: erase nothing then.
    pub async fn read(stopped: &Stopped) -> Result<Self, SubjectFault> {
        let said = said(stopped, 0).await?;
        if said.is_empty() {
            return Ok(Self::default());
        }
        let (held, seen) = found(stopped, &said).await?;
        let missing = |begins: bool| said.iter().filter(|(at, is)| **is == begins && !seen.contains(at)).count();
        let lost = missing(true).saturating_sub(missing(false));
        if lost > 0 {
            return Err(SubjectFault::HoldsLost { said: held.len() + lost, found: held.len() });
        }
        Ok(Self(held))
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The position of the entry under which a subject is held.
    pub fn of(&self, subject: SubjectRef) -> Option<u64> {
        self.0.get(&subject).copied()
    }
}

/// Nobody was placed under legal hold from this position on: to be asked right before something goes by holds that were read
/// before, for another command, or a gateway of this log, may write meanwhile. A leaf names nobody, so any hold counts. Gives the
/// position to ask from the next time.
///
/// # Errors
/// [`SubjectFault::HeldMeanwhile`].
pub(super) async fn none_since(stopped: &Stopped, from: u64) -> Result<u64, SubjectFault> {
    let next = stopped.log.head().await?.end();
    let begun = said(stopped, from).await?.into_values().any(|begins| begins);
    if begun { Err(SubjectFault::HeldMeanwhile) } else { Ok(next) }
}

/// Positions from this one on of the entries that begin a hold, true, and end one, false.
async fn said(stopped: &Stopped, from: u64) -> Result<BTreeMap<u64, bool>, SubjectFault> {
    let begins = |leaf: &Leaf| match leaf.list(Key::Rs)?.first()?.as_str() {
        HOLD => Some(true),
        HOLD_LIFTED => Some(false),
        _ => None,
    };
    let acts = stopped.leaves_of(LeafKind::Admin, from).await?;
    Ok(acts.iter().filter_map(|(at, leaf)| Some((*at, begins(leaf)?))).collect())
}

/// Whom the index says these entries of: subjects of whom the last one begins a hold, with its position; and the entries that it
/// has.
async fn found(
    stopped: &Stopped,
    said: &BTreeMap<u64, bool>,
) -> Result<(BTreeMap<SubjectRef, u64>, BTreeSet<u64>), SubjectFault> {
    let mut seen = BTreeSet::new();
    let mut of = BTreeMap::<SubjectRef, BTreeMap<u64, bool>>::new();
    for shard in stopped.log.shards().await?.into_iter().filter(|shard| shard.pruned.is_none()) {
        let each = |subject, at| {
            if let Some(holds) = said.get(&at) {
                of.entry(subject).or_default().insert(at, *holds);
                seen.insert(at);
            }
        };
        stopped.segments_of(shard.head.shard, each).await?;
    }
    let last = |entries: BTreeMap<u64, bool>| entries.into_iter().next_back();
    let held = |(subject, entries)| last(entries).filter(|(_, holds)| *holds).map(|(at, _)| (subject, at));
    Ok((of.into_iter().filter_map(held).collect(), seen))
}
