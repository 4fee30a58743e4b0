//! The decision: policy, question and facts in; permit, refusal or escalation out. Pure, total and loop-free.
//!
//! In this order: the one rule for the pair, else no; every fact the rule mentions is known; the subject is known and
//! the caller enrolled for the purpose; restriction; objection; clauses that deny; then clauses that escalate; then
//! one clause must permit. Deny beats escalate beats permit. Every reason is collected, not only the first.

use crate::fact::{Fact, Facts};
use crate::field::FieldSet;
use crate::policy::{Atom, Clause, OnObjection, OnRestriction, Policy, Rule};
use crate::release::{Decision, Permit, Question, Reason, Refusal, Withheld};

/// Decides one question. The only maker of a [`Permit`].
#[must_use]
pub fn decide(policy: &Policy, question: Question, facts: Facts) -> Decision {
    let Some(rule) = policy.rule_for(question.recipient, question.purpose) else {
        return Decision::Refuse(refusal(policy, None, vec![Reason::NoRule], facts));
    };
    let mut reasons = obstacles(rule, facts);
    let escalated = rule.escalate_if().iter().any(|c| c.matches(facts));
    let permitted = rule.permit_if().iter().any(|c| c.matches(facts));
    match (reasons.is_empty(), escalated, permitted) {
        (true, true, _) => {
            let matched = rule.escalate_if().iter().filter(|c| c.matches(facts));
            push_facts(&mut reasons, matched, Reason::Escalated);
            return Decision::Escalate(refusal(policy, Some(rule), reasons, facts));
        }
        (true, false, true) => return permit(policy, rule, question, facts),
        (_, false, false) => shortfall(&mut reasons, rule, facts),
        (false, _, _) => {}
    }
    Decision::Refuse(refusal(policy, Some(rule), reasons, facts))
}

/// What stands in the way before any clause may escalate or permit, most general first. Empty costs no allocation.
fn obstacles(rule: &Rule, facts: Facts) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !rule.knows_all(facts) {
        reasons.extend(rule.mentioned().filter(|f| facts.bits() & f.mask() == 0).map(Reason::Unknown));
    }
    for gate in [Fact::Known, Fact::EnrolledPurpose] {
        if is(facts, gate, "false") {
            reasons.push(Reason::Unmet(gate));
        }
    }
    if rule.restriction() == OnRestriction::Deny && is(facts, Fact::Restriction, "true") {
        reasons.push(Reason::Restriction);
    }
    if rule.objection() == OnObjection::Deny && is(facts, Fact::Objection, "true") {
        reasons.push(Reason::Objection);
    }
    push_facts(&mut reasons, rule.deny_if().iter().filter(|c| c.matches(facts)), Reason::Denied);
    reasons
}

/// The facts of these clauses as reasons, each once.
fn push_facts<'a>(reasons: &mut Vec<Reason>, clauses: impl Iterator<Item = &'a Clause>, make: fn(Fact) -> Reason) {
    for atom in clauses.flat_map(Clause::atoms) {
        let reason = make(atom.fact);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
}

/// What is missing in the nearest clause that permits; what is unknown is a reason already.
fn shortfall(reasons: &mut Vec<Reason>, rule: &Rule, facts: Facts) {
    if rule.permit_if().is_empty() {
        reasons.push(Reason::NoRule);
    }
    let nearest = rule.permit_if().iter().min_by_key(|c| (personal_distance(c, facts), c.distance(facts)));
    for atom in nearest.into_iter().flat_map(Clause::atoms) {
        if !atom.holds(facts) && facts.bits() & atom.fact.mask() != 0 {
            reasons.push(Reason::Unmet(atom.fact));
        }
    }
}

/// How many atoms about the person himself fall short: nobody can mend an age, so such a clause is further away.
fn personal_distance(clause: &Clause, facts: Facts) -> usize {
    let personal = |a: &&Atom| matches!(a.fact, Fact::Age | Fact::Capable) && !a.holds(facts);
    clause.atoms().iter().filter(personal).count()
}

/// The fields that may leave, and what was taken out and why. An empty answer is a refusal.
fn permit(policy: &Policy, rule: &Rule, question: Question, facts: Facts) -> Decision {
    let asked = question.mask.unwrap_or(rule.reachable());
    let added = rule.extends().iter().filter(|e| e.when.matches(facts));
    let given = added.fold(rule.fields(), |set, e| set.union(e.fields));
    let removed = rule.adjusts().iter().filter(|a| a.when.matches(facts));
    let fields = removed.fold(given, |set, a| set.difference(a.fields)).intersection(asked);
    if fields.is_empty() {
        return Decision::Refuse(refusal(policy, Some(rule), vec![Reason::NothingAsked], facts));
    }
    let withheld = withheld(rule, facts, asked.difference(fields));
    Decision::Permit(Permit {
        question,
        fields,
        withheld,
        facts,
        rule: rule.shared_id(),
        basis: rule.basis_line(),
        obligations: rule.obligations(),
        policy: policy.digest(),
    })
}

/// Of what the rule could give and was asked, what does not leave, each with the fact that keeps it back.
fn withheld(rule: &Rule, facts: Facts, mut missing: FieldSet) -> Vec<Withheld> {
    let mut list = Vec::new();
    let removing = rule.adjusts().iter().filter(|a| a.when.matches(facts));
    let causes = removing.map(|a| (a.fields, a.when.atoms().first()));
    let not_added = rule.extends().iter().filter(|e| !e.when.matches(facts));
    let shortfalls = not_added.map(|e| (e.fields, e.when.atoms().iter().find(|a| !a.holds(facts))));
    for (fields, cause) in causes.chain(shortfalls) {
        let Some(atom) = cause else { continue };
        for field in fields.intersection(missing).iter() {
            list.push(Withheld { field, because: atom.fact });
            missing = missing.difference(FieldSet::EMPTY.with(field));
        }
    }
    list
}

fn is(facts: Facts, fact: Fact, value: &str) -> bool {
    fact.bit_of(value).is_some_and(|bit| facts.bits() & bit != 0)
}

fn refusal(policy: &Policy, rule: Option<&Rule>, reasons: Vec<Reason>, facts: Facts) -> Refusal {
    Refusal { reasons, facts, rule: rule.map(Rule::shared_id), policy: policy.digest() }
}
