//! A revocation counts within one second of the arrival of the list: in calls under way, on idle connections, on new ones.

use super::super::load::transaction;
use super::super::place::Place;
use super::scene::{A_SECOND, PATIENCE, Scene, asker, authority, bystander, certificate, keep, now, put};
use sluis::client::connection::Connection;
use sluis::demo::organisations::{HOLDER_OIN, Organisation, THE_HAGUE};
use sluis::operation::stopwatch::Stopwatch;
use sluis::transport::trust::Protocol;
use sluis_proto::v1;
use sluis_proto::v1::audit_invoice_request::Message as Sent;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tonic::{Status, Streaming};

/// An audit that was opened and waits for lines, as long as the sender is kept.
struct Waiting {
    replies: Streaming<v1::AuditInvoiceResponse>,
    _lines: tokio::sync::mpsc::Sender<v1::AuditInvoiceRequest>,
}

impl Waiting {
    async fn open(connection: &Connection) -> Self {
        let (lines, stream) = tokio::sync::mpsc::channel(1);
        let opening = v1::AuditOpening {
            declaration_number: "1".to_owned(),
            provider_agb: "12345678".to_owned(),
            ..v1::AuditOpening::default()
        };
        lines.send(v1::AuditInvoiceRequest { message: Some(Sent::Opening(opening)) }).await.unwrap();
        let stream = tokio_stream::wrappers::ReceiverStream::new(stream);
        let request = connection.request(stream, transaction()).await.unwrap();
        let mut replies = connection.audits().audit_invoice(request).await.unwrap().into_inner();
        assert!(replies.message().await.unwrap().is_some(), "the audit was not opened");
        Self { replies, _lines: lines }
    }

    async fn end(mut self) -> Status {
        match tokio::time::timeout(PATIENCE, self.replies.message()).await.expect("the audit goes on") {
            Err(status) => status,
            Ok(message) => panic!("the audit gave {message:?} instead of an error"),
        }
    }
}

/// A connection that has begun to speak HTTP/2 (RFC 9113, 3.4) and then says nothing: one that never speaks is cut anyway.
fn greeted(scene: &Scene, organisation: &Organisation) -> TlsStream<TcpStream> {
    const PREFACE_AND_SETTINGS: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let mut stream = scene.dial(organisation, Protocol::Grpc).unwrap();
    scene.runtime.block_on(async {
        stream.write_all(PREFACE_AND_SETTINGS).await.unwrap();
        stream.flush().await.unwrap();
    });
    stream
}

async fn end(mut stream: TlsStream<TcpStream>) {
    let mut said = Vec::new();
    // Cut or closed: either way the bytes end.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("the connection stays open");
}

fn refused(scene: &Scene, organisation: &Organisation) {
    for protocol in [Protocol::Grpc, Protocol::Token] {
        // TLS 1.3 tells the caller after the handshake, when it reads.
        if let Ok(mut stream) = scene.dial(organisation, protocol) {
            let read = scene.runtime.block_on(stream.read(&mut [0; 1]));
            assert!(read.is_err(), "{} was let in: {read:?}", organisation.slug);
        }
    }
}

#[test]
fn a_revoked_certificate_is_cut_off_within_a_second_whatever_it_was_doing() {
    let scene = Scene::set("revoked");
    let (asking, auditing, kept) = (scene.connect(&asker()), scene.connect(&THE_HAGUE), scene.connect(&bystander()));
    scene.ask(&asking).unwrap();
    scene.ask(&kept).unwrap();
    let audit = scene.runtime.block_on(Waiting::open(&auditing));
    let idle = greeted(&scene, &asker());
    let idle_for_token = scene.dial(&asker(), Protocol::Token).unwrap();

    scene.put("crl.pem", &scene.list(1001, &[&asker(), &THE_HAGUE]));
    let arrival = Stopwatch::start();
    let status = scene.runtime.block_on(audit.end());
    let cut = arrival.elapsed();
    assert!(cut < A_SECOND, "an audit under way was cut after {cut:?}");
    assert_ne!(status.code(), tonic::Code::Ok);
    scene.runtime.block_on(async { tokio::join!(end(idle), end(idle_for_token)) });
    let cut = arrival.elapsed();
    assert!(cut < A_SECOND, "idle connections were cut after {cut:?}");
    // The channel connects again, and that is refused too.
    scene.ask(&asking).expect_err("a call on the connection that was open");
    refused(&scene, &asker());
    refused(&scene, &THE_HAGUE);

    scene.ask(&kept).expect("a call of somebody else");
    scene.hears(&["taken over", "authorities and revocation lists", "crl.pem"]);
    // Put right by a new certificate, without a restart.
    keep(&scene.place, asker().slug, &certificate(&scene.authority, asker().slug, asker().oin));
    scene.ask(&scene.connect(&asker())).unwrap();
}

