//! Who signed, over what, from which state: each way around the second person is refused and writes nothing.

use super::{Office, due, now, oin, partner};
use crate::world::operators::Person::{self, Anna, Bram, Carla, Dirk};
use crate::world::operators::register;
use crate::world::{Options, World};
use jiff::ToSpan;
use sluis::demo::organisations::{HOLDER_OIN, THE_HAGUE};
use sluis::enrolling::Submission;
use sluis::gather::Caller;
use sluis_core::enrolment::change::{CHANGE_FORMAT, ChangeDocument};
use sluis_core::enrolment::operator::Operators;
use sluis_core::enrolment::{Capacity, Enrolment};
use sluis_core::organisation::Purpose;
use tonic::Code;

#[expect(clippy::ptr_arg, reason = "the shape of every change of a document")]
fn wider(enrolments: &mut Vec<Enrolment>) {
    enrolments[0].purposes.push(Purpose::Crisis);
}

#[expect(clippy::ptr_arg, reason = "the shape of every change of a document")]
fn narrower(enrolments: &mut Vec<Enrolment>) {
    enrolments[0].purposes.clear();
}

#[tokio::test]
async fn whatever_widens_needs_two_persons_who_may() {
    let world = World::open(Options::default()).await;
    let office = Office::open(&world).await;
    let document = office.document(partner().oin, wider).await;
    let before = world.size().await;
    let rows: [(&[Person], &str); 7] = [
        (&[], "ENROLMENT_SECOND_PERSON"),
        (&[Anna], "ENROLMENT_SECOND_PERSON"),
        (&[Anna, Anna], "ENROLMENT_SECOND_PERSON"),
        (&[Anna, Carla], "ENROLMENT_OPERATOR"),
        (&[Anna, Dirk], "ENROLMENT_OPERATOR"),
        (&[Dirk, Carla], "ENROLMENT_OPERATOR"),
        (&[Anna, Bram, Dirk], "ENROLMENT_OPERATOR"),
    ];
    for (persons, reason) in rows {
        let refused = office.submit(&document, persons).await.unwrap_err();
        assert_eq!(refused.1, reason, "{persons:?}");
    }
    assert_eq!((world.size().await, office.enrolled(partner().oin).await.basis.version), (before, 1));
    assert_eq!(office.submit(&document, &[Bram, Anna]).await, Ok(2));
    assert_eq!(world.size().await, before + 1);
    let enrolled = office.enrolled(partner().oin).await;
    assert!(enrolled.signed && enrolled.enrolments == document.enrolments);
    assert_eq!(enrolled.set.unwrap().0, before);
}

#[tokio::test]
async fn a_narrowing_needs_one_person_and_not_none() {
    let world = World::open(Options::default()).await;
    let office = Office::open(&world).await;
    let document = office.document(partner().oin, narrower).await;
    for (persons, reason) in [(&[][..], "ENROLMENT_SECOND_PERSON"), (&[Carla], "ENROLMENT_OPERATOR")] {
        assert_eq!(office.submit(&document, persons).await.unwrap_err().1, reason);
    }
    assert_eq!(office.submit(&document, &[Bram]).await, Ok(2));
}

/// One byte of the document, or a signature of another document.
#[tokio::test]
async fn a_document_that_was_touched_is_refused() {
    let world = World::open(Options::default()).await;
    let office = Office::open(&world).await;
    let document = office.document(partner().oin, wider).await;
    let bytes = serde_json::to_vec(&document).unwrap();
    let signed = |bytes: &[u8]| [Anna, Bram].map(|p| p.sign(bytes)).map(|s| (s.key, s.signature)).to_vec();
    let before = world.size().await;
    let text = String::from_utf8(bytes.clone()).unwrap();
    let touched = text.replace("\"CRISIS\"", "\"TREATMENT_EXTERNAL\"");
    assert_ne!(text, touched);
    let refused = office.send(&office.desk, touched.into_bytes(), signed(&bytes)).await.unwrap_err();
    assert_eq!(super::coarse(&refused), due(Code::PermissionDenied, "ENROLMENT_SIGNATURE"));
    // The bare bytes signed, without saying that they are a change: a signature made for something else.
    let mut bare = signed(&bytes);
    bare[1] = (Bram.key().to_vec(), signed(b"something else")[1].1.clone());
    let refused = office.send(&office.desk, bytes.clone(), bare).await.unwrap_err();
    assert_eq!(super::coarse(&refused), due(Code::PermissionDenied, "ENROLMENT_SIGNATURE"));
    // Anna's signature under Bram's key.
    let mut swapped = signed(&bytes);
    swapped[1].1 = swapped[0].1.clone();
    let refused = office.send(&office.desk, bytes.clone(), swapped).await.unwrap_err();
    assert_eq!(super::coarse(&refused), due(Code::PermissionDenied, "ENROLMENT_SIGNATURE"));
    assert_eq!(world.size().await, before);
    office.send(&office.desk, bytes.clone(), signed(&bytes)).await.unwrap();
}

