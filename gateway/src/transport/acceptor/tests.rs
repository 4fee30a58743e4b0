//! Handshakes that succeed, and every one that must be refused and counted.

mod lanes;
mod revocation;

use super::*;
use crate::demo::certificates::{Authority, Issued, Subject, Usage};
use crate::transport::provider;
use crate::transport::rehearsal::{FAR_AHEAD, GOOD, LONG_AGO, OTHER, authority, material, subject};
use crate::transport::trust::{Material, Pem, Protocol};
use jiff::civil::date;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_stream::StreamExt;

/// A listener that greets each proven peer with its number and then echoes lines.
struct Greeter {
    address: SocketAddr,
    trust: Arc<Trust>,
    counters: Arc<Counters>,
}

impl Greeter {
    async fn start(material: &Material, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let trust = Arc::new(Trust::new(material, Protocol::Grpc).unwrap());
        let counters = Arc::new(Counters::default());
        let mut incoming = accept(listener, Arc::clone(&trust), limits, Arc::clone(&counters));
        tokio::spawn(async move {
            while let Some(connection) = incoming.next().await {
                let mut connection = connection.unwrap();
                tokio::spawn(async move {
                    let oin = connection.peer().oin.as_str().to_owned();
                    connection.write_all(oin.as_bytes()).await?;
                    connection.flush().await?;
                    let mut byte = [0];
                    while connection.read(&mut byte).await? > 0 {
                        connection.write_all(&byte).await?;
                        connection.flush().await?;
                    }
                    std::io::Result::Ok(())
                });
            }
        });
        Self { address, trust, counters }
    }

    async fn meet(&self, config: Arc<ClientConfig>) -> std::io::Result<(TlsStream<TcpStream>, String)> {
        let tcp = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(config).connect(name, tcp).await?;
        let mut oin = [0; 20];
        stream.read_exact(&mut oin).await?;
        Ok((stream, String::from_utf8(oin.to_vec()).unwrap()))
    }
}

fn client(trusted: &Authority, shown: Option<&Issued>) -> Arc<ClientConfig> {
    let roots = Pem::new("ca.pem", trusted.cert_pem()).roots().unwrap();
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    Arc::new(match shown {
        None => builder.with_no_client_auth(),
        Some(issued) => {
            let chain = Pem::new("own.pem", &issued.cert_pem).certificates("certificate").unwrap();
            builder.with_client_auth_cert(chain, Pem::new("own.key", &issued.key_pem).key().unwrap()).unwrap()
        }
    })
}

async fn echoed(stream: &mut TlsStream<TcpStream>) -> std::io::Result<u8> {
    stream.write_all(b"x").await?;
    stream.flush().await?;
    stream.read_u8().await
}

#[tokio::test]
async fn every_bad_certificate_is_refused_for_its_reason_and_the_next_good_one_is_served() {
    let (ours, impostor) = (authority(), authority());
    let theirs = Authority::new("sluis other authority", LONG_AGO, FAR_AHEAD).unwrap();
    let revoked = ours.issue(&subject(&[OTHER])).unwrap();
    let list = ours.revocation_list(&[&revoked.serial], LONG_AGO, FAR_AHEAD).unwrap();
    let greeter = Greeter::start(&material(&ours, &[&list]), Limits::default()).await;
    let good = ours.issue(&subject(&[GOOD])).unwrap();
    let bad = |spoil: fn(&mut Subject<'_>)| {
        let mut spoiled = subject(&[GOOD]);
        spoil(&mut spoiled);
        Some(ours.issue(&spoiled).unwrap())
    };
    let cases = [
        (Refusal::NoCertificate, None),
        (Refusal::UnknownIssuer, Some(theirs.issue(&subject(&[GOOD])).unwrap())),
        // An authority under our authority's name, with another key.
        (Refusal::BadCertificate, Some(impostor.issue(&subject(&[GOOD])).unwrap())),
        (Refusal::Expired, bad(|s| s.not_after = date(2021, 1, 1))),
        (Refusal::NotYetValid, bad(|s| s.not_before = date(2089, 1, 1))),
        (Refusal::OinMissing, bad(|s| s.oins = &[])),
        (Refusal::OinRepeated, bad(|s| s.oins = &[GOOD, OTHER])),
        (Refusal::OinRepeated, bad(|s| s.oins = &[GOOD, GOOD])),
        (Refusal::OinInvalid, bad(|s| s.oins = &["0000009900000000100"])),
        (Refusal::BadCertificate, bad(|s| s.usage = Usage::Server)),
        (Refusal::Revoked, Some(revoked)),
    ];
    for (served, (reason, shown)) in cases.into_iter().enumerate() {
        let before = greeter.counters.refused(reason);
        assert!(greeter.meet(client(&ours, shown.as_ref())).await.is_err(), "{} was served", reason.code());
        assert_eq!(greeter.counters.refused(reason), before + 1, "{}", reason.code());
        assert_eq!(greeter.counters.refused_total(), served as u64 + 1);
        let (_, oin) = greeter.meet(client(&ours, Some(&good))).await.unwrap();
        assert_eq!(oin, GOOD);
        assert_eq!(greeter.counters.accepted(), served as u64 + 1);
    }
}

