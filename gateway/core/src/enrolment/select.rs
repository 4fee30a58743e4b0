//! Which enrolment a call comes under, where an organisation has several: never a choice that widens.
//!
//! A call does not say its unit. Where two entries name the same purpose with different rights, taking either would let
//! one unit ask with the rights of another; such a call is refused until each entry names its own certificates.

use super::Enrolment;
use crate::organisation::{Purpose, RecipientType};
use jiff::civil::Date;

/// Why a call comes under no enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdmitted {
    /// None is in force.
    NotInForce,
    /// Those in force name other certificates.
    OtherCertificate,
    /// Several name the purpose, with different rights.
    Ambiguous,
}

/// What an enrolment gives besides its purposes: two with the same rights are interchangeable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights<'a> {
    /// What the organisation is towards the holder.
    pub recipient: RecipientType,
    /// Whether an agreement under RJ 6a.3 is in force.
    pub agreement_6a3: bool,
    /// Its municipality.
    pub municipality_code: Option<&'a str>,
    /// Its code as an insurer (UZOVI).
    pub uzovi: Option<&'a str>,
    /// Its code as a provider of care (AGB).
    pub agb: Option<&'a str>,
    /// Whether secrecy was signed for.
    pub secrecy_signed: bool,
    /// Whether it has a ground to use a BSN.
    pub bsn: bool,
}

impl Enrolment {
    /// What it gives on this day.
    #[must_use]
    pub fn rights(&self, today: Date) -> Rights<'_> {
        Rights {
            recipient: self.recipient,
            agreement_6a3: self.agreement_6a3.as_ref().is_some_and(|agreement| agreement.until >= today),
            municipality_code: self.municipality_code.as_deref(),
            uzovi: self.uzovi.as_deref(),
            agb: self.agb.as_deref(),
            secrecy_signed: self.secrecy_signed,
            bsn: self.bsn_ground.is_some(),
        }
    }
}

/// The enrolment under which a call with this certificate comes today, for a purpose or, without one, to record standing.
/// Where none names the purpose it is the first that could be used, under which the question is then refused.
///
/// # Errors
/// [`NotAdmitted`].
pub fn select<'a>(
    enrolments: &'a [Enrolment],
    purpose: Option<Purpose>,
    thumbprint: &str,
    today: Date,
) -> Result<&'a Enrolment, NotAdmitted> {
    let mut in_force = enrolments.iter().filter(|e| e.in_force(today)).peekable();
    if in_force.peek().is_none() {
        return Err(NotAdmitted::NotInForce);
    }
    let usable: Vec<&Enrolment> = in_force.filter(|e| e.accepts(thumbprint, today)).collect();
    let first = *usable.first().ok_or(NotAdmitted::OtherCertificate)?;
    let Some(purpose) = purpose else {
        return Ok(usable.into_iter().find(|e| e.records_standing).unwrap_or(first));
    };
    let mut naming = usable.into_iter().filter(|e| e.names(purpose));
    let Some(chosen) = naming.next() else { return Ok(first) };
    let rights = chosen.rights(today);
    if naming.any(|other| other.rights(today) != rights) { Err(NotAdmitted::Ambiguous) } else { Ok(chosen) }
}

/// A purpose that two entries name with different rights, though one certificate could come under both. Days are not
/// looked at: what clashes only later clashes.
#[must_use]
pub fn clash(enrolments: &[Enrolment]) -> Option<Purpose> {
    let mut rest = enrolments;
    while let Some((one, others)) = rest.split_first() {
        let found = others.iter().find_map(|other| clash_of(one, other));
        if found.is_some() {
            return found;
        }
        rest = others;
    }
    None
}

fn clash_of(one: &Enrolment, other: &Enrolment) -> Option<Purpose> {
    let (a, b) = (one.rights(Date::MIN), other.rights(Date::MIN));
    let same = a == b && until_6a3(one) == until_6a3(other);
    if same || one.suspended || other.suspended || !share_a_certificate(one, other) {
        return None;
    }
    one.purposes.iter().copied().find(|purpose| one.names(*purpose) && other.names(*purpose))
}

fn until_6a3(enrolment: &Enrolment) -> Option<Date> {
    enrolment.agreement_6a3.as_ref().map(|agreement| agreement.until)
}

fn share_a_certificate(one: &Enrolment, other: &Enrolment) -> bool {
    let pinned = |thumbprint: &String| other.certificates.iter().any(|pin| pin.thumbprint == *thumbprint);
    one.certificates.is_empty()
        || other.certificates.is_empty()
        || one.certificates.iter().any(|pin| pinned(&pin.thumbprint))
}
