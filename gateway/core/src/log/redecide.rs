//! Decisions made again (invariant 11): the facts that an entry was decided on, under the policy that it names, give what it
//! says.
//!
//! Facts and mask stand in the payload, which the leaf commits to; purpose, role, rule, basis, fields and obligations stand in the
//! leaf. Whether the facts were true when they were gathered is not asked here: that is what freshness replays, as far as the log
//! tells it.

use super::LeafKind;
use super::leaf::{Key, Leaf};
use crate::decide::decide;
use crate::fact::{Fact, Facts};
use crate::field::FieldSet;
use crate::organisation::{Purpose, RecipientType};
use crate::policy::Policy;
use crate::release::{Decision, Question, Refusal};
use crate::subject::{Bsn, SubjectId};
use serde_json::Value;

/// An entry that its own facts do not lead to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Otherwise {
    /// Its payload does not hold a question with facts.
    #[error("the payload of entry {index} does not say what was decided on")]
    Payload {
        /// The entry.
        index: u64,
    },
    /// The decision is another one. Facts are not repeated here.
    #[error("entry {index} says {logged}, but what its payload says gives {decided}")]
    Decision {
        /// The entry.
        index: u64,
        /// What the entry says.
        logged: String,
        /// What the policy gives.
        decided: String,
    },
}

/// Whether an entry answers a question that was decided by policy, alone: of a page the items were.
#[must_use]
pub fn is_decision(leaf: &Leaf) -> bool {
    matches!(leaf.kind(), LeafKind::Release | LeafKind::Deny | LeafKind::Escalate)
}

/// Decides again what an entry was decided on.
///
/// `policy` must be the one that the entry names.
///
/// # Errors
/// [`Otherwise`] when the decision is another one, or nothing can be decided on.
pub fn decided_again(policy: &Policy, leaf: &Leaf, payload: &[u8]) -> Result<(), Otherwise> {
    let index = leaf.index();
    let said: Option<Value> = serde_json::from_slice(payload).ok();
    let again = said.and_then(|said| Some((logged(leaf, &said)?, question(leaf, &said)?, facts(&said)?)));
    let Some((logged, question, facts)) = again else { return Err(Otherwise::Payload { index }) };
    let decided = match decide(policy, question, facts) {
        Decision::Permit(permit) => {
            // A field that the holder leaves empty does not leave: it was permitted all the same.
            let left = leaf.text(Key::Fs).and_then(set).unwrap_or(FieldSet::EMPTY);
            let beyond = left.difference(permit.fields());
            let codes: Vec<&str> = permit.obligations().iter().map(|obligation| obligation.code()).collect();
            let told = released(permit.rule(), permit.basis(), &codes.join(","));
            if beyond == FieldSet::EMPTY { told } else { format!("{told}, not of fields {}", beyond.to_hex()) }
        }
        Decision::Refuse(refusal) => turned_away(LeafKind::Deny, &refusal),
        Decision::Escalate(refusal) => turned_away(LeafKind::Escalate, &refusal),
    };
    if decided == logged { Ok(()) } else { Err(Otherwise::Decision { index, logged, decided }) }
}

/// What an entry says, in the same words as what is decided.
fn logged(leaf: &Leaf, said: &Value) -> Option<String> {
    if leaf.kind() == LeafKind::Release {
        let obligations = leaf.list(Key::Ob).unwrap_or_default().join(",");
        return Some(released(leaf.text(Key::Ru)?, leaf.text(Key::Ba)?, &obligations));
    }
    let reasons: Option<Vec<String>> =
        said.get("reasons")?.as_array()?.iter().map(|reason| reason.as_str().map(str::to_owned)).collect();
    Some(without(leaf.kind(), said.get("rule")?.as_str(), &reasons?))
}

fn released(rule: &str, basis: &str, obligations: &str) -> String {
    format!("RELEASE under rule {rule}, basis {basis}, obligations [{obligations}]")
}

fn turned_away(kind: LeafKind, refusal: &Refusal) -> String {
    let reasons: Vec<String> = refusal.reasons.iter().map(|reason| reason.code()).collect();
    without(kind, refusal.rule.as_deref(), &reasons)
}

fn without(kind: LeafKind, rule: Option<&str>, reasons: &[String]) -> String {
    format!("{} under rule {}, reasons [{}]", kind.code(), rule.unwrap_or("none"), reasons.join(","))
}

fn question(leaf: &Leaf, said: &Value) -> Option<Question> {
    let mask = match said.get("mask")? {
        Value::Null => None,
        mask => Some(set(mask.as_str()?)?),
    };
    let named = said.get("subject")?;
    let named_by = |kind: &str| named.get(kind).and_then(Value::as_str);
    let subject = match (named_by("bsn"), named_by("client-number")) {
        (Some(digits), _) => SubjectId::Bsn(Bsn::parse(digits).ok()?),
        (None, number) => SubjectId::client_number(number?)?,
    };
    let recipient = RecipientType::from_code(leaf.text(Key::Rt)?)?;
    let purpose = Purpose::from_code(leaf.text(Key::Pu)?)?;
    Some(Question { recipient, purpose, subject, mask, record_id: None })
}

/// The facts as they stand in a payload; none when one of them is no fact, or has no such value.
fn facts(said: &Value) -> Option<Facts> {
    let mut facts = Facts::UNKNOWN;
    for (code, value) in said.get("facts")?.as_object()? {
        let (fact, value) = (Fact::from_code(code)?, value.as_str()?);
        fact.bit_of(value)?;
        facts = facts.with(fact, value);
    }
    Some(facts)
}

/// A set as its 16 hex digits.
fn set(hex: &str) -> Option<FieldSet> {
    u64::from_str_radix(hex, 16).ok().and_then(FieldSet::from_bits)
}

#[cfg(test)]
mod tests;
