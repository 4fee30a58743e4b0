//! `decide` on random facts, unknown ones among them, and random masks.
//!
//! Half of the facts begin at a clause that permits, else nearly every random point would be a refusal.

use proptest::prelude::*;
use proptest::sample::Index;
use sluis_core::decide::decide;
use sluis_core::fact::{Fact, Facts};
use sluis_core::field::{Field, FieldSet};
use sluis_core::policy::{Clause, Policy, Rule, Sources, load};
use sluis_core::release::{Decision, Question};
use sluis_core::subject::SubjectId;
use std::cell::Cell;
use std::sync::LazyLock;

const CASES: u32 = 4000;

/// The shipped policies, loaded once: loading enumerates them.
static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    let texts = [
        include_str!("../../../gateway/policy/kracht.toml"),
        include_str!("../../../gateway/policy/akj.toml"),
        include_str!("../../../gateway/policy/statutory.toml"),
    ];
    let catalog = include_str!("../../../gateway/policy/catalog.toml");
    let ceiling = include_str!("../../../gateway/policy/ceiling.toml");
    texts.map(|policy| load(&Sources { catalog, ceiling, policy }).expect("a shipped policy loads")).into()
});

/// Values that protect the subject, each with the value that it takes the place of.
const PROTECTING: [(Fact, &str, &str); 9] = [
    (Fact::ConsentYouth, "given", "withdrawn"),
    (Fact::ConsentYouth, "given", "none"),
    (Fact::ConsentHolder, "given", "withdrawn"),
    (Fact::ConsentHolder, "given", "none"),
    (Fact::Restriction, "false", "true"),
    (Fact::Objection, "false", "true"),
    (Fact::WithheldGoodCare, "false", "true"),
    (Fact::ResidenceSecret, "false", "true"),
    (Fact::Relation, "direct_care", "none"),
];

/// One random point: which rule, which facts, which mask.
#[derive(Debug, Clone)]
struct Point {
    rule: Index,
    clause: Index,
    /// Per fact a position; past its values means unknown.
    random: Vec<usize>,
    /// Which facts keep their random value instead of the permitting one.
    keeps_random: Vec<bool>,
    mask: Option<u64>,
}

fn point() -> impl Strategy<Value = Point> {
    let facts = Fact::ALL.len();
    let random = proptest::collection::vec(0..6usize, facts);
    let keeps = prop_oneof![
        Just(vec![false; facts]),
        proptest::collection::vec(proptest::bool::weighted(0.06), facts),
        proptest::collection::vec(any::<bool>(), facts),
    ];
    let mask = prop_oneof![Just(None), any::<u64>().prop_map(Some)];
    (any::<Index>(), any::<Index>(), random, keeps, mask).prop_map(|(rule, clause, random, keeps_random, mask)| Point {
        rule,
        clause,
        random,
        keeps_random,
        mask,
    })
}

impl Point {
    fn rule(&self) -> (&'static Policy, &'static Rule) {
        let rules: Vec<_> = POLICIES.iter().flat_map(|p| p.rules().map(move |r| (p, r))).collect();
        *self.rule.get(&rules)
    }

    fn facts(&self, rule: &Rule) -> Facts {
        let clause = (!rule.permit_if().is_empty()).then(|| self.clause.get(rule.permit_if()));
        let positions = self.random.iter().zip(&self.keeps_random);
        Fact::ALL.iter().zip(positions).fold(Facts::UNKNOWN, |facts, (fact, (position, keeps))| {
            if *keeps {
                // Of two to four values and six positions, a part is unknown.
                return facts.with_position(*fact, *position);
            }
            match permitting(clause, *fact) {
                Some(value) => facts.with(*fact, value),
                None => facts.with_position(*fact, position % fact.values().len()),
            }
        })
    }

    fn mask(&self) -> Option<FieldSet> {
        let all = FieldSet::of(Field::ALL).bits();
        self.mask.and_then(|bits| FieldSet::from_bits(bits & all))
    }
}

