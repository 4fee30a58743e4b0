//! Who asks what about whom, and which fields the law and the privacy statement let leave: written by hand.

use crate::world::desk::Desk;
use crate::world::people::{Client, ROTTERDAM_CODE, actor};
use crate::world::raw::Raw;
use sluis::demo::organisations::{INSURER, Organisation, POLICE, PORTAL, PRACTICE, ROTTERDAM, THE_HAGUE, partners};
use sluis_adapters::system::SystemClock;
use sluis_core::organisation::{Purpose, RecipientType};
use sluis_core::ports::Clock;
use sluis_core::standing::{Change, ConsentBy, DANGER_CRITERIA, ObjectionKind, ReviewDecision};
use sluis_proto::v1;
use sluis_proto::v1::audit_invoice_request::Message;

const WORKER: &str = "canary-worker-7";
const CONTROLLER: &str = "canary-controller-7";

/// What is asked.
#[derive(Clone, Copy, PartialEq)]
pub enum Asked {
    /// A release for this purpose, by a worker or the parent.
    Release(v1::Purpose),
    /// An audit of one line that agrees with the billing record.
    Line,
    /// An audit of one line with another amount.
    OtherAmount,
}

/// One question and what may leave.
pub struct Case {
    pub name: &'static str,
    pub who: Organisation,
    pub client: Client,
    pub standing: Vec<Change>,
    pub asked: Asked,
    /// Codes of the fields that leave, by spaces.
    pub fields: &'static str,
}

const TREATMENT: &str = "name birth_date gender address postcode house_number place phone email bsn client_number \
    help_question health_summary plan plan_summary care_status appointments parents_contact parents_authority";
const TREATMENT_SECRET: &str = "name birth_date gender bsn client_number help_question health_summary plan plan_summary \
    care_status appointments parents_authority";
const PARENT: &str = "care_status plan_summary appointments";
const PARENT_WITH_PLAN: &str = "care_status plan_summary appointments plan";
const POLICE_FIELDS: &str = "name birth_date whereabouts danger_nature persons_at_risk";
const INVOICE: &str = "bsn provider_agb period allocation_number product_category product_code volume unit tariff amount \
    start_date end_date referring_doctor decision_number measure_type";
const INVOICE_AGREED: &str = "bsn provider_agb period allocation_number product_category product_code volume unit tariff \
    amount start_date end_date referring_doctor decision_number measure_type name address place";

const ZVW: &str = "bsn birth_date insurer_id performance_code diagnosis_group";
const ZVW_PRIVATE: &str = "bsn birth_date insurer_id performance_code";
const NOTICE: &str = "name birth_date bsn registered_on worker_contact";

fn later() -> u64 {
    SystemClock.now() + 3_600_000
}

fn danger() -> Change {
    let criteria = DANGER_CRITERIA.iter().map(ToString::to_string).collect();
    Change::Danger { professional: actor("canary-first-7"), criteria, until: later() }
}

fn consent() -> Change {
    let (purpose, recipient) = (Purpose::ParentInformation, RecipientType::Parent);
    Change::Consent { purpose, recipient, by: ConsentBy::Youth, given: true }
}

fn review(client: &Client) -> Change {
    Change::Review {
        purpose: Purpose::ParentInformation,
        organisation: sluis_core::organisation::Oin::parse(PORTAL.oin).unwrap(),
        actor: Some(actor(&client.parent())),
        professional: actor("canary-first-7"),
        decision: ReviewDecision::Permitted,
        until: later(),
    }
}

/// Every rule at every field set it can reach, and what must give nothing.
pub fn cases() -> Vec<Case> {
    let mut all = treatment();
    all.extend(parents());
    all.extend(police());
    all.extend(invoices());
    all.extend(claims());
    all.extend(notices());
    all
}

fn treatment() -> Vec<Case> {
    let who = partners().next().unwrap();
    let case = |name, client: Client, on: bool, fields| Case {
        name,
        who,
        standing: if on { vec![client.caseload(who.oin, WORKER)] } else { Vec::new() },
        client,
        asked: Asked::Release(v1::Purpose::Treatment),
        fields,
    };
    vec![
        case("treatment", Client::new(1, 8), true, TREATMENT),
        case("treatment, secret residence", Client::new(2, 8).secret(), true, TREATMENT_SECRET),
        case("treatment, not on the case", Client::new(3, 8), false, ""),
        case("treatment, case ended", Client::new(4, 8).ended(), true, ""),
    ]
}

fn parents() -> Vec<Case> {
    let case = |name, n, age, more: fn(&Client) -> Vec<Change>, fields| {
        let client = Client::new(n, age);
        let mut standing = vec![client.authority()];
        standing.extend(more(&client));
        Case { name, who: PORTAL, client, standing, asked: Asked::Release(v1::Purpose::ParentInformation), fields }
    };
    let unable = |_: &Client| vec![Change::Capacity { able: false }];
    let objects = |_: &Client| vec![Change::Objection { kind: ObjectionKind::ShareWithParents, made: true }];
    vec![
        case("parent, child of 8", 5, 8, |_| Vec::new(), PARENT_WITH_PLAN),
        case("parent, youth of 14, reviewed", 6, 14, |c| vec![review(c)], PARENT),
        case("parent, youth of 14, not able", 7, 14, unable, PARENT_WITH_PLAN),
        case("parent, youth of 16, not able", 8, 16, unable, PARENT_WITH_PLAN),
        case("parent, youth of 16, consent", 9, 16, |_| vec![consent()], PARENT),
        case("parent, adult, consent", 10, 19, |_| vec![consent()], PARENT),
        case("parent, youth of 14, objected", 11, 14, objects, ""),
        case("parent, youth of 16, no consent", 12, 16, |_| Vec::new(), ""),
    ]
}

