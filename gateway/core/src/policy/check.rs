//! What can be checked of rules without deciding anything: conflicts, dead clauses, the ceiling, guards, special rules.

use super::basis;
use super::ceiling::Ceiling;
use super::clause::{Atom, Clause};
use super::fault::Faults;
use super::model::{OnObjection, OnRestriction, Rule};
use crate::fact::Fact;
use crate::field::{Field, FieldClass, FieldSet};
use crate::organisation::{Purpose, RecipientType};
use crate::release::Obligation;
use std::collections::HashMap;

/// Recipients with a statute of their own for the BSN: Jeugdwet 7.2.1 and 7.4.0, Wabvpz, CBS-wet, Zvw, Wmo (domain 1.0.8).
const MAY_HAVE_BSN: [RecipientType; 13] = [
    RecipientType::Municipality,
    RecipientType::CarePartner,
    RecipientType::AccessTeam,
    RecipientType::GeneralPractitioner,
    RecipientType::CrisisTeam,
    RecipientType::ChildProtectionBoard,
    RecipientType::VeiligThuis,
    RecipientType::Vir,
    RecipientType::Insurer,
    RecipientType::Cbs,
    RecipientType::CertifiedInstitution,
    RecipientType::CareOrganisation,
    RecipientType::Client,
];

/// Every static check over rules with their paths.
pub(super) fn all(rules: &[(String, Rule)], ceiling: Option<&Ceiling>, faults: &mut Faults<'_>) {
    conflicts(rules, faults);
    for (path, rule) in rules {
        if let Some(reason) = basis::missing(&rule.basis, rule.reachable()) {
            faults.add(&format!("{path}.basis"), reason);
        }
        if let Some(ceiling) = ceiling {
            below_ceiling(path, rule, ceiling, faults);
        }
        for (key, clauses) in
            [("permit_if", &rule.permit_if), ("deny_if", &rule.deny_if), ("escalate_if", &rule.escalate_if)]
        {
            live_clauses(&format!("{path}.{key}"), clauses, rule, faults);
        }
        live_branches(path, rule, faults);
        guards(path, rule, faults);
        special(path, rule, faults);
    }
}

/// One rule per pair and per id: which of two would apply must never be a question.
fn conflicts(rules: &[(String, Rule)], faults: &mut Faults<'_>) {
    let mut pairs = HashMap::new();
    let mut ids = HashMap::new();
    for (path, rule) in rules {
        if let Some(first) = pairs.insert((rule.recipient, rule.purpose), path) {
            let reason = format!("{first} is already for {}/{}: join the two", rule.recipient, rule.purpose);
            faults.add(path, reason);
        }
        if let Some(first) = ids.insert(rule.id.clone(), path) {
            faults.add(&format!("{path}.id"), format!("{first} has this id already: choose another"));
        }
    }
}

fn below_ceiling(path: &str, rule: &Rule, ceiling: &Ceiling, faults: &mut Faults<'_>) {
    let allowed = ceiling.allow(rule.recipient, rule.purpose).difference(ceiling.never(rule.recipient));
    let pair = format!("{}/{}", rule.recipient, rule.purpose);
    let mut parts = vec![(format!("{path}.fields"), rule.fields)];
    parts.extend(rule.extends.iter().enumerate().map(|(n, e)| (format!("{path}.extend[{}].add", n + 1), e.fields)));
    for (path, set) in parts {
        for field in set.difference(allowed).iter() {
            let reason =
                format!("`{}` is above the ceiling of {pair}: remove it, or have the ceiling changed", field.code());
            faults.add(&path, reason);
        }
    }
}

/// A clause that can never match, or that another makes superfluous, hides what its author meant.
fn live_clauses(path: &str, clauses: &[Clause], rule: &Rule, faults: &mut Faults<'_>) {
    for (n, clause) in clauses.iter().enumerate() {
        let path = format!("{path}[{}]", n + 1);
        if let Some(fact) = never_reached(clause, rule) {
            faults.add(&path, format!("`{}` is refused before the clauses are read: remove the clause", fact.code()));
        }
        for (m, other) in clauses.iter().enumerate() {
            if m != n && other.covers(clause) && (m < n || !clause.covers(other)) {
                faults.add(&path, format!("clause {} already matches whenever this one does: remove one", m + 1));
            }
        }
    }
    let is_permit = std::ptr::eq(clauses, rule.permit_if.as_slice());
    for (n, clause) in clauses.iter().enumerate().filter(|_| is_permit) {
        let before = rule.deny_if.iter().chain(&rule.escalate_if).any(|other| other.covers(clause));
        if before {
            let reason = "a clause that denies or escalates always comes first: this one never permits, remove it";
            faults.add(&format!("{path}[{}]", n + 1), reason);
        }
    }
}

/// The fact of a clause that the gate before the clauses has already refused.
fn never_reached(clause: &Clause, rule: &Rule) -> Option<Fact> {
    let refused = [
        (Fact::Known, "false", true),
        (Fact::EnrolledPurpose, "false", true),
        (Fact::Restriction, "true", rule.restriction == OnRestriction::Deny),
        (Fact::Objection, "true", rule.objection == OnObjection::Deny),
    ];
    let hit = |(fact, value, applies): &(Fact, &str, bool)| {
        *applies && clause.atom(*fact).is_some_and(|a| fact.bit_of(value) == Some(a.bits))
    };
    refused.iter().find(|r| hit(r)).map(|(fact, _, _)| *fact)
}

