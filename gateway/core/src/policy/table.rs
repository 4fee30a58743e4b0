//! The policy as a whole: its header, its rules, and the dense table that finds a rule by recipient type and purpose.

use super::ceiling::Ceiling;
use super::model::Rule;
use crate::field::FieldSet;
use crate::organisation::{Purpose, RecipientType};
use crate::release::PolicyDigest;

/// What the policy says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub(super) name: String,
    pub(super) version: u64,
    pub(super) catalog: u64,
    pub(super) previous: Option<String>,
    pub(super) valid_from: jiff::Timestamp,
    pub(super) controller: String,
    pub(super) privacy_statement: String,
}

impl Header {
    /// The controller (verwerkingsverantwoordelijke) whose bases are allowed (B20).
    #[must_use]
    pub fn controller(&self) -> &str {
        &self.controller
    }

    /// The first moment at which it may be active (A28).
    #[must_use]
    pub const fn valid_from(&self) -> jiff::Timestamp {
        self.valid_from
    }

    /// The version of the privacy statement that it follows (B29).
    #[must_use]
    pub fn privacy_statement(&self) -> &str {
        &self.privacy_statement
    }

    /// `sha256:<hex>` of the version before, absent for version 1.
    #[must_use]
    pub fn previous(&self) -> Option<&str> {
        self.previous.as_deref()
    }
}

/// A policy that passed every check, immutable.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(super) header: Header,
    pub(super) ceiling: Ceiling,
    pub(super) rules: Vec<Rule>,
    pub(super) table: Vec<Option<u16>>,
    pub(super) digest: PolicyDigest,
}

impl Policy {
    /// SHA-256 over the canonical form of rules, ceiling and catalogue; comments and spacing do not count.
    #[must_use]
    pub const fn digest(&self) -> PolicyDigest {
        self.digest
    }

    /// The version number in the policy file.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.header.version
    }

    /// The name of the policy: `kracht`, `statutory`, `akj`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.header.name
    }

    /// The version of the field catalogue that it is written over.
    #[must_use]
    pub const fn catalogue(&self) -> u64 {
        self.header.catalog
    }

    /// What the policy says of itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The ceiling it was checked against.
    #[must_use]
    pub const fn ceiling(&self) -> &Ceiling {
        &self.ceiling
    }

    /// Every rule, in the order of recipient type and purpose.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The rule for a pair, or `None`: then the answer is no.
    #[must_use]
    pub fn rule_for(&self, recipient: RecipientType, purpose: Purpose) -> Option<&Rule> {
        let place = (*self.table.get(slot(recipient, purpose))?)?;
        self.rules.get(usize::from(place))
    }

    /// Every field that the rule for a pair can ever give: a mask may name only these.
    #[must_use]
    pub fn reachable(&self, recipient: RecipientType, purpose: Purpose) -> Option<FieldSet> {
        self.rule_for(recipient, purpose).map(Rule::reachable)
    }

    /// Puts rules in order and makes the table; the loader has checked that no pair occurs twice.
    pub(super) fn assemble(header: Header, ceiling: Ceiling, mut rules: Vec<Rule>, digest: PolicyDigest) -> Self {
        rules.sort_by_key(|r| (r.recipient, r.purpose));
        let mut table = vec![None; RecipientType::ALL.len() * Purpose::ALL.len()];
        for (place, rule) in rules.iter().enumerate() {
            if let Some(entry) = table.get_mut(slot(rule.recipient, rule.purpose)) {
                *entry = u16::try_from(place).ok();
            }
        }
        Self { header, ceiling, rules, table, digest }
    }
}

const fn slot(recipient: RecipientType, purpose: Purpose) -> usize {
    recipient as usize * Purpose::ALL.len() + purpose as usize
}