fn police() -> Vec<Case> {
    let case = |name, client, approved: bool, fields| {
        let mut standing = vec![danger()];
        standing.extend(approved.then(|| Change::DangerApproval { professional: actor("canary-second-7") }));
        Case { name, who: POLICE, client, standing, asked: Asked::Release(v1::Purpose::SeriousDanger), fields }
    };
    vec![
        case("police", Client::new(13, 15), true, POLICE_FIELDS),
        case("police, secret residence", Client::new(14, 15).secret(), true, POLICE_FIELDS),
        case("police, not approved", Client::new(15, 15), false, ""),
    ]
}

fn invoices() -> Vec<Case> {
    let case = |name, who, client, standing, asked, fields| Case { name, who, client, standing, asked, fields };
    let release = Asked::Release(v1::Purpose::InvoiceFormal);
    let restricted = vec![Change::Restriction { set: true }];
    let elsewhere = |n| Client::new(n, 8).of(ROTTERDAM_CODE);
    vec![
        case("invoice, agreement", THE_HAGUE, Client::new(16, 8), vec![], Asked::Line, INVOICE_AGREED),
        case("invoice, agreement, secret", THE_HAGUE, Client::new(17, 8).secret(), vec![], Asked::Line, INVOICE),
        case("invoice, no agreement", ROTTERDAM, elsewhere(18), vec![], Asked::Line, INVOICE),
        case("invoice, other municipality", ROTTERDAM, Client::new(19, 8), vec![], Asked::Line, ""),
        case("invoice, restricted", THE_HAGUE, Client::new(20, 8), restricted, Asked::Line, ""),
        case("invoice, other amount", THE_HAGUE, Client::new(21, 8), vec![], Asked::OtherAmount, ""),
        case("invoice, without a line", THE_HAGUE, Client::new(22, 8), vec![], release, ""),
    ]
}

/// A release names no billing record, so of a claim's set only what stands with the client has a value.
fn claims() -> Vec<Case> {
    let asked = Asked::Release(v1::Purpose::ZvwClaim);
    let case = |name, client, standing, fields| Case { name, who: INSURER, client, standing, asked, fields };
    vec![
        case("insurer", Client::new(23, 19).zvw(), vec![], ZVW),
        case("insurer, privacy statement", Client::new(24, 19).zvw().private(), vec![], ZVW_PRIVATE),
        case("insurer, care under the Jeugdwet", Client::new(25, 19), vec![], ""),
        case("insurer, restricted", Client::new(26, 19).zvw(), vec![Change::Restriction { set: true }], ""),
    ]
}

fn notices() -> Vec<Case> {
    let asked = Asked::Release(v1::Purpose::ReferralNotice);
    let case = |name, client, standing, fields| Case { name, who: PRACTICE, client, standing, asked, fields };
    let objects = vec![Change::Objection { kind: ObjectionKind::Processing, made: true }];
    vec![
        case("own GP", Client::new(27, 13), vec![], NOTICE),
        case("own GP, secret residence", Client::new(28, 8).secret(), vec![], NOTICE),
        case("own GP, objected", Client::new(29, 13), objects, ""),
        case("own GP, good care", Client::new(30, 13), vec![Change::GoodCare { withheld: true }], ""),
        case("own GP, case ended", Client::new(31, 13).ended(), vec![], ""),
        case("another GP", Client::new(32, 13).of_other_doctors(), vec![], ""),
    ]
}

impl Case {
    /// Whether masks are tried: where something leaves, one field at a time.
    pub fn has_masks(&self) -> bool {
        matches!(self.asked, Asked::Release(_)) && !self.fields.is_empty()
    }

    /// Names of persons that were sent, which nobody but the payloads may keep.
    pub fn words(&self) -> Vec<(String, String)> {
        [WORKER, CONTROLLER, "canary-first-7", "canary-second-7"].map(|w| (w.to_owned(), w.to_owned())).to_vec()
    }

    fn actor(&self) -> String {
        if self.who.recipient == RecipientType::Parent { self.client.parent() } else { WORKER.to_owned() }
    }

    /// Asks, and gives every byte of the reply.
    pub async fn ask(&self, desk: &Desk, mask: Option<v1::Field>) -> Raw {
        match self.asked {
            Asked::Release(purpose) => {
                let mut question = self.client.question(purpose, &self.actor());
                question.fields = mask.map(|f| f as i32).into_iter().collect();
                desk.raw("/sluis.v1.ReleaseService/Release", &[question]).await
            }
            Asked::Line | Asked::OtherAmount => {
                let mut line = self.client.claim();
                line.amount += u32::from(self.asked == Asked::OtherAmount);
                let opening = v1::AuditOpening {
                    declaration_number: "D1".to_owned(),
                    provider_agb: self.client.provider_agb(),
                    actor: CONTROLLER.to_owned(),
                };
                let sent = [Message::Opening(opening), Message::Line(line)];
                let sent = sent.map(|m| v1::AuditInvoiceRequest { message: Some(m) });
                desk.raw("/sluis.v1.InvoiceAuditService/AuditInvoice", &sent).await
            }
        }
    }

    /// Asks for an explanation, where there is one.
    pub async fn explain(&self, desk: &Desk) -> Option<Raw> {
        let Asked::Release(purpose) = self.asked else { return None };
        let v1::ReleaseRequest { subject, purpose, fields, actor } = self.client.question(purpose, &self.actor());
        let question = v1::ExplainRequest { subject, purpose, fields, actor };
        Some(desk.raw("/sluis.v1.ReleaseService/Explain", &[question]).await)
    }
}
