//! Audits that go wrong: out of order, malformed lines, and callers without a ground for a BSN.

use super::{Bench, due};
use crate::world::desk::{Desk, transaction};
use sluis::client::connection::with_metadata;
use sluis::demo::organisations::{POLICE, THE_HAGUE};
use sluis_proto::v1;
use sluis_proto::v1::audit_invoice_request::Message;
use sluis_proto::v1::invoice_audit_service_client::InvoiceAuditServiceClient;
use tonic::{Code, Status};

/// Sends these messages and reads to the end.
async fn audit(desk: &Desk, sent: Vec<Option<Message>>) -> Result<Vec<v1::AuditInvoiceResponse>, Status> {
    let sent: Vec<_> = sent.into_iter().map(|message| v1::AuditInvoiceRequest { message }).collect();
    let request = with_metadata(tokio_stream::iter(sent), &desk.token, transaction()).unwrap();
    let mut replies = InvoiceAuditServiceClient::new(desk.channel.clone()).audit_invoice(request).await?.into_inner();
    let mut read = Vec::new();
    while let Some(reply) = replies.message().await? {
        read.push(reply);
    }
    Ok(read)
}

fn opening(bench: &Bench) -> v1::AuditOpening {
    let provider_agb = bench.child.provider_agb();
    v1::AuditOpening { declaration_number: "D1".to_owned(), provider_agb, actor: "controller-7".to_owned() }
}

type Spoil<T> = fn(&mut T);

/// Name, what is spoiled in the opening, reason and field.
const OPENINGS: [(&str, Spoil<v1::AuditOpening>, &str, &str); 5] = [
    ("no number", |o| o.declaration_number.clear(), "CLAIM_MALFORMED", "opening.declaration_number"),
    ("number with a dash", |o| o.declaration_number = "D-1".into(), "CLAIM_MALFORMED", "opening.declaration_number"),
    ("AGB of seven digits", |o| o.provider_agb = "1234567".into(), "CLAIM_MALFORMED", "opening.provider_agb"),
    ("AGB with a letter", |o| o.provider_agb = "1234567a".into(), "CLAIM_MALFORMED", "opening.provider_agb"),
    ("actor with a space", |o| o.actor = "a b".into(), "ACTOR_MALFORMED", "opening.actor"),
];

/// The same for a line.
const LINES: [(&str, Spoil<v1::ClaimLine>, &str, &str); 11] = [
    ("fails the 11-test", |l| l.bsn = "999900019".into(), "SUBJECT_MALFORMED", "lines[0].line.bsn"),
    ("eight digits", |l| l.bsn = "99990001".into(), "SUBJECT_MALFORMED", "lines[0].line.bsn"),
    ("not for tests", |l| l.bsn = "123456782".into(), "SUBJECT_MALFORMED", "lines[0].line.bsn"),
    ("no reference", |l| l.reference.clear(), "CLAIM_MALFORMED", "lines[0].line.reference"),
    ("long reference", |l| l.reference = "r".repeat(21), "CLAIM_MALFORMED", "lines[0].line.reference"),
    ("category", |l| l.product_category = "4".into(), "CLAIM_MALFORMED", "lines[0].line.product_category"),
    ("unit", |l| l.unit = "x1".into(), "CLAIM_MALFORMED", "lines[0].line.unit"),
    ("code", |l| l.product_code = "123456".into(), "CLAIM_MALFORMED", "lines[0].line.product_code"),
    ("begin", |l| l.begin = "2026-02-30".into(), "CLAIM_MALFORMED", "lines[0].line.begin"),
    ("end", |l| l.end = "soon".into(), "CLAIM_MALFORMED", "lines[0].line.end"),
    ("ends before it begins", |l| l.end = "1999-01-01".into(), "CLAIM_MALFORMED", "lines[0].line.end"),
];

