//! Standing that cannot be recorded: by whom, for whom, and what.

use super::{Bench, due};
use crate::world::people::Client;
use sluis::client::ask::by_client_number;
use sluis::demo::organisations::{DOSSIER_SYSTEM, THE_HAGUE};
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use sluis_core::standing::DANGER_CRITERIA;
use sluis_proto::v1;
use sluis_proto::v1::standing::Kind;
use tonic::Code;

const DAY: u64 = 24 * 3600 * 1000;

/// Name, what, recorded or withdrawn, and what is said.
type Row = (&'static str, Kind, bool, (Code, &'static str, &'static str));

fn danger(until: u64, professional: &str, criteria: &[&str]) -> Kind {
    let criteria = criteria.iter().map(ToString::to_string).collect();
    Kind::Danger(v1::Danger { professional: professional.to_owned(), criteria, until })
}

fn approval(professional: &str) -> Kind {
    Kind::DangerApproval(v1::DangerApproval { professional: professional.to_owned() })
}

fn review(decision: v1::ReviewDecision, until: u64) -> Kind {
    Kind::Review(v1::Review {
        purpose: v1::Purpose::ParentInformation as i32,
        actor: String::new(),
        professional: "worker-1".to_owned(),
        decision: decision as i32,
        until,
        organisation_oin: PORTAL.to_owned(),
    })
}

/// The portal that names the parents.
const PORTAL: &str = sluis::demo::organisations::PORTAL.oin;

fn consent(purpose: i32, recipient_type: i32, by: i32) -> Kind {
    Kind::Consent(v1::Consent { purpose, recipient_type, by })
}

fn rows(now: u64) -> Vec<Row> {
    let malformed = |field| (Code::InvalidArgument, "QUESTION_MALFORMED", field);
    let actor = |field| (Code::InvalidArgument, "ACTOR_MALFORMED", field);
    let refused = (Code::FailedPrecondition, "CHANGE_REFUSED", "");
    let authority = |person: &str, state| {
        Kind::Authority(v1::Authority { person: person.to_owned(), state, portal_oin: PORTAL.to_owned() })
    };
    let caseload = |oin: &str, worker: &str| {
        Kind::Caseload(v1::Caseload { partner_oin: oin.to_owned(), worker: worker.to_owned() })
    };
    let purpose_unknown = (Code::InvalidArgument, "PURPOSE_UNKNOWN", "standing.consent.purpose");
    let permitted = v1::ReviewDecision::Permitted;
    vec![
        ("consent for nothing", consent(0, 3, 1), true, purpose_unknown),
        ("consent for nobody", consent(7, 0, 1), true, malformed("standing.consent.recipient_type")),
        ("consent by nobody", consent(7, 3, 0), true, malformed("standing.consent.by")),
        ("which objection", Kind::Objection(v1::Objection { kind: 9 }), true, malformed("standing.objection.kind")),
        ("which authority", authority("parent-1", 0), true, malformed("standing.authority.state")),
        ("authority of nobody", authority("", 1), true, actor("standing.authority.person")),
        ("no such partner", caseload("123", "fs-1"), true, malformed("standing.caseload.partner_oin")),
        ("no worker", caseload("00000099000000002001", ""), true, actor("standing.caseload.worker")),
        ("danger that is over", danger(now - 1, "w-1", &[]), true, malformed("standing.danger.until")),
        ("danger for too long", danger(now + 8 * DAY, "w-1", &[]), true, malformed("standing.danger.until")),
        ("danger by nobody", danger(now + DAY, "", &[]), true, actor("standing.danger.professional")),
        ("unknown criterion", danger(now + DAY, "w-1", &["because-jansen-says-so"]), true, refused),
        ("nothing to approve", approval("w-2"), true, refused),
        ("approval by nobody", approval(""), true, actor("standing.danger_approval.professional")),
        ("an approval withdrawn", approval("w-2"), false, malformed("standing")),
        ("a review withdrawn", review(permitted, now + DAY), false, malformed("standing")),
        (
            "a review without decision",
            review(v1::ReviewDecision::Unspecified, now + DAY),
            true,
            malformed("standing.review.decision"),
        ),
        ("a review for too long", review(permitted, now + 367 * DAY), true, malformed("standing.review.until")),
    ]
}

#[tokio::test]
async fn each_bad_change_has_its_own_error_and_no_entry() {
    let bench = Bench::open().await;
    let system = bench.world.desk(&DOSSIER_SYSTEM).await;
    for (row, kind, on, (code, reason, field)) in rows(SystemClock.now()) {
        let error = bench.error(row, 0, system.record(bench.child.by_number(), kind, on)).await;
        assert_eq!(error, due(code, reason, field), "{row}");
    }
    bench.serves(&bench.desk).await;
}

#[tokio::test]
async fn the_second_approval_needs_a_second_person() {
    let bench = Bench::open().await;
    let system = bench.world.desk(&DOSSIER_SYSTEM).await;
    let subject = || bench.child.by_number();
    system.record(subject(), danger(SystemClock.now() + DAY, "w-1", &DANGER_CRITERIA), true).await.unwrap();
    let error = bench.error("same person", 0, system.record(subject(), approval("w-1"), true)).await;
    assert_eq!(error, due(Code::FailedPrecondition, "CHANGE_REFUSED", ""));
    system.record(subject(), approval("w-2"), true).await.unwrap();
}

#[tokio::test]
async fn only_the_holder_records_and_only_for_clients() {
    let bench = Bench::open().await;
    for who in [super::partner(), THE_HAGUE] {
        let desk = bench.world.desk(&who).await;
        let kind = Kind::Restriction(v1::Restriction {});
        let error = bench.error(who.name, 0, desk.record(bench.child.by_number(), kind, true)).await;
        assert_eq!(error, due(Code::PermissionDenied, "CALLER_MAY_NOT_RECORD", ""), "{}", who.name);
    }
    let system = bench.world.desk(&DOSSIER_SYSTEM).await;
    let unknown = Client::new(3, 8).by_number();
    for (row, subject, field) in
        [("unknown", unknown, "subject"), ("malformed", by_client_number("KR 1"), "subject.client_number")]
    {
        let kind = Kind::Restriction(v1::Restriction {});
        let error = bench.error(row, 0, system.record(subject, kind, true)).await;
        assert_eq!(error, due(Code::InvalidArgument, "SUBJECT_MALFORMED", field), "{row}");
    }
}

/// A word that was sent may name a person: no error repeats it.
#[tokio::test]
async fn no_error_repeats_a_criterion() {
    let bench = Bench::open().await;
    let system = bench.world.desk(&DOSSIER_SYSTEM).await;
    let kind = danger(SystemClock.now() + DAY, "w-1", &["because-jansen-says-so"]);
    let status = system.record(bench.child.by_number(), kind, true).await.unwrap_err();
    assert!(!status.message().contains("jansen"), "{}", status.message());
    assert!(status.message().contains("moral-conflict"), "{}", status.message());
}