/// A value with which the clause, or else the gates before every clause, let through.
fn permitting(clause: Option<&Clause>, fact: Fact) -> Option<&'static str> {
    let wanted = clause.and_then(|c| c.atom(fact)).and_then(|atom| atom.values().next());
    wanted.or(match fact {
        Fact::Known | Fact::EnrolledPurpose => Some("true"),
        Fact::Restriction | Fact::Objection | Fact::WithheldGoodCare => Some("false"),
        Fact::ProfessionalReview | Fact::Danger => Some("none"),
        _ => None,
    })
}

/// The fields that leave; none on a refusal or an escalation.
fn released((policy, rule): (&Policy, &Rule), facts: Facts, mask: Option<FieldSet>) -> FieldSet {
    let subject = SubjectId::client_number("KR-1").unwrap();
    let question = Question { recipient: rule.recipient(), purpose: rule.purpose(), subject, mask, record_id: None };
    match decide(policy, question, facts) {
        Decision::Permit(permit) => {
            assert!(!permit.fields().is_empty(), "a permit for nothing");
            permit.fields()
        }
        Decision::Refuse(refusal) | Decision::Escalate(refusal) => {
            assert!(!refusal.reasons.is_empty(), "a refusal without a reason");
            FieldSet::EMPTY
        }
    }
}

/// Holds a property against random points; of these, enough must release something.
fn hold(property: impl Fn((&'static Policy, &'static Rule), Facts, Option<FieldSet>) -> Result<(), TestCaseError>) {
    let permits = Cell::new(0u32);
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(point in point())| {
        let rule = point.rule();
        let facts = point.facts(rule.1);
        permits.set(permits.get() + u32::from(!released(rule, facts, None).is_empty()));
        property(rule, facts, point.mask())?;
    });
    assert!(permits.get() > CASES / 5, "only {} of {CASES} points release something", permits.get());
}

#[test]
fn what_leaves_is_within_the_rule_and_the_mask() {
    hold(|rule, facts, mask| {
        let reachable = rule.1.reachable();
        let bound = mask.map_or(reachable, |mask| mask.intersection(reachable));
        prop_assert!(released(rule, facts, mask).is_subset(bound));
        Ok(())
    });
}

#[test]
fn a_mask_takes_away_exactly_what_it_leaves_out() {
    hold(|rule, facts, mask| {
        let Some(mask) = mask else { return Ok(()) };
        prop_assert_eq!(released(rule, facts, Some(mask)), released(rule, facts, None).intersection(mask));
        Ok(())
    });
}

#[test]
fn protection_never_adds_a_field() {
    hold(|rule, facts, mask| {
        for (fact, before, after) in PROTECTING {
            let [before, after] = [before, after].map(|value| released(rule, facts.with(fact, value), mask));
            prop_assert!(after.is_subset(before), "{} in {}", fact.code(), rule.1.id());
        }
        Ok(())
    });
}

#[test]
fn a_restriction_stops_all_but_serious_danger() {
    hold(|rule, facts, mask| {
        use sluis_core::organisation::Purpose::SeriousDanger;
        let restricted = facts.with(Fact::Restriction, "true");
        prop_assert!(rule.1.purpose() == SeriousDanger || released(rule, restricted, mask).is_empty());
        Ok(())
    });
}

#[test]
fn a_fact_that_the_rule_mentions_and_nobody_knows_never_permits() {
    hold(|rule, facts, mask| {
        for fact in rule.1.mentioned() {
            let doubtful = facts.with(fact, "no such value");
            prop_assert_eq!(doubtful.value(fact), None);
            prop_assert!(released(rule, doubtful, mask).is_empty(), "{} in {}", fact.code(), rule.1.id());
        }
        Ok(())
    });
}

#[test]
fn a_fact_that_the_rule_does_not_mention_changes_nothing() {
    hold(|rule, facts, mask| {
        let said = released(rule, facts, mask);
        let mentioned: Vec<Fact> = rule.1.mentioned().collect();
        for fact in Fact::ALL.iter().filter(|f| !mentioned.contains(f)) {
            prop_assert_eq!(released(rule, facts.with(*fact, "no such value"), mask), said, "{}", fact.code());
        }
        Ok(())
    });
}
