//! Who was admitted for what, entry by entry.

use super::super::leaf::{Key, Leaf};
use super::{Report, Stale};
use crate::enrolment::Enrolment;
use crate::organisation::{Oin, Purpose};
use crate::subject::dutch_date;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// An entry that says that an enrolment is used, and changes none.
const FIRST_USE: &str = "FIRST_USE";

/// The enrolments of organisations as entries set them.
#[derive(Debug, Default)]
pub(super) struct Admissions(BTreeMap<String, Admission>);

#[derive(Debug)]
struct Admission {
    since: u64,
    /// `None` when the payload was not at hand.
    enrolments: Option<Vec<Enrolment>>,
}

impl Admissions {
    /// Takes a RECIPIENT entry.
    pub(super) fn set(&mut self, leaf: &Leaf, said: Option<&serde_json::Value>) {
        let first_use = leaf.list(Key::Rs).and_then(<[String]>::first).is_some_and(|action| action == FIRST_USE);
        let Some(organisation) = leaf.text(Key::Rp).filter(|_| !first_use) else { return };
        let enrolments = said.and_then(|said| serde_json::from_value(said.get("enrolments")?.clone()).ok());
        self.0.insert(organisation.to_owned(), Admission { since: leaf.index(), enrolments });
    }

    /// Compares a permit with them: of a delegated call, with those of both organisations.
    pub(super) fn compare(
        &self,
        leaf: &Leaf,
        said: Option<&serde_json::Value>,
        continued: bool,
        report: &mut Report,
    ) -> Option<Stale> {
        let caller = leaf.text(Key::Rp)?;
        let delegator = said.and_then(|said| said.get("fsc")?.get("delegator")?.as_str());
        let mut covered = true;
        for organisation in [Some(caller), delegator].into_iter().flatten() {
            let index = leaf.index();
            let Some(admission) = self.0.get(organisation) else {
                if continued {
                    report.admissions_unknown += 1;
                    return None;
                }
                return Some(Stale::NotAdmitted { index, organisation: organisation.to_owned() });
            };
            // The role is the delegator's, where there is one; the certificate is always the caller's.
            let asks = Asks {
                role: (organisation == delegator.unwrap_or(caller)).then(|| leaf.text(Key::Rt)).flatten(),
                certificate: (organisation == caller).then(|| leaf.text(Key::X5)).flatten(),
                purpose: leaf.text(Key::Pu).and_then(Purpose::from_code),
                today: dutch_date(leaf.time()),
            };
            match &admission.enrolments {
                None => covered = false,
                Some(enrolments) if enrolments.iter().any(|enrolment| asks.is_covered_by(enrolment, organisation)) => {}
                Some(_) => {
                    let organisation = organisation.to_owned();
                    return Some(Stale::NotCovered { index, organisation, since: admission.since });
                }
            }
        }
        if covered {
            report.admissions += 1
        } else {
            report.admissions_by_name += 1
        }
        None
    }
}

/// What a permit needs of an enrolment.
struct Asks<'a> {
    role: Option<&'a str>,
    certificate: Option<&'a str>,
    purpose: Option<Purpose>,
    today: Date,
}

impl Asks<'_> {
    fn is_covered_by(&self, enrolment: &Enrolment, organisation: &str) -> bool {
        Oin::as_str(&enrolment.oin) == organisation
            && enrolment.in_force(self.today)
            && self.purpose.is_some_and(|purpose| enrolment.names(purpose))
            && self.role.is_none_or(|role| role == enrolment.recipient.code())
            && self.certificate.is_none_or(|certificate| enrolment.accepts(certificate, self.today))
    }
}
