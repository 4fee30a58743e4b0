//! The legal ceiling: what a recipient type may never have, and the most a pair of type and purpose may have.

use crate::field::FieldSet;
use crate::organisation::{Purpose, RecipientType};
use std::collections::BTreeMap;

/// The ceiling over every policy, signed by other people than the policy (ruling 2: per pair, not per type).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ceiling {
    pub(super) version: u64,
    pub(super) sealed: FieldSet,
    pub(super) never: BTreeMap<RecipientType, FieldSet>,
    pub(super) allow: BTreeMap<(RecipientType, Purpose), FieldSet>,
}

impl Ceiling {
    /// The version number of the ceiling.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// What this type may never have, for whatever purpose, with what nobody may have.
    #[must_use]
    pub fn never(&self, recipient: RecipientType) -> FieldSet {
        self.never.get(&recipient).copied().unwrap_or_default().union(self.sealed)
    }

    /// The most this pair may have; nothing when the ceiling does not name the pair.
    #[must_use]
    pub fn allow(&self, recipient: RecipientType, purpose: Purpose) -> FieldSet {
        self.allow.get(&(recipient, purpose)).copied().unwrap_or_default()
    }
}
