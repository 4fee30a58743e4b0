//! The log replayed offline, in the order of the index: what stood when an answer was recorded, against what it says.
//!
//! Nothing of the conduct is used: standing follows from the payloads of its own leaves, and the facts from standing.

use crate::conduct::read;
use serde_json::Value;
use sluis::gateway::Gateway;
use sluis_core::decide::decide;
use sluis_core::fact::{Fact, Facts};
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::organisation::{Oin, Purpose, RecipientType};
use sluis_core::policy::Policy;
use sluis_core::release::{Decision, Question, Reason, Refusal};
use sluis_core::standing::{Asked, Change, Standing};
use sluis_core::subject::{Actor, SubjectId};
use std::collections::BTreeMap;

/// An answer that relied on what no longer stood.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    pub index: u64,
    pub kind: LeafKind,
    pub fact: &'static str,
    pub said: Option<&'static str>,
    pub stood: Option<&'static str>,
}

/// What a log holds, replayed.
#[derive(Default)]
pub struct Replay {
    pub released: u64,
    pub refused: u64,
    pub changes: u64,
    pub violations: Vec<Violation>,
    standing: BTreeMap<String, Standing>,
}

impl Replay {
    /// Replays the log of a gateway.
    pub async fn of(gateway: &Gateway) -> Self {
        let policy = gateway.active.load_full();
        let mut replay = Self::default();
        for text in read::leaves(gateway).await {
            let leaf = Leaf::decode(&text).unwrap();
            let Some(payload) = read::payload(gateway, &leaf).await else { continue };
            match leaf.kind() {
                LeafKind::Release | LeafKind::Deny | LeafKind::Escalate => {
                    replay.answer(&leaf, &payload);
                    reproduces(&policy.policy, &leaf, &payload);
                }
                LeafKind::Recipient => {} // who was admitted, not what holds for a subject
                _ => replay.change(&payload),
            }
        }
        replay
    }

    fn change(&mut self, payload: &Value) {
        let change: Change = serde_json::from_value(payload["standing"].clone()).unwrap();
        self.standing.entry(subject(payload).value()).or_default().apply(&change).unwrap();
        self.changes += 1;
    }

    fn answer(&mut self, leaf: &Leaf, payload: &Value) {
        if leaf.kind() == LeafKind::Release {
            self.released += 1
        } else {
            self.refused += 1
        }
        let organisation = Oin::parse(leaf.text(Key::Rp).unwrap()).unwrap();
        let actor = payload["actor"].as_str().and_then(Actor::parse);
        let asked = Asked {
            organisation: &organisation,
            recipient: recipient(leaf),
            actor: actor.as_ref(),
            purpose: purpose(leaf),
        };
        let stood = self.standing.entry(subject(payload).value()).or_default();
        let stood = stood.answer(Facts::UNKNOWN, &asked, leaf.time());
        let said = facts(payload);
        let differing = stood.iter().filter(|(fact, value)| said.value(*fact) != Some(value));
        self.violations.extend(differing.map(|(fact, value)| Violation {
            index: leaf.index(),
            kind: leaf.kind(),
            fact: fact.code(),
            said: said.value(fact),
            stood: Some(value),
        }));
    }
}

/// A logged answer is the one that the policy gives on the logged facts: outcome, rule, fields, reasons.
fn reproduces(policy: &Policy, leaf: &Leaf, payload: &Value) {
    let question = Question {
        recipient: recipient(leaf),
        purpose: purpose(leaf),
        subject: subject(payload),
        mask: None,
        record_id: None,
    };
    assert_eq!(leaf.text(Key::Po), Some(policy.digest().to_hex().as_str()));
    let place = format!("leaf {}", leaf.index());
    match (leaf.kind(), decide(policy, question, facts(payload))) {
        (LeafKind::Release, Decision::Permit(permit)) => {
            assert_eq!(leaf.text(Key::Fs), Some(permit.fields().to_hex().as_str()), "{place}");
            assert_eq!(leaf.text(Key::Ru), Some(permit.rule()), "{place}");
            assert_eq!(leaf.text(Key::Ba), Some(permit.basis()), "{place}");
            assert_eq!(payload["rule"], permit.rule(), "{place}");
            assert_eq!(payload["reasons"], serde_json::json!([Reason::Ok.code()]), "{place}");
        }
        (LeafKind::Deny, Decision::Refuse(refusal)) | (LeafKind::Escalate, Decision::Escalate(refusal)) => {
            same_refusal(&refusal, payload, &place);
        }
        (kind, decision) => panic!("{place} is {kind}, and the decision on its facts is {decision:?}"),
    }
}

fn same_refusal(refusal: &Refusal, payload: &Value, place: &str) {
    let reasons: Vec<String> = refusal.reasons.iter().map(|r| r.code()).collect();
    assert_eq!(payload["reasons"], serde_json::json!(reasons), "{place}");
    assert_eq!(payload["rule"].as_str(), refusal.rule.as_deref(), "{place}");
}

fn recipient(leaf: &Leaf) -> RecipientType {
    RecipientType::from_code(leaf.text(Key::Rt).unwrap()).unwrap()
}

fn purpose(leaf: &Leaf) -> Purpose {
    Purpose::from_code(leaf.text(Key::Pu).unwrap()).unwrap()
}

fn subject(payload: &Value) -> SubjectId {
    SubjectId::client_number(payload["subject"]["client-number"].as_str().unwrap()).unwrap()
}

fn facts(payload: &Value) -> Facts {
    let said = payload["facts"].as_object().unwrap();
    said.iter().fold(Facts::UNKNOWN, |facts, (name, value)| {
        let facts = facts.with(Fact::from_code(name).unwrap(), value.as_str().unwrap());
        assert!(facts.value(Fact::from_code(name).unwrap()).is_some(), "{name} has no value {value}");
        facts
    })
}
