//! The scenarios: decisions as data that a lawyer can read, each with its source, held against the shipped policies.
//!
//! Everything of a decision is asserted: outcome, rule, fields, what was withheld and why, reasons, obligations. And every
//! clause of every shipped policy must be met by some scenario, so that no rule is in force that nobody wrote out.

use serde::Deserialize;
use sluis_core::decide::decide;
use sluis_core::fact::{Fact, Facts};
use sluis_core::field::{Field, FieldSet};
use sluis_core::organisation::{Purpose, RecipientType};
use sluis_core::policy::{Clause, Policy, Sources, load};
use sluis_core::release::{Decision, Obligation, Permit, Question, Refusal, Withheld};
use sluis_core::subject::SubjectId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const CATALOG: &str = include_str!("../../gateway/policy/catalog.toml");
const CEILING: &str = include_str!("../../gateway/policy/ceiling.toml");

const FILES: [(&str, &str); 8] = [
    ("invoice", include_str!("../scenarios/invoice.toml")),
    ("treatment", include_str!("../scenarios/treatment.toml")),
    ("parent", include_str!("../scenarios/parent.toml")),
    ("police", include_str!("../scenarios/police.toml")),
    ("trust", include_str!("../scenarios/trust.toml")),
    ("insurer", include_str!("../scenarios/insurer.toml")),
    ("referral", include_str!("../scenarios/referral.toml")),
    ("default-deny", include_str!("../scenarios/default-deny.toml")),
];

/// A value of a fact: true, false, or its word. `"unknown"` leaves the fact unknown.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Word {
    Truth(bool),
    Text(String),
}

type Given = BTreeMap<String, Word>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What holds in every scenario of the file, unless it says otherwise.
    given: Given,
    scenario: Vec<Scenario>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// What happens, in words.
    name: String,
    /// The sentence or article it follows from.
    source: String,
    /// Under which policies.
    policies: Vec<String>,
    recipient: RecipientType,
    purpose: Purpose,
    #[serde(default)]
    facts: Given,
    mask: Option<Vec<Field>>,
    outcome: String,
    rule: Option<String>,
    #[serde(default)]
    fields: Vec<Field>,
    #[serde(default)]
    withheld: BTreeMap<String, String>,
    #[serde(default)]
    reasons: Vec<String>,
    #[serde(default)]
    obligations: Vec<Obligation>,
}

impl Scenario {
    fn question(&self) -> Question {
        Question {
            recipient: self.recipient,
            purpose: self.purpose,
            subject: SubjectId::client_number("KR-0001").expect("a client number"),
            mask: self.mask.as_ref().map(|fields| FieldSet::of(fields)),
            record_id: None,
        }
    }

    fn facts(&self, given: &Given) -> Facts {
        let words = given.iter().chain(&self.facts);
        words.fold(Facts::UNKNOWN, |facts, (name, word)| {
            let fact = Fact::from_code(name).unwrap_or_else(|| panic!("{}: no fact `{name}`", self.name));
            let value = match word {
                Word::Truth(truth) => {
                    if *truth {
                        "true"
                    } else {
                        "false"
                    }
                }
                Word::Text(text) => text,
            };
            assert!(
                value == "unknown" || fact.bit_of(value).is_some(),
                "{}: `{name}` has no value `{value}`",
                self.name
            );
            facts.with(fact, value)
        })
    }

    fn check(&self, decision: &Decision, policy: &Policy) {
        match (self.outcome.as_str(), decision) {
            ("released", Decision::Permit(permit)) => self.check_permit(permit, policy),
            ("refused", Decision::Refuse(refusal)) | ("escalated", Decision::Escalate(refusal)) => {
                self.check_refusal(refusal, policy);
            }
            (expected, other) => panic!("{} under {}: expected {expected}, got {other:?}", self.name, policy.name()),
        }
    }

    fn check_permit(&self, permit: &Permit, policy: &Policy) {
        let place = format!("{} under {}", self.name, policy.name());
        assert_eq!(self.rule.as_deref(), Some(permit.rule()), "{place}");
        assert_eq!(codes(FieldSet::of(&self.fields)), codes(permit.fields()), "{place}: fields");
        let line = |w: &Withheld| (w.field.code().to_owned(), w.because.code().to_owned());
        let withheld: BTreeMap<String, String> = permit.withheld().iter().map(line).collect();
        assert_eq!(self.withheld, withheld, "{place}: withheld");
        assert_eq!(withheld.len(), permit.withheld().len(), "{place}: a field is withheld once");
        assert_eq!(self.obligations, permit.obligations(), "{place}: obligations");
        assert_eq!(self.reasons, Vec::<String>::new(), "{place}: a release has no reasons");
        assert_eq!(permit.policy(), policy.digest(), "{place}");
    }