fn live_branches(path: &str, rule: &Rule, faults: &mut Faults<'_>) {
    if rule.permit_if.is_empty() {
        faults.add(&format!("{path}.permit_if"), "a rule that never permits: add a clause, or remove the rule");
    }
    if rule.fields.is_empty() {
        faults.add(&format!("{path}.fields"), "a rule without fields: name what it gives");
    }
    if rule.objection == OnObjection::ByRule && !clauses_of(rule).any(|c| c.atom(Fact::Objection).is_some()) {
        faults.add(&format!("{path}.objection"), "`by_rule` asks for a clause that names `objection`: add one");
    }
    for (n, extend) in rule.extends.iter().enumerate() {
        let path = format!("{path}.extend[{}]", n + 1);
        reachable_branch(&path, &extend.when, rule, faults);
        if !extend.fields.intersection(rule.fields).is_empty() || extend.fields.is_empty() {
            faults.add(&format!("{path}.add"), "name fields that the rule does not give already");
        }
    }
    for (n, adjust) in rule.adjusts.iter().enumerate() {
        let path = format!("{path}.adjust[{}]", n + 1);
        reachable_branch(&path, &adjust.when, rule, faults);
        if !adjust.fields.is_subset(rule.reachable()) || adjust.fields.is_empty() {
            faults.add(&format!("{path}.remove"), "name only fields that the rule gives");
        }
    }
}

fn clauses_of(rule: &Rule) -> impl Iterator<Item = &Clause> {
    rule.permit_if.iter().chain(&rule.deny_if).chain(&rule.escalate_if)
}

fn reachable_branch(path: &str, when: &Clause, rule: &Rule, faults: &mut Faults<'_>) {
    let met = rule.permit_if.iter().any(|c| c.meets(when)) && !rule.deny_if.iter().any(|c| c.covers(when));
    if !met || never_reached(when, rule).is_some() {
        faults.add(&format!("{path}.when"), "no facts that permit ever match this: remove the part or mend the clause");
    }
}

/// What is about the help, the place or other persons needs a reason in every clause that permits (core-design 2.3, 9).
fn guards(path: &str, rule: &Rule, faults: &mut Faults<'_>) {
    for (n, clause) in rule.permit_if.iter().enumerate() {
        if let Some(field) = sensitive(rule.fields).filter(|_| !guarded(clause.atoms(), false)) {
            faults.add(&format!("{path}.permit_if[{}]", n + 1), unguarded(field));
        }
    }
    for (n, extend) in rule.extends.iter().enumerate() {
        let place_only =
            extend.fields.iter().all(|f| !matches!(f.class(), FieldClass::Content | FieldClass::ThirdParty));
        for clause in rule.permit_if.iter().filter(|c| c.meets(&extend.when)) {
            let held = guarded(clause.atoms(), false) || guarded(extend.when.atoms(), place_only);
            if let Some(field) = sensitive(extend.fields).filter(|_| !held) {
                faults.add(&format!("{path}.extend[{}].when", n + 1), unguarded(field));
            }
        }
    }
}

fn unguarded(field: Field) -> String {
    format!(
        "nothing guards `{}` here: ask for consent, an active case, verified authority, direct care, danger or the own insurer",
        field.code()
    )
}

fn sensitive(set: FieldSet) -> Option<Field> {
    use FieldClass::{Contact, Content, Location, ThirdParty};
    set.iter().find(|f| matches!(f.class(), Contact | Content | Location | ThirdParty))
}

fn guarded(atoms: &[Atom], agreement_counts: bool) -> bool {
    let only = |a: &Atom, values: &[&str]| a.values().all(|v| values.contains(&v));
    atoms.iter().any(|a| match a.fact {
        Fact::ConsentYouth | Fact::ConsentHolder => only(a, &["given"]),
        Fact::ActiveCase => only(a, &["true"]),
        Fact::Authority => only(a, &["verified"]),
        Fact::Relation => only(a, &["direct_care", "self"]),
        Fact::Danger => only(a, &["confirmed"]),
        // Zvw 87: the insurer of the client, for care that it pays.
        Fact::OwnInsured => only(a, &["true"]),
        Fact::Agreement6a3 => agreement_counts && only(a, &["true"]),
        _ => false,
    })
}

/// Rules that law treats apart: danger needs four eyes (core-design 2.3, 12), the BSN needs a statute (UAVG 46).
fn special(path: &str, rule: &Rule, faults: &mut Faults<'_>) {
    if rule.reachable().contains(Field::Bsn) && !MAY_HAVE_BSN.contains(&rule.recipient) {
        let reason = format!("no statute lets {} have the BSN (UAVG 46): remove `bsn`", rule.recipient);
        faults.add(&format!("{path}.fields"), reason);
    }
    if rule.recipient != RecipientType::Police && rule.purpose != Purpose::SeriousDanger {
        return;
    }
    for (n, clause) in rule.permit_if.iter().enumerate() {
        for (fact, value) in
            [(Fact::Danger, "confirmed"), (Fact::CriteriaRecorded, "true"), (Fact::SecondApproval, "true")]
        {
            if clause.atom(fact).map(|a| a.bits) != fact.bit_of(value) {
                let reason = format!("danger needs four eyes: ask for {} = {value} in this clause", fact.code());
                faults.add(&format!("{path}.permit_if[{}]", n + 1), reason);
            }
        }
    }
    if !rule.obligations.contains(&Obligation::NotifyDpo) {
        faults.add(&format!("{path}.obligations"), "the data protection officer must hear of it: add NOTIFY_DPO");
    }
}
