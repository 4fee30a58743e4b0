//! Steps of trust: do we trust the gateway, and does the gateway trust us? Told apart by who ended the handshake.
//!
//! In TLS 1.3 our side is done before the gateway has judged our certificate: its refusal, an alert, comes as the first
//! thing that is read. So something is read before anything is said: what was written could make the alert get lost.

use super::Failed;
use crate::transport::connector::Address;
use crate::transport::profile::Profile;
use crate::transport::trust::Protocol;
use rustls::{AlertDescription as Alert, CertificateError as Fault};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Time for a handshake, and again for an answer.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// How long the other side may speak first, so that a refusal is heard.
const LISTEN: Duration = Duration::from_millis(500);
/// Preface of HTTP/2 and an empty SETTINGS frame (RFC 9113, 3.4).
const HTTP2_HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The gateway's listener: trusted both ways when it answers with a frame of HTTP/2.
pub async fn gateway(profile: &Profile, address: &Address, tcp: TcpStream) -> Result<((), String), Failed> {
    let mut stream = handshake(profile, Protocol::Grpc, address, tcp).await?;
    first_words(&mut stream, HTTP2_HELLO, address).await?;
    Ok(((), "TLS 1.3, HTTP/2; we trust each other".to_owned()))
}

/// The token endpoint; gives its clock, the `Date` header of any answer.
pub async fn token(profile: &Profile, address: &Address, tcp: TcpStream) -> Result<(Option<String>, String), Failed> {
    let mut stream = handshake(profile, Protocol::Token, address, tcp).await?;
    let hello = format!("OPTIONS /token HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", address.authority);
    let answer = first_words(&mut stream, hello.as_bytes(), address).await?;
    let head = String::from_utf8_lossy(&answer).into_owned();
    let date = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("date").then(|| value.trim().to_owned())
    });
    Ok((date, "TLS 1.3, HTTP/1.1; we trust each other".to_owned()))
}

async fn handshake(
    profile: &Profile,
    protocol: Protocol,
    address: &Address,
    tcp: TcpStream,
) -> Result<TlsStream<TcpStream>, Failed> {
    let unusable = |e: crate::transport::MaterialError| Failed::new(e.to_string(), "check `ca`, `cert` and `key`");
    let connector = TlsConnector::from(profile.tls(protocol).map_err(unusable)?);
    match tokio::time::timeout(WAIT_MAX, connector.connect(address.name.clone(), tcp)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(named(&error, address)),
        Err(_) => Err(silent(address)),
    }
}

/// Listens first, then says hello and listens again.
async fn first_words(stream: &mut TlsStream<TcpStream>, hello: &[u8], address: &Address) -> Result<Vec<u8>, Failed> {
    let mut heard = vec![0; 4096];
    let read = match tokio::time::timeout(LISTEN, stream.read(&mut heard)).await {
        Ok(read) => read,
        Err(_) => {
            let exchange = async {
                stream.write_all(hello).await?;
                stream.read(&mut heard).await
            };
            tokio::time::timeout(WAIT_MAX, exchange).await.map_err(|_| silent(address))?
        }
    };
    match read {
        Ok(0) => Err(closed(address)),
        Ok(size) => {
            heard.truncate(size);
            Ok(heard)
        }
        Err(error) => Err(named(&error, address)),
    }
}

fn silent(address: &Address) -> Failed {
    let why = format!("`{}` does not speak TLS, or not within {} s", address.authority, WAIT_MAX.as_secs());
    Failed::new(why, "check that the address is that of the gateway and that no proxy stands in between")
}

fn closed(address: &Address) -> Failed {
    Failed::new(
        format!("`{}` closed the connection without saying why", address.authority),
        "check that your certificate names exactly one OIN (Subject.serialNumber), and try again after a minute: the \
         gateway may have no room; then ask the holder, whose log has the reason",
    )
}

/// Who refused whom, and why.
fn named(error: &io::Error, address: &Address) -> Failed {
    let at = &address.authority;
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(fault)) => we_refuse(fault, address),
        Some(rustls::Error::AlertReceived(alert)) => they_refuse(*alert, at),
        Some(rustls::Error::NoApplicationProtocol) => other_protocol(at),
        Some(rustls::Error::PeerIncompatible(_) | rustls::Error::InvalidMessage(_)) => Failed::new(
            format!("what answers at `{at}` does not speak TLS 1.3"),
            "check that the address is that of the gateway and that no proxy stands in between",
        ),
        Some(other) => Failed::new(format!("TLS with `{at}` failed: {other}"), "tell the holder of the gateway"),
        None if error.kind() == io::ErrorKind::UnexpectedEof || error.kind() == io::ErrorKind::ConnectionReset => {
            closed(address)
        }
        None => Failed::new(format!("the connection to `{at}` broke: {error}"), "try again; check the network"),
    }
}

fn we_refuse(fault: &Fault, address: &Address) -> Failed {
    let at = &address.authority;
    match fault {
        Fault::UnknownIssuer => Failed::new(
            format!("we do not trust `{at}`: its certificate is not from an authority in `ca`"),
            "put the certificate of the authority that the holder names into `ca`",
        ),
        Fault::Expired | Fault::ExpiredContext { .. } => Failed::new(
            format!("the certificate of `{at}` has expired"),
            "check the clock of this machine; if it is right, tell the holder",
        ),
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => Failed::new(
            format!("the certificate of `{at}` is not valid yet"),
            "check the clock of this machine; if it is right, tell the holder",
        ),
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => Failed::new(
            format!("the certificate of `{at}` is for another name than `{}`", address.host),
            "use the name that the holder gave you, not an address or another name of the same machine",
        ),
        other => Failed::new(format!("we do not trust `{at}`: {other}"), "tell the holder of the gateway"),
    }
}

fn they_refuse(alert: Alert, at: &str) -> Failed {
    let (why, to_do) = match alert {
        Alert::UnknownCA => (
            "it does not know the authority that our certificate is from",
            "put the intermediates behind your certificate in `cert`; else use a certificate of an authority that the \
             holder accepts",
        ),
        Alert::CertificateExpired => (
            "our certificate is outside its dates",
            "ask your authority for a new certificate; check the clock of both sides",
        ),
        Alert::CertificateRevoked => ("our certificate was revoked", "ask your authority for a new certificate"),
        Alert::CertificateUnknown | Alert::BadCertificate | Alert::UnsupportedCertificate => (
            "it does not accept our certificate",
            "check that the certificate may be used as a TLS client and that its authority publishes a revocation list",
        ),
        Alert::CertificateRequired => ("it saw no certificate of ours", "name your certificate and key in the profile"),
        Alert::DecryptError => {
            ("our signature is not by the key of our certificate", "name the key of the certificate")
        }
        Alert::NoApplicationProtocol => return other_protocol(at),
        Alert::ProtocolVersion => ("it does not speak TLS 1.3", "check the address; a proxy may stand in between"),
        _ => ("it ended the handshake", "ask the holder, whose log has the reason"),
    };
    Failed::new(format!("`{at}` refuses us: {why} (alert {})", name(alert)), to_do)
}

fn other_protocol(at: &str) -> Failed {
    Failed::new(
        format!("`{at}` speaks another protocol than we asked for"),
        "`endpoint` is the gRPC address and `token_endpoint` the token address: perhaps they were exchanged",
    )
}

/// The alert in the words of RFC 8446, 6.
fn name(alert: Alert) -> String {
    let name = format!("{alert:?}");
    let mut words = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 && !words.ends_with('c') {
            words.push('_');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}
