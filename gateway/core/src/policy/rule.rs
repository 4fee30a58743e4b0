//! Reading one `[[rule]]`: every key, fact, value, field, basis and obligation must be known.

use super::basis;
use super::ceiling::field_set;
use super::clause::{Atom, Clause};
use super::fault::Faults;
use super::model::{Branch, OnObjection, OnRestriction, Rule};
use super::read::{Item, Section};
use crate::fact::Fact;
use crate::organisation::{Purpose, RecipientType};
use crate::release::Obligation;

/// Reads a rule; `None` when something that must be there is not, which is then a fault.
pub(super) fn read(item: &Item<'_>, controller: Option<&str>, faults: &mut Faults<'_>) -> Option<Rule> {
    let mut section = item.section(faults)?;
    let id = section.text("id", faults);
    if id.is_some_and(|id| !is_id(id)) {
        faults.add(&section.path("id"), "write an id of 1 to 64 lower-case letters, digits and hyphens");
    }
    let recipient = code(&mut section, "recipient", "recipient type", RecipientType::from_code, faults);
    let purpose = code(&mut section, "purpose", "purpose", Purpose::from_code, faults);
    let row = section.text("row", faults);
    if row.is_some_and(|row| !row.split('/').all(is_row)) {
        faults.add(&section.path("row"), "write the row of the release catalogue, `D17` or `D26/D27`");
    }
    let bases = bases(&mut section, controller, purpose, faults);
    let processing_register = section.text("processing_register", faults);
    let impact_assessment = section.text("impact_assessment", faults);
    let retention_at_recipient = section.text("retention_at_recipient", faults);
    let note = section.text("note", faults);
    let departs = section.item("departs", faults).and_then(|item| item.text(faults));
    let fields = section.required("fields", faults).map(|item| field_set(&item, faults));
    let permit_if = clauses(&mut section, "permit_if", faults);
    let deny_if = clauses(&mut section, "deny_if", faults);
    let escalate_if = clauses(&mut section, "escalate_if", faults);
    let restriction = code(&mut section, "restriction", "word", OnRestriction::from_code, faults);
    let objection = code(&mut section, "objection", "word", OnObjection::from_code, faults);
    let obligations = obligations(&mut section, faults);
    let extends = branches(&mut section, "extend", "add", faults);
    let adjusts = branches(&mut section, "adjust", "remove", faults);
    section.finish(faults);
    let rule = Rule {
        id: id?.into(),
        recipient: recipient?,
        purpose: purpose?,
        row: row?.to_owned(),
        basis_line: bases.join("; ").into(),
        basis: bases,
        processing_register: processing_register?.to_owned(),
        impact_assessment: impact_assessment?.to_owned(),
        retention_at_recipient: retention_at_recipient?.to_owned(),
        note: note?.to_owned(),
        departs: departs.map(str::to_owned),
        fields: fields?,
        permit_if,
        deny_if,
        escalate_if,
        restriction: restriction?,
        objection: objection?,
        obligations: obligations.into(),
        extends,
        adjusts,
        mentioned: 0,
        mentioned_count: 0,
    };
    Some(rule.settle())
}

/// A required text that must be a member of a closed list.
fn code<T>(
    section: &mut Section<'_>,
    key: &'static str,
    what: &str,
    from: fn(&str) -> Option<T>,
    faults: &mut Faults<'_>,
) -> Option<T> {
    let text = section.text(key, faults)?;
    let found = from(text);
    if found.is_none() {
        faults.add(&section.path(key), format!("unknown {what} `{text}`: use a code of the list"));
    }
    found
}

fn bases(
    section: &mut Section<'_>,
    controller: Option<&str>,
    purpose: Option<Purpose>,
    faults: &mut Faults<'_>,
) -> Vec<String> {
    let mut bases = Vec::new();
    if let Some(item) = section.required("basis", faults) {
        for item in item.list(faults) {
            let Some(text) = item.text(faults) else { continue };
            if let (Some(controller), Some(purpose)) = (controller, purpose)
                && let Some(reason) = basis::fault(text, controller, purpose)
            {
                faults.add(&item.path, reason);
            }
            bases.push(text.to_owned());
        }
    }
    bases
}

fn obligations(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Vec<Obligation> {
    let mut list = Vec::new();
    for item in section.list("obligations", faults) {
        let Some(code) = item.text(faults) else { continue };
        match Obligation::from_code(code) {
            None => faults.add(&item.path, format!("unknown obligation `{code}`: use a code of the list")),
            Some(o) if list.contains(&o) => faults.add(&item.path, format!("`{code}` stands here twice: keep one")),
            Some(o) => list.push(o),
        }
    }
    list
}

fn clauses(section: &mut Section<'_>, key: &'static str, faults: &mut Faults<'_>) -> Vec<Clause> {
    let items = section.list(key, faults);
    items.iter().filter_map(|item| clause(item, faults)).collect()
}

fn branches(
    section: &mut Section<'_>,
    key: &'static str,
    fields: &'static str,
    faults: &mut Faults<'_>,
) -> Vec<Branch> {
    let mut list = Vec::new();
    for item in section.list(key, faults) {
        let Some(mut section) = item.section(faults) else { continue };
        let when = section.required("when", faults).and_then(|item| clause(&item, faults));
        let set = section.required(fields, faults).map(|item| field_set(&item, faults));
        section.finish(faults);
        if let (Some(when), Some(fields)) = (when, set) {
            list.push(Branch { when, fields });
        }
    }
    list
}

/// One clause: a table of facts. Every fact and value is known, no atom is empty or always true.
fn clause(item: &Item<'_>, faults: &mut Faults<'_>) -> Option<Clause> {
    let section = item.section(faults)?;
    let mut atoms = Vec::new();
    for (key, item) in section.entries(faults) {
        let Some(fact) = Fact::from_code(key) else {
            faults.add(&item.path, format!("unknown fact `{key}`: use a fact of the list"));
            continue;
        };
        let path = item.path.clone();
        let mut bits = 0;
        for item in item.one_or_more(faults) {
            let Some(word) = item.word(faults) else { continue };
            match fact.bit_of(word) {
                Some(bit) => bits |= bit,
                None => {
                    let reason = format!("`{key}` has no value `{word}`: use one of {}", fact.values().join(", "));
                    faults.add(&item.path, reason);
                }
            }
        }
        if bits == fact.mask() {
            faults.add(&path, format!("this names every value of `{key}`, so it decides nothing: remove it"));
        } else if bits == 0 {
            faults.add(&path, format!("this names no value of `{key}`, so the clause never matches: name one"));
        }
        atoms.push(Atom { fact, bits });
    }
    if atoms.is_empty() {
        faults.add(&item.path, "a clause without a fact always matches: name what must hold");
        return None;
    }
    Some(Clause::new(atoms))
}

fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_row(row: &str) -> bool {
    let rest = row.strip_prefix('D').unwrap_or_default();
    let (digits, letter) = rest.split_at_checked(2).unwrap_or_default();
    digits.len() == 2
        && digits.bytes().all(|b| b.is_ascii_digit())
        && letter.len() <= 1
        && letter.bytes().all(|b| b.is_ascii_lowercase())
}
