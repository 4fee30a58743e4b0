//! Inway-Incoming-Request: what the gateway lets in, and what FSC calls the error where it does not.

use super::ground::{Inway, WORKER, consumer, direct, fsc_error, grant, grants_of, hash, keep};
use crate::journey::program::Running;
use crate::world::desk::{Desk, said};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use sluis::demo::certificates::{Authority, Subject, Usage};
use sluis::demo::organisations::ROTTERDAM;
use sluis::transport::trust::Protocol;
use sluis_proto::v1;
use sluis_proto::v1::release_response::Outcome;
use std::path::PathBuf;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

fn is_released(reply: &v1::ReleaseResponse) -> bool {
    matches!(reply.outcome, Some(Outcome::Released(_)))
}

/// Asks with a token of these claims, and gives what the error says to an Outway.
async fn refusal(inway: &Inway, claims: &Value, question: &v1::ReleaseRequest) -> (String, String, bool) {
    let status = inway.outway(&consumer(), claims).await.release(question.clone()).await.unwrap_err();
    fsc_error(&status)
}

fn due(reason: &str, code: &str, bearer: bool) -> (String, String, bool) {
    (reason.to_owned(), code.to_owned(), bearer)
}

/// A gateway that serves the consumer, and the question that it answers with a release.
async fn served(name: &str) -> (Inway, Running, v1::ReleaseRequest) {
    let inway = Inway::new(name, |_| ());
    let running = inway.serve();
    let question = inway.caseload().await;
    (inway, running, question)
}

#[tokio::test]
async fn inway_incoming_request_1_a_valid_token_is_accepted() {
    let (inway, _running, question) = served("fsc-in-1").await;
    let outway = inway.outway(&consumer(), &inway.good()).await;
    assert!(is_released(&outway.release(question).await.unwrap()));
}

#[tokio::test]
async fn inway_incoming_request_2_no_token_is_refused() {
    let (inway, _running, question) = served("fsc-in-2").await;
    let outway = Desk::with_token(inway.place.profile(&consumer()), String::new()).await;
    let error = fsc_error(&outway.release(question).await.unwrap_err());
    assert_eq!(error, due("TOKEN_MISSING", "ERROR_CODE_ACCESS_TOKEN_MISSING", true));
}

/// Bound to the certificate of another organisation, and to no certificate that there is.
#[tokio::test]
async fn inway_incoming_request_3_a_token_bound_to_another_certificate_is_refused() {
    let (inway, _running, question) = served("fsc-in-3").await;
    let mut claims = inway.good();
    claims["cnf"]["x5t#S256"] = inway.peer(&ROTTERDAM).thumbprint_text.into();
    let error = refusal(&inway, &claims, &question).await;
    assert_eq!(error, due("TOKEN_BINDING", "ERROR_CODE_ACCESS_TOKEN_INVALID", true));
    let stolen = inway.outway(&ROTTERDAM, &inway.good()).await;
    let error = fsc_error(&stolen.release(question).await.unwrap_err());
    assert_eq!(error, due("TOKEN_SUBJECT", "ERROR_CODE_ACCESS_TOKEN_INVALID", true));
}

/// Of an authority that the group does not trust, though the Manager would have signed a token for it.
#[tokio::test]
async fn inway_incoming_request_4_an_untrusted_certificate_is_refused() {
    let (inway, _running, question) = served("fsc-in-4").await;
    let (from, to) = (jiff::civil::date(2020, 1, 1), jiff::civil::date(2090, 1, 1));
    let stranger = Authority::new("another group", from, to).unwrap();
    let subject = Subject {
        organisation: consumer().name,
        oins: &[consumer().oin],
        common_name: "stranger",
        dns: &["localhost"],
        addresses: &[],
        not_before: from,
        not_after: to,
        usage: Usage::Client,
    };
    let issued = stranger.issue(&subject).unwrap();
    let [cert, key]: [PathBuf; 2] = keep(&inway.place, "stranger", &issued.cert_pem, &issued.key_pem);
    let mut claims = inway.good();
    claims["cnf"]["x5t#S256"] = super::ground::peer(&cert).thumbprint_text.into();
    let profile = sluis::transport::profile::Profile { cert, key, ..inway.place.profile(&consumer()) };
    let reached = sluis::transport::connector::connect(&profile).await;
    // TLS 1.3 may refuse after the handshake returned to the caller: then no call comes through.
    if let Ok(channel) = reached {
        let desk = Desk { profile, channel, token: inway.manager.token(&claims) };
        let status = desk.release(question).await.unwrap_err();
        let ours = (said(&status).1, status.metadata().get("fsc-error-code"));
        assert_eq!(ours, (String::new(), None), "a service answered a stranger: {status:?}");
    }
    assert_eq!(inway.records(&["--grant", &direct()]), Vec::<Value>::new());
}

