//! Enrolment: what an organisation has been admitted for, under which agreement, until when (B7).
//!
//! One entry per unit and role. [`select`] says which one a call comes under; [`compare`] what a change makes wider;
//! [`change`] reads the document in which persons sign for one; [`operator`] says who they are.

pub mod change;
pub mod compare;
pub mod operator;
pub mod select;
mod wording;

mod grant;

pub use grant::{FscGrant, GrantHash, NoGrantHash};

use crate::fact::{Fact, Facts};
use crate::holder_fact::HeldFact;
use crate::organisation::{Oin, Purpose, RecipientType};
use crate::ports::HolderFacts;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// An agreement with its reference and last day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Reference in the contract register.
    pub reference: String,
    /// Last day on which it holds.
    pub until: Date,
}

/// The ground on which this role may use or send a BSN (UAVG 46, Jeugdwet 7.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BsnGround {
    /// The article.
    pub article: String,
}

closed_list! {
    /// In which capacity an organisation processes what it receives (AVG 4, 26, 28).
    Capacity {
        /// Verwerkingsverantwoordelijke of its own.
        Controller = "CONTROLLER",
        /// Gezamenlijke verwerkingsverantwoordelijke with the holder (AVG 26).
        JointController = "JOINT_CONTROLLER",
        /// Verwerker for the holder (AVG 28).
        Processor = "PROCESSOR",
    }
}

/// A certificate with which an organisation may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedCertificate {
    /// `x5t#S256`: SHA-256 of the certificate in DER, base64url without padding (RFC 8705, 3.1).
    pub thumbprint: String,
    /// Last day on which it is accepted; without it, as long as the certificate itself holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// One admitted role of one organisation.
///
/// What was added after the first release is left out of the text when it is empty: the text makes the grant hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The organisation.
    pub oin: Oin,
    /// Its name, for people.
    pub name: String,
    /// The unit within it; empty when it has one role only.
    #[serde(default)]
    pub unit: String,
    /// What it is towards us.
    pub recipient: RecipientType,
    /// In which capacity it processes. A signed change must say it; files of a demo may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// The purposes it may ask for.
    #[serde(default)]
    pub purposes: Vec<Purpose>,
    /// Those of them for which it is refused until somebody lifts it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspended_purposes: Vec<Purpose>,
    /// The agreement under which it was admitted.
    pub agreement: Agreement,
    /// The agreement on further invoice data (RJ 6a.3), where there is one.
    #[serde(default)]
    pub agreement_6a3: Option<Agreement>,
    /// CBS code of the municipality, for a municipality.
    #[serde(default)]
    pub municipality_code: Option<String>,
    /// UZOVI code, for a health insurer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uzovi: Option<String>,
    /// AGB code, for a GP or another referrer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agb: Option<String>,
    /// Whether secrecy was signed for.
    #[serde(default)]
    pub secrecy_signed: bool,
    /// The ground for using a BSN; without it a BSN in a request is refused.
    #[serde(default)]
    pub bsn_ground: Option<BsnGround>,
    /// Whether it may record standing: the holder's own systems only.
    #[serde(default)]
    pub records_standing: bool,
    /// Suspended organisations are refused until somebody lifts it.
    #[serde(default)]
    pub suspended: bool,
    /// Grants of FSC contracts under which it may call, where an FSC Manager issues the tokens. Absent from the written
    /// form when there are none: grant hashes and state rows of before keep their bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fsc_grants: Vec<FscGrant>,
    /// The certificates it may call with; empty: any certificate of its number under a trusted authority.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<PinnedCertificate>,
}

impl Enrolment {
    /// Whether the enrolment is in force on this day.
    #[must_use]
    pub fn in_force(&self, today: Date) -> bool {
        !self.suspended && self.agreement.until >= today
    }

    /// The enrolment under which `delegatee` calls on behalf of the organisation of this one. The data is for the
    /// delegator, so its role, municipality and agreements count; the delegatee narrows: a purpose, a ground for the BSN
    /// and secrecy must be there for both. Standing is never recorded on behalf of another, and nothing is delegated on.
    #[must_use]
    pub fn exercised_by(mut self, delegatee: &Self) -> Self {
        self.purposes.retain(|purpose| delegatee.names(*purpose));
        self.bsn_ground = self.bsn_ground.filter(|_| delegatee.bsn_ground.is_some());
        self.secrecy_signed &= delegatee.secrecy_signed;
        self.agreement.until = self.agreement.until.min(delegatee.agreement.until);
        self.suspended |= delegatee.suspended;
        self.records_standing = false;
        self.fsc_grants.clear();
        // The certificate is the delegatee's, and was compared with its own entry.
        self.certificates.clear();
        self
    }

    /// Whether it names this purpose, and is not suspended for it.
    #[must_use]
    pub fn names(&self, purpose: Purpose) -> bool {
        self.purposes.contains(&purpose) && !self.suspended_purposes.contains(&purpose)
    }

    /// Whether a certificate may be used under it on this day.
    #[must_use]
    pub fn accepts(&self, thumbprint: &str, today: Date) -> bool {
        let holds =
            |pin: &PinnedCertificate| pin.thumbprint == thumbprint && pin.until.is_none_or(|last| last >= today);
        self.certificates.is_empty() || self.certificates.iter().any(holds)
    }

    /// Adds what the enrolment says to the facts. `responsible` is the municipality responsible for the subject.
    #[must_use]
    pub fn answer(&self, facts: Facts, purpose: Purpose, responsible: Option<&str>, today: Date) -> Facts {
        let own = responsible.is_some() && responsible == self.municipality_code.as_deref();
        facts
            .with_bool(Fact::EnrolledPurpose, self.in_force(today) && self.names(purpose))
            .with_bool(Fact::Agreement6a3, self.agreement_6a3.as_ref().is_some_and(|a| a.until >= today))
            .with_bool(Fact::SecrecySigned, self.secrecy_signed)
            .with_bool(Fact::OwnMunicipality, own)
    }

    /// Adds whether this organisation is the client's own insurer, GP or referrer. What the holder does not say stays
    /// unknown.
    #[must_use]
    pub fn answer_own(&self, facts: Facts, holder: &HolderFacts) -> Facts {
        let held = &holder.held;
        let doctor = |agb, oin| {
            let known = [(held.text(agb), self.agb.as_deref()), (held.text(oin), Some(self.oin.as_str()))];
            same_as_one_of(&known)
        };
        let own = [
            (Fact::OwnInsured, same_as_one_of(&[(held.text(HeldFact::InsurerUzovi), self.uzovi.as_deref())])),
            (Fact::OwnGp, doctor(HeldFact::GpAgb, HeldFact::GpOin)),
            (Fact::OwnReferrer, doctor(HeldFact::ReferrerAgb, HeldFact::ReferrerOin)),
        ];
        own.into_iter().fold(facts, |facts, (fact, known)| match known {
            Some(is) => facts.with_bool(fact, is),
            None => facts,
        })
    }
}

/// Whether the codes that the holder keeps are ours: all that both sides have, and at least one. A code that contradicts
/// another names somebody else. `None` when the holder keeps none of them.
fn same_as_one_of(codes: &[(Option<&str>, Option<&str>)]) -> Option<bool> {
    codes.iter().find(|(theirs, _)| theirs.is_some())?;
    let mut both = codes.iter().filter_map(|(theirs, ours)| theirs.zip(*ours)).peekable();
    Some(both.peek().is_some() && both.all(|(theirs, ours)| theirs == ours))
}

#[cfg(test)]
mod answer_tests;
#[cfg(test)]
mod tests;