#[tokio::test]
async fn tls_12_and_noise_are_refused() {
    let ours = authority();
    let greeter = Greeter::start(&material(&ours, &[]), Limits::default()).await;
    // A ClientHello of TLS 1.2 (RFC 5246, 7.4.1.2): no extension supported_versions.
    let mut hello = vec![0x03, 0x03];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x2b, 1, 0]);
    let extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 13, 0, 4, 0, 2, 4, 3, 0, 11, 0, 2, 1, 0];
    hello.extend([0, extensions.len() as u8]);
    hello.extend(extensions);
    let mut record = vec![0x16, 3, 1, 0, hello.len() as u8 + 4, 1, 0, 0, hello.len() as u8];
    record.extend(hello);
    for (sent, answer) in [(record.as_slice(), [0x15, 3, 3, 0, 2, 2, 70].as_slice()), (b"GET / HTTP/1.1\r\n\r\n", &[])]
    {
        let mut tcp = TcpStream::connect(greeter.address).await.unwrap();
        tcp.write_all(sent).await.unwrap();
        let mut received = Vec::new();
        let _ = tcp.read_to_end(&mut received).await;
        assert!(received.starts_with(answer), "{received:?}");
    }
    assert_eq!(greeter.counters.refused(Refusal::Protocol), 2);
    assert_eq!(greeter.counters.accepted(), 0);
}

#[tokio::test]
async fn a_silent_caller_is_cut_at_the_deadline_and_holds_up_nobody() {
    let ours = authority();
    let limits = Limits { handshake_max: Duration::from_millis(300), ..Limits::default() };
    let greeter = Greeter::start(&material(&ours, &[]), limits).await;
    let mut silent = TcpStream::connect(greeter.address).await.unwrap();
    let good = ours.issue(&subject(&[GOOD])).unwrap();
    assert_eq!(greeter.meet(client(&ours, Some(&good))).await.unwrap().1, GOOD);
    let end = tokio::time::timeout(Duration::from_secs(10), silent.read(&mut [0])).await.unwrap();
    assert_eq!(end.unwrap(), 0);
    assert_eq!(greeter.counters.refused(Refusal::Deadline), 1);
}

/// As many strangers who say nothing as there may be handshakes, and more: the one who speaks is served.
#[tokio::test]
async fn silent_callers_hold_no_place_of_a_handshake() {
    let ours = authority();
    let limits = Limits { handshakes_max: 1, connections_max: 2, ..Limits::default() };
    let greeter = Greeter::start(&material(&ours, &[]), limits).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(greeter.address).await.unwrap());
    }
    let good = ours.issue(&subject(&[GOOD])).unwrap();
    assert_eq!(greeter.meet(client(&ours, Some(&good))).await.unwrap().1, GOOD);
    for tcp in &mut silent {
        let end = tokio::time::timeout(Duration::from_secs(3), tcp.read(&mut [0])).await.expect("still waited for");
        assert_eq!(end.unwrap(), 0);
    }
    assert_eq!((greeter.counters.refused(Refusal::Deadline), greeter.counters.shed()), (8, 0));
}

