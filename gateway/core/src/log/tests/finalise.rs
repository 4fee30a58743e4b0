//! What becomes of drafts: freshness inside the batch, repetition, clocks, and failures that stay alone.

use super::fixture::{FixedSigner, MemoryLog, NOW, draft, empty_head, oin, recorded, rid};
use crate::log::LeafKind;
use crate::log::checkpoint::sign;
use crate::log::commitment::body;
use crate::log::draft::{Draft, Effect, GuardKey, GuardState, Outcome, Transaction, Versioned};
use crate::log::finalise::{Snapshot, finalise, wanted};
use crate::log::leaf::{Key, LeafDraft, LeafError};
use crate::log::receipt::verify_text;
use crate::log::shard::{closing, first_opening};
use crate::ports::StoreError;
use crate::release::PolicyDigest;
use crate::standing::{Change, ChangeRefused, Standing};
use crate::subject::{Actor, SubjectRef, dutch_date};
use std::sync::Arc;

const CHILD: SubjectRef = SubjectRef([3; 16]);

fn restriction(number: u64, set: bool) -> Draft {
    let effects = vec![Effect::Standing { subject: CHILD, change: Change::Restriction { set } }];
    Draft { effects, ..draft(LeafKind::Restriction, number) }
}

fn release(number: u64, version: u64) -> Draft {
    let relies_on = vec![(GuardKey::Subject(CHILD), version), (GuardKey::Policy, 0)];
    Draft { relies_on, ..draft(LeafKind::Release, number) }
}

fn with_transaction(number: u64, id: u128, digest: u8) -> Draft {
    let transaction = Some(Transaction { oin: oin(), id: uuid::Uuid::from_u128(id), digest: [digest; 32] });
    Draft { transaction, ..draft(LeafKind::Release, number) }
}

fn policy(number: u64, version: u64, digest: u8) -> Draft {
    let effects = vec![Effect::Policy { digest: PolicyDigest([digest; 32]), number: version }];
    Draft { effects, ..draft(LeafKind::Policy, number) }
}

fn indices(outcomes: &[Outcome]) -> Vec<Option<u64>> {
    outcomes.iter().map(recorded).collect()
}

/// Invariant 8: no permit relies on a standing that a leaf before it changed, not even within one commit.
#[test]
fn a_withdrawal_stops_the_very_next_entry_of_the_same_batch() {
    let log = MemoryLog::default();
    let batch = vec![release(1, 0), restriction(2, true), release(3, 0), release(4, 1)];
    let committed = log.append_at(NOW, batch).unwrap();
    assert_eq!(indices(committed.outcomes()), [Some(0), Some(1), None, Some(2)]);
    assert_eq!(committed.outcomes()[2], Outcome::Stale);
    assert_eq!(log.version(&GuardKey::Subject(CHILD)), 1);
    let later = log.append_at(NOW, vec![release(5, 0), release(6, 1)]).unwrap();
    assert_eq!(indices(later.outcomes()), [None, Some(3)]);
}

/// Two gateways that start together on an empty log both find nothing in it.
#[test]
fn a_shard_is_opened_once() {
    let opening = |number| Draft { leaf: first_opening(), ..draft(LeafKind::Epoch, number) };
    let log = MemoryLog::default();
    let both = log.append_at(NOW, vec![opening(1), opening(2), draft(LeafKind::Epoch, 3)]).unwrap();
    assert_eq!(indices(both.outcomes()), [Some(0), None, Some(1)]);
    assert_eq!(log.append_at(NOW, vec![opening(4)]).unwrap().outcomes(), [Outcome::Stale]);
}

#[test]
fn what_was_not_written_leaves_no_trace() {
    let log = MemoryLog::default();
    let stale = log.append_at(NOW, vec![release(1, 7)]).unwrap();
    assert_eq!(stale.outcomes(), [Outcome::Stale]);
    assert_eq!(log.current(), empty_head());
    assert!(stale.receipts(&log.checkpoint()).iter().all(Option::is_none));
}

#[test]
fn a_guard_row_names_the_leaf_that_set_it_last() {
    let batch = vec![draft(LeafKind::Deny, 1), restriction(2, true), restriction(3, false)];
    let wanted = wanted(&batch);
    assert!(wanted.guards.contains(&GuardKey::Subject(CHILD)));
    let finalised = finalise(&empty_head(), Snapshot::default(), NOW, &batch).unwrap();
    let [row] = finalised.guards() else { panic!("one guard changed") };
    assert_eq!((row.version, row.index), (2, 2));
    assert_eq!(*row.state, GuardState::Subject(Standing::default()));
}

