//! The digest of a policy: SHA-256 over a canonical form, so that comments, spacing and order of keys do not count.

use super::catalogue::class_code;
use super::ceiling::Ceiling;
use super::clause::{Atom, Clause};
use super::load::FORMAT;
use super::model::{Branch, Rule};
use super::table::Header;
use crate::field::{Field, FieldSet};
use crate::release::{Obligation, PolicyDigest};
use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

#[derive(Serialize)]
struct CanonicalPolicy<'a> {
    format: &'a str,
    name: &'a str,
    version: u64,
    catalog: u64,
    previous: Option<&'a str>,
    valid_from: String,
    controller: &'a str,
    privacy_statement: &'a str,
    catalog_digest: String,
    ceiling_digest: String,
    rules: Vec<CanonicalRule<'a>>,
}

#[derive(Serialize)]
struct CanonicalRule<'a> {
    id: &'a str,
    recipient: &'a str,
    purpose: &'a str,
    row: &'a str,
    basis: &'a [String],
    processing_register: &'a str,
    impact_assessment: &'a str,
    retention_at_recipient: &'a str,
    note: &'a str,
    departs: Option<&'a str>,
    fields: String,
    permit_if: Vec<CanonicalClause>,
    deny_if: Vec<CanonicalClause>,
    escalate_if: Vec<CanonicalClause>,
    restriction: &'a str,
    objection: &'a str,
    obligations: &'a [Obligation],
    extend: Vec<(CanonicalClause, String)>,
    adjust: Vec<(CanonicalClause, String)>,
}

type CanonicalClause = Vec<(&'static str, Vec<&'static str>)>;

/// The digest of a policy over its ceiling and the compiled catalogue; `rules` in the order of their pairs.
pub(super) fn policy(header: &Header, rules: &[Rule], ceiling: &Ceiling) -> PolicyDigest {
    let canonical = CanonicalPolicy {
        format: FORMAT,
        name: &header.name,
        version: header.version,
        catalog: header.catalog,
        previous: header.previous.as_deref(),
        valid_from: header.valid_from.to_string(),
        controller: &header.controller,
        privacy_statement: &header.privacy_statement,
        catalog_digest: hash("sluis-catalog/1", &catalogue_entries()),
        ceiling_digest: hash("sluis-ceiling/1", &ceiling_entries(ceiling)),
        rules: rules.iter().map(canonical_rule).collect(),
    };
    PolicyDigest(sha256(FORMAT, &canonical))
}

fn canonical_rule(rule: &Rule) -> CanonicalRule<'_> {
    let clauses = |list: &[Clause]| list.iter().map(canonical_clause).collect();
    let branches = |list: &[Branch]| list.iter().map(|b| (canonical_clause(&b.when), b.fields.to_hex())).collect();
    CanonicalRule {
        id: &rule.id,
        recipient: rule.recipient.code(),
        purpose: rule.purpose.code(),
        row: &rule.row,
        basis: &rule.basis,
        processing_register: &rule.processing_register,
        impact_assessment: &rule.impact_assessment,
        retention_at_recipient: &rule.retention_at_recipient,
        note: &rule.note,
        departs: rule.departs.as_deref(),
        fields: rule.fields.to_hex(),
        permit_if: clauses(&rule.permit_if),
        deny_if: clauses(&rule.deny_if),
        escalate_if: clauses(&rule.escalate_if),
        restriction: rule.restriction.code(),
        objection: rule.objection.code(),
        obligations: &rule.obligations,
        extend: branches(&rule.extends),
        adjust: branches(&rule.adjusts),
    }
}

fn canonical_clause(clause: &Clause) -> CanonicalClause {
    let atom = |a: &Atom| (a.fact.code(), a.values().collect());
    clause.atoms().iter().map(atom).collect()
}

fn catalogue_entries() -> Vec<(u8, &'static str, &'static str)> {
    Field::ALL.iter().map(|f| (*f as u8, f.code(), class_code(f.class()))).collect()
}

fn ceiling_entries(ceiling: &Ceiling) -> (u64, Vec<(String, String)>) {
    let line = |key: String, set: FieldSet| (key, set.to_hex());
    let mut lines = vec![line("never *".to_owned(), ceiling.sealed)];
    lines.extend(ceiling.never.iter().map(|(r, set)| line(format!("never {r}"), *set)));
    lines.extend(ceiling.allow.iter().map(|((r, p), set)| line(format!("allow {r}/{p}"), *set)));
    (ceiling.version, lines)
}

fn hash<T: Serialize>(prefix: &str, value: &T) -> String {
    PolicyDigest(sha256(prefix, value)).to_hex()
}

/// SHA-256 over prefix, a zero byte and the JSON of the value. These types always serialize.
fn sha256<T: Serialize>(prefix: &str, value: &T) -> [u8; 32] {
    let mut bytes = prefix.as_bytes().to_vec();
    bytes.push(0);
    bytes.extend(serde_json::to_vec(value).unwrap_or_default());
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, &bytes).as_ref());
    out
}
