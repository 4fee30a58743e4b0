//! Manual disclosures in process: what stands in the leaf and in the payload, how it compares, who may review, what is overdue.

use super::world::broken::Broken;
use super::world::desk::{Desk, said, transaction};
use super::world::people::Client;
use super::world::{Options, World};
use sluis::condition::Condition;
use sluis::demo::organisations::{DOSSIER_SYSTEM, POLICE};
use sluis::gateway::Gateway;
use sluis_adapters::system::SystemClock;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::RequestId;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::payload::{Sealing, open};
use sluis_core::ports::{Clock, StoreError};
use sluis_core::standing::{Change, DANGER_CRITERIA};
use sluis_core::subject::SubjectId;
use sluis_proto::v1;
use sluis_proto::v1::{Field, ManualComparison, ManualConclusion};
use std::sync::atomic::Ordering;
use tonic::Code;

const HOUR: u64 = 3600 * 1000;
const DAY: u64 = 24 * HOUR;

/// A call to the police, an hour ago, with all criteria.
pub fn call(client: &Client) -> v1::RecordManualRequest {
    v1::RecordManualRequest {
        subject: Some(client.by_number()),
        happened_at: SystemClock.now() - HOUR,
        disclosed_by: "worker-who-called".to_owned(),
        recipient: Some(v1::ManualRecipient {
            recipient_type: v1::RecipientType::Police as i32,
            organisation_oin: POLICE.oin.to_owned(),
            name: "Politie".to_owned(),
            contact: "agent-who-listened".to_owned(),
        }),
        purpose: v1::Purpose::SeriousDanger as i32,
        ground: "WvSr 40, conflict of duties".to_owned(),
        fields: vec![Field::Name as i32, Field::Whereabouts as i32],
        description: "where he was seen last".to_owned(),
        criteria: DANGER_CRITERIA.map(str::to_owned).to_vec(),
        channel: v1::ManualChannel::Telephone as i32,
        reviewer: "second-professional".to_owned(),
    }
}

pub fn review(index: u64, by: &str) -> v1::ReviewManualRequest {
    let conclusion = ManualConclusion::Right as i32;
    v1::ReviewManualRequest { index, reviewed_by: by.to_owned(), conclusion, ..v1::ReviewManualRequest::default() }
}

async fn record(desk: &Desk, message: v1::RecordManualRequest) -> (u64, v1::RecordManualResponse) {
    let reply = desk.record_manual(message, transaction()).await.unwrap();
    (reply.receipt.as_ref().unwrap().index, reply)
}

/// The leaf at an index, and what its payload says.
async fn entry(gateway: &Gateway, index: u64) -> (Leaf, serde_json::Value, [u8; 16]) {
    let entry = gateway.ledger.entry(index).await.unwrap().unwrap();
    let (leaf, sealed) = (Leaf::decode(&entry.leaf).unwrap(), entry.payload.unwrap());
    let key = gateway.keys.key_by_id(sealed.key_id).await.unwrap().unwrap();
    let rid = RequestId(uuid::Uuid::try_parse(leaf.rid()).unwrap());
    let plain = open(&Sealing { key: &key, origin: &gateway.origin(), rid, item: 0 }, &sealed).unwrap();
    assert_eq!(plain.len() % 1024, 0, "a payload is padded");
    (leaf, serde_json::from_slice(&plain).unwrap(), sealed.key_id)
}

async fn world() -> (World, Client, Desk) {
    let child = Client::new(1, 15);
    let world = World::open(Options::with(vec![child.clone()])).await;
    let desk = world.desk(&DOSSIER_SYSTEM).await;
    (world, child, desk)
}

#[tokio::test]
async fn the_leaf_says_what_a_release_says_and_the_payload_the_rest() {
    let (world, child, desk) = world().await;
    let gateway = &world.listening.gateway;
    let message = call(&child);
    let (index, reply) = record(&desk, message.clone()).await;
    assert_eq!(reply.comparison(), ManualComparison::BeforeAHuman);
    assert!(!reply.late && reply.beyond.is_empty() && reply.review_by > SystemClock.now());
    let (leaf, payload, key) = entry(gateway, index).await;
    assert_eq!(leaf.kind(), LeafKind::Manual);
    assert_eq!((leaf.text(Key::Rt), leaf.text(Key::Pu)), (Some("POLICE"), Some("SERIOUS_DANGER")));
    assert_eq!((leaf.text(Key::Rp), leaf.text(Key::Ru)), (Some(POLICE.oin), Some("police-danger")));
    assert_eq!(leaf.list(Key::Rs).unwrap(), ["DISCLOSED"]);
    assert!(leaf.list(Key::Ob).unwrap().contains(&"REVIEW_1_WORKING_DAY".to_owned()));
    let text = world.leaf_text(index).await;
    for word in [child.number.as_str(), "worker-who-called", "agent-who-listened", "second-professional", "seen last"] {
        assert!(!text.contains(word), "`{word}` stands in clear");
        assert!(payload.to_string().contains(word), "`{word}` is not in the payload");
    }
    assert_eq!((&payload["comparison"], &payload["late"]), (&"BEFORE_A_HUMAN".into(), &false.into()));
    assert_eq!(payload["disclosure"]["happened_at"], message.happened_at);
    assert_eq!(payload["recorded_by"], DOSSIER_SYSTEM.oin);

    // Sealed under the child's own key of this year.
    let subject = gateway.keys.find(&SubjectId::client_number(&child.number).unwrap()).await.unwrap().unwrap();
    let year = sluis_core::subject::dutch_date(SystemClock.now()).year();
    assert_eq!(gateway.keys.subject_key(subject, year).await.unwrap().unwrap().key_id, key);
}

