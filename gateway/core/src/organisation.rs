//! Organisations as the law and the network know them: their number, their type, and what they may ask for.

use std::fmt;

/// Organisatie-identificatienummer: 20 positions, prefix (8) and number (12), from `Subject.serialNumber` of the certificate.
///
/// Source: OIN-Stelsel (Logius). Prefix `00000099` is for tests.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Oin(String);

/// Why a text is not an OIN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OinError {
    /// Not exactly 20 characters.
    #[error("an OIN has 20 positions, this has {0}")]
    Length(usize),
    /// A character outside the alphabet: 8 digits, then 12 digits or capitals.
    #[error("an OIN is 8 digits followed by 12 digits or capital letters")]
    Alphabet,
    /// The prefix does not name a known register.
    #[error("OIN prefix `{0}` names no register")]
    Prefix(String),
}

impl Oin {
    /// Parses 20 positions; the prefix must be one of the registers 00000001 to 00000010 or 00000099.
    ///
    /// # Errors
    /// [`OinError`] names what is wrong.
    pub fn parse(text: &str) -> Result<Self, OinError> {
        if text.len() != 20 {
            return Err(OinError::Length(text.len()));
        }
        let (prefix, number) = text.split_at_checked(8).ok_or(OinError::Alphabet)?;
        let digits = prefix.bytes().all(|b| b.is_ascii_digit());
        let rest = number.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        if !digits || !rest {
            return Err(OinError::Alphabet);
        }
        let is_register = prefix.starts_with("0000000") && !prefix.ends_with('0');
        if !is_register && !matches!(prefix, "00000099" | "00000010") {
            return Err(OinError::Prefix(prefix.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The 20 positions.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this number may only occur outside production.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.0.starts_with("00000099")
    }
}

impl fmt::Display for Oin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Oin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oin({})", self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Oin {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

closed_list! {
    /// What an organisation or person is towards the holder; decided by our register, never by the caller.
    RecipientType {
        /// Gemeente.
        Municipality = "MUNICIPALITY",
        /// Samenwerkingspartner whose workers give care.
        CarePartner = "CARE_PARTNER",
        /// Ouder or verzorger, through a portal.
        Parent = "PARENT",
        /// Politie.
        Police = "POLICE",
        /// Toegangsteam.
        AccessTeam = "ACCESS_TEAM",
        /// Huisarts.
        GeneralPractitioner = "GENERAL_PRACTITIONER",
        /// Verwijzer.
        Referrer = "REFERRER",
        /// Professional from outside, deployed in consultation.
        ExternalProfessional = "EXTERNAL_PROFESSIONAL",
        /// Crisis Interventie Team.
        CrisisTeam = "CRISIS_TEAM",
        /// eHealth platform.
        EhealthPlatform = "EHEALTH_PLATFORM",
        /// Parent without authority (BW 1:377c).
        ParentWithoutAuthority = "PARENT_WITHOUT_AUTHORITY",
        /// Pleegouder.
        FosterParent = "FOSTER_PARENT",
        /// Voogd.
        Guardian = "GUARDIAN",
        /// Representative who exercises a child's right.
        Representative = "REPRESENTATIVE",
        /// Raad voor de Kinderbescherming.
        ChildProtectionBoard = "CHILD_PROTECTION_BOARD",
        /// Veilig Thuis.
        VeiligThuis = "VEILIG_THUIS",
        /// Rechter.
        Court = "COURT",
        /// Openbaar ministerie.
        PublicProsecution = "PUBLIC_PROSECUTION",
        /// Verwijsindex risicojongeren.
        Vir = "VIR",
        /// Externe klachtencommissie.
        ComplaintsCommittee = "COMPLAINTS_COMMITTEE",
        /// Tuchtcollege.
        DisciplinaryBoard = "DISCIPLINARY_BOARD",
        /// Nationale of Kinderombudsman.
        Ombudsman = "OMBUDSMAN",
        /// Zorgverzekeraar.
        Insurer = "INSURER",
        /// Nederlandse Zorgautoriteit.
        Nza = "NZA",
        /// Centraal Bureau voor de Statistiek.
        Cbs = "CBS",
        /// Gecertificeerde instelling.
        CertifiedInstitution = "CERTIFIED_INSTITUTION",
        /// Inspectie (IGJ, JenV).
        Inspectorate = "INSPECTORATE",
        /// Vertrouwenspersoon.
        TrustPerson = "TRUST_PERSON",
        /// The young person or client.
        Client = "CLIENT",
        /// New care organisation at portability.
        CareOrganisation = "CARE_ORGANISATION",
        /// Nabestaande.
        Relative = "RELATIVE",
        /// Research body other than CBS.
        Researcher = "RESEARCHER",
        /// Survey bureau.
        SurveyBureau = "SURVEY_BUREAU",
        /// An endangered person or emergency service other than the police.
        Endangered = "ENDANGERED",
        /// The holder's own systems: they record standing and receive no dossier data.
        Holder = "HOLDER",
        /// Anyone else.
        Other = "OTHER",
    }
}

impl RecipientType {
    /// Whether the recipient is a person, who is told where to turn to after a refusal (B23).
    #[must_use]
    pub const fn is_natural_person(self) -> bool {
        matches!(
            self,
            Self::Parent
                | Self::ParentWithoutAuthority
                | Self::FosterParent
                | Self::Guardian
                | Self::Representative
                | Self::Client
                | Self::Relative
        )
    }
}

closed_list! {
    /// For what a recipient asks (doelbinding). A purpose is bound to rules, never interpreted.
    Purpose {
        /// Access decision (toegang), D01.
        AccessDecision = "ACCESS_DECISION",
        /// Treatment by an involved worker, D02.
        Treatment = "TREATMENT",
        /// Notice of registration, D03.
        ReferralNotice = "REFERRAL_NOTICE",
        /// Treatment by an outside professional, D04.
        TreatmentExternal = "TREATMENT_EXTERNAL",
        /// Crisis outside office hours, D05.
        Crisis = "CRISIS",
        /// eHealth platform, D06.
        Ehealth = "EHEALTH",
        /// Information to a parent with authority, D07.
        ParentInformation = "PARENT_INFORMATION",
        /// Limited information to a parent without authority, D07b.
        ParentInfoLimited = "PARENT_INFO_LIMITED",
        /// Inquiry by the child protection board, D08.
        ChildProtectionInquiry = "CHILD_PROTECTION_INQUIRY",
        /// Report to Veilig Thuis, D09.
        AbuseReport = "ABUSE_REPORT",
        /// Court order, D10.
        CourtProceedings = "COURT_PROCEEDINGS",
        /// Lawful demand by the prosecution, D11.
        Prosecution = "PROSECUTION",
        /// VIR report, D12.
        VirReport = "VIR_REPORT",
        /// Complaint, D13.
        Complaint = "COMPLAINT",
        /// Disciplinary case, D14.
        Disciplinary = "DISCIPLINARY",
        /// Ombudsman inquiry, D15.
        Ombudsman = "OMBUDSMAN",
        /// Serious danger, D16.
        SeriousDanger = "SERIOUS_DANGER",
        /// Formal invoice control (formele controle), D17.
        InvoiceFormal = "INVOICE_FORMAL",
        /// Material control (materiële controle), D17b.
        InvoiceMaterial = "INVOICE_MATERIAL",
        /// Fraud inquiry, D17c.
        InvoiceFraud = "INVOICE_FRAUD",
        /// Claim under the Zorgverzekeringswet, D18.
        ZvwClaim = "ZVW_CLAIM",
        /// Supply to the NZa, D19.
        NzaSupply = "NZA_SUPPLY",
        /// Beleidsinformatie Jeugd, D20.
        Statistics = "STATISTICS",
        /// Anonymous quality report, D21.
        QualityReport = "QUALITY_REPORT",
        /// Partner deliberation, D22.
        PartnerDeliberation = "PARTNER_DELIBERATION",
        /// Satisfaction survey, D23.
        Survey = "SURVEY",
        /// Execution of a supervision order, D24.
        OtsExecution = "OTS_EXECUTION",
        /// Supervision by an inspectorate, D25.
        Supervision = "SUPERVISION",
        /// Support by a trust person, D26 and D27.
        TrustSupport = "TRUST_SUPPORT",
        /// Safety exception of the trust person, D28.
        TrustSafetyException = "TRUST_SAFETY_EXCEPTION",
        /// Disclosure by the trust person with consent, D29.
        TrustDisclosure = "TRUST_DISCLOSURE",
        /// Supply to a trust person, D30.
        TrustInfoSupply = "TRUST_INFO_SUPPLY",
        /// Request of the person concerned (AVG 15), D31.
        Dsar = "DSAR",
        /// Data portability (AVG 20), D32.
        Portability = "PORTABILITY",
        /// After death, D34.
        Posthumous = "POSTHUMOUS",
        /// Scientific research, D35.
        Research = "RESEARCH",
        /// Offer of preventive activities.
        PreventionOffer = "PREVENTION_OFFER",
        /// Service improvement, aggregates only.
        ServiceImprovement = "SERVICE_IMPROVEMENT",
        /// Another statutory duty; the article is mandatory.
        OtherStatutoryDuty = "OTHER_STATUTORY_DUTY",
        /// A legal claim.
        LegalClaim = "LEGAL_CLAIM",
        /// Sharing outside the cooperation with prior consent, D33.
        Other = "OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oin_accepts_known_registers_only() {
        assert!(Oin::parse("00000001002220647000").is_ok());
        assert!(Oin::parse("00000099000000001000").is_ok_and(|o| o.is_test()));
        assert_eq!(Oin::parse("0000000100222064700"), Err(OinError::Length(19)));
        assert_eq!(Oin::parse("0000000100222064700x"), Err(OinError::Alphabet));
        assert!(matches!(Oin::parse("00000000002220647000"), Err(OinError::Prefix(_))));
        assert!(matches!(Oin::parse("00000042002220647000"), Err(OinError::Prefix(_))));
        assert!(Oin::parse("0000000é02220647000").is_err());
    }
}
