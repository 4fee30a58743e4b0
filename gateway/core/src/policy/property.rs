//! What must be so whatever a policy says: the list of properties that every point of the input space is held against.
//!
//! Written apart from `decide`: an oracle that knows the law's limits and the ceiling, never the clauses of a rule.

use super::ceiling::Ceiling;
use crate::fact::{Fact, Facts};
use crate::field::{Field, FieldClass, FieldSet};
use crate::organisation::{Purpose, RecipientType};

/// One decided point.
pub(super) struct Point<'a> {
    pub(super) recipient: RecipientType,
    pub(super) purpose: Purpose,
    pub(super) facts: Facts,
    pub(super) released: FieldSet,
    pub(super) ceiling: &'a Ceiling,
}

impl Point<'_> {
    fn is(&self, fact: Fact, value: &str) -> bool {
        self.facts.value(fact) == Some(value)
    }

    fn nothing(&self) -> bool {
        self.released.is_empty()
    }

    fn is_16_or_older_and_able(&self) -> bool {
        (self.is(Fact::Age, "16-17") || self.is(Fact::Age, "18+")) && self.is(Fact::Capable, "true")
    }

    fn is_12_to_15_and_able(&self) -> bool {
        self.is(Fact::Age, "12-15") && self.is(Fact::Capable, "true")
    }
}

/// A property of single points, for the pairs it concerns, with the facts that must be varied to test it.
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) facts: &'static [Fact],
    pub(super) concerns: fn(RecipientType, Purpose) -> bool,
    pub(super) holds: fn(&Point<'_>) -> bool,
}

const ANYONE: fn(RecipientType, Purpose) -> bool = |_, _| true;
const A_PARENT: fn(RecipientType, Purpose) -> bool = |r, _| r == RecipientType::Parent;
const THE_POLICE: fn(RecipientType, Purpose) -> bool = |r, p| r == RecipientType::Police || p == Purpose::SeriousDanger;
const AN_INVOICE: fn(RecipientType, Purpose) -> bool = |_, p| p == Purpose::InvoiceFormal;
const A_PARTNER: fn(RecipientType, Purpose) -> bool = |r, _| r == RecipientType::CarePartner;
const AN_INSURER: fn(RecipientType, Purpose) -> bool = |r, p| r == RecipientType::Insurer || p == Purpose::ZvwClaim;
const A_NOTICE: fn(RecipientType, Purpose) -> bool = |_, p| p == Purpose::ReferralNotice;

