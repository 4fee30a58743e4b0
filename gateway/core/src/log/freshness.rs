//! Freshness replayed (invariant 8): no permit relies on a state that an earlier leaf changed, as far as what is at hand tells.
//!
//! From leaves alone: the policy in force, and that an organisation was admitted before it was answered. With payloads
//! also its role, purpose, certificate and days, and every fact that the standing of a subject answers. What could not be
//! compared is counted, never passed over: a [`Report`] says of each sort how many were compared and how many not.

mod organisation;
mod subject;

use super::leaf::{Key, Leaf};
use super::policies::relied_on;
use super::{LeafKind, commitment};
use organisation::Admissions;
use subject::Subjects;

/// The payload of an entry, as far as it is at hand.
#[derive(Debug, Clone, Copy)]
pub enum Opened<'a> {
    /// Leaves only: nobody tried.
    NotAsked,
    /// It has none, or it went with its key.
    Gone,
    /// It was opened.
    Plain {
        /// Names the yearly key of the subject.
        key_id: [u8; 16],
        /// The plain bytes.
        bytes: &'a [u8],
    },
}

/// An entry that does not follow from those before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stale {
    /// Another policy than the one in force.
    #[error("entry {index} was decided under policy {relied:.16}, but entry {since} had put {in_force:.16} in force")]
    Policy {
        /// The entry.
        index: u64,
        /// What it names.
        relied: String,
        /// What was in force.
        in_force: String,
        /// Since which entry.
        since: u64,
    },
    /// No policy was in force.
    #[error("entry {index} was decided before any policy was in force")]
    NoPolicy {
        /// The entry.
        index: u64,
    },
    /// The organisation was never admitted.
    #[error("entry {index} answers organisation {organisation}, which no entry before it admits")]
    NotAdmitted {
        /// The entry.
        index: u64,
        /// Its number.
        organisation: String,
    },
    /// No enrolment in force covers it.
    #[error("entry {index}: no enrolment of organisation {organisation}, as entry {since} set them, covers it")]
    NotCovered {
        /// The entry.
        index: u64,
        /// Its number.
        organisation: String,
        /// Which entry set them.
        since: u64,
    },
    /// A fact that the standing did not give.
    #[error("entry {index} relies on {fact} = {relied}; after entry {since} it was {in_force}")]
    Standing {
        /// The entry.
        index: u64,
        /// The fact.
        fact: &'static str,
        /// What it relied on.
        relied: String,
        /// What it was.
        in_force: &'static str,
        /// The entry that changed it last; the entry itself when nothing was ever recorded.
        since: u64,
    },
    /// The payload is another one than the leaf commits to, or says nothing that can be read.
    #[error("entry {index}: its payload is not the one that the leaf commits to")]
    Payload {
        /// The entry.
        index: u64,
    },
}

/// How many were compared, and how many not, with the reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Answers whose policy was compared.
    pub policies: u64,
    /// Answers in a shard that continues another, before it says which policy is in force.
    pub policies_unknown: u64,
    /// Permits of which only the name of the organisation was compared.
    pub admissions_by_name: u64,
    /// Permits whose role, purpose, certificate and days were compared with enrolments.
    pub admissions: u64,
    /// Permits whose organisation was admitted in an earlier shard.
    pub admissions_unknown: u64,
    /// Releases whose facts were compared with the standing of their subject.
    pub subjects: u64,
    /// Releases of which the payload was not at hand.
    pub subjects_not_asked: u64,
    /// Releases of which the payload was erased.
    pub subjects_erased: u64,
    /// Releases of another year than the first entry, or in a shard that continues another: standing from before is not here.
    pub subjects_earlier: u64,
    /// Releases that differ from what the remaining changes of standing say, while other changes were erased.
    pub subjects_unclear: u64,
    /// Pages: their subjects are not compared.
    pub pages: u64,
}

/// Replays a log, entry by entry.
#[derive(Debug, Default)]
pub struct Freshness {
    policy: Option<(String, u64)>,
    /// The shard continues another: what was set there is not here.
    continued: bool,
    admissions: Admissions,
    subjects: Subjects,
    report: Report,
}

impl Freshness {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next entry, in the order of the log; gives what is stale in it.
    pub fn entry(&mut self, leaf: &Leaf, opened: Opened<'_>) -> Vec<Stale> {
        let said = match said(leaf, opened) {
            Ok(said) => said,
            Err(stale) => return vec![stale],
        };
        match leaf.kind() {
            LeafKind::Epoch => self.continued |= leaf.text(Key::Pv).is_some(),
            LeafKind::Policy => self.policy = leaf.text(Key::Po).map(|po| (po.to_owned(), leaf.index())),
            LeafKind::Recipient => self.admissions.set(leaf, said.as_ref()),
            LeafKind::Consent
            | LeafKind::Restriction
            | LeafKind::Objection
            | LeafKind::Authority
            | LeafKind::Standing => return self.subjects.change(leaf, opened, said.as_ref()).into_iter().collect(),
            _ => return self.answer(leaf, opened, said.as_ref()),
        }
        Vec::new()
    }

    /// What was compared, and what not.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    fn answer(&mut self, leaf: &Leaf, opened: Opened<'_>, said: Option<&serde_json::Value>) -> Vec<Stale> {
        let mut stale = Vec::new();
        stale.extend(self.policy_of(leaf));
        if matches!(leaf.kind(), LeafKind::Release | LeafKind::Page | LeafKind::AuditOpen) {
            stale.extend(self.admissions.compare(leaf, said, self.continued, &mut self.report));
        }
        match leaf.kind() {
            LeafKind::Release => {
                stale.extend(self.subjects.compare(leaf, opened, said, self.continued, &mut self.report));
            }
            LeafKind::Page => self.report.pages += 1,
            _ => {}
        }
        stale
    }

    fn policy_of(&mut self, leaf: &Leaf) -> Option<Stale> {
        let (index, relied) = (leaf.index(), relied_on(leaf)?);
        match &self.policy {
            None if self.continued => self.report.policies_unknown += 1,
            None => return Some(Stale::NoPolicy { index }),
            Some((in_force, since)) => {
                self.report.policies += 1;
                if in_force != relied {
                    let (relied, in_force) = (relied.to_owned(), in_force.clone());
                    return Some(Stale::Policy { index, relied, in_force, since: *since });
                }
            }
        }
        None
    }
}

/// The payload, read, when it is at hand: exactly the one that the leaf commits to.
fn said(leaf: &Leaf, opened: Opened<'_>) -> Result<Option<serde_json::Value>, Stale> {
    let Opened::Plain { bytes, .. } = opened else { return Ok(None) };
    let committed = leaf.text(Key::Pc) == Some(commitment::payload(bytes).as_str());
    let said = serde_json::from_slice(bytes).ok().filter(|_| committed);
    said.map(Some).ok_or(Stale::Payload { index: leaf.index() })
}

#[cfg(test)]
mod tests;
