//! Certificates that prove nobody: the handshake ends, no call is heard, and the next caller is served.

use super::{Bench, partner};
use crate::world::desk::Desk;
use crate::world::folder::{authority, certificate};
use crate::world::people::today;
use jiff::ToSpan;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use sluis::demo::certificates::Issued;
use sluis::token::client::fetch_token;
use sluis::transport::connector::connect;
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

fn spoiled(bench: &Bench) -> Vec<(&'static str, Issued)> {
    let (ours, oin) = (&bench.world.folder.authority, partner().oin);
    let (day, month) = (today().saturating_sub(2.days()), today().saturating_add(30.days()));
    let (long_ago, yesterday) = (today().saturating_sub(50.days()), today().saturating_sub(1.day()));
    let (tomorrow_ish, later) = (today().saturating_add(2.days()), today().saturating_add(40.days()));
    // The same name as ours, another key.
    let impostor = authority("world authority");
    vec![
        ("expired", certificate(ours, &[oin], long_ago, yesterday)),
        ("not yet valid", certificate(ours, &[oin], tomorrow_ish, later)),
        ("of an unknown issuer", certificate(&impostor, &[oin], day, month)),
        ("two OINs", certificate(ours, &[oin, "00000099000000002002"], day, month)),
        ("no OIN", certificate(ours, &[], day, month)),
        ("a number that is no OIN", certificate(ours, &["123"], day, month)),
    ]
}

#[tokio::test]
async fn a_certificate_that_proves_nobody_is_not_heard() {
    let bench = Bench::open().await;
    let (grpc, token) = bench.world.addresses();
    let before = bench.world.size().await;
    for (row, issued) in spoiled(&bench) {
        bench.world.folder.keep("spoiled", &issued);
        let profile = bench.world.folder.profile("spoiled", partner().oin, grpc, token);
        // TLS 1.3 may tell the caller only at the first call.
        if let Ok(channel) = connect(&profile).await {
            let desk = Desk { profile: profile.clone(), channel, token: bench.desk.token.clone() };
            let status = desk.release(bench.good()).await.expect_err(row);
            assert!(!matches!(status.code(), tonic::Code::Unauthenticated), "{row}: heard by the door: {status:?}");
        }
        assert!(fetch_token(&profile, SystemClock.now()).await.is_err(), "{row}");
        bench.serves(&bench.world.desk(&partner()).await).await;
    }
    assert_eq!(bench.world.size().await, before + 6, "only the good calls");
}

#[tokio::test]
async fn a_caller_without_a_certificate_is_not_heard() {
    let bench = Bench::open().await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(bench.world.folder.authority.cert_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let tcp = TcpStream::connect(bench.world.listening.grpc).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    if let Ok(mut stream) = TlsConnector::from(Arc::new(config)).connect(name, tcp).await {
        let _sent = stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        let mut heard = Vec::new();
        let end = stream.read_to_end(&mut heard).await;
        assert!(end.is_err() && heard.is_empty(), "the gateway answered {heard:?}");
    }
    bench.serves(&bench.world.desk(&partner()).await).await;
}

/// The same spoiled things in order are served: the table above fails for the reasons it names.
#[tokio::test]
async fn a_certificate_in_order_is_heard() {
    let bench = Bench::open().await;
    let (from, to) = (today().saturating_sub(2.days()), today().saturating_add(30.days()));
    bench.world.folder.keep("fresh", &certificate(&bench.world.folder.authority, &[partner().oin], from, to));
    let (grpc, token) = bench.world.addresses();
    let desk = Desk::open(bench.world.folder.profile("fresh", partner().oin, grpc, token)).await;
    bench.serves(&desk).await;
}
