//! The table of state against the leaves: each guard stands as the newest entry that changed it left it (A14).
//!
//! Of the policy and of organisations the leaves say all that is needed; of a subject the subject index does, and the payload
//! where it opens. Where this ends: after the key of a subject was destroyed and its segment bent as well, only that the row
//! names an entry of the right kind.

use super::Stores;
use super::payload::is_standing;
use crate::enrolling::FIRST_USE;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::GuardKey;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::scrub::Found;
use sluis_core::log::shard::Shard;
use sluis_core::organisation::Oin;
use sluis_core::ports::StoreError;
use sluis_core::subject::SubjectRef;
use sluis_core::upkeep::{FIRST_PLACE, StateRow};
use std::collections::HashMap;

/// Rows of state, and segments, read at a time.
const STATES_READ: u32 = 1024;
const SEGMENTS_READ: u32 = 256;

/// What is said of a tombstone whose seal does not open.
const FOREIGN_TOMB: &str = "a tombstone was written by nobody of us: the next start destroys nothing, and refuses";

/// An entry that set a guard: its position, and which one where the leaf and its payload tell.
pub(super) type Note = (u64, Option<GuardKey>);

/// What a leaf says of the guards.
pub(super) fn note(leaf: &Leaf, subject: Option<SubjectRef>) -> Option<Note> {
    let key = match leaf.kind() {
        LeafKind::Policy => Some(GuardKey::Policy),
        LeafKind::Recipient if leaf.list(Key::Rs).is_some_and(|said| said.iter().any(|s| s == FIRST_USE)) => {
            return None;
        }
        LeafKind::Recipient => Some(GuardKey::Organisation(Oin::parse(leaf.text(Key::Rp)?).ok()?)),
        kind if is_standing(kind) => subject.map(GuardKey::Subject),
        _ => return None,
    };
    Some((leaf.index(), key))
}

/// How a guard was set: by which entry last, and how often.
#[derive(Debug, Clone, Copy, Default)]
struct Set {
    newest: u64,
    times: u64,
}

/// Of which entries it is known how they set guards.
#[derive(Debug, Clone, Copy)]
struct Entries {
    /// The position after the last of them.
    end: u64,
    /// Whether every one could be read.
    whole: bool,
}

impl Set {
    fn by(&mut self, index: u64) {
        self.newest = self.newest.max(index);
        self.times += 1;
    }
}

/// The entries that set guards, of a whole log: 8 bytes for each change of standing, some 60 for each guard.
#[derive(Default)]
pub(super) struct Guards {
    /// The newest of the policy and of each organisation.
    last: HashMap<GuardKey, Set>,
    /// Every change of standing, in order.
    standing: Vec<u64>,
    /// Whom those are about of which the payload tells.
    about: HashMap<u64, SubjectRef>,
}

impl Guards {
    /// Takes an entry; they come in order.
    pub(super) fn take(&mut self, (index, key): Note) {
        match key {
            Some(GuardKey::Subject(subject)) => {
                self.standing.push(index);
                self.about.insert(index, subject);
            }
            None => self.standing.push(index),
            Some(key) => self.last.entry(key).or_default().by(index),
        }
    }

    /// Compares segments and rows of state with the entries of these shards. Where not every entry could be read, only what
    /// those that could contradict is told.
    ///
    /// # Errors
    /// A store that does not answer.
    pub(super) async fn compare(
        &self,
        stores: &Stores,
        shards: &[Shard],
        whole: bool,
    ) -> Result<Vec<Found>, StoreError> {
        let mut wrong = Vec::new();
        let mut last = self.last.clone();
        let mut missing = self.about.clone();
        for shard in shards {
            self.segments(stores, shard.head.position(0), &mut missing, &mut last, &mut wrong).await?;
        }
        self.not_found(stores, missing, &mut last, &mut wrong).await?;
        let end = shards.last().map_or(0, |newest| newest.head.end());
        let unread = self.states(stores, Entries { end, whole }, last, &mut wrong).await?;
        let mut wrong: Vec<Found> = wrong.into_iter().map(|found| found.placed(shards)).collect();
        wrong.extend(unread);
        match stores.log.erased_keys().await {
            Err(StoreError::Corrupt { table, .. }) => wrong.push(Found::beside(table, 0, FOREIGN_TOMB)),
            erased => drop(erased?),
        }
        Ok(wrong)
    }

