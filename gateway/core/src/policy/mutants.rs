//! Policies made unlawful on purpose: the checker is code too, and must be seen to catch them.

use super::clause::{Atom, Clause};
use super::enumerate;
use super::model::{OnObjection, Rule};
use super::table::Policy;
use super::tests::{AKJ, CATALOG, CEILING, KRACHT, STATUTORY, faults, listing, loaded, with};
use crate::fact::Fact;
use crate::field::{Field, FieldSet};

/// What the mutant is, the shipped text, what is replaced by what, and what the fault must say.
const MUTANTS: &[(&str, &str, &str, &str, &str)] = &[
    ("police without second approval", KRACHT, ", second_approval = true", "", "second_approval"),
    ("police without criteria", KRACHT, "criteria_recorded = true, ", "", "criteria_recorded"),
    (
        "police on asserted danger",
        KRACHT,
        "danger = \"confirmed\"",
        "danger = [\"asserted\", \"confirmed\"]",
        "four eyes",
    ),
    ("police without officer", KRACHT, "\"NOTIFY_DPO\", ", "", "NOTIFY_DPO"),
    ("any municipality", KRACHT, ", own_municipality = true", "", "own municipality"),
    ("undeclared line", KRACHT, "declared = true, ", "", "declared line"),
    (
        "name in the statutory set",
        STATUTORY,
        "  \"bsn\", \"provider_agb\"",
        "  \"name\", \"bsn\", \"provider_agb\"",
        "RJ 6a.3",
    ),
    ("name without agreement", KRACHT, "agreement_6a3 = true, residence_secret", "residence_secret", "nothing guards"),
    ("address of a secret residence", KRACHT, ", residence_secret = false }", " }", "secret residence"),
    ("16 without consent", KRACHT, ", consent_youth = \"given\"", "", "from 16 and able"),
    (
        "16 after withdrawal",
        KRACHT,
        "consent_youth = \"given\"",
        "consent_youth = [\"given\", \"withdrawn\"]",
        "from 16 and able",
    ),
    (
        "objection told by the first reply",
        KRACHT,
        "capable = true, professional_review = \"none\"",
        "capable = true, objection = true, professional_review = \"none\"",
        "first reply",
    ),
    ("a copy from 12", KRACHT, "when = { age = \"0-11\" }", "when = { age = [\"0-11\", \"12-15\"] }", "never the plan"),
    (
        "unverified authority",
        KRACHT,
        "{ authority = \"verified\", age = \"0-11\" }",
        "{ age = \"0-11\" }",
        "nothing guards",
    ),
    ("good care to a worker", KRACHT, "deny_if = [{ withheld_good_care = true }]\n", "", "good care"),
    ("worker off the case", KRACHT, "relation = \"direct_care\", ", "", "on the case"),
    (
        "restricted client",
        KRACHT,
        "restriction = \"deny\"\nobjection = \"deny\"",
        "restriction = \"not_applicable\"\nobjection = \"deny\"",
        "restricted",
    ),
    (
        "phone of a secret residence",
        KRACHT,
        "\"place\", \"phone\", \"email\", \"parents_contact\"]",
        "\"place\", \"email\", \"parents_contact\"]",
        "secret residence",
    ),
    (
        "address to the police",
        KRACHT,
        "\"birth_date\", \"whereabouts\"",
        "\"birth_date\", \"address\", \"whereabouts\"",
        "above the ceiling",
    ),
    ("treatment by a trust person", AKJ, "purpose = \"TRUST_SUPPORT\"", "purpose = \"TREATMENT\"", "above the ceiling"),
    ("insurer of somebody else", KRACHT, ", own_insured = true", "", "nothing guards"),
    ("claim on care under the Jeugdwet", KRACHT, "financing = \"zvw\", ", "", "under the Zvw"),
    (
        "diagnosis after a privacy statement",
        KRACHT,
        "when = { privacy_statement = false }",
        "when = { own_insured = true }",
        "privacy statement",
    ),
    ("notice to any GP", KRACHT, "own_gp = true, ", "", "no GP but the client's own"),
    (
        "notice to any referrer",
        STATUTORY,
        "{ own_referrer = true, active_case = true",
        "{ active_case = true",
        "whoever referred",
    ),
    (
        "BSN to a referrer",
        KRACHT,
        "fields = [\"name\", \"birth_date\", \"registered_on\"",
        "fields = [\"name\", \"bsn\", \"birth_date\", \"registered_on\"",
        "no statute lets REFERRER",
    ),
    ("basis of another controller", KRACHT, "\"AVG 6(1)(e)\"", "\"AVG 6(1)(f)\"", "of its own"),
];

/// Each mutant makes the policy unlawful; loading must refuse it, by a check or by the enumeration, and say why.
#[test]
fn every_mutant_of_the_shipped_policies_is_caught() {
    for (what, text, old, new, says) in MUTANTS {
        let found = listing(&faults(CATALOG, CEILING, &with(text, old, new)));
        assert!(found.contains(says), "mutant `{what}` is not caught by `{says}`, but by:\n{found}");
    }
}

