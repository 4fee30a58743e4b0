//! Inway-TransactionLog: a record of every call, written before anything leaves; without it, nothing leaves.

use super::ground::{Inway, consumer, delegatee, direct, fsc_error, grant, grants_of, hash};
use crate::world::desk::{Desk, transaction};
use crate::world::people::Client;
use crate::world::raw;
use serde_json::{Value, json};
use sluis::demo::organisations::{HOLDER_OIN, ROTTERDAM};
use sluis_adapters::system::SystemClock;
use sluis_core::enrolment::FscGrant;
use sluis_core::organisation::Oin;
use sluis_core::ports::Clock;
use sluis_proto::v1;
use sluis_proto::v1::audit_invoice_request::Message as Sent;
use sluis_proto::v1::release_response::Outcome;

const RELEASE: &str = "/sluis.v1.ReleaseService/Release";

pub fn oin(organisation: &sluis::demo::organisations::Organisation) -> Oin {
    Oin::parse(organisation.oin).unwrap()
}

/// The grant under which the delegatee calls on behalf of the consumer.
pub fn on_behalf() -> FscGrant {
    FscGrant { delegator: Some(oin(&consumer())), ..grant(&hash(4, 1)) }
}

/// The consumer's grant for the service as offered on behalf of another.
pub fn offered_on_behalf() -> FscGrant {
    FscGrant { publication_delegator: Some(oin(&ROTTERDAM)), ..grant(&hash(3, 5)) }
}

pub fn acting(mut claims: Value, delegator: &str) -> Value {
    claims["act"] = json!({ "sub": delegator });
    claims
}

pub fn offered(mut claims: Value, delegator: &str) -> Value {
    claims["pdi"] = delegator.into();
    claims
}

pub fn is_released(reply: &v1::ReleaseResponse) -> bool {
    matches!(reply.outcome, Some(Outcome::Released(_)))
}

/// Asks without `fsc-transaction-id`, or with this one.
async fn ask_under(desk: &Desk, question: &v1::ReleaseRequest, id: Option<&str>) -> raw::Raw {
    let mut headers = vec![("fsc-authorization", format!("Bearer {}", desk.token))];
    headers.extend(id.map(|id| ("fsc-transaction-id", id.to_owned())));
    raw::call(&desk.channel, RELEASE, &headers, raw::frames(std::slice::from_ref(question))).await
}

#[tokio::test]
async fn inway_transaction_log_1_a_call_has_its_record() {
    let inway = Inway::new("fsc-log-1", |_| ());
    let _running = inway.serve();
    let question = inway.caseload().await;
    let before = SystemClock.now() / 1000;
    let id = transaction();
    let outway = inway.outway(&consumer(), &inway.good()).await;
    let reply = outway.release_under(question.clone(), id).await.unwrap();
    assert!(is_released(&reply));
    let records = inway.records(&["--grant", &direct()]);
    let created = records[0]["created_at"].as_u64().unwrap();
    assert!((before..before + 60).contains(&created), "{created}");
    let due = json!({
        "transaction_id": id.to_string(),
        "direction": "DIRECTION_INCOMING",
        "grant_hash": direct(),
        "source": { "type": "SOURCE_TYPE_SOURCE", "outway_peer_id": consumer().oin },
        "destination": { "type": "DESTINATION_TYPE_DESTINATION", "service_peer_id": HOLDER_OIN },
        "service_name": "sluis",
        "created_at": created,
    });
    assert_eq!(records, [due]);

    // A refusal is a call too, and so is an explanation; each under the id of its caller.
    let refused = v1::ReleaseRequest { actor: "nobody".to_owned(), ..question.clone() };
    assert!(!is_released(&outway.release(refused).await.unwrap()));
    outway.explain(question).await.unwrap();
    assert_eq!(inway.records(&["--grant", &direct()]).len(), 3);
}

/// The service is the gateway itself: it works, and answers, under the id of the Outway.
#[tokio::test]
async fn inway_transaction_log_2_the_id_of_the_outway_is_kept() {
    let inway = Inway::new("fsc-log-2", |_| ());
    let _running = inway.serve();
    let question = inway.caseload().await;
    let id = transaction();
    let outway = inway.outway(&consumer(), &inway.good()).await;
    let reply = outway.release_under(question, id).await.unwrap();
    let receipt = crate::world::receipt_of(&reply);
    assert_eq!(receipt.transaction_id, id.to_string());
    assert!(receipt_leaf(receipt).contains(&format!("\"txn\":\"{}\"", id.simple())));
}

/// The entry in a receipt.
fn receipt_leaf(receipt: &v1::Receipt) -> String {
    let extra = receipt.proof.lines().find_map(|line| line.strip_prefix("extra ")).unwrap();
    String::from_utf8(data_encoding::BASE64.decode(extra.as_bytes()).unwrap()).unwrap()
}

#[tokio::test]
async fn inway_transaction_log_3_a_call_without_an_id_is_refused() {
    let inway = Inway::new("fsc-log-3", |_| ());
    inway.place.change("gateway.toml", "transaction_id_required = false", "transaction_id_required = true");
    let _running = inway.serve();
    let question = inway.caseload().await;
    let outway = inway.outway(&consumer(), &inway.good()).await;
    let version_4 = "6f0e1b1c-8d7a-4c0e-9a55-2f6f0d5c9a11";
    for (id, code) in [
        (None, "MISSING_LOG_RECORD_ID"),
        (Some(""), "INVALID_LOG_RECORD_ID"),
        (Some("7"), "INVALID_LOG_RECORD_ID"),
        (Some(version_4), "INVALID_LOG_RECORD_ID"),
    ] {
        let raw = ask_under(&outway, &question, id).await;
        assert_eq!((raw.value("grpc-status"), raw.value("fsc-error-code")), (Some("3"), Some(code)), "{id:?}");
        assert_eq!(raw.value("www-authenticate"), None);
    }
    assert_eq!(inway.records(&["--grant", &direct()]), Vec::<Value>::new());
    let raw = ask_under(&outway, &question, Some(&transaction().to_string())).await;
    assert_eq!(raw.value("grpc-status"), Some("0"), "{}", raw.metadata);
}

