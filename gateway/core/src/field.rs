//! The closed catalogue of what a dossier can say: fields, their frozen bit numbers, their class.

/// How sensitive a field is, and so which guards a rule needs before it may name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldClass {
    /// Who the person is.
    Identity,
    /// The citizen service number: only where a law lets this recipient use it (UAVG 46).
    Bsn,
    /// Where the person can be found; falls with a secret residence (RJ 6a.6).
    Location,
    /// How the person can be reached; falls with a secret residence.
    Contact,
    /// Billing and administration.
    Administration,
    /// What the help is about: special categories (AVG 9).
    Content,
    /// About other persons (7.3.10).
    ThirdParty,
    /// Never released as content by a rule: recordings and what a youth confided (B14).
    Sealed,
}

macro_rules! fields {
    ($($variant:ident = $bit:literal, $code:literal, $class:ident;)+) => {
        /// One thing a dossier can say. The bit number is frozen: it stands in leaves for decades.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Field {
            $(
                #[doc = concat!("`", $code, "`, bit ", stringify!($bit), ".")]
                $variant = $bit
            ),+
        }

        impl Field {
            /// Every field in the order of its bit.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code in policy files and column maps.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The field with this code, or `None`.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// The field with this bit number, or `None`.
            #[must_use]
            pub const fn from_bit(bit: u8) -> Option<Self> {
                match bit { $($bit => Some(Self::$variant),)+ _ => None }
            }

            /// Its class.
            #[must_use]
            pub const fn class(self) -> FieldClass {
                match self { $(Self::$variant => FieldClass::$class),+ }
            }
        }
    };
}

fields! {
    Name = 0, "name", Identity;
    Address = 1, "address", Location;
    Postcode = 2, "postcode", Location;
    HouseNumber = 3, "house_number", Location;
    Place = 4, "place", Location;
    Phone = 5, "phone", Contact;
    Email = 6, "email", Contact;
    Gender = 7, "gender", Identity;
    BirthDate = 8, "birth_date", Identity;
    Bsn = 9, "bsn", Bsn;
    ClientNumber = 10, "client_number", Identity;
    MunicipalityCode = 11, "municipality_code", Administration;
    Reimbursement = 12, "reimbursement", Administration;
    HelpQuestion = 13, "help_question", Content;
    HealthSummary = 14, "health_summary", Content;
    Plan = 15, "plan", Content;
    PlanSummary = 16, "plan_summary", Content;
    CareStatus = 17, "care_status", Content;
    Appointments = 18, "appointments", Content;
    ParentsContact = 19, "parents_contact", ThirdParty;
    ParentsAuthority = 20, "parents_authority", ThirdParty;
    ParentsReports = 21, "parents_reports", ThirdParty;
    AvRecordings = 22, "av_recordings", Sealed;
    Whereabouts = 23, "whereabouts", Location;
    DangerNature = 24, "danger_nature", Content;
    PersonsAtRisk = 25, "persons_at_risk", ThirdParty;
    ProviderAgb = 26, "provider_agb", Administration;
    Period = 27, "period", Administration;
    AllocationNumber = 28, "allocation_number", Administration;
    ProductCategory = 29, "product_category", Administration;
    ProductCode = 30, "product_code", Administration;
    Volume = 31, "volume", Administration;
    Unit = 32, "unit", Administration;
    Tariff = 33, "tariff", Administration;
    Amount = 34, "amount", Administration;
    StartDate = 35, "start_date", Administration;
    EndDate = 36, "end_date", Administration;
    ReferringDoctor = 37, "referring_doctor", Administration;
    DecisionNumber = 38, "decision_number", Administration;
    MeasureType = 39, "measure_type", Administration;
    EndReason = 40, "end_reason", Content;
    SessionNotes = 41, "session_notes", Content;
    YouthConfidential = 42, "youth_confidential", Sealed;
    CareForm = 43, "care_form", Administration;
    CrisisStart = 44, "crisis_start", Content;
    ReferrerType = 45, "referrer_type", Administration;
    Outcome = 46, "outcome", Content;
    Informant = 47, "informant", Administration;
    InsurerId = 48, "insurer_id", Administration;
    PerformanceCode = 49, "performance_code", Administration;
    DiagnosisGroup = 50, "diagnosis_group", Content;
    WorkerContact = 51, "worker_contact", Administration;
    RegisteredOn = 52, "registered_on", Administration;
}

impl serde::Serialize for Field {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let code = String::deserialize(d)?;
        Self::from_code(&code).ok_or_else(|| serde::de::Error::custom(format!("unknown field `{code}`")))
    }
}

/// A set of fields as one word; `fs` in a leaf is its 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FieldSet(u64);

impl FieldSet {
    /// No field.
    pub const EMPTY: Self = Self(0);

    /// The set with these fields.
    #[must_use]
    pub fn of(fields: &[Field]) -> Self {
        fields.iter().fold(Self::EMPTY, |set, f| set.with(*f))
    }

    /// From the bits of a leaf, or `None` when a bit has no field in this catalogue.
    #[must_use]
    pub fn from_bits(bits: u64) -> Option<Self> {
        let all = Self::of(Field::ALL).0;
        (bits & !all == 0).then_some(Self(bits))
    }

    /// The bits, as they stand in a leaf.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// 16 lower-case hex digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        format!("{:016x}", self.0)
    }

    /// Whether the field is in the set.
    #[must_use]
    pub const fn contains(self, field: Field) -> bool {
        self.0 & (1 << field as u8) != 0
    }

    /// The set and this field.
    #[must_use]
    pub const fn with(self, field: Field) -> Self {
        Self(self.0 | (1 << field as u8))
    }

    /// Fields in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Fields in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Fields of this set that are not in the other.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether every field of this set is in the other.
    #[must_use]
    pub const fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether no field is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many fields.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// The fields in the order of their bits.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.iter().copied().filter(move |f| self.contains(*f))
    }
}

impl FromIterator<Field> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        fields.into_iter().fold(Self::EMPTY, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_codes_are_one_to_one() {
        for (n, field) in Field::ALL.iter().enumerate() {
            assert_eq!(usize::from(*field as u8), n);
            assert_eq!(Field::from_code(field.code()), Some(*field));
            assert_eq!(Field::from_bit(*field as u8), Some(*field));
        }
        assert_eq!(FieldSet::from_bits(1 << 63), None);
    }
}