#[test]
fn a_repeated_transaction_is_found_in_the_log_and_in_the_batch() {
    let log = MemoryLog::default();
    let batch = vec![
        with_transaction(1, 5, 1),
        with_transaction(2, 5, 1),
        with_transaction(3, 5, 2),
        with_transaction(4, 6, 1),
    ];
    let committed = log.append_at(NOW, batch).unwrap();
    let duplicate = Outcome::Duplicate { index: 0, kind: LeafKind::Release };
    assert_eq!(indices(committed.outcomes()), [Some(0), None, None, Some(1)]);
    assert_eq!(committed.outcomes()[1..3], [duplicate.clone(), Outcome::Conflict]);
    let again = log.append_at(NOW, vec![with_transaction(5, 5, 1), with_transaction(6, 5, 9)]).unwrap();
    assert_eq!(again.outcomes(), [duplicate, Outcome::Conflict]);
}

#[test]
fn a_change_that_cannot_be_applied_fails_alone_and_changes_nothing() {
    let approval = Change::DangerApproval { professional: Actor::parse("p-1").unwrap() };
    let both = vec![
        Effect::Standing { subject: CHILD, change: Change::Restriction { set: true } },
        Effect::Standing { subject: CHILD, change: approval },
    ];
    let batch = vec![Draft { effects: both, ..draft(LeafKind::Standing, 1) }, release(2, 0)];
    let log = MemoryLog::default();
    let committed = log.append_at(NOW, batch).unwrap();
    assert_eq!(committed.outcomes()[0], Outcome::Refused(ChangeRefused::NoDanger));
    assert_eq!(recorded(&committed.outcomes()[1]), Some(0));
    assert_eq!(log.version(&GuardKey::Subject(CHILD)), 0);
}

#[test]
fn a_leaf_that_breaks_the_key_table_fails_alone() {
    let broken = Draft { leaf: LeafDraft::new(LeafKind::Restriction), ..restriction(1, true) };
    let missing = LeafError::Missing { kind: LeafKind::Restriction, key: Key::Rp };
    let log = MemoryLog::default();
    let committed = log.append_at(NOW, vec![broken, release(2, 0)]).unwrap();
    assert_eq!(committed.outcomes()[0], Outcome::Malformed(missing));
    assert_eq!(recorded(&committed.outcomes()[1]), Some(0));
}

#[test]
fn a_policy_never_goes_back() {
    let log = MemoryLog::default();
    let batch = vec![policy(1, 5, 1), policy(2, 4, 2), policy(3, 5, 2), policy(4, 5, 1), policy(5, 6, 3)];
    let committed = log.append_at(NOW, batch).unwrap();
    assert_eq!(indices(committed.outcomes()), [Some(0), None, None, Some(1), Some(2)]);
    assert_eq!(committed.outcomes()[1..3], [Outcome::PolicyTooOld, Outcome::PolicyTooOld]);
    assert_eq!(log.append_at(NOW, vec![policy(6, 5, 1)]).unwrap().outcomes(), [Outcome::PolicyTooOld]);
    assert_eq!(log.append_at(NOW, vec![release(7, 0)]).unwrap().outcomes(), [Outcome::Stale]);
}

#[test]
fn ages_hold_for_the_dutch_day_on_which_they_were_computed() {
    let midnight = 1_769_036_400_000; // 2026-01-22T00:00 in Amsterdam
    let decided_on = Some(dutch_date(midnight - 1));
    let log = MemoryLog::default();
    let before = Draft { decided_on, ..draft(LeafKind::Release, 1) };
    let after = Draft { decided_on, ..draft(LeafKind::Release, 2) };
    assert_eq!(recorded(&log.append_at(midnight - 1, vec![before]).unwrap().outcomes()[0]), Some(0));
    assert_eq!(log.append_at(midnight, vec![after]).unwrap().outcomes(), [Outcome::Stale]);
}

#[test]
fn time_stands_still_before_it_goes_back_and_then_nothing_is_written() {
    let log = MemoryLog::default();
    log.append_at(NOW, vec![draft(LeafKind::Deny, 1)]).unwrap();
    let tolerated = log.append_at(NOW - 5_000, vec![draft(LeafKind::Deny, 2)]).unwrap();
    assert_eq!(tolerated.outcomes(), [Outcome::Recorded { index: 1, time: NOW }]);
    let behind = log.append_at(NOW - 5_001, vec![draft(LeafKind::Deny, 3)]).unwrap_err();
    assert_eq!(behind, StoreError::ClockBehind { behind_ms: 5_001 });
    assert_eq!(log.current().size(), 2);
}

/// A8: an entry that was built for another shard is not of this one.
#[test]
fn an_entry_made_for_another_shard_is_stale() {
    let origin = "sluis-log.jeugd.example/00000099234567890000/2027-1".into();
    let other = Draft { origin, ..restriction(1, true) };
    assert_eq!(MemoryLog::default().append_at(NOW, vec![other]).unwrap().outcomes(), [Outcome::Stale]);
}