#[tokio::test]
async fn inway_transaction_log_4_a_delegated_call_names_the_delegator() {
    let inway = Inway::new("fsc-log-4", |file| grants_of(file, &delegatee()).push(on_behalf()));
    let _running = inway.serve();
    let question = inway.caseload().await;
    let claims = acting(inway.claims(&delegatee(), &hash(4, 1)), consumer().oin);
    assert!(is_released(&inway.outway(&delegatee(), &claims).await.release(question).await.unwrap()));
    let records = inway.records(&["--grant", &hash(4, 1)]);
    let due = json!({
        "type": "SOURCE_TYPE_DELEGATED_SOURCE",
        "outway_peer_id": delegatee().oin,
        "delegator_peer_id": consumer().oin,
    });
    assert_eq!((records.len(), &records[0]["source"]), (1, &due));
    // Both peers may have the record; a third may not.
    assert_eq!(inway.records(&["--grant", &hash(4, 1), "--peer", consumer().oin]), records);
    assert_eq!(inway.records(&["--peer", delegatee().oin]), records);
    assert_eq!(inway.records(&["--grant", &hash(4, 1), "--peer", ROTTERDAM.oin]), Vec::<Value>::new());
}

#[tokio::test]
async fn inway_transaction_log_5_a_delegated_service_names_its_delegator() {
    let inway = Inway::new("fsc-log-5", |file| grants_of(file, &consumer()).push(offered_on_behalf()));
    let _running = inway.serve();
    let question = inway.caseload().await;
    let claims = offered(inway.claims(&consumer(), &hash(3, 5)), ROTTERDAM.oin);
    assert!(is_released(&inway.outway(&consumer(), &claims).await.release(question).await.unwrap()));
    let records = inway.records(&["--peer", ROTTERDAM.oin]);
    let due = json!({
        "type": "DESTINATION_TYPE_DELEGATED_DESTINATION",
        "service_peer_id": HOLDER_OIN,
        "delegator_peer_id": ROTTERDAM.oin,
    });
    assert_eq!((records.len(), &records[0]["destination"]), (1, &due));
}

/// Somebody else holds the log: the record cannot be written, so nothing is released, and later nothing of it is found.
#[tokio::test]
async fn inway_transaction_log_6_without_a_record_nothing_leaves() {
    let inway = Inway::new("fsc-log-6", |_| ());
    let _running = inway.serve();
    let question = inway.caseload().await;
    let outway = inway.outway(&consumer(), &inway.good()).await;
    let log = rusqlite::Connection::open(inway.place.file("log.db")).unwrap();
    log.execute_batch("BEGIN IMMEDIATE").unwrap();
    let id = transaction();
    let status = outway.release_under(question.clone(), id).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
    let due = ("LOG_UNAVAILABLE".to_owned(), "TRANSACTION_LOG_WRITE_ERROR".to_owned(), false);
    assert_eq!(fsc_error(&status), due);
    log.execute_batch("ROLLBACK").unwrap();
    assert_eq!(inway.records(&["--grant", &direct()]), Vec::<Value>::new());
    // The same call again, under the same id, is the first one that counts.
    assert!(is_released(&outway.release_under(question, id).await.unwrap()));
    assert_eq!(inway.records(&["--grant", &direct()])[0]["transaction_id"], id.to_string());
}

/// An audit is one call, however many pages it has; changes of standing are calls as well.
#[tokio::test]
async fn standing_and_audits_have_their_record_too() {
    let inway = Inway::new("fsc-log-more", |file| grants_of(file, &ROTTERDAM).push(grant(&hash(3, 6))));
    let _running = inway.serve();
    inway.caseload().await;
    assert_eq!(inway.records(&["--grant", &hash(3, 2)]).len(), 1);
    let auditor = inway.outway(&ROTTERDAM, &inway.claims(&ROTTERDAM, &hash(3, 6))).await;
    let opening = v1::AuditOpening {
        declaration_number: "D1".to_owned(),
        provider_agb: "12345678".to_owned(),
        actor: "controller-7".to_owned(),
    };
    let line = v1::ClaimLine { reference: "R1".to_owned(), ..Client::new(1, 8).claim() };
    let sent = [Sent::Opening(opening), Sent::Line(line)].map(|m| v1::AuditInvoiceRequest { message: Some(m) });
    let raw = auditor.raw("/sluis.v1.InvoiceAuditService/AuditInvoice", &sent).await;
    assert_eq!(raw.value("grpc-status"), Some("0"), "{}", raw.metadata);
    // Opened, one page of findings, closed.
    assert_eq!(raw.messages::<v1::AuditInvoiceResponse>().len(), 3);
    assert_eq!(inway.records(&["--peer", ROTTERDAM.oin]).len(), 1);
    let none = inway.records_command(&["--peer", "7"]);
    assert_eq!((none.status, none.out.as_str()), (Some(2), ""), "{none:#?}");
    assert_eq!(inway.records(&["--before", "1"]), Vec::<Value>::new());
}