#[tokio::test]
async fn a_document_is_used_once_and_from_the_state_it_names() {
    let world = World::open(Options::default()).await;
    let office = Office::open(&world).await;
    let stale = due(Code::FailedPrecondition, "ENROLMENT_CHANGE_STALE");
    office.make(partner().oin, |e| e[0].suspended = true).await;
    let lift = office.document(partner().oin, |e| e[0].suspended = false).await;
    assert_eq!(office.submit(&lift, &[Anna, Bram]).await, Ok(3));
    // Suspended again by one person: the state is as it was, and the old document must not lift it.
    let again = office.document(partner().oin, |e| e[0].suspended = true).await;
    assert_eq!(office.submit(&again, &[Anna]).await, Ok(4));
    assert_eq!(again.enrolments, office.enrolled(partner().oin).await.enrolments);
    assert_eq!(office.submit(&lift, &[Anna, Bram]).await.unwrap_err(), stale);
    // The right version with the grant of another state.
    let mut forged = office.document(partner().oin, |e| e[0].suspended = false).await;
    forged.from.grant = lift.from.grant.replace('A', "B");
    assert_eq!(office.submit(&forged, &[Anna, Bram]).await.unwrap_err(), stale);
}

#[tokio::test]
async fn of_two_changes_at_once_one_is_stale() {
    let world = World::open(Options::default()).await;
    let office = Office::open(&world).await;
    let before = world.size().await;
    let one = office.document(partner().oin, |e| e[0].secrecy_signed = false).await;
    let other = office.document(partner().oin, |e| e[0].bsn_ground = None).await;
    let (one, other) = tokio::join!(office.submit(&one, &[Anna]), office.submit(&other, &[Bram]));
    let stale = due(Code::FailedPrecondition, "ENROLMENT_CHANGE_STALE");
    assert!(matches!((&one, &other), (Ok(2), Err(s)) | (Err(s), Ok(2)) if *s == stale), "{one:?} {other:?}");
    assert_eq!((world.size().await, office.enrolled(partner().oin).await.basis.version), (before + 1, 2));
}

type Spoil = fn(&mut ChangeDocument);

/// What is spoiled in a document that two persons sign, and the reason.
const SPOILED: [(&str, Spoil, &str); 15] = [
    ("ended", |d| d.valid_until = now().checked_sub(1.minutes()).unwrap(), "ENROLMENT_CHANGE_EXPIRED"),
    ("not made yet", |d| d.made_at = now().checked_add(1.hours()).unwrap(), "ENROLMENT_CHANGE_EXPIRED"),
    ("too long", |d| d.valid_until = now().checked_add((31 * 24).hours()).unwrap(), "ENROLMENT_CHANGE_EXPIRED"),
    ("another format", |d| d.format.push('2'), "ENROLMENT_CHANGE_MALFORMED"),
    ("another gateway", |d| d.gateway.insert(0, 'x'), "ENROLMENT_CHANGE_MALFORMED"),
    ("another organisation", |d| d.organisation = oin(THE_HAGUE.oin), "ENROLMENT_CHANGE_STALE"),
    ("an entry of another", |d| d.enrolments[0].oin = oin(THE_HAGUE.oin), "ENROLMENT_CHANGE_MALFORMED"),
    ("no reason", |d| d.reason.clear(), "ENROLMENT_CHANGE_MALFORMED"),
    ("a name that turns the text", |d| d.enrolments[0].name.push('\u{202e}'), "ENROLMENT_CHANGE_MALFORMED"),
    ("a name with an escape", |d| d.enrolments[0].name.push('\u{1b}'), "ENROLMENT_CHANGE_MALFORMED"),
    ("no capacity", |d| d.enrolments[0].capacity = None, "ENROLMENT_CHANGE_MALFORMED"),
    ("records standing", |d| d.enrolments[0].records_standing = true, "ENROLMENT_CHANGE_MALFORMED"),
    ("a role twice", |d| d.enrolments.push(d.enrolments[0].clone()), "ENROLMENT_CHANGE_MALFORMED"),
    (
        "two roles that disagree",
        |d| {
            let mut other = d.enrolments[0].clone();
            (other.unit, other.secrecy_signed) = ("Access".to_owned(), false);
            d.enrolments.push(other);
        },
        "ENROLMENT_CHANGE_MALFORMED",
    ),
    ("nothing", |d| assert_eq!(d.enrolments[0].purposes.pop(), Some(Purpose::Crisis)), "ENROLMENT_CHANGE_MALFORMED"),
];

