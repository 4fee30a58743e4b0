//! Transaction ids: a repeated call is recognised by its content, and ids that prove no time are refused.

use super::{Bench, WORKER, due, partner};
use crate::world::desk::{said, transaction, transaction_at};
use crate::world::people::{Client, actor, question};
use crate::world::{index_of, receipt_of};
use sluis::client::connection::with_metadata;
use sluis::demo::organisations::{PORTAL, partners};
use sluis_adapters::system::SystemClock;
use sluis_core::log::leaf::Key;
use sluis_core::organisation::Oin;
use sluis_core::ports::Clock;
use sluis_core::standing::Change;
use sluis_proto::v1;
use sluis_proto::v1::release_response::Outcome;
use sluis_proto::v1::release_service_client::ReleaseServiceClient;
use tonic::Code;

fn body(reply: v1::ReleaseResponse) -> bytes::Bytes {
    match reply.outcome {
        Some(Outcome::Released(released)) => released.body,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_released_is_delivered_again_under_an_entry_that_refers_to_the_first() {
    let (bench, id) = (Bench::open().await, transaction());
    let first = bench.desk.release_under(bench.good(), id).await.unwrap();
    let again = bench.desk.release_under(bench.good(), id).await.unwrap();
    let leaf = bench.world.leaf(index_of(&again)).await;
    assert!(leaf.text(Key::Ref).unwrap().ends_with(&format!(":{}", index_of(&first))));
    assert!(index_of(&again) > index_of(&first));
    assert_eq!(body(first), body(again));
}

#[tokio::test]
async fn what_was_refused_stays_refused_and_has_one_entry() {
    let (bench, id) = (Bench::open().await, transaction());
    let other = Client::new(2, 8);
    let asked = other.question(v1::Purpose::Treatment, WORKER);
    let first = bench.desk.release_under(asked.clone(), id).await.unwrap();
    bench.world.standing(&other, &[other.caseload(partner().oin, WORKER)]).await;
    let size = bench.world.size().await;
    let again = bench.desk.release_under(asked.clone(), id).await.unwrap();
    assert!(matches!(again.outcome, Some(Outcome::Refused(_))));
    assert_eq!((index_of(&first), size), (index_of(&again), bench.world.size().await));
    assert_eq!(receipt_of(&again).transaction_id, id.to_string());
    body(bench.desk.release(asked).await.unwrap());
}

#[tokio::test]
async fn a_refusal_is_repeated_with_its_first_receipt() {
    let (bench, id) = (Bench::open().await, transaction());
    let asked = Client::new(2, 8).question(v1::Purpose::Treatment, WORKER);
    let first = bench.desk.release_under(asked.clone(), id).await.unwrap();
    let size = bench.world.size().await;
    let again = bench.desk.release_under(asked, id).await.unwrap();
    assert!(matches!(again.outcome, Some(Outcome::Refused(_))));
    assert_eq!((index_of(&first), size), (index_of(&again), bench.world.size().await));
}

#[tokio::test]
async fn what_was_escalated_stays_escalated() {
    let id = transaction();
    let youth = Client::new(1, 14);
    let world = crate::world::World::open(crate::world::Options::with(vec![youth.clone()])).await;
    world.standing(&youth, &[youth.authority()]).await;
    let desk = world.desk(&PORTAL).await;
    let asked = youth.question(v1::Purpose::ParentInformation, &youth.parent());
    let first = desk.release_under(asked.clone(), id).await.unwrap();
    let review = Change::Review {
        purpose: sluis_core::organisation::Purpose::ParentInformation,
        organisation: sluis_core::organisation::Oin::parse(PORTAL.oin).unwrap(),
        actor: Some(actor(&youth.parent())),
        professional: actor("worker-7"),
        decision: sluis_core::standing::ReviewDecision::Permitted,
        until: SystemClock.now() + 3_600_000,
    };
    world.standing(&youth, &[review]).await;
    let again = desk.release_under(asked.clone(), id).await.unwrap();
    assert!(matches!(again.outcome, Some(Outcome::Escalated(_))));
    assert_eq!(index_of(&first), index_of(&again));
    body(desk.release(asked).await.unwrap());
}

#[tokio::test]
async fn another_question_under_the_same_id_is_a_conflict() {
    let (bench, id) = (Bench::open().await, transaction());
    bench.desk.release_under(bench.good(), id).await.unwrap();
    let narrowed = v1::ReleaseRequest { fields: vec![1], ..bench.good() };
    let about_other = Client::new(2, 8).question(v1::Purpose::Treatment, WORKER);
    let unknown = question(Client::new(3, 8).by_number(), v1::Purpose::Treatment, WORKER);
    for (row, asked) in [("fields", narrowed), ("client", about_other), ("unknown", unknown)] {
        let error = bench.error(row, 0, bench.desk.release_under(asked, id)).await;
        assert_eq!(error, due(Code::AlreadyExists, "TRANSACTION_ID_REUSED", ""), "{row}");
    }
    // An id is one organisation's: another may happen to use the same.
    let another = bench.world.desk(&partners().nth(1).unwrap()).await;
    assert!(another.release_under(bench.good(), id).await.is_ok());
}

#[tokio::test]
async fn an_outcome_that_changed_needs_a_new_id() {
    let (bench, id) = (Bench::open().await, transaction());
    bench.desk.release_under(bench.good(), id).await.unwrap();
    let (partner, worker) = (Oin::parse(partner().oin).unwrap(), actor(WORKER));
    bench.world.standing(&bench.child, &[Change::Caseload { partner, worker, on: false }]).await;
    let error = bench.error("withdrawn", 0, bench.desk.release_under(bench.good(), id)).await;
    assert_eq!(error, due(Code::FailedPrecondition, "OUTCOME_CHANGED", ""));
}

#[tokio::test]
async fn fewer_fields_under_the_same_id_are_a_changed_outcome() {
    let (bench, id) = (Bench::open().await, transaction());
    bench.desk.release_under(bench.good(), id).await.unwrap();
    bench.world.standing(&bench.child, &[Change::SecretResidence { set: true }]).await;
    let error = bench.error("secret", 0, bench.desk.release_under(bench.good(), id)).await;
    assert_eq!(error, due(Code::FailedPrecondition, "OUTCOME_CHANGED", ""));
}

#[tokio::test]
async fn ids_that_prove_no_time_or_a_time_long_ago_are_refused() {
    const HOURS_72: u64 = 72 * 3600 * 1000;
    let (bench, now) = (Bench::open().await, SystemClock.now());
    let v4 = uuid::Builder::from_random_bytes([7; 16]).into_uuid();
    for (row, id) in [
        ("version 4", v4.to_string()),
        ("older than 72 hours", transaction_at(now - HOURS_72 - 60_000).to_string()),
        ("more than 72 hours ahead", transaction_at(now + HOURS_72 + 60_000).to_string()),
        ("nil", uuid::Uuid::nil().to_string()),
        ("no id", "1234".to_owned()),
    ] {
        let mut request = with_metadata(bench.good(), &bench.desk.token, transaction()).unwrap();
        request.metadata_mut().insert("fsc-transaction-id", id.parse().unwrap());
        let call = async { ReleaseServiceClient::new(bench.desk.channel.clone()).release(request).await };
        let error = bench.error(row, 0, call).await;
        assert_eq!(error, due(Code::InvalidArgument, "TRANSACTION_ID_MALFORMED", "fsc-transaction-id"), "{row}");
    }
    for made in [now - HOURS_72 + 60_000, now + HOURS_72 - 60_000] {
        assert!(bench.desk.release_under(bench.good(), transaction_at(made)).await.is_ok());
    }
}

/// The two words for the token and the sender's own casing do not matter; two different tokens: the one of FSC counts.
#[tokio::test]
async fn the_header_of_fsc_goes_before_the_other() {
    let bench = Bench::open().await;
    let mut request = with_metadata(bench.good(), &bench.desk.token, transaction()).unwrap();
    request.metadata_mut().insert("fsc-authorization", "Bearer nonsense".parse().unwrap());
    let status = ReleaseServiceClient::new(bench.desk.channel.clone()).release(request).await.unwrap_err();
    assert_eq!(said(&status), due(Code::Unauthenticated, "TOKEN_MALFORMED", ""));
}
