//! Disclosures made outside the gateway: what is recorded of them, and how they compare with the rules (B22).
//!
//! A disclosure that happened is recorded whatever the rules say. The comparison decides nothing: it tells the reviewer.

use crate::decide::decide;
use crate::fact::{Fact, Facts};
use crate::field::{Field, FieldSet};
use crate::log::Millis;
use crate::organisation::{Oin, Purpose, RecipientType};
use crate::policy::Policy;
use crate::release::{Decision, Question, Reason};
use crate::standing::DANGER_CRITERIA;
use crate::subject::Actor;
use serde::{Deserialize, Serialize};

/// Recorded later than this after it happened, a disclosure is overdue (B22): 24 hours.
pub const RECORD_WITHIN_MS: Millis = 24 * 3600 * 1000;
/// Nothing older than this is recorded as a disclosure: five years, the shortest time that a log is kept (A30).
pub const RECORD_AGE_MS_MAX: Millis = 5 * 366 * 24 * 3600 * 1000;
/// How far the clock of the system that records may stand before ours.
pub const CLOCK_AHEAD_MS_MAX: Millis = 60 * 1000;

closed_list! {
    /// How something was told.
    Channel {
        /// By telephone.
        Telephone = "TELEPHONE",
        /// In person.
        InPerson = "IN_PERSON",
        /// On paper.
        Paper = "PAPER",
        /// By a message outside the gateway.
        Message = "MESSAGE",
    }
}

closed_list! {
    /// How a disclosure compares with what the gateway would have answered when it was recorded.
    Comparison {
        /// A rule permits it, and every field lies within.
        WithinRule = "WITHIN_RULE",
        /// A rule permits it or asks for a human, but fields were told that it does not give.
        BeyondRule = "BEYOND_RULE",
        /// There is no rule for the pair.
        NoRule = "NO_RULE",
        /// There is a rule, and it refuses.
        NotPermitted = "NOT_PERMITTED",
        /// The rule puts it before a human.
        BeforeAHuman = "BEFORE_A_HUMAN",
        /// A rule permits it, but what was told is only described.
        DescribedOnly = "DESCRIBED_ONLY",
        /// The holder has no client under this identifier.
        UnknownClient = "UNKNOWN_CLIENT",
        /// The holder's database does not answer.
        NotCompared = "NOT_COMPARED",
    }
}

closed_list! {
    /// What a reviewer found.
    Conclusion {
        /// It was right to tell this.
        Right = "RIGHT",
        /// More was told than was necessary.
        TooMuch = "TOO_MUCH",
        /// It should not have been told: a possible breach (AVG 33).
        Wrong = "WRONG",
    }
}

/// To whom something was told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisclosedTo {
    /// What the recipient is towards the holder.
    pub recipient: RecipientType,
    /// The organisation, where it is known.
    pub organisation: Option<Oin>,
    /// Its name, or the person's.
    pub name: String,
    /// Who there.
    pub contact: String,
}

/// One disclosure as the professional accounts for it. Stands in the payload of its leaf only; without `Debug`, since its
/// words are about persons.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// When it happened.
    pub happened_at: Millis,
    /// Who told it.
    pub disclosed_by: Actor,
    /// To whom.
    pub to: DisclosedTo,
    /// For what.
    pub purpose: Purpose,
    /// On which ground, in the words of the professional.
    pub ground: String,
    /// What was told, as fields.
    pub fields: Vec<Field>,
    /// What was told, in words.
    pub description: String,
    /// Which of [`DANGER_CRITERIA`] were met.
    pub criteria: Vec<String>,
    /// How.
    pub channel: Channel,
    /// Who is asked to review it.
    pub reviewer: Actor,
}

impl Disclosure {
    /// Whether it is recorded late at this moment.
    #[must_use]
    pub const fn is_late(&self, recorded: Millis) -> bool {
        recorded.saturating_sub(self.happened_at) > RECORD_WITHIN_MS
    }

    /// Whether this person told it. Names that differ in case only are one person.
    #[must_use]
    pub fn was_told_by(&self, person: &Actor) -> bool {
        self.disclosed_by.as_str().eq_ignore_ascii_case(person.as_str())
    }

    /// The facts with the danger that this account itself records. The call to the police comes before anything is in the
    /// register, so without it every emergency would look as if no danger had been weighed. It is asserted, never
    /// confirmed: the second professional is the reviewer.
    #[must_use]
    pub fn with_own_danger(&self, facts: Facts) -> Facts {
        if self.purpose != Purpose::SeriousDanger
            || facts.value(Fact::Danger) != Some("none")
            || self.criteria.is_empty()
        {
            return facts;
        }
        let complete = DANGER_CRITERIA.iter().all(|criterion| self.criteria.iter().any(|c| c == criterion));
        facts.with(Fact::Danger, "asserted").with_bool(Fact::CriteriaRecorded, complete)
    }
}

/// What a comparison found, for the payload and the reviewer.
#[derive(Debug, Clone)]
pub struct Compared {
    /// In one word.
    pub comparison: Comparison,
    /// What was told and no rule gives.
    pub beyond: FieldSet,
    /// The reasons of the decision.
    pub reasons: Vec<Reason>,
    /// The facts compared on.
    pub facts: Facts,
}