#[test]
fn a_list_that_ends_cuts_everybody_within_a_second_and_a_new_one_lets_them_in() {
    let scene = Scene::set("list-ends");
    let kept = scene.connect(&bystander());
    scene.ask(&kept).unwrap();
    // In whole seconds, as a list says it.
    let end_of_list = jiff::Timestamp::from_second(now().as_second() + 7).unwrap();
    scene.put("crl.pem", &scene.list_until(1001, &[], end_of_list));
    scene.hears(&["taken over", "crl.pem"]);
    let idle = greeted(&scene, &bystander());
    assert!(now() < end_of_list, "the machine is too slow for this test");
    scene.hears(&["REVOCATION_ENDING", "crl.pem", "fetch the present one"]);
    scene.runtime.block_on(end(idle));
    let late = now().duration_since(end_of_list);
    assert!(late >= jiff::SignedDuration::ZERO, "cut {late:?} before the list ended");
    assert!(late < jiff::SignedDuration::from_secs(1), "cut {late:?} after the list ended");
    refused(&scene, &bystander());
    scene.ask(&kept).expect_err("a call under a list that ended");
    scene.hears(&["condition raised", "REVOCATION_STALE", "crl.pem"]);

    scene.put("crl.pem", &scene.list(1002, &[]));
    scene.hears(&["condition cleared", "REVOCATION_STALE"]);
    scene.ask(&scene.connect(&bystander())).unwrap();
}

#[test]
fn a_new_handshake_sees_the_new_certificate_and_open_connections_go_on() {
    let scene = Scene::set("own-certificate");
    let kept = scene.connect(&bystander());
    scene.ask(&kept).unwrap();
    let shown = |scene: &Scene, protocol| {
        let stream = scene.dial(&bystander(), protocol).unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let before = shown(&scene, Protocol::Grpc);
    let issued = certificate(&scene.authority, "gateway", HOLDER_OIN);
    put(&scene.place, "certs/gateway.pem", &issued.cert_pem);
    put(&scene.place, "certs/gateway.key", &issued.key_pem);
    scene.hears(&["taken over", "certificate and key", "gateway.pem"]);
    let after = shown(&scene, Protocol::Grpc);
    assert_ne!(before, after);
    assert_eq!(after, shown(&scene, Protocol::Token));
    scene.ask(&kept).expect("a call on the connection that was open");
    assert!(!scene.gateway.heard().contains("PRIVATE"), "key material in the log");
}

/// A gateway that starts under a list that has ended refuses everybody and says so; a present list is all it needs.
#[test]
fn a_gateway_that_starts_under_an_ended_list_heals_without_a_restart() {
    let scene = Scene::set_with("starts-ended", |authority| {
        let ended = now() - Duration::from_secs(60);
        authority.revocation_list_at(&[], 1000, ended - Duration::from_secs(60), ended).unwrap()
    });
    scene.hears(&["condition raised", "REVOCATION_STALE", "crl.pem"]);
    refused(&scene, &bystander());
    scene.put("crl.pem", &scene.list(1001, &[]));
    scene.hears(&["condition cleared", "REVOCATION_STALE"]);
    scene.ask(&scene.connect(&bystander())).unwrap();
}

#[test]
fn a_gateway_does_not_start_under_a_list_of_a_stranger() {
    let place = Place::new("strangers-list");
    let list = authority("a stranger").revocation_list_at(&[], 1, now(), now() + Duration::from_secs(3600)).unwrap();
    std::fs::write(place.file("crl.pem"), list).unwrap();
    place.change("gateway.toml", "revocation = []", "revocation = [\"crl.pem\"]");
    super::super::refusal::refused(
        &place,
        &["crl.pem", "no authority in", "ca.pem", "signed the list of CN=a stranger"],
    );
}