    /// Adds what the subject index of one shard knows of changes of standing.
    async fn segments(
        &self,
        stores: &Stores,
        base: u64,
        missing: &mut HashMap<u64, SubjectRef>,
        last: &mut HashMap<GuardKey, Set>,
        wrong: &mut Vec<Found>,
    ) -> Result<(), StoreError> {
        let mut next = base;
        loop {
            let page = match stores.log.segment_rows(next, SEGMENTS_READ).await {
                Err(StoreError::Corrupt { table, .. }) => {
                    wrong.push(Found::beside(table, next, "a segment cannot be read"));
                    return Ok(());
                }
                page => page?,
            };
            let Some(end) = page.last() else { return Ok(()) };
            next = end.first.saturating_add(1);
            for segment in page {
                let Some(records) = segment.records else {
                    wrong.push(Found::beside("subject_segment", segment.first, "the segment does not open"));
                    continue;
                };
                for (subject, index, _) in records {
                    if self.standing.binary_search(&index).is_err() {
                        continue;
                    }
                    match missing.remove(&index) {
                        Some(about) if about != subject => {
                            wrong.push(Found::beside("subject_segment", index, "the index names another subject"));
                        }
                        _ => {}
                    }
                    last.entry(GuardKey::Subject(subject)).or_default().by(index);
                }
            }
        }
    }

    /// Adds what the payloads know, and says where the subject index does not.
    async fn not_found(
        &self,
        stores: &Stores,
        missing: HashMap<u64, SubjectRef>,
        last: &mut HashMap<GuardKey, Set>,
        wrong: &mut Vec<Found>,
    ) -> Result<(), StoreError> {
        for (index, subject) in missing {
            last.entry(GuardKey::Subject(subject)).or_default().by(index);
            // A segment that was merged meanwhile moved to before where we read.
            let found = match stores.log.entries_of(subject).await {
                Ok(entries) => entries.iter().any(|(at, _)| *at == index),
                Err(_) => false,
            };
            if !found {
                wrong.push(Found::beside("subject_segment", index, "the entry is not found under its subject"));
            }
        }
        Ok(())
    }

    /// Adds what is wrong in rows of state; gives that they cannot be read.
    async fn states(
        &self,
        stores: &Stores,
        entries: Entries,
        mut last: HashMap<GuardKey, Set>,
        wrong: &mut Vec<Found>,
    ) -> Result<Option<Found>, StoreError> {
        let mut after = FIRST_PLACE;
        loop {
            let page = match stores.log.state_rows(&after, STATES_READ).await {
                Err(StoreError::Corrupt { table, .. }) => {
                    return Ok(Some(Found::open(table, 0, "a row cannot be read")));
                }
                page => page?,
            };
            let Some(end) = page.last() else { break };
            after = end.place.clone();
            for row in page {
                let set = row.key.as_ref().and_then(|key| last.remove(key));
                wrong.extend(self.judge(&row, set, entries).map(|what| Found::open("state", row.index, what)));
            }
        }
        let gone =
            last.into_values().map(|set| Found::open("state", set.newest, "the row that this entry set is gone"));
        wrong.extend(gone.filter(|_| entries.whole));
        Ok(None)
    }

    /// What is wrong with a row of state, given how these entries set its guard.
    fn judge(&self, row: &StateRow, set: Option<Set>, entries: Entries) -> Option<&'static str> {
        if !row.opens {
            return Some("the row does not open for its place, version and leaf");
        }
        if row.index >= entries.end {
            return None; // set after this pass began
        }
        let of_its_kind =
            matches!(row.key, Some(GuardKey::Subject(_))) && self.standing.binary_search(&row.index).is_ok();
        match set {
            Some(set) if set.newest == row.index && set.times <= row.version => None,
            Some(set) if set.newest == row.index => Some("the row was deleted, and set anew by a later entry"),
            Some(set) if !entries.whole && set.newest < row.index => None,
            Some(_) => Some("a newer entry changed this guard: an older row was put back"),
            // The payload does not tell whom this is about.
            None if of_its_kind || !entries.whole => None,
            None => Some("no entry set this guard here"),
        }
    }
}
