//! What the next call meets: from nothing to admitted, stopped in the middle, with another certificate, in two roles.

use super::{Office, due, now, partner};
use crate::world::desk::{Desk, said, transaction};
use crate::world::operators::Person::{Anna, Bram};
use crate::world::people::{Client, today};
use crate::world::tokens::{peer, signer};
use crate::world::{Options, World};
use jiff::ToSpan;
use sluis::client::connection::with_metadata;
use sluis::demo::organisations::{HOLDER_OIN, THE_HAGUE, enrolments};
use sluis::fault::Fault;
use sluis::fsc::connection::ServiceConnection;
use sluis::gather::Caller;
use sluis::token::client::fetch_token;
use sluis_adapters::system::SystemClock;
use sluis_core::enrolment::{Enrolment, PinnedCertificate};
use sluis_core::organisation::{Purpose, RecipientType};
use sluis_core::ports::Clock;
use sluis_proto::v1;
use sluis_proto::v1::audit_invoice_request::Message;
use sluis_proto::v1::audit_invoice_response::Message as Reply;
use sluis_proto::v1::invoice_audit_service_client::InvoiceAuditServiceClient;
use sluis_proto::v1::log_service_client::LogServiceClient;
use sluis_proto::v1::release_response::Outcome;
use tonic::{Code, Status};

const WORKER: &str = "fs-0001";

async fn ask(desk: &Desk, child: &Client) -> Result<v1::ReleaseResponse, (Code, String)> {
    desk.release(child.question(v1::Purpose::Treatment, WORKER)).await.map_err(|status| super::coarse(&status))
}

/// A world with one child on the caseload of the partner.
async fn caseload() -> (World, Client) {
    let child = Client::new(1, 8);
    let world = World::open(Options::with(vec![child.clone()])).await;
    world.standing(&child, &[child.caseload(partner().oin, WORKER)]).await;
    (world, child)
}

#[tokio::test]
async fn from_nothing_two_persons_admit_the_first_organisation() {
    let child = Client::new(1, 8);
    let nobody = Options { enrolments: Some(|file| file.organisation.clear()), ..Options::with(vec![child.clone()]) };
    let world = World::open(nobody).await;
    let office = Office::open(&world).await;
    assert!(office.connection.organisations().await.unwrap().is_empty());
    // The token of the holder opens its enrolments and nothing else.
    let error = ask(&office.desk, &child).await.unwrap_err();
    assert_eq!(error, due(Code::PermissionDenied, "CALLER_NOT_ENROLLED"));
    let (grpc, token) = world.addresses();
    let profile = world.folder.profile(partner().slug, partner().oin, grpc, token);
    fetch_token(&profile, SystemClock.now()).await.expect_err("a token before anybody was admitted");
    let entry = enrolments(today().saturating_add(1.year())).unwrap().organisation;
    let entry: Enrolment = entry.into_iter().find(|e| e.oin.as_str() == partner().oin).unwrap();
    let version = office.make(partner().oin, |enrolments| enrolments.push(entry)).await;
    assert_eq!(version, 1);
    let reply = ask(&world.desk(&partner()).await, &child).await.unwrap();
    assert!(matches!(reply.outcome, Some(Outcome::Refused(_))), "nobody is on the caseload yet");
    let all = office.connection.organisations().await.unwrap();
    assert_eq!(all.iter().map(|o| o.oin.as_str()).collect::<Vec<_>>(), [partner().oin]);
    assert_eq!(office.enrolled(HOLDER_OIN).await.basis.version, 0);
}

#[tokio::test]
async fn one_person_stops_the_very_next_call_on_an_open_connection() {
    let (world, child) = caseload().await;
    let office = Office::open(&world).await;
    let desk = world.desk(&partner()).await;
    assert!(matches!(ask(&desk, &child).await.unwrap().outcome, Some(Outcome::Released(_))));
    let suspend = office.document(partner().oin, |e| e[0].suspended = true).await;
    assert_eq!(office.submit(&suspend, &[Anna]).await, Ok(2));
    assert_eq!(ask(&desk, &child).await.unwrap_err(), due(Code::Unauthenticated, "TOKEN_GRANT"));
    fetch_token(&desk.profile, SystemClock.now()).await.expect_err("a token while suspended");
    // Lifting needs both; then it goes on under a new token.
    let lift = office.document(partner().oin, |e| e[0].suspended = false).await;
    assert_eq!(office.submit(&lift, &[Anna]).await.unwrap_err().1, "ENROLMENT_SECOND_PERSON");
    assert_eq!(office.submit(&lift, &[Anna, Bram]).await, Ok(3));
    let reply = ask(&world.desk(&partner()).await, &child).await.unwrap();
    assert!(matches!(reply.outcome, Some(Outcome::Released(_))));
}

