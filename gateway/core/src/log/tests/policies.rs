//! Which policy was in force, and each entry that does not follow from it.

use super::fixture::{NOW, leaf_of, rid};
use crate::log::LeafKind;
use crate::log::leaf::{Key, Leaf, LeafDraft};
use crate::log::policies::{Other, Policies};

struct Log {
    policies: Policies,
    next: u64,
}

impl Log {
    fn new(epoch: LeafDraft) -> Self {
        let mut log = Self { policies: Policies::new(), next: 0 };
        assert_eq!(log.put(epoch), None);
        log
    }

    fn put(&mut self, leaf: LeafDraft) -> Option<Other> {
        let text = leaf.encode(rid(self.next), self.next, NOW).unwrap();
        self.next += 1;
        self.policies.entry(&Leaf::decode(&text).unwrap())
    }

    fn policy(&mut self, digit: &str, number: u64) -> Option<Other> {
        self.put(LeafDraft::new(LeafKind::Policy).with(Key::Po, digit.repeat(64)).with(Key::N, number).with(Key::Ca, 1))
    }

    fn answer(&mut self, kind: LeafKind, digit: &str, catalogue: u64) -> Option<Other> {
        self.put(leaf_of(kind, 1, false).with(Key::Po, digit.repeat(64)).with(Key::Ca, catalogue))
    }
}

fn open() -> LeafDraft {
    LeafDraft::new(LeafKind::Epoch).with(Key::Rs, "OPEN")
}

#[test]
fn each_policy_has_the_answers_under_it() {
    let mut log = Log::new(open());
    assert_eq!(log.policy("a", 1), None);
    for kind in [LeafKind::Release, LeafKind::Deny, LeafKind::Escalate, LeafKind::Page, LeafKind::AuditOpen] {
        assert_eq!(log.answer(kind, "a", 1), None);
    }
    assert_eq!(log.policy("b", 2), None);
    assert_eq!(log.answer(LeafKind::Explain, "b", 1), None);
    let all: Vec<_> = log.policies.all().iter().map(|one| (one.since.to_string(), one.number, one.answers)).collect();
    assert_eq!(all, [("1".to_owned(), 1, 5), ("7".to_owned(), 2, 1)]);
}

#[test]
fn each_entry_that_does_not_follow_is_found() {
    let mut log = Log::new(open());
    assert_eq!(log.answer(LeafKind::Deny, "a", 1), Some(Other::None { index: 1.into(), named: "a".repeat(64) }));
    log.policy("a", 3);
    let (named, in_force) = ("b".repeat(64), "a".repeat(64));
    assert_eq!(
        log.answer(LeafKind::Deny, "b", 1),
        Some(Other::Policy { index: 3.into(), named, in_force, since: 2.into() })
    );
    let catalogue = Other::Catalogue { index: 4.into(), named: 2, in_force: 1, since: 2.into() };
    assert_eq!(log.answer(LeafKind::Release, "a", 2), Some(catalogue));
    assert_eq!(log.policy("b", 2), Some(Other::Older { index: 5.into(), number: 2, before: 3, since: 2.into() }));
    assert_eq!(log.answer(LeafKind::Manual, "c", 1), None, "people decided it");
}

#[test]
fn what_an_earlier_shard_put_in_force_is_counted_as_unknown() {
    let mut log = Log::new(open().with(Key::Pv, "e".repeat(64)));
    assert_eq!(log.answer(LeafKind::Release, "a", 1), None);
    assert_eq!((log.policies.unknown(), log.policies.all()), (1, &[][..]));
}

/// The policy of December is in force in January until another one is, and what does not follow names both shards.
#[test]
fn a_policy_stays_in_force_over_the_turn_of_the_year() {
    let mut log = Log { policies: Policies::new(), next: 0 };
    log.policies.begin_shard("2026-1");
    assert_eq!(log.put(open()), None);
    assert_eq!(log.policy("a", 1), None);
    assert_eq!(log.answer(LeafKind::Deny, "a", 1), None);
    log.policies.begin_shard("2027-1");
    log.next = 0;
    assert_eq!(log.put(open().with(Key::Pv, "e".repeat(64))), None);
    assert_eq!(log.answer(LeafKind::Release, "a", 1), None);
    let other = log.answer(LeafKind::Release, "b", 1).unwrap().to_string();
    assert!(
        other.starts_with("entry 2027-1:2 names policy bbbb") && other.contains("but entry 2026-1:1 had put"),
        "{other}"
    );
    assert_eq!((log.policies.unknown(), log.policies.all()[0].answers), (0, 2));
}
