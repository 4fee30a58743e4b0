//! Proof by enumeration: every point of each rule's input space is decided and held against the properties.
//!
//! Per rule the space is the product of the values of its facts and of the facts that the properties name: on its own
//! facts alone a rule that forgot one would look sound. [`check_full`] proves that the facts left out do not matter.

use super::ceiling::Ceiling;
use super::model::Rule;
use super::property::{ALWAYS_VARIED, PROPERTIES, PROTECTIVE, Point, purposes_of};
use super::space::{Outcome, Space, outcome};
use super::table::Policy;
use crate::fact::{Fact, Facts};
use crate::field::{Field, FieldSet};
use crate::organisation::{Purpose, RecipientType};

/// What the enumeration found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rules enumerated.
    pub rules: usize,
    /// Points of the input space that were decided.
    pub points: u64,
    /// Properties that do not hold; a policy with one is not loaded.
    pub violations: Vec<Violation>,
    /// Rules that depart from the statute and say so (B20).
    pub departures: Vec<Departure>,
}

/// A property that does not hold, with one point as the example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule, or the pair `TYPE/PURPOSE` where there is none.
    pub rule: String,
    /// The property.
    pub property: &'static str,
    /// The facts of the first point that breaks it: `age=16-17 capable=true …`.
    pub example: String,
    /// How many points break it.
    pub count: u64,
}

/// A rule that departs from the statute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// The rule.
    pub rule: String,
    /// In what, as its `departs` says.
    pub text: String,
}

impl Report {
    fn violate(&mut self, rule: &str, property: &'static str, facts: Facts) {
        if let Some(known) = self.violations.iter_mut().find(|v| v.rule == rule && v.property == property) {
            known.count += 1;
            return;
        }
        let words: Vec<String> = facts.iter().map(|(fact, value)| format!("{}={value}", fact.code())).collect();
        let violation = Violation { rule: rule.to_owned(), property, example: words.join(" "), count: 1 };
        self.violations.push(violation);
    }
}

/// Enumerates every rule over its projected space, and every pair that has no rule. Well under a second per policy.
#[must_use]
pub fn check(policy: &Policy, ceiling: &Ceiling) -> Report {
    let mut report = Report { rules: policy.rules().count(), ..Report::default() };
    for rule in policy.rules() {
        let space = space_of(rule);
        let outcomes = space.decide_all(policy, rule.recipient(), rule.purpose());
        report.points += outcomes.len() as u64;
        points(&mut report, rule, ceiling, &space, &outcomes);
        steps(&mut report, rule, &space, &outcomes);
        same_first_reply(&mut report, rule, &space, &outcomes);
        unknowns(&mut report, policy, rule, &space);
        masks(&mut report, policy, rule, &space, &outcomes);
        structure(&mut report, policy, rule, &outcomes);
        if let Some(text) = rule.departs() {
            report.departures.push(Departure { rule: rule.id().to_owned(), text: text.to_owned() });
        }
    }
    default_deny(&mut report, policy);
    report
}

/// As [`check`], and for every rule its space joined with that of every other rule, and with every fact that no rule's
/// space has: a decision may depend on no fact that the projected space leaves out. Takes seconds per rule; `progress` is
/// told each rule before it starts.
///
/// The product of all facts at once would be thousands of millions of points. What this leaves out is a decision that
/// depends on facts of two other rules together, or on one of theirs and one that nobody mentions.
#[must_use]
pub fn check_full(policy: &Policy, ceiling: &Ceiling, mut progress: impl FnMut(&Rule)) -> Report {
    let mut report = check(policy, ceiling);
    for rule in policy.rules() {
        progress(rule);
        let projected = space_of(rule);
        let outcomes = projected.decide_all(policy, rule.recipient(), rule.purpose());
        for joined in joined_spaces(policy, rule) {
            for facts in joined.points() {
                report.points += 1;
                let expected = projected.index_of(facts).and_then(|n| outcomes.get(n));
                if expected != Some(&outcome(policy, rule.recipient(), rule.purpose(), facts, None)) {
                    report.violate(rule.id(), "a decision depends on the facts of its rule alone", facts);
                }
            }
        }
    }
    report
}

/// The space of a rule joined with that of every other rule, and with each fact that is in none of them.
fn joined_spaces(policy: &Policy, rule: &Rule) -> Vec<Space> {
    let own: Vec<Fact> = facts_of(rule).collect();
    let others: Vec<Vec<Fact>> =
        policy.rules().filter(|r| r.id() != rule.id()).map(|r| facts_of(r).collect()).collect();
    let nobody = |fact: &&Fact| !own.contains(fact) && !others.iter().any(|facts| facts.contains(fact));
    let mut joined: Vec<Vec<Fact>> = Fact::ALL.iter().filter(nobody).map(|fact| vec![*fact]).collect();
    joined.extend(others.iter().cloned());
    joined.into_iter().map(|facts| Space::of(own.iter().copied().chain(facts))).collect()
}

/// The facts a rule mentions, and those that the properties concerning its pair name.
fn facts_of(rule: &Rule) -> impl Iterator<Item = Fact> + '_ {
    let concerned = PROPERTIES.iter().filter(|p| (p.concerns)(rule.recipient(), rule.purpose()));
    let named = concerned.flat_map(|p| p.facts.iter().copied());
    rule.mentioned().chain(named).chain(ALWAYS_VARIED)
}

fn space_of(rule: &Rule) -> Space {
    Space::of(facts_of(rule))
}

