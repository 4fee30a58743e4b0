//! Accounts of disclosures that are not accepted: each names its field, and nothing is written.

use super::{Bench, due};
use crate::disclosure::{call, review};
use crate::world::desk::transaction;
use sluis::demo::organisations::{DOSSIER_SYSTEM, THE_HAGUE};
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use sluis_proto::v1;
use tonic::Code;

type Spoil = fn(&mut v1::RecordManualRequest);

const HOUR: u64 = 3600 * 1000;

/// Name, how the account is spoiled, reason and field.
const ROWS: &[(&str, Spoil, &str, &str)] = &[
    ("about nobody", |m| m.subject = None, "SUBJECT_MALFORMED", "subject"),
    ("tomorrow", |m| m.happened_at = SystemClock.now() + HOUR, "DISCLOSURE_MALFORMED", "happened_at"),
    ("in seconds", |m| m.happened_at /= 1000, "DISCLOSURE_MALFORMED", "happened_at"),
    ("never", |m| m.happened_at = 0, "DISCLOSURE_MALFORMED", "happened_at"),
    ("the end of time", |m| m.happened_at = u64::MAX, "DISCLOSURE_MALFORMED", "happened_at"),
    ("by nobody", |m| m.disclosed_by.clear(), "ACTOR_MALFORMED", "disclosed_by"),
    ("to nobody", |m| m.recipient = None, "DISCLOSURE_MALFORMED", "recipient"),
    ("to nobody in particular", nobody, "DISCLOSURE_MALFORMED", "recipient"),
    ("to what", |m| to(m).recipient_type = 0, "QUESTION_MALFORMED", "recipient.recipient_type"),
    ("no OIN", |m| to(m).organisation_oin = "123".to_owned(), "QUESTION_MALFORMED", "recipient.organisation_oin"),
    ("a long contact", |m| to(m).contact = "x".repeat(201), "DISCLOSURE_MALFORMED", "recipient.contact"),
    ("for nothing", |m| m.purpose = 0, "PURPOSE_UNKNOWN", "purpose"),
    ("no ground", |m| m.ground = "  ".to_owned(), "DISCLOSURE_MALFORMED", "ground"),
    ("a control character", |m| m.ground = "a\u{7}b".to_owned(), "DISCLOSURE_MALFORMED", "ground"),
    ("an unknown field", |m| m.fields.push(99), "FIELD_UNKNOWN", "fields[2]"),
    ("nothing told", nothing, "DISCLOSURE_MALFORMED", "fields"),
    ("too many words", |m| m.description = "x".repeat(4001), "DISCLOSURE_MALFORMED", "description"),
    ("an unknown criterion", |m| m.criteria.push("jansen-says-so".to_owned()), "DISCLOSURE_MALFORMED", "criteria[5]"),
    ("no channel", |m| m.channel = 0, "DISCLOSURE_MALFORMED", "channel"),
    ("no reviewer", |m| m.reviewer.clear(), "ACTOR_MALFORMED", "reviewer"),
    ("reviewed by himself", |m| m.reviewer = m.disclosed_by.to_uppercase(), "DISCLOSURE_MALFORMED", "reviewer"),
];

fn to(message: &mut v1::RecordManualRequest) -> &mut v1::ManualRecipient {
    message.recipient.as_mut().unwrap()
}

fn nobody(message: &mut v1::RecordManualRequest) {
    let recipient_type = to(message).recipient_type;
    *to(message) = v1::ManualRecipient { recipient_type, ..v1::ManualRecipient::default() };
}

fn nothing(message: &mut v1::RecordManualRequest) {
    message.fields.clear();
    message.description.clear();
}

#[tokio::test]
async fn each_bad_account_has_its_own_error_and_no_entry() {
    let bench = Bench::open().await;
    let system = bench.world.desk(&DOSSIER_SYSTEM).await;
    for (row, spoil, reason, field) in ROWS {
        let mut message = call(&bench.child);
        spoil(&mut message);
        let error = bench.error(row, 0, system.record_manual(message, transaction())).await;
        assert_eq!(error, due(Code::InvalidArgument, reason, field), "{row}");
    }
    let wrong =
        |conclusion, note: &str| v1::ReviewManualRequest { conclusion, note: note.to_owned(), ..review(1, "x") };
    for (row, message, field) in [
        ("no conclusion", wrong(0, ""), "conclusion"),
        ("wrong without a word", wrong(v1::ManualConclusion::Wrong as i32, " "), "note"),
        ("too much said", wrong(v1::ManualConclusion::TooMuch as i32, &"x".repeat(2001)), "note"),
    ] {
        let error = bench.error(row, 0, system.review_manual(message, transaction())).await;
        assert_eq!(error, due(Code::InvalidArgument, "DISCLOSURE_MALFORMED", field), "{row}");
    }
    let unnamed = bench.error("by nobody", 0, system.review_manual(review(1, ""), transaction())).await;
    assert_eq!(unnamed, due(Code::InvalidArgument, "ACTOR_MALFORMED", "reviewed_by"));
    bench.serves(&bench.desk).await;
}

#[tokio::test]
async fn only_the_holders_own_system_records_reviews_and_lists() {
    let bench = Bench::open().await;
    let may_not = due(Code::PermissionDenied, "CALLER_MAY_NOT_RECORD", "");
    for who in [super::partner(), THE_HAGUE] {
        let desk = bench.world.desk(&who).await;
        let error = bench.error(who.name, 0, desk.record_manual(call(&bench.child), transaction())).await;
        assert_eq!(error, may_not, "{}", who.name);
        let error = bench.error(who.name, 0, desk.review_manual(review(1, "x"), transaction())).await;
        assert_eq!(error, may_not, "{}", who.name);
        assert_eq!(bench.error(who.name, 0, desk.open_manual()).await, may_not, "{}", who.name);
    }
}
