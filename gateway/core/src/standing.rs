//! What holds for a subject today: consents, objections, restriction, authority, caseload, secrets, danger, reviews.
//!
//! Standing changes only by a [`Change`], and every change is a leaf. A change is a delta applied inside the
//! lock of the log, so two of them never overwrite each other; a protective one is never refused as stale (A16).

use crate::fact::{Fact, Facts};
use crate::log::LeafKind;
use crate::organisation::{Oin, Purpose, RecipientType};
use crate::subject::Actor;
use serde::{Deserialize, Serialize};

closed_list! {
    /// Who gave a consent.
    ConsentBy {
        /// The youth.
        Youth = "YOUTH",
        /// The parent with authority or guardian.
        Holder = "HOLDER",
    }
}

closed_list! {
    /// The three objections, which are not the same (B11).
    ObjectionKind {
        /// The youth of 12 to 15 asked not to share with the parents (SEED-K).
        ShareWithParents = "SHARE_WITH_PARENTS",
        /// Objection to processing (AVG 21).
        Processing = "PROCESSING",
        /// Objection to research (7.3.12(2)(c)).
        Research = "RESEARCH",
    }
}

closed_list! {
    /// What the register of authority says about one person.
    AuthorityState {
        /// Checked and held.
        Verified = "verified",
        /// Claimed, in doubt or under investigation.
        Unverified = "unverified",
        /// Checked and not held.
        NotHeld = "not_held",
    }
}

closed_list! {
    /// What a professional decided on an escalation.
    ReviewDecision {
        /// May be told.
        Permitted = "permitted",
        /// Is withheld, with grounds in the dossier.
        Withheld = "withheld",
    }
}

/// The five criteria of the conflict of duties; all five must be recorded before danger counts (domain 1.3).
pub const DANGER_CRITERIA: [&str; 5] = [
    "consent-tried",
    "silence-causes-serious-harm",
    "moral-conflict",
    "no-other-way",
    "disclosure-prevents-or-limits-harm",
];

/// One change of standing. Serialized into the payload of its leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// Consent for one purpose and one recipient type, given or withdrawn; withdrawal needs no reason (B24).
    Consent {
        /// For what.
        purpose: Purpose,
        /// For whom.
        recipient: RecipientType,
        /// By whom.
        by: ConsentBy,
        /// Given (true) or withdrawn (false).
        given: bool,
    },
    /// One of the three objections, made or taken back.
    Objection {
        /// Which.
        kind: ObjectionKind,
        /// Made (true) or taken back (false).
        made: bool,
    },
    /// Restriction of processing (AVG 18).
    Restriction {
        /// Set or lifted.
        set: bool,
    },
    /// Parental authority of one person.
    Authority {
        /// The person, as the portal names him.
        person: Actor,
        /// What was found; `None` removes the entry, which counts as unverified.
        state: Option<AuthorityState>,
    },
    /// A worker of a partner is on, or off, the case.
    Caseload {
        /// The partner.
        partner: Oin,
        /// The worker, as the partner names him.
        worker: Actor,
        /// On (true) or off (false).
        on: bool,
    },
    /// The residence must stay secret (RJ 6a.6).
    SecretResidence {
        /// Set or lifted.
        set: bool,
    },
    /// The youth is, or is not, able to weigh his interests.
    Capacity {
        /// Able (the presumption) or not.
        able: bool,
    },
    /// The professional withholds (7.3.11(3)).
    GoodCare {
        /// Set or lifted.
        withheld: bool,
    },
    /// Serious danger asserted by a professional, with the criteria he recorded.
    Danger {
        /// The professional.
        professional: Actor,
        /// Which of [`DANGER_CRITERIA`] are recorded.
        criteria: Vec<String>,
        /// Until when it holds, milliseconds since the epoch.
        until: u64,
    },
    /// A second professional approves a recorded danger: four eyes.
    DangerApproval {
        /// The second professional; not the first.
        professional: Actor,
    },
    /// The danger has passed.
    DangerPassed,
    /// A professional decided what was escalated for one purpose and actor.
    Review {
        /// For what was asked.
        purpose: Purpose,
        /// Who asked.
        actor: Option<Actor>,
        /// The professional.
        professional: Actor,
        /// What he decided.
        decision: ReviewDecision,
        /// Until when it holds, milliseconds since the epoch.
        until: u64,
    },
}