#[tokio::test]
async fn above_the_bound_a_connection_is_shed_and_a_freed_place_is_used_again() {
    let ours = authority();
    let limits = Limits { connections_max: 1, ..Limits::default() };
    let greeter = Greeter::start(&material(&ours, &[]), limits).await;
    let good = client(&ours, Some(&ours.issue(&subject(&[GOOD])).unwrap()));
    let (first, _) = greeter.meet(Arc::clone(&good)).await.unwrap();
    assert!(greeter.meet(Arc::clone(&good)).await.is_err());
    assert_eq!((greeter.counters.shed(), greeter.counters.refused_total()), (1, 0));
    drop(first);
    let again = async { while greeter.meet(Arc::clone(&good)).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(10), again).await.unwrap();
}

#[tokio::test]
async fn a_replaced_trust_cuts_only_the_connections_it_no_longer_covers() {
    let ours = authority();
    let greeter = Greeter::start(&material(&ours, &[]), Limits::default()).await;
    let (kept, revoked) = (ours.issue(&subject(&[GOOD])).unwrap(), ours.issue(&subject(&[OTHER])).unwrap());
    let (mut staying, _) = greeter.meet(client(&ours, Some(&kept))).await.unwrap();
    let (mut leaving, oin) = greeter.meet(client(&ours, Some(&revoked))).await.unwrap();
    assert_eq!((oin.as_str(), echoed(&mut leaving).await.unwrap()), (OTHER, b'x'));

    let broken = Material { key: Pem::new("gateway.key", "no key"), ..material(&ours, &[]) };
    assert!(greeter.trust.replace(&broken).unwrap_err().to_string().contains("`gateway.key`"));
    assert_eq!((greeter.trust.version(), echoed(&mut leaving).await.unwrap()), (0, b'x'));

    let list = ours.revocation_list(&[&revoked.serial], LONG_AGO, FAR_AHEAD).unwrap();
    greeter.trust.replace(&material(&ours, &[&list])).unwrap();
    assert_eq!(echoed(&mut staying).await.unwrap(), b'x');
    assert!(echoed(&mut leaving).await.is_err(), "an answer after the revocation");
    assert_eq!(greeter.counters.withdrawn(), 1);
    assert!(greeter.meet(client(&ours, Some(&revoked))).await.is_err());
    assert_eq!(greeter.counters.refused(Refusal::Revoked), 1);
}

/// The present, in whole seconds, as TLS takes it.
fn now() -> jiff::Timestamp {
    let now = DefaultTimeProvider.current_time().unwrap().as_secs();
    jiff::Timestamp::from_second(i64::try_from(now).unwrap()).unwrap()
}

/// The end of a connection, which must come while nobody sends anything.
async fn ended(stream: &mut TlsStream<TcpStream>) {
    let end = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut [0])).await.expect("it did not end");
    assert!(end.map_or(true, |count| count == 0));
}

#[tokio::test]
async fn nothing_is_resumed() {
    let ours = authority();
    let greeter = Greeter::start(&material(&ours, &[]), Limits::default()).await;
    // The same client configuration, whose memory of sessions is on.
    let good = client(&ours, Some(&ours.issue(&subject(&[GOOD])).unwrap()));
    for _ in 0..2 {
        let (stream, _) = greeter.meet(Arc::clone(&good)).await.unwrap();
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Full));
        assert_eq!(stream.get_ref().1.tls13_tickets_received(), 0);
    }
}

#[tokio::test]
async fn a_connection_past_its_greatest_age_is_cut() {
    let ours = authority();
    let limits = Limits { connection_age_max: Some(Duration::from_millis(200)), ..Limits::default() };
    let greeter = Greeter::start(&material(&ours, &[]), limits).await;
    let good = ours.issue(&subject(&[GOOD])).unwrap();
    let (mut stream, _) = greeter.meet(client(&ours, Some(&good))).await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut [0])).await.unwrap();
    assert!(end.map_or(true, |count| count == 0));
}
