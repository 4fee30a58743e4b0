//! What each command makes of the enrolments of an organisation.

use crate::cli::Failure;
use jiff::ToSpan;
use jiff::civil::Date;
use sluis_core::enrolment::{Enrolment, PinnedCertificate};
use sluis_core::organisation::Purpose;

/// Days that old certificates live on after a rotation.
const OVERLAP_DAYS: i64 = 7;

/// A part of an organisation.
#[derive(Debug, Default)]
pub(super) struct Which {
    /// Only this unit.
    pub unit: Option<String>,
    /// Only this purpose.
    pub purpose: Option<Purpose>,
}

/// What is to be done.
pub(super) enum Act {
    /// Put these in place of what the same unit has in the same role, or beside it.
    Add(Vec<Enrolment>),
    /// Refuse.
    Suspend(Which),
    /// Lift.
    Resume(Which),
    /// Accept a new certificate.
    Rotate {
        /// Only this unit.
        unit: Option<String>,
        /// The new certificate.
        thumbprint: String,
        /// Last day of the others.
        until: Option<Date>,
        /// Today.
        today: Date,
    },
}

impl Act {
    /// The enrolments afterwards.
    pub(super) fn after(&self, present: &[Enrolment]) -> Result<Vec<Enrolment>, Failure> {
        let mut after = present.to_vec();
        match self {
            Self::Add(entries) => {
                for entry in entries {
                    let same = |e: &&mut Enrolment| e.unit == entry.unit && e.recipient == entry.recipient;
                    match after.iter_mut().find(same) {
                        Some(place) => *place = entry.clone(),
                        None => after.push(entry.clone()),
                    }
                }
            }
            Self::Suspend(which) => which.each(&mut after, |entry| match which.purpose {
                None => entry.suspended = true,
                Some(purpose) if entry.names(purpose) => entry.suspended_purposes.push(purpose),
                Some(_) => {}
            })?,
            Self::Resume(which) => which.each(&mut after, |entry| match which.purpose {
                None => entry.suspended = false,
                Some(purpose) => entry.suspended_purposes.retain(|p| *p != purpose),
            })?,
            Self::Rotate { unit, thumbprint, until, today } => {
                let last = until.unwrap_or_else(|| today.saturating_add(OVERLAP_DAYS.days()));
                let which = Which { unit: unit.clone(), purpose: None };
                if until.is_some() && present.iter().any(|e| which.takes(e) && e.certificates.is_empty()) {
                    return Err(
                        "no certificate is pinned yet, so there is none to give a last day: leave out --until, and \
                                only the new one is accepted from then on"
                            .into(),
                    );
                }
                which.each(&mut after, |entry| rotate(entry, thumbprint, last, *today))?;
            }
        }
        Ok(after)
    }
}

impl Which {
    fn takes(&self, entry: &Enrolment) -> bool {
        self.unit.as_ref().is_none_or(|unit| *unit == entry.unit)
            && self.purpose.is_none_or(|purpose| entry.purposes.contains(&purpose))
    }

    fn each(&self, entries: &mut [Enrolment], change: impl FnMut(&mut Enrolment)) -> Result<(), Failure> {
        let found = entries.iter_mut().filter(|entry| self.takes(entry));
        if found.map(change).count() == 0 {
            return Err("no entry of the organisation fits: look with `sluis organisation show`".into());
        }
        Ok(())
    }
}

/// The old certificates get a last day, those whose last day has passed go, and the new one comes.
fn rotate(entry: &mut Enrolment, thumbprint: &str, last: Date, today: Date) {
    entry.certificates.retain(|pin| pin.thumbprint != thumbprint && pin.until.is_none_or(|until| until >= today));
    for pin in &mut entry.certificates {
        pin.until = Some(pin.until.map_or(last, |until| until.min(last)));
    }
    entry.certificates.push(PinnedCertificate { thumbprint: thumbprint.to_owned(), until: None });
}
