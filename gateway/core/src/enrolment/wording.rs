//! An enrolment in words, for the person who signs for it or looks it up.

use super::{Agreement, Capacity, Enrolment, PinnedCertificate};
use crate::organisation::Purpose;

impl PinnedCertificate {
    /// The thumbprint and, where there is one, the last day.
    #[must_use]
    pub fn said(&self) -> String {
        self.until.map_or_else(|| self.thumbprint.clone(), |last| format!("{} until {last}", self.thumbprint))
    }
}

impl Enrolment {
    /// Type of recipient, and the unit where there is one.
    #[must_use]
    pub fn role(&self) -> String {
        if self.unit.is_empty() { self.recipient.to_string() } else { format!("{} ({})", self.recipient, self.unit) }
    }

    /// What it says, a line each, all of it (B7).
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let agreement = |a: &Agreement| format!("{} until {}", a.reference, a.until);
        let mut lines = vec![
            format!("is called `{}`", self.name),
            format!("processes as {}", self.capacity.map_or("not stated", Capacity::code)),
            format!("may ask for {}", listed(&self.purposes)),
            format!("under agreement {}", agreement(&self.agreement)),
            format!("agreement under RJ 6a.3: {}", self.agreement_6a3.as_ref().map_or("none".to_owned(), agreement)),
            format!("municipality: {}", self.municipality_code.as_deref().unwrap_or("none")),
            format!("secrecy is {}signed for", if self.secrecy_signed { "" } else { "not " }),
            format!("ground to use a BSN: {}", self.bsn_ground.as_ref().map_or("none", |ground| &ground.article)),
        ];
        if self.certificates.is_empty() {
            lines.push("may call with any certificate of its number".to_owned());
        }
        lines.extend(self.certificates.iter().map(|pin| format!("may call with certificate {}", pin.said())));
        if self.records_standing {
            lines.push("may record standing".to_owned());
        }
        if !self.suspended_purposes.is_empty() {
            lines.push(format!("is suspended for {}", listed(&self.suspended_purposes)));
        }
        if self.suspended {
            lines.push("is suspended".to_owned());
        }
        lines
    }
}

pub(super) fn listed(purposes: &[Purpose]) -> String {
    if purposes.is_empty() {
        return "nothing".to_owned();
    }
    purposes.iter().map(|purpose| purpose.code()).collect::<Vec<_>>().join(", ")
}
