//! One rule as it was loaded: who may have what, for what, on which ground, under which conditions.

use super::clause::Clause;
use crate::fact::{Fact, Facts};
use crate::field::FieldSet;
use crate::organisation::{Purpose, RecipientType};
use crate::release::Obligation;
use std::sync::Arc;

closed_list! {
    /// What a restriction of processing (AVG 18) does to a rule.
    OnRestriction {
        /// A restricted subject is refused.
        Deny = "deny",
        /// A restriction does not stop it (AVG 18(2): rights of others, important public interest).
        Allow = "allow",
        /// The rule concerns no processing that can be restricted.
        NotApplicable = "not_applicable",
    }
}

closed_list! {
    /// What an objection does to a rule.
    OnObjection {
        /// An objection refuses.
        Deny = "deny",
        /// A statutory duty: an objection has no effect (7.3.11(1), AVG 6(1)(c)).
        NotApplicable = "not_applicable",
        /// The clauses of the rule say what it does.
        ByRule = "by_rule",
    }
}

/// Fields that come or go when a clause matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// When.
    pub when: Clause,
    /// Which fields.
    pub fields: FieldSet,
}

/// One rule: who may have what, for what, on which ground, under which conditions.
#[derive(Debug, Clone)]
pub struct Rule {
    pub(super) id: Arc<str>,
    pub(super) recipient: RecipientType,
    pub(super) purpose: Purpose,
    pub(super) row: String,
    pub(super) basis: Vec<String>,
    pub(super) basis_line: Arc<str>,
    pub(super) processing_register: String,
    pub(super) impact_assessment: String,
    pub(super) retention_at_recipient: String,
    pub(super) note: String,
    pub(super) departs: Option<String>,
    pub(super) fields: FieldSet,
    pub(super) permit_if: Vec<Clause>,
    pub(super) deny_if: Vec<Clause>,
    pub(super) escalate_if: Vec<Clause>,
    pub(super) restriction: OnRestriction,
    pub(super) objection: OnObjection,
    pub(super) obligations: Arc<[Obligation]>,
    pub(super) extends: Vec<Branch>,
    pub(super) adjusts: Vec<Branch>,
    pub(super) mentioned: u64,
    pub(super) mentioned_count: u32,
}

impl Rule {
    /// Its id, as it stands in leaves and payloads.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its id, shared.
    #[must_use]
    pub fn shared_id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }

    /// For which type of recipient.
    #[must_use]
    pub const fn recipient(&self) -> RecipientType {
        self.recipient
    }

    /// For which purpose.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The row of the release catalogue, `D17`.
    #[must_use]
    pub fn row(&self) -> &str {
        &self.row
    }

    /// The legal basis, article by article.
    #[must_use]
    pub fn basis(&self) -> &[String] {
        &self.basis
    }

    /// The basis as one line, as it stands in leaves.
    #[must_use]
    pub fn basis_line(&self) -> Arc<str> {
        Arc::clone(&self.basis_line)
    }

    /// Its entry in the register of processing (AVG 30, B27).
    #[must_use]
    pub fn processing_register(&self) -> &str {
        &self.processing_register
    }

    /// Its impact assessment (AVG 35, B27).
    #[must_use]
    pub fn impact_assessment(&self) -> &str {
        &self.impact_assessment
    }

    /// How long the recipient keeps what it gets.
    #[must_use]
    pub fn retention_at_recipient(&self) -> &str {
        &self.retention_at_recipient
    }

    /// Why the rule is as it is.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// In what it departs from the statute; production needs the board's acceptance (B20).
    #[must_use]
    pub fn departs(&self) -> Option<&str> {
        self.departs.as_deref()
    }

    /// The fields it gives in every case that it permits.
    #[must_use]
    pub const fn fields(&self) -> FieldSet {
        self.fields
    }

    /// Every field it can ever give.
    #[must_use]
    pub fn reachable(&self) -> FieldSet {
        self.extends.iter().fold(self.fields, |set, e| set.union(e.fields))
    }

    /// Clauses of which one must match.
    #[must_use]
    pub fn permit_if(&self) -> &[Clause] {
        &self.permit_if
    }

    /// Clauses of which none may match.
    #[must_use]
    pub fn deny_if(&self) -> &[Clause] {
        &self.deny_if
    }

    /// Clauses that put the question before a human.
    #[must_use]
    pub fn escalate_if(&self) -> &[Clause] {
        &self.escalate_if
    }

    /// What a restriction does.
    #[must_use]
    pub const fn restriction(&self) -> OnRestriction {
        self.restriction
    }

    /// What an objection does.
    #[must_use]
    pub const fn objection(&self) -> OnObjection {
        self.objection
    }

    /// What must happen after a release.
    #[must_use]
    pub fn obligations(&self) -> Arc<[Obligation]> {
        Arc::clone(&self.obligations)
    }

    /// Fields that come under a condition.
    #[must_use]
    pub fn extends(&self) -> &[Branch] {
        &self.extends
    }

    /// Fields that go under a condition.
    #[must_use]
    pub fn adjusts(&self) -> &[Branch] {
        &self.adjusts
    }

    /// The facts that must be known for this rule, in the order of the list.
    pub fn mentioned(&self) -> impl Iterator<Item = Fact> + '_ {
        Fact::ALL.iter().copied().filter(|f| self.mentioned & f.mask() != 0)
    }

    /// Whether every fact that the rule mentions is known.
    #[must_use]
    pub const fn knows_all(&self, facts: Facts) -> bool {
        (facts.bits() & self.mentioned).count_ones() == self.mentioned_count
    }

    /// Computes which facts must be known: those of every clause, and what the gate before the clauses asks.
    pub(super) fn settle(mut self) -> Self {
        let clauses = self.permit_if.iter().chain(&self.deny_if).chain(&self.escalate_if);
        let branches = self.extends.iter().chain(&self.adjusts).map(|b| &b.when);
        let mut mentioned = clauses.chain(branches).fold(0, |word, c| word | c.mentions());
        mentioned |= Fact::Known.mask() | Fact::EnrolledPurpose.mask();
        if self.restriction != OnRestriction::NotApplicable {
            mentioned |= Fact::Restriction.mask();
        }
        if self.objection != OnObjection::NotApplicable {
            mentioned |= Fact::Objection.mask();
        }
        self.mentioned = mentioned;
        self.mentioned_count = u32::try_from(self.mentioned().count()).unwrap_or(u32::MAX);
        self
    }
}
