//! Tokens that pass, and every spoiled one that must not.

use super::*;
use crate::demo::certificates::Authority;
use crate::token::claims::{Actor, Audience};
use crate::token::issue::{Issuer, LIFETIME_S};
use crate::token::keys::SigningKey;
use crate::transport::rehearsal::{GOOD, OTHER, authority, peer, subject};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};

const NOW: Millis = 1_800_000_000_000;

fn realm() -> Realm {
    Realm {
        issuer: GOOD.to_owned(),
        audience: "https://gateway.example:8443".to_owned(),
        group: "nl-jeugd".to_owned(),
        service: "sluis".to_owned(),
    }
}

/// An issuer, its verifier and a peer with its token.
struct Bench {
    authority: Authority,
    issuer: Issuer,
    key_pem: String,
    verifier: Verifier,
    peer: Peer,
}

impl Bench {
    fn new() -> Self {
        let authority = authority();
        let key = SigningKey::generate().unwrap();
        let key_pem = key.to_pem().to_string();
        let expectation = Expectation { realm: realm(), lifetime_max_s: LIFETIME_S, issued_by: IssuedBy::Endpoint };
        let verifier = Verifier::new(expectation, KeySet::new().with_own(&key));
        let peer = peer(&authority.issue(&subject(&[GOOD])).unwrap());
        Self { issuer: Issuer::new(key, realm()), key_pem, verifier, peer, authority }
    }

    fn token(&self) -> String {
        self.issuer.issue(&self.peer, "$1$3$grant", NOW).unwrap().token
    }

    fn claims(&self) -> Claims {
        self.verifier.verify(&self.token(), &self.peer, NOW).unwrap().as_ref().clone()
    }

    fn verdict(&self, token: &str) -> Result<(), TokenError> {
        self.verifier.verify(token, &self.peer, NOW).map(|_| ())
    }

    /// The verdict over these claims, signed as they must be.
    fn verdict_on(&self, spoil: impl FnOnce(&mut Claims)) -> Result<(), TokenError> {
        let mut claims = self.claims();
        spoil(&mut claims);
        self.verdict(&self.issuer.sign(&claims).unwrap())
    }

    /// The verdict over a token with this header and a signature by this key.
    fn verdict_under(&self, algorithm: Algorithm, key: &EncodingKey) -> Result<(), TokenError> {
        let mut header = Header::new(algorithm);
        header.kid = jsonwebtoken::decode_header(self.token()).unwrap().kid;
        self.verdict(&jsonwebtoken::encode(&header, &self.claims(), key).unwrap())
    }
}

/// A token with another header and the rest as it was.
fn with_header(token: &str, header: &str) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", BASE64URL_NOPAD.encode(header.as_bytes()))
}

#[test]
fn a_good_token_gives_its_claims_on_miss_and_on_hit() {
    let bench = Bench::new();
    let token = bench.token();
    for _ in 0..2 {
        let claims = bench.verifier.verify(&token, &bench.peer, NOW).unwrap();
        assert_eq!((claims.gth.as_str(), claims.sub.as_str(), claims.nbf), ("$1$3$grant", GOOD, NOW / 1000));
        assert_eq!(claims.exp - claims.nbf, 300);
    }
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!((header.alg, header.kid.map(|kid| kid.len())), (Algorithm::ES256, Some(43)));
}

