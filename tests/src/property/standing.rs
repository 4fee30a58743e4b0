//! `Standing::apply` on random changes: once or twice is the same, what is withdrawn is gone, a row stays bounded.

use proptest::prelude::*;
use sluis_core::fact::{Fact, Facts};
use sluis_core::organisation::{Oin, Purpose, RecipientType};
use sluis_core::standing::{
    Asked, AuthorityState, Change, ConsentBy, DANGER_CRITERIA, ENTRIES_MAX, ObjectionKind, ReviewDecision, Standing,
};
use sluis_core::subject::Actor;

/// When dangers and reviews end, and a moment before and after it.
const UNTIL: u64 = 1_000;

fn partner(number: u8) -> Oin {
    Oin::parse(&format!("0000009900000000{:04}", number % 4)).unwrap()
}

fn person(number: u8) -> Actor {
    Actor::parse(&format!("person-{}", number % 6)).unwrap()
}

fn of<T: Copy + std::fmt::Debug + 'static>(list: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(list)
}

fn change() -> impl Strategy<Value = Change> {
    let flag = any::<bool>;
    prop_oneof![
        (of(Purpose::ALL), of(RecipientType::ALL), of(ConsentBy::ALL), flag())
            .prop_map(|(purpose, recipient, by, given)| Change::Consent { purpose, recipient, by, given }),
        (of(ObjectionKind::ALL), flag()).prop_map(|(kind, made)| Change::Objection { kind, made }),
        flag().prop_map(|set| Change::Restriction { set }),
        (any::<u8>(), proptest::option::of(of(AuthorityState::ALL))).prop_map(|(n, state)| Change::Authority {
            portal: partner(n),
            person: person(n),
            state
        }),
        (any::<u8>(), any::<u8>(), flag()).prop_map(|(p, w, on)| Change::Caseload {
            partner: partner(p),
            worker: person(w),
            on
        }),
        flag().prop_map(|set| Change::SecretResidence { set }),
        flag().prop_map(|able| Change::Capacity { able }),
        flag().prop_map(|withheld| Change::GoodCare { withheld }),
        (any::<u8>(), 0..=DANGER_CRITERIA.len()).prop_map(|(n, count)| Change::Danger {
            professional: person(n),
            criteria: DANGER_CRITERIA.iter().take(count).map(|c| (*c).to_owned()).collect(),
            until: UNTIL,
        }),
        any::<u8>().prop_map(|n| Change::DangerApproval { professional: person(n) }),
        Just(Change::DangerPassed),
        (of(Purpose::ALL), any::<u8>(), of(ReviewDecision::ALL)).prop_map(|(purpose, n, decision)| Change::Review {
            purpose,
            organisation: partner(n),
            actor: Some(person(n)),
            professional: person(n.wrapping_add(1)),
            decision,
            until: UNTIL,
        }),
    ]
}

/// The change that takes another one back; a danger passes, a review ends by itself.
fn taken_back(change: &Change) -> Option<Change> {
    Some(match change.clone() {
        Change::Consent { purpose, recipient, by, .. } => Change::Consent { purpose, recipient, by, given: false },
        Change::Objection { kind, .. } => Change::Objection { kind, made: false },
        Change::Restriction { .. } => Change::Restriction { set: false },
        Change::Authority { portal, person, .. } => Change::Authority { portal, person, state: None },
        Change::Caseload { partner, worker, .. } => Change::Caseload { partner, worker, on: false },
        Change::SecretResidence { .. } => Change::SecretResidence { set: false },
        Change::Capacity { .. } => Change::Capacity { able: true },
        Change::GoodCare { .. } => Change::GoodCare { withheld: false },
        Change::Danger { .. } | Change::DangerApproval { .. } | Change::DangerPassed => Change::DangerPassed,
        Change::Review { .. } => return None,
    })
}

fn applied(changes: &[Change]) -> Standing {
    let mut standing = Standing::default();
    for change in changes {
        let before = standing.clone();
        if standing.apply(change).is_err() {
            assert_eq!(standing, before, "a refused change leaves everything as it was");
        }
    }
    standing
}