#[tokio::test]
async fn it_is_recorded_whatever_the_rules_say_and_compared_with_them() {
    let (world, child, desk) = world().await;
    let told = |change: fn(&mut v1::RecordManualRequest)| {
        let mut message = call(&child);
        change(&mut message);
        message
    };
    let cases: [(&str, v1::RecordManualRequest, ManualComparison, &[Field]); 6] = [
        ("the plan too", told(|m| m.fields.push(Field::Plan as i32)), ManualComparison::BeyondRule, &[Field::Plan]),
        ("no criteria", told(|m| m.criteria.clear()), ManualComparison::NotPermitted, &[]),
        (
            "another purpose",
            told(|m| m.purpose = v1::Purpose::Treatment as i32),
            ManualComparison::NoRule,
            &[Field::Name, Field::Whereabouts],
        ),
        (
            "an organisation nobody admitted",
            told(|m| m.recipient.as_mut().unwrap().organisation_oin = "00000099000000009999".to_owned()),
            ManualComparison::NotPermitted,
            &[],
        ),
        (
            "no organisation named",
            told(|m| m.recipient.as_mut().unwrap().organisation_oin.clear()),
            ManualComparison::BeforeAHuman,
            &[],
        ),
        ("nobody knows the client", call(&Client::new(7, 8)), ManualComparison::UnknownClient, &[]),
    ];
    for (case, message, comparison, beyond) in cases {
        let (index, reply) = record(&desk, message).await;
        assert_eq!(reply.comparison(), comparison, "{case}");
        assert_eq!(reply.beyond, beyond.iter().map(|f| *f as i32).collect::<Vec<_>>(), "{case}");
        let (leaf, payload, _) = entry(&world.listening.gateway, index).await;
        assert_eq!(leaf.kind(), LeafKind::Manual, "{case}");
        assert_eq!(format!("MANUAL_COMPARISON_{}", payload["comparison"].as_str().unwrap()), comparison.as_str_name());
    }
    // With the danger confirmed by two professionals the rule permits it.
    let actor = super::world::people::actor;
    let criteria = DANGER_CRITERIA.map(str::to_owned).to_vec();
    let danger = Change::Danger { professional: actor("w-1"), criteria, until: SystemClock.now() + DAY };
    world.standing(&child, &[danger, Change::DangerApproval { professional: actor("w-2") }]).await;
    assert_eq!(record(&desk, call(&child)).await.1.comparison(), ManualComparison::WithinRule);
    let described = told(|m| m.fields.clear());
    assert_eq!(record(&desk, described).await.1.comparison(), ManualComparison::DescribedOnly);
    assert_eq!(desk.open_manual().await.unwrap().len(), 8);
}

#[tokio::test]
async fn another_person_reviews_and_once() {
    let (world, child, desk) = world().await;
    let (index, _) = record(&desk, call(&child)).await;
    let before = world.size().await;
    for by in ["worker-who-called", "Worker-Who-Called"] {
        let status = desk.review_manual(review(index, by), transaction()).await.unwrap_err();
        assert_eq!(said(&status), (Code::FailedPrecondition, "REVIEWER_DISCLOSED".to_owned(), String::new()));
    }
    let status = desk.review_manual(review(0, "second"), transaction()).await.unwrap_err();
    assert_eq!(said(&status).1, "DISCLOSURE_UNKNOWN");
    assert_eq!(world.size().await, before, "a refused review wrote an entry");

    let id = transaction();
    let receipt = desk.review_manual(review(index, "second"), id).await.unwrap();
    let (leaf, payload, _) = entry(&world.listening.gateway, receipt.index).await;
    assert_eq!(leaf.kind(), LeafKind::ObligationDone);
    assert!(leaf.text(Key::Ref).unwrap().ends_with(&format!(":{index}")), "{leaf:?}");
    assert_eq!(leaf.list(Key::Ob).unwrap(), ["REVIEW_1_WORKING_DAY"]);
    assert_eq!((&payload["reviewed_by"], &payload["conclusion"]), (&"second".into(), &"RIGHT".into()));
    assert!(desk.open_manual().await.unwrap().is_empty());
    // Once more: the same answer under the same id, an error under another.
    assert_eq!(desk.review_manual(review(index, "second"), id).await.unwrap().index, receipt.index);
    let status = desk.review_manual(review(index, "third"), transaction()).await.unwrap_err();
    assert_eq!(said(&status).1, "DISCLOSURE_REVIEWED");
}