/// The service is the gateway itself: the grant and service of the token reach the entry of the call.
#[tokio::test]
async fn inway_incoming_request_5_the_token_reaches_the_service() {
    let (inway, _running, question) = served("fsc-in-5").await;
    let outway = inway.outway(&consumer(), &inway.good()).await;
    outway.release(question).await.unwrap();
    let records = inway.records(&["--grant", &direct()]);
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!((&records[0]["grant_hash"], &records[0]["service_name"]), (&json!(direct()), &json!("sluis")));
}

#[tokio::test]
async fn inway_incoming_request_6_an_expired_token_is_refused() {
    let (inway, _running, question) = served("fsc-in-6").await;
    let mut claims = inway.good();
    let nbf = claims["nbf"].as_u64().unwrap();
    (claims["nbf"], claims["exp"]) = ((nbf - 600).into(), (nbf - 300).into());
    let error = refusal(&inway, &claims, &question).await;
    assert_eq!(error, due("TOKEN_EXPIRED", "ERROR_CODE_ACCESS_TOKEN_EXPIRED", true));
}

/// What FSC core says of an Inway's errors beyond the ids of the suite.
#[tokio::test]
async fn other_tokens_are_refused_under_the_code_that_core_names() {
    let (inway, _running, question) = served("fsc-in-core").await;
    let invalid = "ERROR_CODE_ACCESS_TOKEN_INVALID";
    let now = inway.good()["nbf"].as_u64().unwrap();
    let cases: [(&str, Value, &str, &str, bool); 8] = [
        ("gid", "another".into(), "TOKEN_GROUP", "ERROR_CODE_WRONG_GROUP_ID_IN_TOKEN", false),
        ("svc", "another".into(), "TOKEN_SERVICE", "ERROR_CODE_SERVICE_NOT_FOUND", false),
        ("iss", consumer().oin.into(), "TOKEN_ISSUER", invalid, true),
        ("aud", "https://elsewhere.example:443".into(), "TOKEN_AUDIENCE", invalid, true),
        ("sub", ROTTERDAM.oin.into(), "TOKEN_SUBJECT", invalid, true),
        ("nbf", (now + 60).into(), "TOKEN_NOT_YET_VALID", invalid, true),
        ("exp", (now + 301).into(), "TOKEN_LIFETIME", invalid, true),
        ("gth", hash(3, 9).into(), "TOKEN_GRANT", invalid, true),
    ];
    for (claim, value, reason, code, bearer) in cases {
        let mut claims = inway.good();
        claims[claim] = value;
        assert_eq!(refusal(&inway, &claims, &question).await, due(reason, code, bearer), "{claim}");
    }
    assert_eq!(question.actor, WORKER);
}

/// Port 443 asks for rights that a test does not have; 8443 is the other one that FSC allows.
#[tokio::test]
async fn inway_port_1_answers_on_8443() {
    let inway = Inway::new("fsc-port-1", |_| ());
    let old = inway.place.config_read().listen.grpc.to_string();
    // An address of its own on loopback, so that nobody else's 8443 is in the way.
    let port = "127.84.43.1:8443";
    inway.place.change("gateway.toml", &format!("grpc = \"{old}\""), &format!("grpc = \"{port}\""));
    let _running = inway.serve();
    let tls = TlsConnector::from(inway.place.profile(&consumer()).tls(Protocol::Grpc).unwrap());
    let tcp = TcpStream::connect(port).await.unwrap();
    let mut stream = tls.connect(ServerName::try_from("localhost").unwrap(), tcp).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "the first frame of a server is SETTINGS: {frame:?}");
}

/// A contract that is revoked, suspended or past its last day lets nobody in, without a new token.
#[tokio::test]
async fn a_grant_that_is_taken_away_ends_its_tokens() {
    let inway = Inway::new("fsc-revoked", |file| grants_of(file, &ROTTERDAM).push(grant(&hash(3, 3))));
    let running = inway.serve();
    let question = inway.caseload().await;
    let token = inway.good();
    assert!(is_released(&inway.outway(&consumer(), &token).await.release(question.clone()).await.unwrap()));
    running.signal("TERM");
    assert_eq!(running.end().status, Some(0));
    inway.enrol(|file| grants_of(file, &consumer())[0].until = Some(jiff::civil::date(2020, 1, 1)));
    let running = inway.serve();
    let invalid = "ERROR_CODE_ACCESS_TOKEN_INVALID";
    assert_eq!(refusal(&inway, &token, &question).await, due("TOKEN_GRANT", invalid, true));
    // The grant of another organisation is no grant of this one.
    let mut borrowed = token.clone();
    borrowed["gth"] = hash(3, 3).into();
    assert_eq!(refusal(&inway, &borrowed, &question).await, due("TOKEN_GRANT", invalid, true));
    drop(running);
}