    fn check_refusal(&self, refusal: &Refusal, policy: &Policy) {
        let place = format!("{} under {}", self.name, policy.name());
        let reasons: Vec<String> = refusal.reasons.iter().map(|r| r.code()).collect();
        assert_eq!(self.reasons, reasons, "{place}: reasons");
        assert_eq!(self.rule.as_deref(), refusal.rule.as_deref(), "{place}");
        let silent = self.fields.is_empty() && self.withheld.is_empty() && self.obligations.is_empty();
        assert!(silent, "{place}: nothing leaves, so the scenario names no fields and no obligations");
        assert_eq!(refusal.policy, policy.digest(), "{place}");
    }
}

fn codes(set: FieldSet) -> Vec<&'static str> {
    set.iter().map(Field::code).collect()
}

/// Loaded once: loading enumerates them.
static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    let texts = [
        include_str!("../../gateway/policy/kracht.toml"),
        include_str!("../../gateway/policy/statutory.toml"),
        include_str!("../../gateway/policy/akj.toml"),
    ];
    let one = |policy| load(&Sources { catalog: CATALOG, ceiling: CEILING, policy }).expect("the shipped policy");
    texts.into_iter().map(one).collect()
});

fn files() -> Vec<File> {
    FILES.iter().map(|(name, text)| toml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"))).collect()
}

/// Every scenario with the facts that hold in it, under every policy that it names.
fn each(mut visit: impl FnMut(&Scenario, Facts, &Policy)) {
    for file in files() {
        for scenario in &file.scenario {
            assert!(!scenario.source.is_empty() && !scenario.policies.is_empty(), "{}", scenario.name);
            for name in &scenario.policies {
                let policy = POLICIES.iter().find(|p| p.name() == name);
                let policy = policy.unwrap_or_else(|| panic!("{}: no policy `{name}`", scenario.name));
                visit(scenario, scenario.facts(&file.given), policy);
            }
        }
    }
}

#[test]
fn every_scenario_comes_out_as_written() {
    each(|scenario, facts, policy| scenario.check(&decide(policy, scenario.question(), facts), policy));
}

#[test]
fn every_clause_of_every_policy_is_met_by_a_scenario() {
    let mut met = BTreeSet::new();
    each(|scenario, facts, policy| {
        let Some(rule) = policy.rule_for(scenario.recipient, scenario.purpose) else { return };
        for (place, clause) in clauses(rule) {
            if clause.matches(facts) {
                met.insert(format!("{} {} {place}", policy.name(), rule.id()));
            }
        }
    });
    for policy in POLICIES.iter() {
        for rule in policy.rules() {
            for (place, _) in clauses(rule) {
                let place = format!("{} {} {place}", policy.name(), rule.id());
                assert!(met.contains(&place), "no scenario meets {place}: write one");
            }
        }
    }
}

fn clauses(rule: &sluis_core::policy::Rule) -> Vec<(String, &Clause)> {
    let named = |what: &'static str, list: &'_ [Clause]| {
        (1..=list.len()).map(move |n| format!("{what}[{n}]")).collect::<Vec<_>>()
    };
    let mut all: Vec<(String, &Clause)> = Vec::new();
    for (what, list) in
        [("permit_if", rule.permit_if()), ("deny_if", rule.deny_if()), ("escalate_if", rule.escalate_if())]
    {
        all.extend(named(what, list).into_iter().zip(list));
    }
    for (what, list) in [("extend", rule.extends()), ("adjust", rule.adjusts())] {
        all.extend(list.iter().enumerate().map(|(n, b)| (format!("{what}[{}]", n + 1), &b.when)));
    }
    all
}

#[test]
fn names_of_scenarios_are_unique() {
    let mut seen = BTreeSet::new();
    for file in files() {
        for scenario in file.scenario {
            assert!(seen.insert(scenario.name.clone()), "two scenarios `{}`", scenario.name);
        }
    }
}
