//! An enrolment in words, for the person who signs for it or looks it up.

use super::{Agreement, Capacity, Enrolment, FscGrant, PinnedCertificate};
use crate::organisation::{Oin, Purpose};

impl PinnedCertificate {
    /// The thumbprint and, where there is one, the last day.
    #[must_use]
    pub fn said(&self) -> String {
        self.until.map_or_else(|| self.thumbprint.clone(), |last| format!("{} until {last}", self.thumbprint))
    }
}

impl FscGrant {
    /// All that it says: the hash, on whose behalf of either side, and the last day.
    #[must_use]
    pub fn said(&self) -> String {
        let Self { hash, delegator, publication_delegator, until } = self;
        let organisation = |oin: &Option<Oin>| oin.as_ref().map_or("nobody else", Oin::as_str).to_owned();
        format!(
            "{} on behalf of {}, to a service offered on behalf of {}, {}",
            hash.as_str(),
            organisation(delegator),
            organisation(publication_delegator),
            until.map_or_else(|| "without end".to_owned(), |last| format!("until {last}")),
        )
    }
}

impl Enrolment {
    /// Type of recipient, and the unit where there is one.
    #[must_use]
    pub fn role(&self) -> String {
        if self.unit.is_empty() { self.recipient.to_string() } else { format!("{} ({})", self.recipient, self.unit) }
    }

    /// What it says, a line each, all of it (B7). It is taken apart here, so that a new field does not compile until it
    /// has words: a person signs for what stands here. [`Self::role`] and the organisation stand above it.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let Self {
            oin: _,
            name,
            unit: _,
            recipient: _,
            capacity,
            purposes,
            suspended_purposes,
            agreement,
            agreement_6a3,
            municipality_code,
            uzovi,
            agb,
            secrecy_signed,
            bsn_ground,
            records_standing,
            suspended,
            fsc_grants,
            certificates,
        } = self;
        let until = |a: &Agreement| format!("{} until {}", a.reference, a.until);
        let code = |code: &Option<String>| code.as_deref().unwrap_or("none").to_owned();
        let mut lines = vec![
            format!("is called `{name}`"),
            format!("processes as {}", capacity.map_or("not stated", Capacity::code)),
            format!("may ask for {}", listed(purposes)),
            format!("under agreement {}", until(agreement)),
            format!("agreement under RJ 6a.3: {}", agreement_6a3.as_ref().map_or("none".to_owned(), until)),
            format!("municipality: {}", code(municipality_code)),
            format!("insurer's code (UZOVI): {}", code(uzovi)),
            format!("provider's code (AGB): {}", code(agb)),
            format!("secrecy is {}signed for", if *secrecy_signed { "" } else { "not " }),
            format!("ground to use a BSN: {}", bsn_ground.as_ref().map_or("none", |ground| &ground.article)),
        ];
        if certificates.is_empty() {
            lines.push("may call with any certificate of its number".to_owned());
        }
        lines.extend(certificates.iter().map(|pin| format!("may call with certificate {}", pin.said())));
        lines.extend(fsc_grants.iter().map(|grant| format!("may call under FSC grant {}", grant.said())));
        if *records_standing {
            lines.push("may record standing".to_owned());
        }
        if !suspended_purposes.is_empty() {
            lines.push(format!("is suspended for {}", listed(suspended_purposes)));
        }
        if *suspended {
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