#[test]
fn a_guard_of_another_sort_stops_everything() {
    let wrong = Versioned { version: 1, state: Arc::new(GuardState::Organisation(Vec::new())) };
    let snapshot = Snapshot { guards: [(GuardKey::Policy, wrong)].into(), ..Snapshot::default() };
    let refused = finalise(&empty_head(), snapshot, NOW, &[release(1, 0)]).unwrap_err();
    assert_eq!(refused, StoreError::Corrupt { store: "log database", table: "guard" });
}

/// Invariant 4, for every batch that follows every small log.
#[test]
fn every_receipt_of_a_batch_verifies_against_its_head() {
    let vkey = FixedSigner::new().vkey();
    for before in 0..20 {
        let log = MemoryLog::default();
        log.grow(before, 64);
        let batch = vec![draft(LeafKind::Release, before), release(99, 9), draft(LeafKind::Deny, before + 1)];
        let committed = log.append_at(NOW, batch).unwrap();
        let receipts = committed.receipts(&sign(committed.head(), &FixedSigner::new()));
        assert!(receipts[1].is_none());
        for (at, index) in [(0, before), (2, before + 1)] {
            let receipt = receipts[at].as_ref().unwrap();
            let verified = verify_text(&receipt.text(), &vkey).unwrap();
            assert_eq!((verified.index, verified.size, &*verified.leaf_text), (index, before + 2, receipt.leaf()));
            assert_eq!((verified.leaf.index(), receipt.index()), (index, index));
        }
    }
}

#[test]
fn no_receipt_is_made_under_a_checkpoint_of_another_head() {
    let log = MemoryLog::default();
    let first = log.append_at(NOW, vec![draft(LeafKind::Release, 1)]).unwrap();
    log.grow(1, 1);
    assert!(first.receipts(&log.checkpoint())[0].is_none());
    assert!(first.receipts(&sign(first.head(), &FixedSigner::new()))[0].is_some());
}

#[test]
fn a_receipt_commits_to_the_body_of_its_own_release_only() {
    let (mine, other) = (body(&[5; 32], b"mine"), body(&[5; 32], b"other"));
    let make = |kind, number| {
        let made = draft(kind, number);
        Draft { leaf: made.leaf.clone().with(Key::Bc, mine.as_str()), ..made }
    };
    let drafts = vec![make(LeafKind::Release, 1), make(LeafKind::Receipt, 2)];
    let committed = MemoryLog::default().append_at(NOW, drafts).unwrap();
    let receipts = committed.receipts(&sign(committed.head(), &FixedSigner::new()));
    let release = receipts[0].as_ref().unwrap();
    assert!(release.commits_to(&mine));
    assert!(!release.commits_to(&other));
    assert!(!release.commits_to(""));
    assert!(!release.commits_to(&mine[..63]));
    assert!(release.leaf().contains(&format!("{mine}\",\"ca")));
    assert!(!release.commits_to(&format!("{mine}\",\"ca")), "only a digest is compared, never a piece of a leaf");
    assert!(!receipts[1].as_ref().unwrap().commits_to(&mine), "an acknowledgement releases nothing");
    assert_eq!(committed.outcomes().len(), 2);
    assert!(release.leaf().contains(&rid(1).to_hex()));
}

/// Nothing that leaves or is refused is recorded on a halted log; a withdrawal, and what only says what happened, is (A27).
#[test]
fn a_halted_log_takes_changes_and_no_answers() {
    let drafts: Vec<Draft> = (0..).zip(LeafKind::ALL).map(|(number, kind)| draft(*kind, number)).collect();
    let answers = ["RELEASE", "DENY", "ESCALATE", "EXPLAIN", "BATCH_OPEN", "PAGE", "REDELIVERY", "AUDIT_OPEN"];
    let snapshot = Snapshot { halted: true, ..Snapshot::default() };
    let committed = finalise(&empty_head(), snapshot, NOW, &drafts).unwrap().committed();
    for (kind, outcome) in LeafKind::ALL.iter().zip(committed.outcomes()) {
        assert_eq!(*outcome == Outcome::Halted, answers.contains(&kind.code()), "{kind}: {outcome:?}");
        assert_eq!(recorded(outcome).is_none(), *outcome == Outcome::Halted, "{kind}");
    }
}

/// What may have been tampered with stays the open shard, where it is grave, until somebody lifted the halt.
#[test]
fn a_halted_shard_is_not_closed() {
    let drafts = [Draft { leaf: closing(), ..draft(LeafKind::Epoch, 1) }, restriction(2, true)];
    let snapshot = Snapshot { halted: true, ..Snapshot::default() };
    let committed = finalise(&empty_head(), snapshot, NOW, &drafts).unwrap().committed();
    assert_eq!(committed.outcomes()[0], Outcome::Halted);
    assert_eq!(recorded(&committed.outcomes()[1]), Some(0), "nothing follows the entry that ends a shard");
}