#[tokio::test]
async fn a_document_that_cannot_be_is_refused() {
    let world = World::open(Options::default()).await;
    let office = Office::open(&world).await;
    let good = office.document(partner().oin, wider).await;
    let before = world.size().await;
    for (row, spoil, reason) in SPOILED {
        let mut document = good.clone();
        spoil(&mut document);
        let refused = office.submit(&document, &[Anna, Bram]).await.expect_err(row);
        assert_eq!(refused.1, reason, "{row}");
    }
    for (row, text) in [("no JSON", "x{"), ("an unknown key", "{\"colour\":1,"), ("a key twice", "{\"reason\":\"x\",")]
    {
        let bytes = serde_json::to_string(&good).unwrap().replacen('{', text, 1).into_bytes();
        let signatures = [Anna, Bram].map(|p| p.sign(&bytes)).map(|s| (s.key, s.signature)).to_vec();
        let refused = office.send(&office.desk, bytes, signatures).await.expect_err(row);
        assert_eq!(super::coarse(&refused), due(Code::InvalidArgument, "ENROLMENT_CHANGE_MALFORMED"), "{row}");
    }
    assert_eq!(world.size().await, before);
    assert_eq!(office.submit(&good, &[Anna, Bram]).await, Ok(2));
}

#[tokio::test]
async fn only_the_holder_reads_and_changes() {
    let world = World::open(Options::default()).await;
    let office = Office::open(&world).await;
    let document = serde_json::to_vec(&office.document(partner().oin, wider).await).unwrap();
    let signatures = || [Anna, Bram].map(|p| p.sign(&document)).map(|s| (s.key, s.signature)).to_vec();
    let refused = due(Code::PermissionDenied, "CALLER_NOT_HOLDER");
    let stranger = world.desk(&partner()).await;
    let status = office.send(&stranger, document.clone(), signatures()).await.unwrap_err();
    assert_eq!(super::coarse(&status), refused);
    let profile = stranger.profile.clone();
    let clock = std::sync::Arc::new(sluis_adapters::system::SystemClock);
    let own = std::sync::Arc::new(crate::world::desk::transaction);
    let connection = sluis::client::connection::Connection::open(&profile, clock, own).await.unwrap();
    let error = connection.organisation(&oin(partner().oin)).await.unwrap_err().to_string();
    assert!(error.starts_with("CALLER_NOT_HOLDER"), "{error}");
    assert_ne!(partner().oin, HOLDER_OIN);
}

/// In production; a gateway that says so cannot be started yet, so this one is told.
#[tokio::test]
async fn a_number_for_tests_is_not_admitted_in_production() {
    let house = crate::conduct::House::build(0).await;
    let mut gateway = house.own().await;
    gateway.test_numbers = false;
    gateway.enrolling.holder = Some(oin(HOLDER_OIN));
    gateway.enrolling.operators.store(std::sync::Arc::new(Operators::read(&register()).unwrap()));
    let caller = Caller {
        oin: oin(HOLDER_OIN),
        thumbprint: "A".repeat(43).into(),
        connection: sluis::fsc::connection::ServiceConnection::own("", ""),
        certified_until: u64::MAX,
        signer: crate::world::tokens::signer(),
    };
    let present = gateway.enrolled(&caller, Some(oin(crate::conduct::PARTNER)), None).await.unwrap().remove(0);
    let mut document = ChangeDocument {
        format: CHANGE_FORMAT.to_owned(),
        gateway: gateway.verifier_key().to_string(),
        organisation: present.oin,
        from: present.basis,
        enrolments: present.enrolments,
        reason: "test".to_owned(),
        made_at: now(),
        valid_until: now().checked_add(1.hours()).unwrap(),
    };
    document.enrolments[0].capacity = Some(Capacity::Controller);
    document.enrolments[0].purposes.push(Purpose::Crisis);
    let submission = |document: &ChangeDocument| {
        let change = serde_json::to_vec(document).unwrap();
        let signatures = [Anna, Bram].map(|person| person.sign(&change)).to_vec();
        Submission { change, signatures }
    };
    let refused = gateway.submit_change(&caller, &submission(&document)).await.unwrap_err().to_string();
    assert!(refused.contains("a number for tests"), "{refused}");
    // Stopping it is always possible.
    document.enrolments[0].purposes.clear();
    document.enrolments[0].capacity = None;
    gateway.submit_change(&caller, &submission(&document)).await.unwrap();
}
