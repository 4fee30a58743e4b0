//! The facts that a holder answers without a field leaving: what each means, and what its values are.

use super::{Domain, Shape};
use sluis_core::fact::Fact;
use sluis_core::holder_fact::HeldFact;

/// Date of birth.
pub(in crate::holder) const BIRTH_DATE: Domain = Domain::of("date of birth, for the age", Shape::Date);
/// The responsible municipality.
pub(in crate::holder) const MUNICIPALITY_CODE: Domain =
    Domain::of("CBS code of the responsible municipality (woonplaatsbeginsel)", Shape::Digits(4));
/// Running care.
const ACTIVE_CASE: Domain = Domain::of("whether care is running", Shape::Flag);
/// A secret residence.
const RESIDENCE_SECRET: Domain = Domain::of("whether the residence must stay secret (RJ 6a.6)", Shape::Flag);

/// What a held fact is.
pub(in crate::holder) const fn of_held(fact: HeldFact) -> Domain {
    let (meaning, shape) = match fact {
        HeldFact::FinancingLaw => ("the law that pays for the care", Shape::Word(Fact::Financing)),
        HeldFact::InsurerUzovi => ("UZOVI code of the client's insurer", Shape::Digits(4)),
        HeldFact::PrivacyStatement => ("whether the privacy statement towards the insurer was signed", Shape::Flag),
        HeldFact::GpAgb => ("AGB code of the client's GP (huisarts)", Shape::Digits(8)),
        HeldFact::GpOin => ("OIN of the practice of the client's GP", Shape::Oin),
        HeldFact::ReferrerAgb => ("AGB code of whoever referred", Shape::Digits(8)),
        HeldFact::ReferrerOin => ("OIN of the organisation of whoever referred", Shape::Oin),
    };
    Domain::of(meaning, shape)
}

/// The other number by which the same doctor is known.
pub(in crate::holder) const fn beside(fact: HeldFact) -> Option<HeldFact> {
    match fact {
        HeldFact::GpAgb => Some(HeldFact::GpOin),
        HeldFact::GpOin => Some(HeldFact::GpAgb),
        HeldFact::ReferrerAgb => Some(HeldFact::ReferrerOin),
        HeldFact::ReferrerOin => Some(HeldFact::ReferrerAgb),
        HeldFact::FinancingLaw | HeldFact::InsurerUzovi | HeldFact::PrivacyStatement => None,
    }
}

/// Every fact with its name in maps.
pub(in crate::holder) fn all() -> Vec<(&'static str, Domain)> {
    let first = [
        ("birth_date", BIRTH_DATE),
        ("municipality_code", MUNICIPALITY_CODE),
        ("active_case", ACTIVE_CASE),
        ("residence_secret", RESIDENCE_SECRET),
    ];
    first.into_iter().chain(HeldFact::ALL.iter().map(|fact| (fact.code(), of_held(*fact)))).collect()
}
