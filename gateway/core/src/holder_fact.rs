//! Facts that a holder may keep beside those every rule needs: closed, optional, and unknown where not kept.
//!
//! Adding one is a line here and a line in the column map; what a rule makes of it is decided elsewhere.

use std::collections::BTreeMap;

/// What a held fact says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldKind {
    /// Yes or no.
    Flag,
    /// A text or code, as the column map translates it.
    Text,
}

macro_rules! held_facts {
    ($($(#[$meta:meta])* $variant:ident = $code:literal, $kind:ident;)+) => {
        /// A fact that a holder may keep about a client.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum HeldFact { $($(#[$meta])* $variant),+ }

        impl HeldFact {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in column maps.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The fact with this name, or `None`.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// Whether it is a yes or no, or a text.
            #[must_use]
            pub const fn kind(self) -> HeldKind {
                match self { $(Self::$variant => HeldKind::$kind),+ }
            }
        }
    };
}

held_facts! {
    /// Under which law the care is paid, in the words of the column map.
    FinancingLaw = "financing_law", Text;
    /// UZOVI code of the insurer of the client.
    InsurerUzovi = "insurer_uzovi", Text;
    /// Whether the client signed the privacy statement that keeps the diagnosis from the insurer.
    PrivacyStatement = "privacy_statement", Flag;
    /// AGB code of the client's general practitioner.
    GpAgb = "gp_agb", Text;
    /// OIN of the practice of the client's general practitioner.
    GpOin = "gp_oin", Text;
    /// AGB code of whoever referred the client.
    ReferrerAgb = "referrer_agb", Text;
    /// OIN of the organisation of whoever referred the client.
    ReferrerOin = "referrer_oin", Text;
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HeldValue {
    Flag(bool),
    Text(String),
}

/// The held facts of one client. What is not in it is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldFacts(BTreeMap<HeldFact, HeldValue>);

impl HeldFacts {
    /// Records a yes or no; nothing when it is unknown or the fact is a text.
    pub fn set_flag(&mut self, fact: HeldFact, value: Option<bool>) {
        if let (Some(value), HeldKind::Flag) = (value, fact.kind()) {
            self.0.insert(fact, HeldValue::Flag(value));
        }
    }

    /// Records a text; nothing when it is unknown or the fact is a yes or no.
    pub fn set_text(&mut self, fact: HeldFact, value: Option<String>) {
        if let (Some(value), HeldKind::Text) = (value, fact.kind()) {
            self.0.insert(fact, HeldValue::Text(value));
        }
    }

    /// Yes, no, or unknown.
    #[must_use]
    pub fn flag(&self, fact: HeldFact) -> Option<bool> {
        match self.0.get(&fact) {
            Some(HeldValue::Flag(value)) => Some(*value),
            Some(HeldValue::Text(_)) | None => None,
        }
    }

    /// The text, or `None` when it is unknown.
    #[must_use]
    pub fn text(&self, fact: HeldFact) -> Option<&str> {
        match self.0.get(&fact) {
            Some(HeldValue::Text(value)) => Some(value),
            Some(HeldValue::Flag(_)) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_has_its_kind_of_value_or_none() {
        let mut facts = HeldFacts::default();
        for fact in HeldFact::ALL {
            assert_eq!(HeldFact::from_code(fact.code()), Some(*fact));
            facts.set_flag(*fact, Some(false));
            facts.set_text(*fact, Some("x".to_owned()));
            assert_eq!(facts.flag(*fact).is_some(), fact.kind() == HeldKind::Flag);
            assert_eq!(facts.text(*fact).is_some(), fact.kind() == HeldKind::Text);
        }
        assert_eq!(HeldFacts::default().flag(HeldFact::PrivacyStatement), None);
    }
}