/// Every property of single points.
pub(super) const PROPERTIES: &[Property] = &[
    Property {
        name: "every released field is below the ceiling of its pair",
        facts: &[],
        concerns: ANYONE,
        holds: |p| p.released.is_subset(p.ceiling.allow(p.recipient, p.purpose)),
    },
    Property {
        name: "no released field is one that the recipient may never have",
        facts: &[],
        concerns: ANYONE,
        holds: |p| p.released.intersection(p.ceiling.never(p.recipient)).is_empty(),
    },
    Property {
        name: "nothing about an unknown subject or to a recipient not enrolled for the purpose",
        facts: &[Fact::Known, Fact::EnrolledPurpose],
        concerns: ANYONE,
        holds: |p| (p.is(Fact::Known, "true") && p.is(Fact::EnrolledPurpose, "true")) || p.nothing(),
    },
    Property {
        name: "nothing about a restricted subject, serious danger excepted (AVG 18(2))",
        facts: &[Fact::Restriction],
        concerns: |_, p| p != Purpose::SeriousDanger,
        holds: |p| p.is(Fact::Restriction, "false") || p.nothing(),
    },
    Property {
        name: "a secret residence: no place and no contact to anyone, whereabouts in serious danger excepted",
        facts: &[Fact::ResidenceSecret],
        concerns: ANYONE,
        holds: |p| p.is(Fact::ResidenceSecret, "false") || p.released.iter().all(|f| !locates(f, p.purpose)),
    },
    Property {
        name: "what a professional withholds as good care goes to no worker, no parent, no GP and no referrer (7.3.11(3))",
        facts: &[Fact::WithheldGoodCare],
        concerns: |r, p| A_PARENT(r, p) || A_PARTNER(r, p) || A_NOTICE(r, p),
        holds: |p| p.is(Fact::WithheldGoodCare, "false") || p.nothing(),
    },
    Property {
        name: "a parent without verified authority gets nothing",
        facts: &[Fact::Authority],
        concerns: A_PARENT,
        holds: |p| p.is(Fact::Authority, "verified") || p.nothing(),
    },
    Property {
        name: "from 16 and able, a parent gets nothing without the youth's consent",
        facts: &[Fact::Age, Fact::Capable, Fact::ConsentYouth],
        concerns: A_PARENT,
        holds: |p| !p.is_16_or_older_and_able() || p.is(Fact::ConsentYouth, "given") || p.nothing(),
    },
    Property {
        name: "from 12 to 15, able and objecting, a parent gets nothing unless a professional permitted it",
        facts: &[Fact::Age, Fact::Capable, Fact::Objection, Fact::ProfessionalReview],
        concerns: A_PARENT,
        holds: |p| {
            let objects = p.is_12_to_15_and_able() && !p.is(Fact::Objection, "false");
            !objects || p.is(Fact::ProfessionalReview, "permitted") || p.nothing()
        },
    },
    Property {
        name: "from 12 and able, a parent gets information and never the plan itself (B13)",
        facts: &[Fact::Age, Fact::Capable],
        concerns: A_PARENT,
        holds: |p| !(p.is_12_to_15_and_able() || p.is_16_or_older_and_able()) || !p.released.contains(Field::Plan),
    },
    Property {
        name: "serious danger needs confirmation, all criteria and a second approval",
        facts: &[Fact::Danger, Fact::CriteriaRecorded, Fact::SecondApproval],
        concerns: THE_POLICE,
        holds: |p| {
            let approved = p.is(Fact::CriteriaRecorded, "true") && p.is(Fact::SecondApproval, "true");
            (p.is(Fact::Danger, "confirmed") && approved) || p.nothing()
        },
    },
    Property {
        name: "an invoice is checked by the own municipality and against a declared line only",
        facts: &[Fact::Declared, Fact::OwnMunicipality],
        concerns: AN_INVOICE,
        holds: |p| (p.is(Fact::Declared, "true") && p.is(Fact::OwnMunicipality, "true")) || p.nothing(),
    },
    Property {
        name: "with an invoice, beside the BSN, who and where go only under an agreement (RJ 6a.3)",
        facts: &[Fact::Agreement6a3],
        concerns: AN_INVOICE,
        holds: |p| p.is(Fact::Agreement6a3, "true") || p.released.iter().all(|f| !identifies(f)),
    },
    Property {
        name: "a partner's worker is on the case, the case runs, and secrecy was signed for",
        facts: &[Fact::Relation, Fact::ActiveCase, Fact::SecrecySigned],
        concerns: A_PARTNER,
        holds: |p| {
            let involved = p.is(Fact::Relation, "direct_care") && p.is(Fact::ActiveCase, "true");
            (involved && p.is(Fact::SecrecySigned, "true")) || p.nothing()
        },
    },
    Property {
        name: "a trust person opens the file of the own client only",
        facts: &[Fact::Relation],
        concerns: |r, _| r == RecipientType::TrustPerson,
        holds: |p| p.is(Fact::Relation, "direct_care") || p.nothing(),
    },
    Property {
        name: "an insurer gets claims on care under the Zvw of its own insured only",
        facts: &[Fact::Financing, Fact::OwnInsured],
        concerns: AN_INSURER,
        holds: |p| (p.is(Fact::Financing, "zvw") && p.is(Fact::OwnInsured, "true")) || p.nothing(),
    },
    Property {
        name: "after a privacy statement, or while that is unknown, nothing that is content goes to an insurer",
        facts: &[Fact::PrivacyStatement],
        concerns: AN_INSURER,
        holds: |p| p.is(Fact::PrivacyStatement, "false") || p.released.iter().all(|f| f.class() != FieldClass::Content),
    },
    Property {
        name: "the notice of a registration goes to no GP but the client's own",
        facts: &[Fact::OwnGp],
        concerns: |r, p| A_NOTICE(r, p) && r == RecipientType::GeneralPractitioner,
        holds: |p| p.is(Fact::OwnGp, "true") || p.nothing(),
    },
    Property {
        name: "the notice of a registration goes to nobody else but whoever referred the client",
        facts: &[Fact::OwnReferrer],
        concerns: |r, p| A_NOTICE(r, p) && r != RecipientType::GeneralPractitioner,
        holds: |p| p.is(Fact::OwnReferrer, "true") || p.nothing(),
    },
    Property {
        name: "an objection withholds the notice of a registration, and a notice has no content",
        facts: &[Fact::Objection],
        concerns: A_NOTICE,
        holds: |p| {
            let content = p.released.iter().any(|f| matches!(f.class(), FieldClass::Content | FieldClass::ThirdParty));
            (p.is(Fact::Objection, "false") && !content) || p.nothing()
        },
    },
];

