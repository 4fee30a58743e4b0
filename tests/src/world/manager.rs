//! An FSC Manager for tests: a signing certificate of any kind, and tokens with any header and claims under it.

use super::people::today;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, RsaKeyPair};
use data_encoding::BASE64URL_NOPAD;
use jiff::ToSpan;
use jiff::civil::Date;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, SignatureAlgorithm};
use serde_json::{Value, json};
use sluis::transport::peer::Peer;
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;

/// `Subject.serialNumber`.
const SERIAL_NUMBER: [u64; 4] = [2, 5, 4, 5];

/// A Manager with one signing certificate.
pub struct Manager {
    key: KeyPair,
    /// The certificate, PEM.
    pub certificate: String,
    /// Its `x5t#S256`.
    pub thumbprint: String,
}

/// What the tokens of a gateway are for.
pub struct Realm<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `aud`.
    pub audience: &'a str,
    /// `gid`.
    pub group: &'a str,
    /// `svc`.
    pub service: &'a str,
}

impl Manager {
    /// The Manager of this organisation, signing with ES256, for a year.
    pub fn new(oin: &str) -> Self {
        Self::with(oin, &PKCS_ECDSA_P256_SHA256, today().saturating_add(1.year()))
    }

    /// The Manager of this organisation with a key of this kind, its certificate valid until this day.
    pub fn with(oin: &str, kind: &'static SignatureAlgorithm, not_after: Date) -> Self {
        let key = KeyPair::generate_for(kind).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "manager");
        params.distinguished_name.push(DnType::from_oid(&SERIAL_NUMBER), oin);
        let day = |date: Date| rcgen::date_time_ymd(date.year().into(), date.month() as u8, date.day() as u8);
        (params.not_before, params.not_after) = (day(today().saturating_sub(2.days())), day(not_after));
        let made = params.self_signed(&key).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, made.der());
        Self { key, certificate: made.pem(), thumbprint: BASE64URL_NOPAD.encode(digest.as_ref()) }
    }

    /// The private key, PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The public key, PEM.
    pub fn public_pem(&self) -> String {
        self.key.public_key_pem()
    }

    /// A token with these claims, signed with ES256.
    pub fn token(&self, claims: &Value) -> String {
        self.token_under("ES256", claims)
    }

    /// A token with these claims, signed with this algorithm.
    pub fn token_under(&self, algorithm: &str, claims: &Value) -> String {
        let header = json!({ "alg": algorithm, "typ": "JWT", "x5t#S256": self.thumbprint });
        self.signed(algorithm, &header.to_string(), claims.to_string().as_bytes())
    }

    /// Any header over any payload, with a signature of this algorithm.
    pub fn signed(&self, algorithm: &str, header: &str, payload: &[u8]) -> String {
        let text = format!("{}.{}", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(payload));
        let signature = self.signature(algorithm, text.as_bytes());
        format!("{text}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    fn signature(&self, algorithm: &str, text: &[u8]) -> Vec<u8> {
        let der = self.key.serialize_der();
        let curve = match algorithm {
            "ES256" => Some(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => Some(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            "ES512" => Some(&signature::ECDSA_P521_SHA512_FIXED_SIGNING),
            "DER" => Some(&signature::ECDSA_P256_SHA256_ASN1_SIGNING),
            _ => None,
        };
        if let Some(curve) = curve {
            let pair = EcdsaKeyPair::from_pkcs8(curve, &der).unwrap();
            return pair.sign(&SystemRandom::new(), text).unwrap().as_ref().to_vec();
        }
        let padding: &'static dyn signature::RsaEncoding = match algorithm {
            "RS256" => &signature::RSA_PKCS1_SHA256,
            "RS384" => &signature::RSA_PKCS1_SHA384,
            "RS512" => &signature::RSA_PKCS1_SHA512,
            _ => &signature::RSA_PSS_SHA256,
        };
        let pair = RsaKeyPair::from_pkcs8(&der).unwrap();
        let mut bytes = vec![0; pair.public_modulus_len()];
        pair.sign(padding, &SystemRandom::new(), text, &mut bytes).unwrap();
        bytes
    }
}

/// Claims for this peer under this grant, good for five minutes from now.
pub fn claims(realm: &Realm<'_>, peer: &Peer, grant: &str) -> Value {
    let now = SystemClock.now() / 1000;
    json!({
        "gth": grant,
        "gid": realm.group,
        "sub": peer.oin.as_str(),
        "iss": realm.issuer,
        "svc": realm.service,
        "aud": realm.audience,
        "nbf": now,
        "exp": now + 300,
        "cnf": { "x5t#S256": peer.thumbprint_text },
        "add": {},
    })
}