/// What the standing answers to every question about these people, at a moment.
fn answers(standing: &Standing, now: u64) -> Vec<Facts> {
    let mut answers = Vec::new();
    for purpose in Purpose::ALL {
        for (number, recipient) in (0..6).zip(RecipientType::ALL.iter().cycle()) {
            let (organisation, actor) = (partner(number), person(number));
            let asked =
                Asked { organisation: &organisation, recipient: *recipient, actor: Some(&actor), purpose: *purpose };
            answers.push(standing.answer(Facts::UNKNOWN, &asked, now));
        }
    }
    answers
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    proptest::collection::vec(change(), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_change_again_changes_nothing(earlier in changes(), change in change()) {
        let mut once = applied(&earlier);
        let outcome = once.apply(&change);
        let mut twice = once.clone();
        prop_assert_eq!(twice.apply(&change), outcome);
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn when_everything_is_taken_back_nothing_is_left(changes in changes()) {
        let mut standing = applied(&changes);
        for change in changes.iter().filter_map(taken_back) {
            prop_assert_eq!(standing.apply(&change), Ok(()), "taking back is never refused");
        }
        // A consent that was withdrawn is remembered as that, which permits as little as none.
        let forgotten = |facts: Facts| [Fact::ConsentYouth, Fact::ConsentHolder].iter().fold(facts, |facts, fact| {
            if facts.value(*fact) == Some("withdrawn") { facts.with(*fact, "none") } else { facts }
        });
        let left: Vec<Facts> = answers(&standing, UNTIL).into_iter().map(forgotten).collect();
        prop_assert_eq!(left, answers(&Standing::default(), UNTIL));
        prop_assert!(!standing.residence_secret());
    }

    #[test]
    fn the_last_word_counts_whatever_came_before(earlier in changes(), between in changes(), given in any::<bool>()) {
        let consent = |given| Change::Consent {
            purpose: Purpose::ParentInformation, recipient: RecipientType::Parent, by: ConsentBy::Youth, given,
        };
        let others = between.into_iter().filter(|c| !matches!(c, Change::Consent { .. }));
        let mut all = earlier;
        all.push(consent(given));
        all.extend(others);
        let organisation = partner(0);
        let asked = Asked {
            organisation: &organisation,
            recipient: RecipientType::Parent,
            actor: None,
            purpose: Purpose::ParentInformation,
        };
        let facts = applied(&all).answer(Facts::UNKNOWN, &asked, 0);
        prop_assert_eq!(facts.value(Fact::ConsentYouth), Some(if given { "given" } else { "withdrawn" }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Beyond the bound nothing is added, and what stands can still be taken back.
    #[test]
    fn a_row_stays_bounded_and_a_withdrawal_always_fits(changes in proptest::collection::vec(change(), 3000)) {
        let mut standing = applied(&changes);
        for workers in 0..=ENTRIES_MAX {
            let worker = Actor::parse(&format!("worker-{workers}")).unwrap();
            let on = Change::Caseload { partner: partner(0), worker, on: true };
            let fits = standing.apply(&on).is_ok();
            prop_assert!(fits || workers + 24 >= ENTRIES_MAX, "refused at {}", workers);
        }
        let row = serde_json::to_value(&standing).unwrap();
        for (sort, entries) in row.as_object().unwrap() {
            prop_assert!(entries.as_array().is_none_or(|list| list.len() <= ENTRIES_MAX), "{}", sort);
        }
        prop_assert_eq!(row["caseload"].as_array().unwrap().len(), ENTRIES_MAX);
        prop_assert_eq!(row["consents"].as_array().unwrap().len(), ENTRIES_MAX);
        for entry in row["consents"].as_array().unwrap().clone() {
            let withdrawal: Change = serde_json::from_value(serde_json::json!({
                "change": "consent", "purpose": entry["purpose"], "recipient": entry["recipient"],
                "by": entry["by"], "given": false,
            })).unwrap();
            prop_assert_eq!(standing.apply(&withdrawal), Ok(()));
        }
    }
}