/// The size of the log tells how much is asked, at which moment: a token that outlives a suspension does not read it.
#[tokio::test]
async fn the_log_is_closed_to_who_is_suspended_and_open_to_the_holder() {
    let world = World::open(Options::default()).await;
    let office = Office::open(&world).await;
    let desk = world.desk(&partner()).await;
    let read = async |desk: &Desk| {
        let request = with_metadata(v1::ReadCheckpointRequest {}, &desk.token, transaction()).unwrap();
        let reply = LogServiceClient::new(desk.channel.clone()).read_checkpoint(request).await;
        reply.map(drop).map_err(|status| super::coarse(&status))
    };
    assert_eq!(read(&desk).await, Ok(()));
    let suspend = office.document(partner().oin, |e| e[0].suspended = true).await;
    assert_eq!(office.submit(&suspend, &[Anna]).await, Ok(2));
    assert_eq!(read(&desk).await, Err(due(Code::Unauthenticated, "TOKEN_GRANT")));
    assert_eq!(read(&office.desk).await, Ok(()));
}

/// Enrolments are the holder's own: on behalf of another it is not itself, and its pinned certificates count here too.
#[tokio::test]
async fn the_holder_reads_enrolments_for_itself_and_with_its_own_certificate() {
    let world = World::open(Options::default()).await;
    let office = Office::open(&world).await;
    let thumbprint = peer(&world.folder, "gateway").thumbprint_text;
    let caller = |thumbprint: &str, delegator| Caller {
        oin: super::oin(HOLDER_OIN),
        thumbprint: thumbprint.into(),
        connection: ServiceConnection { delegator, ..ServiceConnection::own("", "sluis") },
        signer: signer(),
        certified_until: u64::MAX,
    };
    let gateway = &world.listening.gateway;
    let fault = async |caller: Caller| gateway.enrolled(&caller, None, None).await.map(drop);
    assert_eq!(fault(caller("other", None)).await, Ok(()));
    let delegated = fault(caller(&thumbprint, Some(super::oin(partner().oin)))).await;
    assert!(matches!(delegated, Err(Fault::Enrolling(_))), "{delegated:?}");
    let mut entry = office.enrolled(partner().oin).await.enrolments.remove(0);
    entry.oin = super::oin(HOLDER_OIN);
    entry.certificates = vec![PinnedCertificate { thumbprint: thumbprint.clone(), until: None }];
    office.make(HOLDER_OIN, |enrolments| *enrolments = vec![entry]).await;
    assert_eq!(fault(caller(&thumbprint, None)).await, Ok(()));
    assert_eq!(fault(caller("other", None)).await, Err(Fault::OtherCertificate));
}

#[tokio::test]
async fn a_purpose_can_be_suspended_alone() {
    let (world, child) = caseload().await;
    let office = Office::open(&world).await;
    let suspend = office.document(partner().oin, |e| e[0].suspended_purposes.push(Purpose::Treatment)).await;
    assert_eq!(office.submit(&suspend, &[Bram]).await, Ok(2));
    let reply = ask(&world.desk(&partner()).await, &child).await.unwrap();
    assert!(matches!(reply.outcome, Some(Outcome::Refused(_))), "{reply:?}");
}

/// The audit is open, one page has left; suspended by one person, nothing of the next page leaves.
#[tokio::test]
async fn an_audit_under_way_stops_at_the_next_page() {
    let (one, two) = (Client::new(1, 8), Client::new(2, 9));
    let world = World::open(Options::with(vec![one.clone(), two.clone()])).await;
    let (office, desk) = (Office::open(&world).await, world.desk(&THE_HAGUE).await);
    let (lines, sent) = tokio::sync::mpsc::channel(8);
    let send = async |message: Message| {
        lines.send(v1::AuditInvoiceRequest { message: Some(message) }).await.unwrap();
    };
    let provider_agb = one.provider_agb();
    send(Message::Opening(v1::AuditOpening {
        declaration_number: "D1".to_owned(),
        provider_agb,
        actor: "controller-7".to_owned(),
    }))
    .await;
    let sent = tokio_stream::wrappers::ReceiverStream::new(sent);
    let request = with_metadata(sent, &desk.token, transaction()).unwrap();
    let mut replies =
        InvoiceAuditServiceClient::new(desk.channel.clone()).audit_invoice(request).await.unwrap().into_inner();
    let opened = replies.message().await.unwrap().unwrap().message;
    assert!(matches!(opened, Some(Reply::Opened(_))));
    send(Message::Line(one.claim())).await;
    let page = replies.message().await.unwrap().unwrap().message;
    assert!(matches!(page, Some(Reply::Page(_))), "{page:?}");
    let suspend = office.document(THE_HAGUE.oin, |e| e[0].suspended = true).await;
    assert_eq!(office.submit(&suspend, &[Anna]).await, Ok(2));
    let size = world.size().await;
    send(Message::Line(two.claim())).await;
    let ended: Status = replies.message().await.unwrap_err();
    assert_eq!(said(&ended).1, "TOKEN_GRANT");
    assert_eq!(world.size().await, size, "nothing was recorded, so nothing left");
}