#[test]
fn what_is_no_token_is_refused_before_anything_else() {
    let bench = Bench::new();
    assert_eq!(bench.verdict(""), Err(TokenError::Missing));
    for text in ["x", "a.b.c", "....", "é.é.é", &"a".repeat(9000), &format!("{}.{}", bench.token(), "a".repeat(8192))]
    {
        assert_eq!(bench.verdict(text), Err(TokenError::Malformed), "{text}");
    }
    assert_eq!(bench.verdict_on(|c| c.gth = "x".repeat(8192)), Err(TokenError::Malformed), "signed, but too large");
    let critical = with_header(&bench.token(), r#"{"alg":"ES256","kid":"x","crit":["b64"],"b64":false}"#);
    assert_eq!(bench.verdict(&critical), Err(TokenError::Malformed));
}

#[test]
fn only_listed_algorithms_pass_and_only_the_one_of_the_key() {
    let bench = Bench::new();
    let token = bench.token();
    let kid = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
    for algorithm in [
        "none", "None", "HS256", "HS384", "HS512", "PS256", "PS384", "PS512", "EdDSA", "ES512", "ES256K", "ES384",
        "RS256",
    ] {
        let forged = with_header(&token, &format!(r#"{{"alg":"{algorithm}","kid":"{kid}"}}"#));
        assert_eq!(bench.verdict(&forged), Err(TokenError::Algorithm), "{algorithm}");
    }
    let (signed, _) = token.rsplit_once('.').unwrap();
    let (_, claims) = signed.split_once('.').unwrap();
    let header = BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#);
    assert_eq!(bench.verdict(&format!("{header}.{claims}.")), Err(TokenError::Algorithm));
}

#[test]
fn the_public_key_is_no_shared_secret() {
    let bench = Bench::new();
    let key = EcKey::from_pem(&bench.key_pem);
    for secret in [key.point.as_slice(), key.pem.as_bytes()] {
        assert_eq!(
            bench.verdict_under(Algorithm::HS256, &EncodingKey::from_secret(secret)),
            Err(TokenError::Algorithm)
        );
    }
}

/// The public half of a signing key, as an attacker has it.
struct EcKey {
    point: Vec<u8>,
    pem: String,
}

impl EcKey {
    fn from_pem(private: &str) -> Self {
        let pair = rcgen::KeyPair::from_pem(private).unwrap();
        Self { point: pair.public_key_raw().to_vec(), pem: pair.public_key_pem() }
    }
}

#[test]
fn another_key_under_our_key_id_fails_the_signature() {
    let bench = Bench::new();
    let other = SigningKey::generate().unwrap();
    assert_eq!(bench.verdict_under(Algorithm::ES256, other.encoding()), Err(TokenError::Signature));
    let foreign = Issuer::new(other, realm()).issue(&bench.peer, "$1$3$grant", NOW).unwrap().token;
    assert_eq!(bench.verdict(&foreign), Err(TokenError::UnknownKey));
    assert_eq!(bench.verdict(&with_header(&bench.token(), r#"{"alg":"ES256"}"#)), Err(TokenError::UnknownKey));
    let mut bent = bench.token();
    let last = if bent.ends_with('A') { 'Q' } else { 'A' };
    bent.pop();
    bent.push(last);
    assert_eq!(bench.verdict(&bent), Err(TokenError::Signature));
}

#[test]
fn every_claim_is_compared() {
    let bench = Bench::new();
    let now_s = NOW / 1000;
    assert_eq!(bench.verdict_on(|_| {}), Ok(()));
    assert_eq!(bench.verdict_on(|c| c.aud = Audience::Several(vec!["x".into(), realm().audience])), Ok(()));
    type Spoil = fn(&mut Claims);
    let cases: [(TokenError, Spoil); 13] = [
        (TokenError::Expired, |c| (c.nbf, c.exp) = (NOW / 1000 - 305, NOW / 1000 - 5)),
        (TokenError::NotYetValid, |c| (c.nbf, c.exp) = (NOW / 1000 + 6, NOW / 1000 + 60)),
        (TokenError::Lifetime, |c| c.exp += 1),
        (TokenError::Lifetime, |c| c.exp = c.nbf),
        (TokenError::Issuer, |c| c.iss = OTHER.to_owned()),
        (TokenError::Audience, |c| c.aud = Audience::One("https://elsewhere.example".to_owned())),
        (TokenError::Audience, |c| c.aud = Audience::Several(Vec::new())),
        (TokenError::Group, |c| c.gid = "other".to_owned()),
        (TokenError::Service, |c| c.svc = "other".to_owned()),
        (TokenError::Subject, |c| c.sub = OTHER.to_owned()),
        (TokenError::Binding, |c| c.cnf.thumbprint = BASE64URL_NOPAD.encode(&[7; 32])),
        (TokenError::Delegated, |c| c.act = Some(Actor { sub: OTHER.to_owned() })),
        (TokenError::Malformed, |c| c.gth.clear()),
    ];
    for (expected, spoil) in cases {
        assert_eq!(bench.verdict_on(spoil), Err(expected));
    }
    assert_eq!(bench.verdict_on(|c| (c.nbf, c.exp) = (now_s - 296, now_s - 4)), Ok(()), "within the leeway");
}

#[test]
fn a_missing_claim_is_malformed() {
    let bench = Bench::new();
    let claims = serde_json::to_value(bench.claims()).unwrap();
    let mut header = Header::new(Algorithm::ES256);
    header.kid = jsonwebtoken::decode_header(bench.token()).unwrap().kid;
    let key = EncodingKey::from_ec_pem(bench.key_pem.as_bytes()).unwrap();
    for claim in ["gth", "gid", "sub", "iss", "svc", "aud", "exp", "nbf", "cnf"] {
        let mut without = claims.clone();
        without.as_object_mut().unwrap().remove(claim).unwrap();
        let token = jsonwebtoken::encode(&header, &without, &key).unwrap();
        assert_eq!(bench.verdict(&token), Err(TokenError::Malformed), "{claim}");
    }
}

#[test]
fn a_stolen_token_fails_on_another_certificate_on_miss_and_on_hit() {
    let bench = Bench::new();
    // The thief has a valid certificate of the same organisation, and one of another.
    let renewed = peer(&bench.authority.issue(&subject(&[GOOD])).unwrap());
    let thief = peer(&bench.authority.issue(&subject(&[OTHER])).unwrap());
    let token = bench.token();
    for _ in 0..2 {
        assert_eq!(bench.verifier.verify(&token, &renewed, NOW).unwrap_err(), TokenError::Binding);
        assert_eq!(bench.verifier.verify(&token, &thief, NOW).unwrap_err(), TokenError::Subject);
        // From here on the token is in the cache by its owner's hand.
        bench.verifier.verify(&token, &bench.peer, NOW).unwrap();
    }
}

#[test]
fn time_passes_for_a_cached_token_and_for_a_certificate_too() {
    let bench = Bench::new();
    let token = bench.token();
    let at = |now| bench.verifier.verify(&token, &bench.peer, now).map(|_| ());
    assert_eq!(at(NOW), Ok(()));
    assert_eq!(at(NOW + 304_999), Ok(()));
    assert_eq!(at(NOW + 305_000), Err(TokenError::Expired));
    assert_eq!(at(NOW - 5_000), Ok(()));
    assert_eq!(at(NOW - 6_000), Err(TokenError::NotYetValid));
    let ended = Peer { not_after: NOW - 1, ..bench.peer.clone() };
    assert_eq!(bench.verifier.verify(&token, &ended, NOW).unwrap_err(), TokenError::CertificateExpired);
}

#[test]
fn replaced_keys_forget_what_the_old_ones_verified() {
    let bench = Bench::new();
    let token = bench.token();
    assert_eq!(bench.verdict(&token), Ok(()));
    bench.verifier.replace_keys(KeySet::new().with_own(&SigningKey::generate().unwrap()));
    assert_eq!(bench.verdict(&token), Err(TokenError::UnknownKey));
}

#[test]
fn a_signer_is_believed_until_its_key_is_gone() {
    let bench = Bench::new();
    let (_, signer) = bench.verifier.prove(&bench.token(), &bench.peer, NOW).unwrap();
    let present = || KeySet::new().with_own(&SigningKey::from_pem("token.key", bench.key_pem.as_bytes()).unwrap());
    // Long after the token ended, and under a set with another key beside it.
    bench.verifier.replace_keys(present().with_own(&SigningKey::generate().unwrap()));
    assert!(signer.is_believed(NOW + 3_600_000));
    bench.verifier.replace_keys(KeySet::new().with_own(&SigningKey::generate().unwrap()));
    assert!(!signer.is_believed(NOW));
}
