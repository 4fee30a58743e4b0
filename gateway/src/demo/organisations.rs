//! The twelve organisations of the demo, with test OINs, and the holder whose gateway they call.

use super::people::{INSURER_UZOVI, PARTNERS, PRACTICE_AGB};
use crate::enrolment::EnrolmentFile;
use jiff::civil::Date;
use sluis_core::enrolment::{Agreement, BsnGround, Capacity, Enrolment};
use sluis_core::organisation::{Oin, OinError, Purpose, RecipientType};

/// OIN of the holder: Kracht, whose gateway this is.
pub const HOLDER_OIN: &str = "00000099000000001000";
/// Name of the holder.
pub const HOLDER_NAME: &str = "Kracht voor jeugd en gezin";

/// One organisation that calls.
#[derive(Debug, Clone, Copy)]
pub struct Organisation {
    /// Name of its files: `certs/<slug>.pem`, `profiles/<slug>.toml`.
    pub slug: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its test OIN.
    pub oin: &'static str,
    /// What it is towards the holder.
    pub recipient: RecipientType,
}

/// The municipality that audits, with the recorded agreement under RJ 6a.3.
pub const THE_HAGUE: Organisation = Organisation {
    slug: "den-haag",
    name: "Gemeente 's-Gravenhage",
    oin: "00000099000000001001",
    recipient: RecipientType::Municipality,
};
/// Another municipality.
pub const ROTTERDAM: Organisation = Organisation {
    slug: "rotterdam",
    name: "Gemeente Rotterdam",
    oin: "00000099000000001002",
    recipient: RecipientType::Municipality,
};
/// The police.
pub const POLICE: Organisation = Organisation {
    slug: "politie",
    name: "Politie Eenheid Den Haag",
    oin: "00000099000000003001",
    recipient: RecipientType::Police,
};
/// A health insurer.
pub const INSURER: Organisation = Organisation {
    slug: "zorgverzekeraar",
    name: "Haaglanden Zorgverzekeringen",
    oin: "00000099000000006001",
    recipient: RecipientType::Insurer,
};
/// A practice of GPs.
pub const PRACTICE: Organisation = Organisation {
    slug: "huisartsenpraktijk",
    name: "Huisartsenpraktijk Zeeheldenkwartier",
    oin: "00000099000000006002",
    recipient: RecipientType::GeneralPractitioner,
};
/// The portal through which parents ask.
pub const PORTAL: Organisation = Organisation {
    slug: "ouderportaal",
    name: "Ouderportaal Kracht",
    oin: "00000099000000004001",
    recipient: RecipientType::Parent,
};
/// The holder's own dossier system, which records standing.
pub const DOSSIER_SYSTEM: Organisation = Organisation {
    slug: "dossiersysteem",
    name: "Dossiersysteem Kracht",
    oin: "00000099000000005001",
    recipient: RecipientType::Holder,
};

/// The holder itself, whose persons change enrolments.
pub const HOLDER: Organisation =
    Organisation { slug: "kracht", name: HOLDER_NAME, oin: HOLDER_OIN, recipient: RecipientType::Holder };
/// An eleventh organisation, which nobody has enrolled yet.
pub const NEWCOMER: Organisation = Organisation {
    slug: "westland",
    name: "Gemeente Westland",
    oin: "00000099000000001003",
    recipient: RecipientType::Municipality,
};

/// Slugs of the five partners, in the order of [`PARTNERS`].
const PARTNER_SLUGS: [&str; 5] = ["family-supporters", "incluzio", "yoep", "impegno", "mentaal-beter"];

/// The partners as organisations.
pub fn partners() -> impl Iterator<Item = Organisation> {
    PARTNERS.into_iter().zip(PARTNER_SLUGS).map(|(partner, slug)| Organisation {
        slug,
        name: partner.name,
        oin: partner.oin,
        recipient: RecipientType::CarePartner,
    })
}

/// All twelve.
#[must_use]
pub fn all() -> Vec<Organisation> {
    let mut all = vec![THE_HAGUE, ROTTERDAM];
    all.extend(partners());
    all.extend([POLICE, PORTAL, INSURER, PRACTICE, DOSSIER_SYSTEM]);
    all
}

/// Their enrolments, with agreements until `until`.
///
/// # Errors
/// Never for the constants of this file.
pub fn enrolments(until: Date) -> Result<EnrolmentFile, OinError> {
    let organisation = all().into_iter().map(|o| enrolment(&o, until)).collect::<Result<_, _>>()?;
    Ok(EnrolmentFile { organisation })
}

/// What is asked for the eleventh, with an agreement until `until`.
///
/// # Errors
/// Never for the constants of this file.
pub fn newcomer(until: Date) -> Result<EnrolmentFile, OinError> {
    Ok(EnrolmentFile { organisation: vec![enrolment(&NEWCOMER, until)?] })
}

fn enrolment(organisation: &Organisation, until: Date) -> Result<Enrolment, OinError> {
    let agreement = |reference: &str| Agreement { reference: reference.to_owned(), until };
    let recipient = organisation.recipient;
    let is_municipality = recipient == RecipientType::Municipality;
    let ground = match recipient {
        RecipientType::Municipality | RecipientType::CarePartner => Some("Jeugdwet 7.2.1(1)"),
        RecipientType::Insurer => Some("Zvw 86"),
        RecipientType::GeneralPractitioner => Some("Wabvpz 4"),
        _ => None,
    };
    Ok(Enrolment {
        oin: Oin::parse(organisation.oin)?,
        name: organisation.name.to_owned(),
        unit: String::new(),
        recipient,
        capacity: Some(match recipient {
            RecipientType::CarePartner => Capacity::JointController,
            RecipientType::Parent | RecipientType::Holder => Capacity::Processor,
            _ => Capacity::Controller,
        }),
        purposes: match recipient {
            RecipientType::Municipality => vec![Purpose::InvoiceFormal],
            RecipientType::CarePartner => vec![Purpose::Treatment],
            RecipientType::Parent => vec![Purpose::ParentInformation],
            RecipientType::Police => vec![Purpose::SeriousDanger],
            RecipientType::Insurer => vec![Purpose::ZvwClaim],
            RecipientType::GeneralPractitioner => vec![Purpose::ReferralNotice],
            _ => Vec::new(),
        },
        agreement: agreement(&format!("demo/{}", organisation.slug)),
        agreement_6a3: (organisation.oin == THE_HAGUE.oin).then(|| agreement("demo/den-haag/6a.3")),
        municipality_code: match organisation.slug {
            "den-haag" => Some("0518".to_owned()),
            "rotterdam" => Some("0599".to_owned()),
            "westland" => Some("1783".to_owned()),
            _ => None,
        },
        uzovi: (recipient == RecipientType::Insurer).then(|| INSURER_UZOVI.to_owned()),
        agb: (recipient == RecipientType::GeneralPractitioner).then(|| PRACTICE_AGB.to_owned()),
        secrecy_signed: !is_municipality,
        bsn_ground: ground.map(|article| BsnGround { article: article.to_owned() }),
        records_standing: recipient == RecipientType::Holder,
        suspended_purposes: Vec::new(),
        suspended: false,
        fsc_grants: Vec::new(),
        certificates: Vec::new(),
    })
}
