//! Tokens that a world's own token key signs, with claims as good or as spoiled as a test wants.

use super::folder::Folder;
use data_encoding::BASE64URL_NOPAD;
use jiff::ToSpan;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sluis::demo::certificates::{Authority, Subject, Usage};
use sluis::token::claims::Claims;
use sluis::token::issue::{Issuer, LIFETIME_S, Realm};
use sluis::token::keys::{KeySet, SigningKey};
use sluis::token::verify::{Expectation, IssuedBy, Signer, Verifier};
use sluis::transport::peer::Peer;
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::path::Path;
use std::sync::LazyLock;

/// The claims of a token, unverified.
pub fn claims_of(token: &str) -> Claims {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap()
}

/// These claims under the signature of the world's token key.
pub fn signed(folder: &Folder, claims: &Claims) -> String {
    let key = EncodingKey::from_ec_pem(&std::fs::read(key_file(folder)).unwrap()).unwrap();
    signed_by(folder, claims, Algorithm::ES256, &key)
}

/// These claims under another key or algorithm, with the key id of the world's token key.
pub fn signed_by(folder: &Folder, claims: &Claims, algorithm: Algorithm, key: &EncodingKey) -> String {
    let mut header = Header::new(algorithm);
    header.kid = Some(key_id(folder));
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

/// The world's token key.
pub fn key_file(folder: &Folder) -> &Path {
    folder.config.token.key.as_deref().unwrap()
}

/// The key id of the world's token key.
pub fn key_id(folder: &Folder) -> String {
    SigningKey::load(key_file(folder)).unwrap().kid().to_owned()
}

/// A token with another header and the rest as it was.
pub fn with_header(token: &str, header: &str) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", BASE64URL_NOPAD.encode(header.as_bytes()))
}

/// A signer whom every gateway believes: of a token that a key of its own signed. For callers that come past the door.
///
/// Made once: tests make many callers.
pub fn signer() -> Signer {
    static SIGNER: LazyLock<Signer> = LazyLock::new(|| {
        let (oin, today) = ("00000099000000009001", dutch_date(SystemClock.now()));
        let (from, until) = (today.saturating_sub(1.day()), today.saturating_add(1.year()));
        let subject = Subject {
            organisation: "Signed",
            oins: &[oin],
            common_name: "signed",
            dns: &[],
            addresses: &[],
            not_before: from,
            not_after: until,
            usage: Usage::Client,
        };
        let issued = Authority::new("signed", from, until).unwrap().issue(&subject).unwrap();
        let peer = Peer::from_pem(issued.cert_pem.as_bytes()).unwrap();
        let text = || "signed".to_owned();
        let realm = Realm { issuer: text(), audience: text(), group: text(), service: text() };
        let key = SigningKey::generate().unwrap();
        let expectation =
            Expectation { realm: realm.clone(), lifetime_max_s: LIFETIME_S, issued_by: IssuedBy::Endpoint };
        let verifier = Verifier::new(expectation, KeySet::new().with_own(&key));
        let token = Issuer::new(key, realm).issue(&peer, "$1$3$grant", SystemClock.now()).unwrap().token;
        verifier.prove(&token, &peer, SystemClock.now()).unwrap().1
    });
    SIGNER.clone()
}

/// What the certificate `<slug>.pem` proves.
pub fn peer(folder: &Folder, slug: &str) -> Peer {
    let pem = std::fs::read(folder.dir.join(format!("{slug}.pem"))).unwrap();
    Peer::from_certificate(&CertificateDer::from_pem_slice(&pem).unwrap()).unwrap()
}