/// Two changes together: nothing goes before a professional any more, and nothing asks for his review.
#[test]
fn a_youth_of_12_who_objects_is_not_left_to_the_parents() {
    let escalate = KRACHT.lines().find(|l| l.contains("professional_review = \"none\"")).unwrap();
    let mutant = with(&with(KRACHT, escalate, ""), ", professional_review = \"permitted\"", "");
    let found = listing(&faults(CATALOG, CEILING, &mutant));
    assert!(found.contains("from 12 to 15, able and objecting"), "{found}");
}

/// With the ceiling out of the way too, the property of the trust person's purposes stands alone.
#[test]
fn a_trust_persons_policy_keeps_its_purposes() {
    let ceiling = with(CEILING, "TRUST_PERSON/TRUST_SUPPORT", "TRUST_PERSON/SURVEY");
    let policy = with(AKJ, "purpose = \"TRUST_SUPPORT\"", "purpose = \"SURVEY\"");
    let found = listing(&faults(CATALOG, &ceiling, &policy));
    assert!(found.contains("no purpose outside trust work"), "{found}");
}

/// The violations that the enumeration finds by itself when a loaded rule is changed behind the checks of the loader.
fn enumerated(id: &str, change: impl Fn(&mut Rule)) -> String {
    let policy = loaded(KRACHT);
    let mut rules: Vec<Rule> = policy.rules().cloned().collect();
    let rule = rules.iter_mut().find(|r| r.id() == id).unwrap();
    change(rule);
    *rule = rule.clone().settle();
    let mutant = Policy::assemble(policy.header.clone(), policy.ceiling.clone(), rules, policy.digest);
    let report = enumerate::check(&mutant, policy.ceiling());
    report.violations.iter().map(|v| format!("{}: {} ({}, {})\n", v.rule, v.property, v.count, v.example)).collect()
}

/// The clauses without what they say about one fact.
fn without(clauses: &[Clause], fact: Fact) -> Vec<Clause> {
    let keep = |c: &Clause| c.atoms().iter().copied().filter(|a: &Atom| a.fact != fact).collect();
    clauses.iter().map(|c| Clause::new(keep(c))).collect()
}

#[test]
fn the_enumeration_catches_by_itself_what_a_rule_forgot() {
    let forgotten = [
        ("police-danger", Fact::SecondApproval, "second approval"),
        ("police-danger", Fact::CriteriaRecorded, "all criteria"),
        ("parent-information", Fact::Authority, "without verified authority"),
        ("parent-information", Fact::ConsentYouth, "from 16 and able"),
        ("muni-invoice-formal", Fact::OwnMunicipality, "own municipality"),
        ("muni-invoice-formal", Fact::Declared, "declared line"),
        ("partner-treatment", Fact::Relation, "on the case"),
        ("partner-treatment", Fact::SecrecySigned, "secrecy was signed"),
        ("insurer-zvw-claim", Fact::Financing, "under the Zvw"),
        ("insurer-zvw-claim", Fact::OwnInsured, "own insured"),
        ("gp-referral-notice", Fact::OwnGp, "no GP but"),
        ("referrer-referral-notice", Fact::OwnReferrer, "whoever referred"),
    ];
    for (id, fact, says) in forgotten {
        let found = enumerated(id, |rule| rule.permit_if = without(&rule.permit_if, fact));
        assert!(found.contains(says), "{id} without {}: `{says}` is not among\n{found}", fact.code());
    }
}

#[test]
fn the_enumeration_catches_by_itself_what_is_above_the_ceiling() {
    let found = enumerated("police-danger", |rule| rule.fields = rule.fields.with(Field::Bsn));
    assert!(found.contains("below the ceiling") && found.contains("may never have"), "{found}");
    let found = enumerated("partner-treatment", |rule| rule.adjusts.clear());
    assert!(found.contains("a secret residence"), "{found}");
    let found =
        enumerated("insurer-zvw-claim", |rule| rule.extends.iter_mut().for_each(|e| e.when = Clause::new(vec![])));
    assert!(found.contains("privacy statement"), "{found}");
    let found = enumerated("gp-referral-notice", |rule| rule.objection = OnObjection::NotApplicable);
    assert!(found.contains("an objection withholds"), "{found}");
    let found = enumerated("muni-invoice-formal", |rule| rule.permit_if.clear());
    assert!(found.contains("permits somewhere"), "{found}");
    let found = enumerated("parent-information", |rule| {
        let withdrawn = Atom { fact: Fact::ConsentYouth, bits: Fact::ConsentYouth.bit_of("withdrawn").unwrap() };
        let extend = rule.extends.first_mut().unwrap();
        extend.when = Clause::new(vec![withdrawn]);
        extend.fields = FieldSet::of(&[Field::Plan]);
    });
    assert!(found.contains("more protection never adds a field"), "{found}");
}
