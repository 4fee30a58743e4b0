//! The state that changes of standing add up to, and what it answers to a question.

use super::{AuthorityState, Change, ChangeRefused, ConsentBy, DANGER_CRITERIA, ObjectionKind, ReviewDecision};
use crate::fact::{Fact, Facts};
use crate::organisation::{Oin, Purpose, RecipientType};
use crate::subject::Actor;
use serde::{Deserialize, Serialize};

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
    organisation: Oin,
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
    authority: Vec<(Oin, Actor, AuthorityState)>,
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
                    self.reopen_reviews(*kind);
                }
                Ok(())
            }
            Change::Restriction { set } => {
                self.restriction = *set;
                Ok(())
            }
            Change::Authority { portal, person, state } => {
                self.authority.retain(|(o, p, _)| (o, p) != (portal, person));
                let entry = |state| (portal.clone(), person.clone(), state);
                state.map_or(Ok(()), |state| push_bounded(&mut self.authority, entry(state)))
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
            Change::Review { purpose, organisation, actor, decision, until, professional: _ } => {
                let asked = (*purpose, organisation, actor);
                self.reviews.retain(|r| (r.purpose, &r.organisation, &r.actor) != asked);
                let (organisation, actor) = (organisation.clone(), actor.clone());
                let entry = ReviewEntry { purpose: *purpose, organisation, actor, decision: *decision, until: *until };
                push_bounded(&mut self.reviews, entry)
            }
        }
    }

    /// A new objection puts what was permitted before a professional again: he decided without knowing of it.
    fn reopen_reviews(&mut self, kind: ObjectionKind) {
        let settled = |r: &ReviewEntry| r.decision == ReviewDecision::Permitted && matters(r.purpose) == kind;
        self.reviews.retain(|r| !settled(r));
    }

    fn assert_danger(&mut self, first: &Actor, criteria: &[String], until: u64) -> Result<(), ChangeRefused> {
        if criteria.iter().any(|c| !DANGER_CRITERIA.contains(&c.as_str())) {
            return Err(ChangeRefused::Criterion);
        }
        let mut criteria = criteria.to_vec();
        criteria.sort();
        criteria.dedup();
        self.danger = Some(DangerEntry { first: first.clone(), criteria, second: None, until });
        Ok(())
    }

    fn approve_danger(&mut self, second: &Actor) -> Result<(), ChangeRefused> {
        let danger = self.danger.as_mut().ok_or(ChangeRefused::NoDanger)?;
        // Names that differ in case only are one person.
        if danger.first.as_str().eq_ignore_ascii_case(second.as_str()) {
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
        let is_of = |(portal, person, _): &&(Oin, Actor, AuthorityState)| {
            portal == asked.organisation && Some(person) == asked.actor
        };
        self.authority.iter().find(is_of).map_or("unverified", |(_, _, state)| state.code())
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
        self.objections.contains(&matters(asked.purpose))
    }

    fn review(&self, asked: &Asked<'_>, now: u64) -> &'static str {
        let mine = (asked.purpose, asked.organisation, asked.actor);
        let matches = |r: &&ReviewEntry| (r.purpose, &r.organisation, r.actor.as_ref()) == mine && r.until > now;
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

/// The objection that matters for a purpose: the three are not the same (B11).
const fn matters(purpose: Purpose) -> ObjectionKind {
    match purpose {
        Purpose::ParentInformation | Purpose::ParentInfoLimited => ObjectionKind::ShareWithParents,
        Purpose::Research => ObjectionKind::Research,
        _ => ObjectionKind::Processing,
    }
}

fn push_bounded<T>(entries: &mut Vec<T>, entry: T) -> Result<(), ChangeRefused> {
    if entries.len() >= ENTRIES_MAX {
        return Err(ChangeRefused::TooMany(ENTRIES_MAX));
    }
    entries.push(entry);
    Ok(())
}