#[tokio::test]
async fn each_bad_opening_has_its_own_error_and_no_entry() {
    let bench = Bench::open().await;
    let desk = bench.world.desk(&THE_HAGUE).await;
    for (row, spoil, reason, field) in OPENINGS {
        let mut opening = opening(&bench);
        spoil(&mut opening);
        let sent = vec![Some(Message::Opening(opening)), Some(Message::Line(bench.child.claim()))];
        let error = bench.error(row, 0, audit(&desk, sent)).await;
        assert_eq!(error, due(Code::InvalidArgument, reason, field), "{row}");
    }
}

/// The opening stands in the log; no page follows it.
#[tokio::test]
async fn each_bad_line_has_its_own_error_and_no_page() {
    let bench = Bench::open().await;
    let desk = bench.world.desk(&THE_HAGUE).await;
    for (row, spoil, reason, field) in LINES {
        let mut line = bench.child.claim();
        spoil(&mut line);
        let sent = vec![Some(Message::Opening(opening(&bench))), Some(Message::Line(line))];
        let error = bench.error(row, 1, audit(&desk, sent)).await;
        assert_eq!(error, due(Code::InvalidArgument, reason, field), "{row}");
    }
}

/// Whoever sends a declaration of thousands of lines finds the one that is wrong: pages do not begin to count again.
#[tokio::test]
async fn a_line_is_counted_over_all_pages() {
    let bench = Bench::open().await;
    let desk = bench.world.desk(&THE_HAGUE).await;
    let lines = sluis::audit::PAGE_LINES_MAX + 2;
    let mut sent = vec![Some(Message::Opening(opening(&bench)))];
    sent.extend((0..lines).map(|_| Some(Message::Line(bench.child.claim()))));
    let wrong = v1::ClaimLine { unit: "hours".to_owned(), ..bench.child.claim() };
    sent.push(Some(Message::Line(wrong)));
    let status = audit(&desk, sent).await.unwrap_err();
    let field = format!("lines[{lines}].line.unit");
    assert_eq!(crate::world::desk::said(&status), due(Code::InvalidArgument, "CLAIM_MALFORMED", &field));
    assert!(status.message().starts_with(&format!("`{field}`: ")), "{}", status.message());
}

#[tokio::test]
async fn messages_out_of_order_end_the_audit() {
    let bench = Bench::open().await;
    let desk = bench.world.desk(&THE_HAGUE).await;
    let (open, line) = (Message::Opening(opening(&bench)), Message::Line(bench.child.claim()));
    for (row, entries, sent) in [
        ("a line first", 0, vec![Some(line.clone()), Some(open.clone())]),
        ("nothing", 0, vec![]),
        ("an empty message first", 0, vec![None]),
        ("two openings", 1, vec![Some(open.clone()), Some(open.clone())]),
        ("an empty message later", 1, vec![Some(open.clone()), None]),
    ] {
        let error = bench.error(row, entries, audit(&desk, sent)).await;
        assert_eq!(error, due(Code::InvalidArgument, "AUDIT_OUT_OF_ORDER", "message"), "{row}");
    }
    let replies = audit(&desk, vec![Some(open), Some(line)]).await.unwrap();
    assert_eq!(replies.len(), 3, "opened, one page, closed");
}

#[tokio::test]
async fn who_has_no_ground_for_a_bsn_opens_no_audit() {
    let bench = Bench::open().await;
    let desk = bench.world.desk(&POLICE).await;
    let error = bench.error("police", 0, audit(&desk, vec![Some(Message::Opening(opening(&bench)))])).await;
    assert_eq!(error, due(Code::PermissionDenied, "BSN_NOT_ALLOWED", ""));
}

#[tokio::test]
async fn who_is_not_enrolled_for_invoices_opens_no_audit() {
    let bench = Bench::open().await;
    let partner = sluis::demo::organisations::partners().next().unwrap();
    let desk = bench.world.desk(&partner).await;
    let error = bench.error("care partner", 0, audit(&desk, vec![Some(Message::Opening(opening(&bench)))])).await;
    assert_eq!(error, due(Code::PermissionDenied, "CALLER_NOT_ENROLLED", ""));
}