#[tokio::test]
async fn a_transaction_id_records_once() {
    let (world, child, desk) = world().await;
    let (id, message) = (transaction(), call(&child));
    let first = desk.record_manual(message.clone(), id).await.unwrap();
    let size = world.size().await;
    let again = desk.record_manual(message.clone(), id).await.unwrap();
    assert_eq!(again.receipt.as_ref().unwrap().index, first.receipt.as_ref().unwrap().index);
    assert_eq!((again.comparison, again.review_by), (first.comparison, first.review_by));
    let other = v1::RecordManualRequest { ground: "another".to_owned(), ..message };
    assert_eq!(said(&desk.record_manual(other, id).await.unwrap_err()).1, "TRANSACTION_ID_REUSED");
    assert_eq!(world.size().await, size);
}

fn overdue(gateway: &Gateway) -> bool {
    gateway.conditions.watch().borrow().contains_key(&Condition::ReviewOverdue)
}

#[tokio::test]
async fn what_is_late_or_waits_too_long_is_overdue_until_somebody_looked() {
    let child = Client::new(1, 15);
    let broken = Broken::open(Options::with(vec![child.clone()])).await;
    let desk = broken.desk(&DOSSIER_SYSTEM).await;
    let (in_time, _) = record(&desk, call(&child)).await;
    assert!(!overdue(&broken.gateway));
    let late = v1::RecordManualRequest { happened_at: SystemClock.now() - DAY - HOUR, ..call(&child) };
    let (late, reply) = record(&desk, late).await;
    assert!(reply.late && !overdue(&broken.gateway), "the moment of the call shows nowhere");
    broken.gateway.check_reviews().await;
    assert!(overdue(&broken.gateway), "what was recorded late is overdue at the next check");
    desk.review_manual(review(late, "second"), transaction()).await.unwrap();
    broken.gateway.check_reviews().await;
    assert!(!overdue(&broken.gateway), "somebody looked");

    // Two weeks later no working day is left, whatever the holidays.
    broken.clock.0.store(i64::try_from(14 * DAY).unwrap(), Ordering::SeqCst);
    broken.gateway.check_reviews().await;
    assert!(overdue(&broken.gateway), "nobody looked within a working day");
    broken.clock.0.store(0, Ordering::SeqCst);
    desk.review_manual(review(in_time, "second"), transaction()).await.unwrap();
    broken.gateway.check_reviews().await;
    assert!(!overdue(&broken.gateway));
}

/// A telephone call while the holder's database is down is what this is for.
#[tokio::test]
async fn without_the_holders_database_it_is_recorded_and_not_compared() {
    let child = Client::new(1, 15);
    let broken = Broken::open(Options::with(vec![child.clone()])).await;
    let desk = broken.desk(&DOSSIER_SYSTEM).await;
    let store = "holder database";
    let mut recorded = Vec::new();
    for wrong in
        [StoreError::Unavailable { store, state: "UNREACHABLE" }, StoreError::Corrupt { store, table: "client" }]
    {
        broken.facts.set(Some(wrong));
        let (index, reply) = record(&desk, call(&child)).await;
        assert_eq!(reply.comparison(), ManualComparison::NotCompared);
        recorded.push(index);
    }
    broken.facts.set(None);
    assert_eq!(desk.open_manual().await.unwrap().iter().map(|o| o.index).collect::<Vec<_>>(), recorded);
}

/// Little room on the disk stops answers. What was told already was told, and its review takes no more room.
#[tokio::test]
async fn it_is_recorded_and_reviewed_while_the_log_is_closed_to_answers() {
    let (world, child, desk) = world().await;
    world.listening.gateway.recorder.close_to_answers(Condition::DiskLow.code(), true);
    let (index, _) = record(&desk, call(&child)).await;
    desk.review_manual(review(index, "second"), transaction()).await.unwrap();
    assert!(desk.open_manual().await.unwrap().is_empty());
}

/// What cannot be read waits all the same: nothing in the list may hide it, nor hide the rest.
#[tokio::test]
async fn what_cannot_be_read_is_listed_as_overdue() {
    let child = Client::new(1, 15);
    let broken = Broken::open(Options::with(vec![child.clone()])).await;
    let desk = broken.desk(&DOSSIER_SYSTEM).await;
    let (index, _) = record(&desk, call(&child)).await;
    broken.gateway.check_reviews().await;
    assert!(!overdue(&broken.gateway));

    broken.keys.set(Some(StoreError::Corrupt { store: "key database", table: "subject_key" }));
    broken.gateway.check_reviews().await;
    assert!(overdue(&broken.gateway), "an entry that cannot be read is named");
    let open = desk.open_manual().await.unwrap();
    assert_eq!(open.iter().map(|o| (o.index, o.overdue, o.happened_at)).collect::<Vec<_>>(), [(index, true, 0)]);
    assert_eq!(open[0].recipient_type(), v1::RecipientType::Police, "its leaf says to whom");
    assert_eq!((open[0].purpose(), open[0].comparison()), (v1::Purpose::SeriousDanger, ManualComparison::Unspecified));

    broken.keys.set(None);
    broken.gateway.check_reviews().await;
    assert!(!overdue(&broken.gateway));
}
