//! What was decided is decided again; each thing that could have been written otherwise is found.

use super::super::draft::RequestId;
use super::super::leaf::LeafDraft;
use super::*;
use crate::policy::{Rule, Sources, load};
use crate::release::Permit;
use serde_json::json;

const DIGIT: &str = "a";

fn policy() -> Policy {
    let catalog = include_str!("../../../../policy/catalog.toml");
    let ceiling = include_str!("../../../../policy/ceiling.toml");
    load(&Sources { catalog, ceiling, policy: include_str!("../../../../policy/kracht.toml") }).unwrap()
}

fn asked() -> Question {
    let subject = SubjectId::client_number("C-1").unwrap();
    let (recipient, purpose) = (RecipientType::CarePartner, Purpose::Treatment);
    Question { recipient, purpose, subject, mask: None, record_id: None }
}

/// Facts under which this rule permits, fact by fact.
fn permitting(policy: &Policy, rule: &Rule) -> (Facts, Permit) {
    fn search(policy: &Policy, mentioned: &[Fact], facts: Facts) -> Option<(Facts, Permit)> {
        let Some((fact, rest)) = mentioned.split_first() else {
            return match decide(policy, asked(), facts) {
                Decision::Permit(permit) => Some((facts, permit)),
                _ => None,
            };
        };
        fact.values().iter().find_map(|value| search(policy, rest, facts.with(*fact, value)))
    }
    let mut mentioned: Vec<Fact> = rule.mentioned().chain([Fact::Known, Fact::EnrolledPurpose]).collect();
    mentioned.sort_unstable_by_key(|fact| fact.code());
    mentioned.dedup();
    search(policy, &mentioned, Facts::UNKNOWN).unwrap()
}

fn told(facts: Facts) -> serde_json::Map<String, Value> {
    facts.iter().map(|(fact, value)| (fact.code().to_owned(), value.into())).collect()
}

fn leaf(draft: LeafDraft, payload: &str) -> Leaf {
    let draft = draft
        .with(Key::Rt, RecipientType::CarePartner.code())
        .with(Key::Rp, "00000099000000002000")
        .with(Key::Pu, Purpose::Treatment.code())
        .with(Key::St, DIGIT.repeat(32))
        .with(Key::Pc, super::super::commitment::payload(payload.as_bytes()))
        .with(Key::X5, DIGIT.repeat(43))
        .with(Key::Po, DIGIT.repeat(64))
        .with(Key::Ca, 1)
        .with(Key::Txn, DIGIT.repeat(32));
    Leaf::decode(&draft.encode(RequestId(uuid::Uuid::from_u128(7)), 7, 1_795_262_400_000).unwrap()).unwrap()
}

fn release(permit: &Permit, fields: FieldSet, rule: &str, payload: &str) -> Leaf {
    let codes: Vec<String> = permit.obligations().iter().map(|one| one.code().to_owned()).collect();
    let draft = LeafDraft::new(LeafKind::Release)
        .with(Key::Ba, permit.basis())
        .with(Key::Ru, rule)
        .with(Key::Fs, fields.to_hex())
        .with(Key::Ob, codes)
        .with(Key::Rs, vec!["OK".to_owned()])
        .with(Key::Bc, DIGIT.repeat(64));
    leaf(draft, payload)
}

#[test]
fn a_release_follows_from_its_facts_and_from_no_others() {
    let policy = policy();
    let rule = policy.rule_for(RecipientType::CarePartner, Purpose::Treatment).unwrap();
    let (facts, permit) = permitting(&policy, rule);
    let saying = |facts: Facts, mask: Value| {
        json!({ "subject": { "client-number": "C-1" }, "mask": mask, "facts": told(facts), "reasons": ["OK"],
                "rule": permit.rule() })
        .to_string()
    };
    let payload = saying(facts, Value::Null);
    let again = |leaf: &Leaf, payload: &str| decided_again(&policy, leaf, payload.as_bytes());
    let right = release(&permit, permit.fields(), permit.rule(), &payload);
    assert_eq!(again(&right, &payload), Ok(()));
    // Fewer fields hold a value; what was padded is read.
    assert_eq!(again(&release(&permit, FieldSet::EMPTY, permit.rule(), &payload), &payload), Ok(()));
    assert_eq!(again(&right, &format!("{payload}    ")), Ok(()));

    let everything = FieldSet::of(crate::field::Field::ALL);
    let wider = release(&permit, everything, permit.rule(), &payload);
    let elsewhere = release(&permit, permit.fields(), "another-rule", &payload);
    for other in [&wider, &elsewhere] {
        assert!(matches!(again(other, &payload), Err(Otherwise::Decision { index: 7, .. })));
    }
    // The same leaf over other facts, or over a mask that asked for less.
    let restricted = saying(facts.with_bool(Fact::Known, false), Value::Null);
    let narrow = saying(facts, FieldSet::EMPTY.to_hex().into());
    for other in [&restricted, &narrow] {
        assert!(matches!(again(&right, other), Err(Otherwise::Decision { index: 7, .. })), "{other}");
    }
    for unreadable in ["", "{}", &payload.replace("C-1", "no number"), &payload.replace("\"known\"", "\"knwon\"")] {
        assert_eq!(again(&right, unreadable), Err(Otherwise::Payload { index: 7 }), "{unreadable}");
    }
}

#[test]
fn a_refusal_follows_from_its_facts_with_every_reason() {
    let policy = policy();
    let rule = policy.rule_for(RecipientType::CarePartner, Purpose::Treatment).unwrap();
    let (permitting, _) = permitting(&policy, rule);
    let facts = permitting.with_bool(Fact::Known, false);
    let Decision::Refuse(refusal) = decide(&policy, asked(), facts) else { panic!("somebody unknown is refused") };
    let codes: Vec<String> = refusal.reasons.iter().map(|reason| reason.code()).collect();
    let saying = |facts: Facts, reasons: &[String]| {
        json!({ "subject": { "client-number": "C-1" }, "mask": null, "facts": told(facts), "reasons": reasons,
                "rule": refusal.rule.as_deref() })
        .to_string()
    };
    let of = |kind: LeafKind, payload: &str| leaf(LeafDraft::new(kind).with(Key::Rs, vec!["NO".to_owned()]), payload);
    let again = |kind: LeafKind, payload: &str| decided_again(&policy, &of(kind, payload), payload.as_bytes());
    let payload = saying(facts, &codes);
    assert_eq!(again(LeafKind::Deny, &payload), Ok(()));
    assert!(again(LeafKind::Escalate, &payload).is_err(), "it was no escalation");
    assert!(again(LeafKind::Deny, &saying(facts, &[])).is_err(), "a reason is missing");
    assert!(again(LeafKind::Deny, &saying(permitting, &codes)).is_err(), "these facts permit");
}
