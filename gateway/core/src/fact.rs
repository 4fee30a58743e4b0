//! What `decide` may know: a closed list of facts, each with a few values, held as one bit per value in a word.
//!
//! A fact without any bit set is unknown, and unknown never permits.

macro_rules! facts {
    ($($(#[$meta:meta])* $variant:ident = $code:literal @ $shift:literal { $($value:literal),+ };)+) => {
        /// One question about the subject, the recipient or the situation, with a fixed list of answers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Fact { $($(#[$meta])* $variant),+ }

        impl Fact {
            /// Every fact.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in policy files.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The fact with this name, or `None`.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// The names of its values, in the order of their bits.
            #[must_use]
            pub const fn values(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($value),+]),+ }
            }

            /// The position of its first bit.
            #[must_use]
            pub const fn shift(self) -> u32 {
                match self { $(Self::$variant => $shift),+ }
            }
        }
    };
}

facts! {
    /// Whether the register knows the subject.
    Known = "known" @ 0 { "true", "false" };
    /// Whether the caller's enrolment, in force today, names the purpose (B7).
    EnrolledPurpose = "enrolled_purpose" @ 2 { "true", "false" };
    /// Completed years on the day of the request in Europe/Amsterdam.
    Age = "age" @ 4 { "0-11", "12-15", "16-17", "18+" };
    /// Able to weigh his interests in this matter (7.3.4, 7.3.15).
    Capable = "capable" @ 8 { "true", "false" };
    /// The actor's relation to the subject: on the caseload, or the subject himself.
    Relation = "relation" @ 10 { "none", "direct_care", "self" };
    /// Parental authority (gezag) of the actor.
    Authority = "authority" @ 13 { "verified", "unverified", "not_held" };
    /// Whether care is running at this holder.
    ActiveCase = "active_case" @ 16 { "true", "false" };
    /// Consent of the youth for this purpose and recipient type.
    ConsentYouth = "consent_youth" @ 18 { "given", "none", "withdrawn" };
    /// Consent of the holder of authority for this purpose and recipient type.
    ConsentHolder = "consent_holder" @ 21 { "given", "none", "withdrawn" };
    /// The objection that matters for this purpose.
    Objection = "objection" @ 24 { "true", "false" };
    /// The professional withholds as a good youth-care worker (7.3.11(3)).
    WithheldGoodCare = "withheld_good_care" @ 26 { "true", "false" };
    /// Residence must stay secret (RJ 6a.6), by the holder's word or by ours: the stricter wins.
    ResidenceSecret = "residence_secret" @ 28 { "true", "false" };
    /// Processing is restricted (AVG 18).
    Restriction = "restriction" @ 30 { "true", "false" };
    /// Serious danger as recorded by professionals of the holder (D16).
    Danger = "danger" @ 32 { "none", "asserted", "confirmed" };
    /// All five criteria of the conflict of duties are recorded.
    CriteriaRecorded = "criteria_recorded" @ 35 { "true", "false" };
    /// A second professional approved.
    SecondApproval = "second_approval" @ 37 { "true", "false" };
    /// The claim line stands in the holder's billing record (B1).
    Declared = "declared" @ 39 { "true", "false" };
    /// The caller is the municipality responsible for this subject (woonplaatsbeginsel).
    OwnMunicipality = "own_municipality" @ 41 { "true", "false" };
    /// The caller has an agreement under RJ 6a.3 that is in force (B2).
    Agreement6a3 = "agreement_6a3" @ 43 { "true", "false" };
    /// The caller signed for secrecy (SEED-K, B7).
    SecrecySigned = "secrecy_signed" @ 45 { "true", "false" };
    /// A professional's decision on this purpose and actor, still in force.
    ProfessionalReview = "professional_review" @ 47 { "none", "permitted", "withheld" };
    /// The law that pays for the care, as the holder says: a claim under the Zvw is about Zvw care only (X6).
    Financing = "financing" @ 50 { "jeugdwet", "zvw", "other" };
    /// The caller is the health insurer of the subject (UZOVI).
    OwnInsured = "own_insured" @ 53 { "true", "false" };
    /// Client and provider signed that nothing which reveals a diagnosis goes to the insurer.
    PrivacyStatement = "privacy_statement" @ 55 { "true", "false" };
    /// The caller is the subject's GP (huisarts), by AGB code or OIN (B11).
    OwnGp = "own_gp" @ 57 { "true", "false" };
    /// The caller referred the subject (verwijzer), by AGB code or OIN (B11).
    OwnReferrer = "own_referrer" @ 59 { "true", "false" };
}

impl Fact {
    /// The bits of all its values.
    #[must_use]
    pub const fn mask(self) -> u64 {
        ((1 << self.values().len()) - 1) << self.shift()
    }

    /// The bit of one value by its position, or `None`.
    #[must_use]
    pub fn bit_at(self, position: usize) -> Option<u64> {
        (position < self.values().len()).then(|| 1 << (self.shift() as usize + position))
    }

    /// The bit of the value with this name, or `None`.
    #[must_use]
    pub fn bit_of(self, value: &str) -> Option<u64> {
        self.values().iter().position(|v| *v == value).and_then(|n| self.bit_at(n))
    }
}

/// The answers known at one moment, at most one value per fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Facts(u64);

impl Facts {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self(0);

    /// These facts with `fact` set to the value of that name; a name the fact does not have leaves it unknown.
    #[must_use]
    pub fn with(self, fact: Fact, value: &str) -> Self {
        Self((self.0 & !fact.mask()) | fact.bit_of(value).unwrap_or(0))
    }

    /// These facts with a yes-or-no fact set.
    #[must_use]
    pub fn with_bool(self, fact: Fact, value: bool) -> Self {
        self.with(fact, if value { "true" } else { "false" })
    }

    /// These facts with `fact` set to the value at this position of [`Fact::values`].
    #[must_use]
    pub fn with_position(self, fact: Fact, position: usize) -> Self {
        Self((self.0 & !fact.mask()) | fact.bit_at(position).unwrap_or(0))
    }

    /// The word: one bit per fact that is known.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The value of a fact, or `None` when it is unknown.
    #[must_use]
    pub fn value(self, fact: Fact) -> Option<&'static str> {
        let bits = (self.0 & fact.mask()) >> fact.shift();
        (bits != 0).then(|| fact.values().get(bits.trailing_zeros() as usize).copied()).flatten()
    }

    /// The known facts by name, for the payload of a leaf and for people.
    pub fn iter(self) -> impl Iterator<Item = (Fact, &'static str)> {
        Fact::ALL.iter().filter_map(move |f| self.value(*f).map(|v| (*f, v)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_do_not_overlap_and_fit_one_word() {
        let mut seen = 0u64;
        for fact in Fact::ALL {
            assert_eq!(seen & fact.mask(), 0, "{}", fact.code());
            seen |= fact.mask();
            assert_eq!(Fact::from_code(fact.code()), Some(*fact));
        }
    }

    #[test]
    fn a_fact_has_one_value_or_none() {
        let facts = Facts::UNKNOWN.with(Fact::Age, "12-15").with(Fact::Age, "18+");
        assert_eq!(facts.value(Fact::Age), Some("18+"));
        assert_eq!(facts.value(Fact::Danger), None);
        assert_eq!(facts.with(Fact::Age, "nonsense").value(Fact::Age), None);
    }
}
