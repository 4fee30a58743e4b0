//! A finite input space: the product of the values of some facts, counted like the digits of a number.

use super::table::Policy;
use crate::decide::decide;
use crate::fact::{Fact, Facts};
use crate::field::FieldSet;
use crate::organisation::{Purpose, RecipientType};
use crate::release::{Decision, Question};
use crate::subject::SubjectId;

/// What was decided at one point, small enough to keep for every point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Outcome {
    #[default]
    Refused,
    Escalated,
    Permitted(FieldSet),
}

impl Outcome {
    /// What leaves at this point.
    pub(super) const fn released(self) -> FieldSet {
        match self {
            Self::Permitted(fields) => fields,
            Self::Refused | Self::Escalated => FieldSet::EMPTY,
        }
    }
}

/// The facts that are varied, each with the weight of its digit.
pub(super) struct Space {
    digits: Vec<(Fact, usize)>,
    size: usize,
}

impl Space {
    /// The product of the values of these facts.
    pub(super) fn of(facts: impl Iterator<Item = Fact>) -> Self {
        let mut facts: Vec<Fact> = facts.collect();
        facts.sort_unstable();
        facts.dedup();
        let mut size = 1;
        let mut digits = Vec::with_capacity(facts.len());
        for fact in facts {
            digits.push((fact, size));
            size *= fact.values().len();
        }
        Self { digits, size }
    }

    /// Whether the fact is one of those that are varied.
    pub(super) fn varies(&self, fact: Fact) -> bool {
        self.digits.iter().any(|(varied, _)| *varied == fact)
    }

    /// Every point, in the order of its number.
    pub(super) fn points(&self) -> impl Iterator<Item = Facts> + '_ {
        (0..self.size).map(|n| self.at(n))
    }

    fn at(&self, number: usize) -> Facts {
        let digit = |facts: Facts, (fact, weight): &(Fact, usize)| {
            facts.with_position(*fact, number / weight % fact.values().len())
        };
        self.digits.iter().fold(Facts::UNKNOWN, digit)
    }

    /// The number of the point with these facts, other facts apart; `None` when a varied fact is unknown.
    pub(super) fn index_of(&self, facts: Facts) -> Option<usize> {
        let mut number = 0;
        for (fact, weight) in &self.digits {
            let bits = (facts.bits() & fact.mask()) >> fact.shift();
            if bits == 0 {
                return None;
            }
            number += bits.trailing_zeros() as usize * weight;
        }
        Some(number)
    }

    /// The decision at every point, in the order of their numbers.
    pub(super) fn decide_all(&self, policy: &Policy, recipient: RecipientType, purpose: Purpose) -> Vec<Outcome> {
        self.points().map(|facts| outcome(policy, recipient, purpose, facts, None)).collect()
    }
}

/// The decision at one point.
pub(super) fn outcome(
    policy: &Policy,
    recipient: RecipientType,
    purpose: Purpose,
    facts: Facts,
    mask: Option<FieldSet>,
) -> Outcome {
    let subject = SubjectId::ClientNumber(String::new());
    let question = Question { recipient, purpose, subject, mask, record_id: None };
    match decide(policy, question, facts) {
        Decision::Permit(permit) => Outcome::Permitted(permit.fields()),
        Decision::Refuse(_) => Outcome::Refused,
        Decision::Escalate(_) => Outcome::Escalated,
    }
}
