//! Who pays for care and who referred: facts that follow from a client's number, so that no other throw changes.

/// UZOVI code of the demo's insurer, made up.
pub const INSURER_UZOVI: &str = "9901";
/// AGB code of the demo's practice of GPs, made up.
pub const PRACTICE_AGB: &str = "01990001";
/// A made-up practice that does not call.
pub(super) const OTHER_PRACTICE: &str = "01990002";
const INSURERS: [&str; 2] = [INSURER_UZOVI, "9902"];
const PRACTICES: [&str; 3] = [PRACTICE_AGB, OTHER_PRACTICE, "01990003"];
/// AGB code of a made-up youth doctor.
const YOUTH_DOCTOR: &str = "84990001";
const PERFORMANCES: [&str; 3] = ["CO0497", "CO0627", "CO0757"];
const DIAGNOSES: [&str; 3] = ["angststoornissen", "depressieve-stemmingsstoornissen", "aandachtstekort"];

/// What the holder knows of the payment. Care of an adult can fall under the Zvw; care of a child never does here.
pub(super) struct Paid {
    pub(super) financing: &'static str,
    pub(super) insurer: Option<&'static str>,
    pub(super) performance_code: Option<&'static str>,
    pub(super) diagnosis_group: Option<&'static str>,
    pub(super) privacy_statement: bool,
}

impl Paid {
    /// Of client `number` of this age.
    pub(super) fn of(number: u32, age: u32) -> Self {
        let zvw = age >= 18 && number.is_multiple_of(2);
        Self {
            financing: if zvw { "zvw" } else { "jeugdwet" },
            insurer: nth(&INSURERS, number / 2),
            performance_code: nth(&PERFORMANCES, number).filter(|_| zvw),
            diagnosis_group: nth(&DIAGNOSES, number).filter(|_| zvw),
            privacy_statement: number.is_multiple_of(5),
        }
    }
}

/// Whose patient the client is, and who referred.
pub(super) struct Referral {
    pub(super) gp: Option<&'static str>,
    pub(super) referrer: Option<&'static str>,
}

impl Referral {
    /// Of client `number`, by the code of the referrer (COD327).
    pub(super) fn of(number: u32, referrer_type: &str) -> Self {
        let gp = nth(&PRACTICES, number);
        let referrer = match referrer_type {
            "02" => gp,
            "03" => Some(YOUTH_DOCTOR),
            _ => None,
        };
        Self { gp, referrer }
    }
}

fn nth(list: &[&'static str], number: u32) -> Option<&'static str> {
    list.get(number as usize % list.len()).copied()
}
