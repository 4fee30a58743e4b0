//! The states of a release: question, permit, refusal, extract, released. Each is made by the step before it alone.

use crate::fact::{Fact, Facts};
use crate::field::{Field, FieldSet};
use crate::organisation::{Purpose, RecipientType};
use crate::subject::SubjectId;

/// What is asked: by which type of recipient, for what, about whom, and which fields at most.
#[derive(Debug, Clone)]
pub struct Question {
    /// The type of the caller, from our register.
    pub recipient: RecipientType,
    /// The purpose.
    pub purpose: Purpose,
    /// The subject as the caller named it; a source answers only for this identifier.
    pub subject: SubjectId,
    /// The fields asked for; `None` asks for all that the rule gives. It can only narrow.
    pub mask: Option<FieldSet>,
    /// The billing record that a claim line matched, where a line is asked about.
    pub record_id: Option<String>,
}

/// SHA-256 over the canonical form of the loaded policy, in every leaf as `po`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PolicyDigest(pub [u8; 32]);

impl PolicyDigest {
    /// 64 lower-case hex digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }
}

closed_list! {
    /// What must happen after a release (domain 1.2, 1.4).
    Obligation {
        /// Show in the client's portal.
        ShowInClientPortal = "SHOW_IN_CLIENT_PORTAL",
        /// Tell the client, unless that brings danger; deferral needs a ground and a review date.
        NotifyClientUnlessDanger = "NOTIFY_CLIENT_UNLESS_DANGER",
        /// Tell the data protection officer.
        NotifyDpo = "NOTIFY_DPO",
        /// A second look within one working day.
        ReviewOneWorkingDay = "REVIEW_1_WORKING_DAY",
        /// The recipient may use the data for this purpose only.
        PurposeBound = "PURPOSE_BOUND",
        /// Record the consultation with the client.
        RecordConsultation = "RECORD_CONSULTATION",
    }
}

/// One reason of a decision, for the payload and for officers. Recipients get a coarse code only (A10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Everything the rule asks holds.
    Ok,
    /// No rule for this recipient type and purpose.
    NoRule,
    /// The fact is not known, so it counts against.
    Unknown(Fact),
    /// Processing is restricted (AVG 18).
    Restriction,
    /// An objection binds.
    Objection,
    /// A clause that denies matched, on this fact.
    Denied(Fact),
    /// A clause that asks for a human matched, on this fact.
    Escalated(Fact),
    /// No clause that permits matched; in the nearest one this fact falls short.
    Unmet(Fact),
    /// The mask left nothing to release.
    NothingAsked,
}

impl Reason {
    /// The code in payloads: `OK`, `NO_RULE`, `UNKNOWN:age`, `UNMET:consent_youth` …
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::Ok => "OK".to_owned(),
            Self::NoRule => "NO_RULE".to_owned(),
            Self::Unknown(fact) => format!("UNKNOWN:{}", fact.code()),
            Self::Restriction => "RESTRICTION".to_owned(),
            Self::Objection => "OBJECTION".to_owned(),
            Self::Denied(fact) => format!("DENIED:{}", fact.code()),
            Self::Escalated(fact) => format!("ESCALATED:{}", fact.code()),
            Self::Unmet(fact) => format!("UNMET:{}", fact.code()),
            Self::NothingAsked => "NOTHING_ASKED".to_owned(),
        }
    }
}

/// A field that the rule names but that was taken out for this subject, and on which fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withheld {
    /// The field.
    pub field: Field,
    /// The fact whose value took it out.
    pub because: Fact,
}

/// Proof that a release is lawful: what, about whom, on which ground.
///
/// Only [`decide`](crate::decide::decide) makes one, and a dossier source cannot be asked without it.
#[derive(Debug)]
pub struct Permit {
    pub(crate) question: Question,
    pub(crate) fields: FieldSet,
    pub(crate) withheld: Vec<Withheld>,
    pub(crate) facts: Facts,
    pub(crate) rule: std::sync::Arc<str>,
    pub(crate) basis: std::sync::Arc<str>,
    pub(crate) obligations: std::sync::Arc<[Obligation]>,
    pub(crate) policy: PolicyDigest,
}

impl Permit {
    /// The subject, as the caller named it.
    #[must_use]
    pub const fn subject(&self) -> &SubjectId {
        &self.question.subject
    }

    /// The question this permit answers.
    #[must_use]
    pub const fn question(&self) -> &Question {
        &self.question
    }

    /// The billing record whose fields may leave, when the question is about a claim line.
    #[must_use]
    pub fn record_id(&self) -> Option<&str> {
        self.question.record_id.as_deref()
    }

    /// The fields that may leave.
    #[must_use]
    pub const fn fields(&self) -> FieldSet {
        self.fields
    }

    /// What was taken out for this subject.
    #[must_use]
    pub fn withheld(&self) -> &[Withheld] {
        &self.withheld
    }

    /// The facts the decision was made on.
    #[must_use]
    pub const fn facts(&self) -> Facts {
        self.facts
    }

    /// The rule that permits.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The legal basis, as its code stands in leaves.
    #[must_use]
    pub fn basis(&self) -> &str {
        &self.basis
    }

    /// What must happen afterwards.
    #[must_use]
    pub fn obligations(&self) -> &[Obligation] {
        &self.obligations
    }

    /// The policy decided under.
    #[must_use]
    pub const fn policy(&self) -> PolicyDigest {
        self.policy
    }
}

/// A no, with every reason found.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// All reasons, most general first.
    pub reasons: Vec<Reason>,
    /// The facts the decision was made on.
    pub facts: Facts,
    /// The rule that applied, if any.
    pub rule: Option<std::sync::Arc<str>>,
    /// The policy decided under.
    pub policy: PolicyDigest,
}

/// The answer of [`decide`](crate::decide::decide).
#[derive(Debug)]
pub enum Decision {
    /// These fields may leave.
    Permit(Permit),
    /// Nothing leaves.
    Refuse(Refusal),
    /// Nothing leaves until a human has decided (voorgelegd).
    Escalate(Refusal),
}

/// The values fetched under a permit, each for a permitted field.
#[derive(Debug)]
pub struct Extract {
    permit: Permit,
    values: Vec<(Field, String)>,
}

/// A source answered something that was not asked: a defect in the source's adapter, nothing is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExtractRefused {
    /// A field outside the permit.
    #[error("the source answered field `{}` that was not permitted", .0.code())]
    NotPermitted(Field),
    /// One field twice.
    #[error("the source answered field `{}` twice", .0.code())]
    Twice(Field),
}

impl Extract {
    /// Pairs values with the permit that allowed them: the second check that no other field leaves.
    ///
    /// # Errors
    /// [`ExtractRefused`] when a field is outside the permit or comes twice.
    pub fn new(permit: Permit, values: Vec<(Field, String)>) -> Result<Self, ExtractRefused> {
        let mut seen = FieldSet::EMPTY;
        for (field, _) in &values {
            if !permit.fields().contains(*field) {
                return Err(ExtractRefused::NotPermitted(*field));
            }
            if seen.contains(*field) {
                return Err(ExtractRefused::Twice(*field));
            }
            seen = seen.with(*field);
        }
        Ok(Self { permit, values })
    }

    /// The permit.
    #[must_use]
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// The values in the order of the source's answer.
    #[must_use]
    pub fn values(&self) -> &[(Field, String)] {
        &self.values
    }

    /// The fields that hold a value: what `fs` in the leaf says.
    #[must_use]
    pub fn fields(&self) -> FieldSet {
        self.values.iter().map(|(field, _)| *field).collect()
    }
}
