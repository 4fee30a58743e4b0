//! Tokens that a world's own token key signs, with claims as good or as spoiled as a test wants.

use super::folder::Folder;
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sluis::token::claims::Claims;
use sluis::token::keys::SigningKey;
use sluis::transport::peer::Peer;
use std::path::Path;

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

/// What the certificate `<slug>.pem` proves.
pub fn peer(folder: &Folder, slug: &str) -> Peer {
    let pem = std::fs::read(folder.dir.join(format!("{slug}.pem"))).unwrap();
    Peer::from_certificate(&CertificateDer::from_pem_slice(&pem).unwrap()).unwrap()
}