#[tokio::test]
async fn a_pinned_certificate_is_the_only_one_until_another_is_added() {
    let (world, child) = caseload().await;
    let office = Office::open(&world).await;
    let old = peer(&world.folder, partner().slug).thumbprint_text;
    world.folder.keep("renewed", &world.folder.good(partner().oin));
    let new = peer(&world.folder, "renewed").thumbprint_text;
    let pin = |thumbprint: &str, until| PinnedCertificate { thumbprint: thumbprint.to_owned(), until };
    let (grpc, token) = world.addresses();
    let renewed = world.folder.profile("renewed", partner().oin, grpc, token);
    // Pinning narrows: any certificate of the number was accepted before.
    let pins = office.document(partner().oin, |e| e[0].certificates = vec![pin(&old, None)]).await;
    assert_eq!(office.submit(&pins, &[Anna]).await, Ok(2));
    assert!(ask(&world.desk(&partner()).await, &child).await.is_ok());
    let refused = ask(&Desk::open(renewed.clone()).await, &child).await.unwrap_err();
    assert_eq!(refused, due(Code::PermissionDenied, "CERTIFICATE_NOT_ENROLLED"));
    // Another certificate widens.
    let both = vec![pin(&old, Some(today())), pin(&new, None)];
    let rotate = office.document(partner().oin, |e| e[0].certificates = both).await;
    assert_eq!(office.submit(&rotate, &[Anna]).await.unwrap_err().1, "ENROLMENT_SECOND_PERSON");
    assert_eq!(office.submit(&rotate, &[Anna, Bram]).await, Ok(3));
    assert!(ask(&world.desk(&partner()).await, &child).await.is_ok());
    assert!(ask(&Desk::open(renewed.clone()).await, &child).await.is_ok());
    // The last day of the old one has passed.
    let yesterday = today().checked_sub(1.days()).unwrap();
    let over = office.document(partner().oin, |e| e[0].certificates[0].until = Some(yesterday)).await;
    assert_eq!(office.submit(&over, &[Bram]).await, Ok(4));
    assert_eq!(ask(&world.desk(&partner()).await, &child).await.unwrap_err().1, "CERTIFICATE_NOT_ENROLLED");
    assert!(ask(&Desk::open(renewed).await, &child).await.is_ok());
}

/// One unit may treat and has signed for secrecy, another has not: a file let them clash, and nobody is answered.
#[tokio::test]
async fn two_roles_that_disagree_on_a_purpose_answer_nobody() {
    let child = Client::new(1, 8);
    let twice = Options {
        enrolments: Some(|file| {
            let found = file.organisation.iter().position(|e| e.oin.as_str() == partner().oin).unwrap();
            let mut other = file.organisation[found].clone();
            (other.unit, other.recipient) = ("Access".to_owned(), RecipientType::AccessTeam);
            file.organisation.insert(found, other);
        }),
        ..Options::with(vec![child.clone()])
    };
    let world = World::open(twice).await;
    world.standing(&child, &[child.caseload(partner().oin, WORKER)]).await;
    let refused = ask(&world.desk(&partner()).await, &child).await.unwrap_err();
    assert_eq!(refused, due(Code::PermissionDenied, "ENROLMENT_AMBIGUOUS"));
    let office = Office::open(&world).await;
    // Taking one of them away makes the other answer: that widens, though it takes away.
    let one = office.document(partner().oin, |e| drop(e.remove(0))).await;
    assert_eq!(office.submit(&one, &[Anna]).await.unwrap_err().1, "ENROLMENT_SECOND_PERSON");
    // Stopping both does not.
    let both = office.document(partner().oin, |e| e.iter_mut().for_each(|e| e.suspended = true)).await;
    assert_eq!(office.submit(&both, &[Anna]).await, Ok(2));
    let one = office.document(partner().oin, |e| drop(e.remove(0))).await;
    assert_eq!(office.submit(&one, &[Anna]).await, Ok(3));
    let lift = office.document(partner().oin, |e| e[0].suspended = false).await;
    assert_eq!(office.submit(&lift, &[Anna, Bram]).await, Ok(4));
    let reply = ask(&world.desk(&partner()).await, &child).await.unwrap();
    assert!(matches!(reply.outcome, Some(Outcome::Released(_))), "{reply:?}");
    assert!(lift.valid_until > now());
}