/// Steps of a fact that may never add a field: from each value to those after it (core-design 2.5, monotone).
pub(super) const PROTECTIVE: &[(Fact, &[&str])] = &[
    (Fact::ConsentYouth, &["given", "none", "withdrawn"]),
    (Fact::ConsentHolder, &["given", "none", "withdrawn"]),
    (Fact::Restriction, &["false", "true"]),
    (Fact::Objection, &["false", "true"]),
    (Fact::WithheldGoodCare, &["false", "true"]),
    (Fact::ResidenceSecret, &["false", "true"]),
    (Fact::Authority, &["verified", "unverified", "not_held"]),
    (Fact::Agreement6a3, &["true", "false"]),
    (Fact::OwnMunicipality, &["true", "false"]),
    (Fact::SecrecySigned, &["true", "false"]),
    (Fact::SecondApproval, &["true", "false"]),
    (Fact::CriteriaRecorded, &["true", "false"]),
    (Fact::ActiveCase, &["true", "false"]),
    (Fact::OwnInsured, &["true", "false"]),
    (Fact::PrivacyStatement, &["false", "true"]),
    (Fact::OwnGp, &["true", "false"]),
    (Fact::OwnReferrer, &["true", "false"]),
];

/// The facts of [`PROTECTIVE`] that are varied for every rule, whether or not it mentions them.
pub(super) const ALWAYS_VARIED: [Fact; 6] = [
    Fact::ConsentYouth,
    Fact::ConsentHolder,
    Fact::Restriction,
    Fact::Objection,
    Fact::WithheldGoodCare,
    Fact::ResidenceSecret,
];

/// The purposes that a controller's policy may have at all; `None` for any (B19).
pub(super) fn purposes_of(controller: &str) -> Option<&'static [Purpose]> {
    const TRUST: [Purpose; 8] = [
        Purpose::TrustSupport,
        Purpose::TrustSafetyException,
        Purpose::TrustDisclosure,
        Purpose::TrustInfoSupply,
        Purpose::Dsar,
        Purpose::Portability,
        Purpose::Complaint,
        Purpose::Posthumous,
    ];
    (controller == "AKJ").then_some(&TRUST)
}

/// Whether a field tells where a person is or how to reach him.
fn locates(field: Field, purpose: Purpose) -> bool {
    let excepted = purpose == Purpose::SeriousDanger && field == Field::Whereabouts;
    let class = matches!(field.class(), FieldClass::Location | FieldClass::Contact);
    (class || field == Field::ParentsContact) && !excepted
}

/// Whether a field says who or where, the BSN apart.
fn identifies(field: Field) -> bool {
    matches!(field.class(), FieldClass::Identity | FieldClass::Location | FieldClass::Contact)
}