impl Change {
    /// The kind of leaf that records this change. What an observer could use to recognise a child
    /// (danger, a secret, a caseload) shares one kind; the payload says which (A23).
    #[must_use]
    pub const fn leaf_kind(&self) -> LeafKind {
        match self {
            Self::Consent { .. } => LeafKind::Consent,
            Self::Objection { .. } => LeafKind::Objection,
            Self::Restriction { .. } => LeafKind::Restriction,
            Self::Authority { .. } => LeafKind::Authority,
            Self::Caseload { .. }
            | Self::SecretResidence { .. }
            | Self::Capacity { .. }
            | Self::GoodCare { .. }
            | Self::Danger { .. }
            | Self::DangerApproval { .. }
            | Self::DangerPassed
            | Self::Review { .. } => LeafKind::Standing,
        }
    }
}

/// Why a change cannot be applied; nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// Approval of a danger that nobody asserted.
    #[error("there is no asserted danger to approve: record the danger first")]
    NoDanger,
    /// One person in two roles.
    #[error("the second approval must come from another professional than the first")]
    SamePerson,
    /// A criterion outside [`DANGER_CRITERIA`]. The text does not repeat it: it may name a person.
    #[error("a criterion is not one of these, which are all: {}", DANGER_CRITERIA.join(", "))]
    Criterion(String),
    /// The subject would have more entries of one sort than a dossier can need.
    #[error("more than {0} entries of this sort for one subject: remove what no longer holds first")]
    TooMany(usize),
}

