//! Enrolment: what an organisation has been admitted for, under which agreement, until when (B7).

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

/// One admitted role of one organisation.
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
    /// The purposes it may ask for.
    #[serde(default)]
    pub purposes: Vec<Purpose>,
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
        self.purposes.retain(|purpose| delegatee.purposes.contains(purpose));
        self.bsn_ground = self.bsn_ground.filter(|_| delegatee.bsn_ground.is_some());
        self.secrecy_signed &= delegatee.secrecy_signed;
        self.agreement.until = self.agreement.until.min(delegatee.agreement.until);
        self.suspended |= delegatee.suspended;
        self.records_standing = false;
        self.fsc_grants.clear();
        self
    }

    /// Adds what the enrolment says to the facts. `responsible` is the municipality responsible for the subject.
    #[must_use]
    pub fn answer(&self, facts: Facts, purpose: Purpose, responsible: Option<&str>, today: Date) -> Facts {
        let own = responsible.is_some() && responsible == self.municipality_code.as_deref();
        facts
            .with_bool(Fact::EnrolledPurpose, self.in_force(today) && self.purposes.contains(&purpose))
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

/// Whether a code that the holder keeps is ours; `None` when it keeps none of them.
fn same_as_one_of(codes: &[(Option<&str>, Option<&str>)]) -> Option<bool> {
    let mut kept = codes.iter().filter(|(theirs, _)| theirs.is_some()).peekable();
    kept.peek()?;
    Some(kept.any(|(theirs, ours)| theirs == ours))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holder_fact::HeldFacts;

    fn enrolled(uzovi: Option<&str>, agb: Option<&str>) -> Enrolment {
        let text = format!(
            "oin = \"00000099000000006001\"\nname = \"x\"\nrecipient = \"INSURER\"\n{}{}\n[agreement]\nreference = \"r\"\nuntil = \"2099-01-01\"",
            uzovi.map(|u| format!("uzovi = \"{u}\"\n")).unwrap_or_default(),
            agb.map(|a| format!("agb = \"{a}\"\n")).unwrap_or_default(),
        );
        toml::from_str(&text).unwrap()
    }

    fn holder(kept: &[(HeldFact, &str)]) -> HolderFacts {
        let mut held = HeldFacts::default();
        kept.iter().for_each(|(fact, text)| held.set_text(*fact, Some((*text).to_owned())));
        HolderFacts {
            identifiers: Vec::new(),
            birth_date: None,
            municipality_code: None,
            active_case: true,
            residence_secret: false,
            held,
        }
    }

    #[test]
    fn what_the_holder_does_not_say_stays_unknown() {
        let own = |enrolment: &Enrolment, holder: &HolderFacts, fact| {
            enrolment.answer_own(Facts::UNKNOWN, holder).value(fact)
        };
        let insurer = enrolled(Some("9001"), None);
        assert_eq!(own(&insurer, &holder(&[(HeldFact::InsurerUzovi, "9001")]), Fact::OwnInsured), Some("true"));
        assert_eq!(own(&insurer, &holder(&[(HeldFact::InsurerUzovi, "9002")]), Fact::OwnInsured), Some("false"));
        assert_eq!(own(&insurer, &holder(&[]), Fact::OwnInsured), None);
        assert_eq!(
            own(&enrolled(None, None), &holder(&[(HeldFact::InsurerUzovi, "9001")]), Fact::OwnInsured),
            Some("false")
        );
        let gp = enrolled(None, Some("01000001"));
        assert_eq!(own(&gp, &holder(&[(HeldFact::GpAgb, "01000001")]), Fact::OwnGp), Some("true"));
        assert_eq!(
            own(&gp, &holder(&[(HeldFact::GpAgb, "x"), (HeldFact::GpOin, "00000099000000006001")]), Fact::OwnGp),
            Some("true")
        );
        assert_eq!(own(&gp, &holder(&[(HeldFact::GpAgb, "01000002")]), Fact::OwnGp), Some("false"));
        assert_eq!(own(&gp, &holder(&[(HeldFact::GpAgb, "01000001")]), Fact::OwnReferrer), None);
    }

    /// A row or a grant of before these codes existed stays what it was, byte for byte.
    #[test]
    fn an_enrolment_without_codes_is_written_as_before() {
        let written = serde_json::to_string(&enrolled(None, None)).unwrap();
        assert!(!written.contains("uzovi") && !written.contains("agb"), "{written}");
    }
}

#[cfg(test)]
mod tests;
