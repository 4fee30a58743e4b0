//! Questions that cannot be asked: who, for what, which fields, by whom.

use super::{Bench, WORKER, due, partner};
use crate::world::people::{Client, question};
use sluis::client::ask::{by_bsn, by_client_number};
use sluis::demo::organisations::{Organisation, POLICE, THE_HAGUE};
use sluis_proto::v1;
use tonic::Code;

/// Name, who asks, the question, and what is said: code, reason, field.
type Row = (&'static str, Organisation, v1::ReleaseRequest, (Code, &'static str, &'static str));

fn malformed(field: &'static str) -> (Code, &'static str, &'static str) {
    (Code::InvalidArgument, "SUBJECT_MALFORMED", field)
}

fn rows() -> Vec<Row> {
    let (fs, treatment) = (partner(), v1::Purpose::Treatment);
    let child = Client::new(1, 8);
    let about = |subject| question(subject, treatment, WORKER);
    let bsn = |digits| about(by_bsn(digits));
    let good = child.question(treatment, WORKER);
    let masked = |fields: &[i32]| v1::ReleaseRequest { fields: fields.to_vec(), ..good.clone() };
    let purpose = |purpose| v1::ReleaseRequest { purpose, ..good.clone() };
    let acting = |actor: &str| v1::ReleaseRequest { actor: actor.to_owned(), ..good.clone() };
    let unknown = |field| (Code::InvalidArgument, "FIELD_UNKNOWN", field);
    let forbidden = (Code::InvalidArgument, "FIELD_NOT_PERMITTED", "fields");
    let purpose_unknown = (Code::InvalidArgument, "PURPOSE_UNKNOWN", "purpose");
    let no_ground = (Code::PermissionDenied, "BSN_NOT_ALLOWED", "");
    let danger = question(child.by_bsn(), v1::Purpose::SeriousDanger, "agent-7");
    let invoice = |field: v1::Field| {
        let asked = child.question(v1::Purpose::InvoiceFormal, "");
        v1::ReleaseRequest { fields: vec![field as i32], ..asked }
    };
    vec![
        ("fails the 11-test", fs, bsn("999900019"), malformed("subject.bsn")),
        ("eight digits", fs, bsn("99990001"), malformed("subject.bsn")),
        ("ten digits", fs, bsn("9999000180"), malformed("subject.bsn")),
        ("a letter", fs, bsn("99990001a"), malformed("subject.bsn")),
        ("no number, zeros", fs, bsn("000000000"), malformed("subject.bsn")),
        ("no number, nines", fs, bsn("999999999"), malformed("subject.bsn")),
        ("not of the range for tests", fs, bsn("123456782"), malformed("subject.bsn")),
        ("empty", fs, bsn(""), malformed("subject.bsn")),
        ("nobody named", fs, about(v1::Subject { identifier: None }), malformed("subject")),
        ("no subject", fs, v1::ReleaseRequest { subject: None, ..good.clone() }, malformed("subject")),
        ("client number, space", fs, about(by_client_number("KR 1")), malformed("subject.client_number")),
        ("client number, long", fs, about(by_client_number(&"1".repeat(21))), malformed("subject.client_number")),
        ("no purpose", fs, purpose(0), purpose_unknown),
        ("unknown purpose", fs, purpose(42), purpose_unknown),
        ("negative purpose", fs, purpose(-1), purpose_unknown),
        ("field 0", fs, masked(&[0]), unknown("fields[0]")),
        ("unknown field after a good one", fs, masked(&[1, 63]), unknown("fields[1]")),
        ("field 256 is not field 0", fs, masked(&[257]), unknown("fields[0]")),
        ("negative field", fs, masked(&[-1]), unknown("fields[0]")),
        ("recordings", fs, masked(&[v1::Field::AvRecordings as i32]), forbidden),
        ("a good field and a forbidden one", fs, masked(&[1, v1::Field::Whereabouts as i32]), forbidden),
        ("care on an invoice", THE_HAGUE, invoice(v1::Field::Plan), forbidden),
        ("actor with a space", fs, acting("fs 1"), (Code::InvalidArgument, "ACTOR_MALFORMED", "actor")),
        ("actor with a quote", fs, acting("fs\"1"), (Code::InvalidArgument, "ACTOR_MALFORMED", "actor")),
        ("actor too long", fs, acting(&"f".repeat(65)), (Code::InvalidArgument, "ACTOR_MALFORMED", "actor")),
        ("a BSN by the police", POLICE, danger, no_ground),
    ]
}

#[tokio::test]
async fn each_bad_question_has_its_own_error_and_no_entry() {
    let bench = Bench::open().await;
    for (row, who, asked, (code, reason, field)) in rows() {
        let desk = bench.world.desk(&who).await;
        let error = bench.error(row, 0, desk.release(asked.clone())).await;
        assert_eq!(error, due(code, reason, field), "{row}");
        let error = bench.error(row, 0, desk.explain(asked)).await;
        assert_eq!(error, due(code, reason, field), "{row}, explained");
    }
    bench.serves(&bench.desk).await;
}

/// What was sent may be somebody's number: no error repeats it.
#[tokio::test]
async fn no_error_repeats_what_was_sent() {
    let bench = Bench::open().await;
    for sent in ["999900019", "123456782", "KR 1 Jansen"] {
        for subject in [by_bsn(sent), by_client_number(&format!("{sent} "))] {
            let status = bench.desk.release(question(subject, v1::Purpose::Treatment, WORKER)).await.unwrap_err();
            let all = format!("{} {:?} {:?}", status.message(), status.details(), status.metadata());
            assert!(!all.contains(sent), "{all}");
        }
    }
}