/// Most entries of one sort per subject: far above any real family or team, low enough to bound a row.
pub const ENTRIES_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ConsentEntry {
    purpose: Purpose,
    recipient: RecipientType,
    by: ConsentBy,
    given: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DangerEntry {
    first: Actor,
    criteria: Vec<String>,
    second: Option<Actor>,
    until: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ReviewEntry {
    purpose: Purpose,
    actor: Option<Actor>,
    decision: ReviewDecision,
    until: u64,
}

/// All that is recorded for one subject. The default is a subject of whom nothing is recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Standing {
    consents: Vec<ConsentEntry>,
    objections: Vec<ObjectionKind>,
    restriction: bool,
    authority: Vec<(Actor, AuthorityState)>,
    caseload: Vec<(Oin, Actor)>,
    residence_secret: bool,
    incapable: bool,
    withheld_good_care: bool,
    danger: Option<DangerEntry>,
    reviews: Vec<ReviewEntry>,
}

impl Standing {
    /// Applies one change.
    ///
    /// # Errors
    /// [`ChangeRefused`]; the standing is then unchanged.
    pub fn apply(&mut self, change: &Change) -> Result<(), ChangeRefused> {
        match change {
            Change::Consent { purpose, recipient, by, given } => {
                self.consents.retain(|c| (c.purpose, c.recipient, c.by) != (*purpose, *recipient, *by));
                let entry = ConsentEntry { purpose: *purpose, recipient: *recipient, by: *by, given: *given };
                push_bounded(&mut self.consents, entry)
            }
            Change::Objection { kind, made } => {
                self.objections.retain(|k| k != kind);
                if *made {
                    self.objections.push(*kind);
                }
                Ok(())
            }
            Change::Restriction { set } => {
                self.restriction = *set;
                Ok(())
            }
            Change::Authority { person, state } => {
                self.authority.retain(|(p, _)| p != person);
                state.map_or(Ok(()), |state| push_bounded(&mut self.authority, (person.clone(), state)))
            }
            Change::Caseload { partner, worker, on } => {
                self.caseload.retain(|(p, w)| (p, w) != (partner, worker));
                if *on { push_bounded(&mut self.caseload, (partner.clone(), worker.clone())) } else { Ok(()) }
            }
            Change::SecretResidence { set } => {
                self.residence_secret = *set;
                Ok(())
            }
            Change::Capacity { able } => {
                self.incapable = !able;
                Ok(())
            }
            Change::GoodCare { withheld } => {
                self.withheld_good_care = *withheld;
                Ok(())
            }
            Change::Danger { professional, criteria, until } => self.assert_danger(professional, criteria, *until),
            Change::DangerApproval { professional } => self.approve_danger(professional),
            Change::DangerPassed => {
                self.danger = None;
                Ok(())
            }
            Change::Review { purpose, actor, decision, until, professional: _ } => {
                self.reviews.retain(|r| (r.purpose, &r.actor) != (*purpose, actor));
                let entry = ReviewEntry { purpose: *purpose, actor: actor.clone(), decision: *decision, until: *until };
                push_bounded(&mut self.reviews, entry)
            }
        }
    }

    fn assert_danger(&mut self, first: &Actor, criteria: &[String], until: u64) -> Result<(), ChangeRefused> {
        if let Some(unknown) = criteria.iter().find(|c| !DANGER_CRITERIA.contains(&c.as_str())) {
            return Err(ChangeRefused::Criterion(unknown.clone()));
        }
        let mut criteria = criteria.to_vec();
        criteria.sort();
        criteria.dedup();
        self.danger = Some(DangerEntry { first: first.clone(), criteria, second: None, until });
        Ok(())
    }

    fn approve_danger(&mut self, second: &Actor) -> Result<(), ChangeRefused> {
        let danger = self.danger.as_mut().ok_or(ChangeRefused::NoDanger)?;
        if danger.first == *second {
            return Err(ChangeRefused::SamePerson);
        }
        danger.second = Some(second.clone());
        Ok(())
    }

    /// Adds what this standing says about a question to the facts. `now` in milliseconds ends what has expired.
    #[must_use]
    pub fn answer(&self, facts: Facts, asked: &Asked<'_>, now: u64) -> Facts {
        let danger = self.danger.as_ref().filter(|d| d.until > now);
        let complete = danger.is_some_and(|d| d.criteria.len() == DANGER_CRITERIA.len());
        let approved = danger.is_some_and(|d| d.second.is_some());
        facts
            .with_bool(Fact::Capable, !self.incapable)
            .with(Fact::Relation, self.relation(asked))
            .with(Fact::Authority, self.authority_of(asked))
            .with(Fact::ConsentYouth, self.consent(asked, ConsentBy::Youth))
            .with(Fact::ConsentHolder, self.consent(asked, ConsentBy::Holder))
            .with_bool(Fact::Objection, self.objects(asked))
            .with_bool(Fact::WithheldGoodCare, self.withheld_good_care)
            .with_bool(Fact::Restriction, self.restriction)
            .with(
                Fact::Danger,
                match danger {
                    None => "none",
                    Some(_) if complete && approved => "confirmed",
                    Some(_) => "asserted",
                },
            )
            .with_bool(Fact::CriteriaRecorded, complete)
            .with_bool(Fact::SecondApproval, approved)
            .with(Fact::ProfessionalReview, self.review(asked, now))
    }

    /// Whether our register says that the residence must stay secret; the holder may say so too.
    #[must_use]
    pub const fn residence_secret(&self) -> bool {
        self.residence_secret
    }

    fn relation(&self, asked: &Asked<'_>) -> &'static str {
        let involved =
            asked.actor.is_some_and(|a| self.caseload.iter().any(|(p, w)| p == asked.organisation && w == a));
        if involved { "direct_care" } else { "none" }
    }

    fn authority_of(&self, asked: &Asked<'_>) -> &'static str {
        let entry = asked.actor.and_then(|a| self.authority.iter().find(|(p, _)| p == a));
        entry.map_or("unverified", |(_, state)| state.code())
    }

    fn consent(&self, asked: &Asked<'_>, by: ConsentBy) -> &'static str {
        let entry =
            self.consents.iter().find(|c| (c.purpose, c.recipient, c.by) == (asked.purpose, asked.recipient, by));
        match entry.map(|c| c.given) {
            None => "none",
            Some(true) => "given",
            Some(false) => "withdrawn",
        }
    }

    fn objects(&self, asked: &Asked<'_>) -> bool {
        let matters = match asked.purpose {
            Purpose::ParentInformation | Purpose::ParentInfoLimited => ObjectionKind::ShareWithParents,
            Purpose::Research => ObjectionKind::Research,
            _ => ObjectionKind::Processing,
        };
        self.objections.contains(&matters)
    }

    fn review(&self, asked: &Asked<'_>, now: u64) -> &'static str {
        let matches = |r: &&ReviewEntry| r.purpose == asked.purpose && r.actor.as_ref() == asked.actor && r.until > now;
        self.reviews.iter().find(matches).map_or("none", |r| r.decision.code())
    }
}

/// What a question asks of standing: who, on whose behalf, for what.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The calling organisation.
    pub organisation: &'a Oin,
    /// Its type in this question.
    pub recipient: RecipientType,
    /// The person who acts or for whom is asked.
    pub actor: Option<&'a Actor>,
    /// For what.
    pub purpose: Purpose,
}

fn push_bounded<T>(entries: &mut Vec<T>, entry: T) -> Result<(), ChangeRefused> {
    if entries.len() >= ENTRIES_MAX {
        return Err(ChangeRefused::TooMany(ENTRIES_MAX));
    }
    entries.push(entry);
    Ok(())
}