/// Every property at every point.
fn points(report: &mut Report, rule: &Rule, ceiling: &Ceiling, space: &Space, outcomes: &[Outcome]) {
    let (recipient, purpose) = (rule.recipient(), rule.purpose());
    let concerned: Vec<_> = PROPERTIES.iter().filter(|p| (p.concerns)(recipient, purpose)).collect();
    for (facts, outcome) in space.points().zip(outcomes) {
        let point = Point { recipient, purpose, facts, released: outcome.released(), ceiling };
        for property in concerned.iter().filter(|p| !(p.holds)(&point)) {
            report.violate(rule.id(), property.name, facts);
        }
    }
}

/// Monotone protection: a step of a protective fact never adds a field.
fn steps(report: &mut Report, rule: &Rule, space: &Space, outcomes: &[Outcome]) {
    for (fact, values) in PROTECTIVE.iter().filter(|(fact, _)| space.varies(*fact)) {
        for (n, facts) in space.points().enumerate() {
            let Some(place) = facts.value(*fact).and_then(|v| values.iter().position(|other| *other == v)) else {
                continue;
            };
            let here = outcomes.get(n).copied().unwrap_or_default().released();
            for value in values.iter().skip(place + 1) {
                let stepped = facts.with(*fact, value);
                let there = space.index_of(stepped).and_then(|m| outcomes.get(m)).copied().unwrap_or_default();
                if !there.released().is_subset(here) {
                    report.violate(rule.id(), "more protection never adds a field", stepped);
                }
            }
        }
    }
}

/// B21: the first reply to a parent of an able youth of 12 to 15 is the same whether or not the youth objected.
fn same_first_reply(report: &mut Report, rule: &Rule, space: &Space, outcomes: &[Outcome]) {
    if rule.recipient() != RecipientType::Parent {
        return;
    }
    let first = |f: &Facts| {
        f.value(Fact::Age) == Some("12-15")
            && f.value(Fact::ProfessionalReview) == Some("none")
            && f.value(Fact::Objection) == Some("false")
    };
    for facts in space.points().filter(first) {
        let of = |f: Facts| space.index_of(f).and_then(|n| outcomes.get(n));
        if of(facts) != of(facts.with(Fact::Objection, "true")) {
            report.violate(
                rule.id(),
                "the first reply does not tell whether a youth of 12 to 15 objected (B21)",
                facts,
            );
        }
    }
}

/// A fact that the rule mentions and that is unknown leads to nothing at all (invariant 7).
fn unknowns(report: &mut Report, policy: &Policy, rule: &Rule, space: &Space) {
    for fact in rule.mentioned() {
        let first = fact.values().first().copied();
        for facts in space.points().filter(|f| f.value(fact) == first) {
            let unknown = facts.with(fact, "");
            report.points += 1;
            if outcome(policy, rule.recipient(), rule.purpose(), unknown, None) != Outcome::Refused {
                report.violate(rule.id(), "a fact that is unknown is a refusal", unknown);
            }
        }
    }
}

/// A mask narrows and never widens: of every set that leaves, each field alone, and never one outside it.
fn masks(report: &mut Report, policy: &Policy, rule: &Rule, space: &Space, outcomes: &[Outcome]) {
    let mut seen = Vec::new();
    for (facts, permitted) in space.points().zip(outcomes).filter(|(_, o)| !o.released().is_empty()) {
        if seen.contains(permitted) {
            continue;
        }
        seen.push(*permitted);
        for field in Field::ALL {
            let mask = FieldSet::EMPTY.with(*field);
            let within = permitted.released().contains(*field);
            let expected = if within { Outcome::Permitted(mask) } else { Outcome::Refused };
            report.points += 1;
            if outcome(policy, rule.recipient(), rule.purpose(), facts, Some(mask)) != expected {
                report.violate(rule.id(), "a mask only narrows", facts);
            }
        }
    }
}

/// A rule permits somewhere, gives each of its fields somewhere, and has a purpose of its controller.
fn structure(report: &mut Report, policy: &Policy, rule: &Rule, outcomes: &[Outcome]) {
    let given = outcomes.iter().fold(FieldSet::EMPTY, |set, o| set.union(o.released()));
    if given != rule.reachable() {
        report.violate(rule.id(), "a rule permits somewhere, and gives each of its fields somewhere", Facts::UNKNOWN);
    }
    if purposes_of(policy.header().controller()).is_some_and(|allowed| !allowed.contains(&rule.purpose())) {
        report.violate(
            rule.id(),
            "the policy of a trust person has no purpose outside trust work and rights",
            Facts::UNKNOWN,
        );
    }
}

/// Every pair without a rule is refused, with nothing known and with every value of every fact.
fn default_deny(report: &mut Report, policy: &Policy) {
    let pairs = RecipientType::ALL.iter().flat_map(|r| Purpose::ALL.iter().map(move |p| (*r, *p)));
    for (recipient, purpose) in pairs.filter(|(r, p)| policy.rule_for(*r, *p).is_none()) {
        let most = Fact::ALL.iter().map(|f| f.values().len()).max().unwrap_or_default();
        for place in 0..=most {
            let facts = Fact::ALL.iter().fold(Facts::UNKNOWN, |facts, f| facts.with_position(*f, place));
            report.points += 1;
            if outcome(policy, recipient, purpose, facts, None) != Outcome::Refused {
                report.violate(&format!("{recipient}/{purpose}"), "what has no rule is refused", facts);
            }
        }
    }
}