impl Compared {
    /// Nothing could be compared.
    #[must_use]
    pub const fn not(comparison: Comparison, facts: Facts) -> Self {
        Self { comparison, beyond: FieldSet::EMPTY, reasons: Vec::new(), facts }
    }
}

/// Compares what was told with what a question for the same would have been answered.
#[must_use]
pub fn compare(policy: &Policy, question: Question, facts: Facts, disclosure: &Disclosure) -> Compared {
    let told = FieldSet::of(&disclosure.fields);
    let reachable = policy.reachable(question.recipient, question.purpose);
    let Some(reachable) = reachable else {
        return Compared { comparison: Comparison::NoRule, beyond: told, reasons: vec![Reason::NoRule], facts };
    };
    let (otherwise, given, reasons) = match decide(policy, question, facts) {
        Decision::Permit(permit) if told.is_empty() => (Comparison::DescribedOnly, permit.fields(), vec![Reason::Ok]),
        Decision::Permit(permit) => (Comparison::WithinRule, permit.fields(), vec![Reason::Ok]),
        Decision::Escalate(refusal) => (Comparison::BeforeAHuman, reachable, refusal.reasons),
        Decision::Refuse(refusal) => {
            let beyond = told.difference(reachable);
            return Compared { comparison: Comparison::NotPermitted, beyond, reasons: refusal.reasons, facts };
        }
    };
    let beyond = told.difference(given);
    let comparison = if beyond.is_empty() { otherwise } else { Comparison::BeyondRule };
    Compared { comparison, beyond, reasons, facts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Sources, load};
    use crate::subject::SubjectId;

    fn kracht() -> Policy {
        let catalog = include_str!("../../policy/catalog.toml");
        let ceiling = include_str!("../../policy/ceiling.toml");
        load(&Sources { catalog, ceiling, policy: include_str!("../../policy/kracht.toml") }).unwrap()
    }

    fn call(fields: &[Field], criteria: &[&str]) -> Disclosure {
        let actor = |name| Actor::parse(name).unwrap();
        Disclosure {
            happened_at: 0,
            disclosed_by: actor("fs-1"),
            to: DisclosedTo {
                recipient: RecipientType::Police,
                organisation: None,
                name: "x".into(),
                contact: "y".into(),
            },
            purpose: Purpose::SeriousDanger,
            ground: "WvSr 40".into(),
            fields: fields.to_vec(),
            description: String::new(),
            criteria: criteria.iter().map(|c| (*c).to_owned()).collect(),
            channel: Channel::Telephone,
            reviewer: actor("in-2"),
        }
    }

    fn facts() -> Facts {
        [(Fact::Known, true), (Fact::EnrolledPurpose, true), (Fact::Restriction, false), (Fact::SecondApproval, false)]
            .into_iter()
            .fold(Facts::UNKNOWN, |facts, (fact, value)| facts.with_bool(fact, value))
            .with(Fact::Danger, "none")
            .with_bool(Fact::CriteriaRecorded, false)
    }

    fn compared(disclosure: &Disclosure, facts: Facts) -> (Comparison, FieldSet) {
        let subject = SubjectId::client_number("KR-1").unwrap();
        let (recipient, purpose) = (disclosure.to.recipient, disclosure.purpose);
        let question = Question { recipient, purpose, subject, mask: None, record_id: None };
        let found = compare(&kracht(), question, disclosure.with_own_danger(facts), disclosure);
        (found.comparison, found.beyond)
    }

    #[test]
    fn a_call_to_the_police_compares_as_what_it_is() {
        let where_who = [Field::Name, Field::Whereabouts];
        let full = call(&where_who, &DANGER_CRITERIA);
        assert_eq!(compared(&full, facts()), (Comparison::BeforeAHuman, FieldSet::EMPTY));
        let approved = facts().with(Fact::Danger, "confirmed").with_bool(Fact::CriteriaRecorded, true);
        let approved = approved.with_bool(Fact::SecondApproval, true);
        assert_eq!(compared(&full, approved), (Comparison::WithinRule, FieldSet::EMPTY));
        assert_eq!(compared(&call(&[], &DANGER_CRITERIA), approved), (Comparison::DescribedOnly, FieldSet::EMPTY));
        let plan = FieldSet::of(&[Field::Plan]);
        assert_eq!(
            compared(&call(&[Field::Name, Field::Plan], &DANGER_CRITERIA), facts()),
            (Comparison::BeyondRule, plan)
        );
        assert_eq!(compared(&call(&where_who, &[]), facts()), (Comparison::NotPermitted, FieldSet::EMPTY));
        let mut other = call(&where_who, &[]);
        other.purpose = Purpose::Treatment;
        assert_eq!(compared(&other, facts()), (Comparison::NoRule, FieldSet::of(&where_who)));
    }

    #[test]
    fn a_day_is_enough_and_more_is_late() {
        let call = call(&[], &[]);
        assert!(!call.is_late(RECORD_WITHIN_MS) && call.is_late(RECORD_WITHIN_MS + 1));
        assert!(call.was_told_by(&Actor::parse("FS-1").unwrap()) && !call.was_told_by(&call.reviewer));
    }
}
