//! Tokens that do not hold: every one is refused at the door, before anybody is looked up.

use super::{Bench, due, partner};
use crate::world::desk::Desk;
use crate::world::folder::Folder;
use crate::world::tokens::{claims_of, key_file, key_id, signed, signed_by, with_header};
use jsonwebtoken::{Algorithm, EncodingKey};
use sluis::token::claims::{Actor, Audience, Claims};
use sluis::token::keys::SigningKey;
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use tonic::Code;

type Spoil = fn(&mut Claims);

/// Claims under the right key that are not for this call.
const CLAIMS: [(&str, &str, Spoil); 14] = [
    ("expired", "TOKEN_EXPIRED", |c| (c.nbf, c.exp) = (c.nbf - 600, c.exp - 600)),
    ("not yet valid", "TOKEN_NOT_YET_VALID", |c| (c.nbf, c.exp) = (c.nbf + 60, c.exp + 60)),
    ("lives too long", "TOKEN_LIFETIME", |c| c.exp += 3600),
    ("ends when it begins", "TOKEN_LIFETIME", |c| {
        c.nbf = SystemClock.now() / 1000 + 1;
        c.exp = c.nbf;
    }),
    ("another issuer", "TOKEN_ISSUER", |c| c.iss = "00000099000000009999".to_owned()),
    ("another audience", "TOKEN_AUDIENCE", |c| c.aud = Audience::One("https://elsewhere.example".to_owned())),
    ("several other audiences", "TOKEN_AUDIENCE", |c| c.aud = Audience::Several(vec!["a".into(), "b".into()])),
    ("another group", "TOKEN_GROUP", |c| c.gid = "elsewhere".to_owned()),
    ("another service", "TOKEN_SERVICE", |c| c.svc = "elsewhere".to_owned()),
    ("another organisation", "TOKEN_SUBJECT", |c| c.sub = "00000099000000002002".to_owned()),
    ("another certificate", "TOKEN_BINDING", |c| c.cnf.thumbprint = "A".repeat(43)),
    ("on behalf of somebody", "TOKEN_DELEGATED", |c| c.act = Some(Actor { sub: "x".to_owned() })),
    ("a grant that never was", "TOKEN_GRANT", |c| c.gth = "$1$3$other".to_owned()),
    ("no grant", "TOKEN_MALFORMED", |c| c.gth = String::new()),
];

/// The good call with another token.
async fn refused(bench: &Bench, row: &str, token: String, reason: &str) {
    let desk = Desk { token, ..bench.desk.clone() };
    let error = bench.error(row, 0, desk.release(bench.good())).await;
    assert_eq!(error, due(Code::Unauthenticated, reason, ""), "{row}");
}

#[tokio::test]
async fn claims_that_are_not_for_this_call_are_refused() {
    let bench = Bench::open().await;
    for (row, reason, spoil) in CLAIMS {
        let mut claims = claims_of(&bench.desk.token);
        spoil(&mut claims);
        refused(&bench, row, signed(&bench.world.folder, &claims), reason).await;
    }
    let untouched = signed(&bench.world.folder, &claims_of(&bench.desk.token));
    bench.serves(&Desk { token: untouched, ..bench.desk.clone() }).await;
}

fn forged(folder: &Folder, token: &str) -> Vec<(&'static str, String, &'static str)> {
    let claims = claims_of(token);
    let other = SigningKey::generate().unwrap();
    let other_key = EncodingKey::from_ec_pem(other.to_pem().as_bytes()).unwrap();
    let secret = EncodingKey::from_secret(&std::fs::read(key_file(folder)).unwrap());
    let kid = key_id(folder);
    let header = |alg: &str| with_header(token, &format!(r#"{{"alg":"{alg}","kid":"{kid}"}}"#));
    let (head, _) = token.rsplit_once('.').unwrap();
    vec![
        ("signed by another key", signed_by(folder, &claims, Algorithm::ES256, &other_key), "TOKEN_SIGNATURE"),
        (
            "HS256 with the public file as secret",
            signed_by(folder, &claims, Algorithm::HS256, &secret),
            "TOKEN_ALGORITHM",
        ),
        ("none", format!("{}.", header("none").rsplit_once('.').unwrap().0), "TOKEN_ALGORITHM"),
        ("None", header("None"), "TOKEN_ALGORITHM"),
        ("an algorithm that is not listed", header("PS256"), "TOKEN_ALGORITHM"),
        ("a listed algorithm of another key", header("RS256"), "TOKEN_ALGORITHM"),
        ("an unknown key", with_header(token, r#"{"alg":"ES256","kid":"nobody"}"#), "TOKEN_UNKNOWN_KEY"),
        ("without its signature", format!("{head}."), "TOKEN_SIGNATURE"),
        ("cut off", token[..token.len() - 9].to_owned(), "TOKEN_MALFORMED"),
        ("no token at all", "no-token".to_owned(), "TOKEN_MALFORMED"),
        ("too large", format!("{token}.{}", "a".repeat(8192)), "TOKEN_MALFORMED"),
        ("empty", String::new(), "TOKEN_MISSING"),
    ]
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let bench = Bench::open().await;
    for (row, token, reason) in forged(&bench.world.folder, &bench.desk.token) {
        refused(&bench, row, token, reason).await;
    }
    bench.serves(&bench.desk).await;
}

/// The token of one organisation over the certificate of another, as a thief would use it.
#[tokio::test]
async fn a_stolen_token_is_refused() {
    let bench = Bench::open().await;
    let thief = bench.world.desk(&sluis::demo::organisations::partners().nth(1).unwrap()).await;
    let stolen = Desk { token: bench.desk.token.clone(), ..thief };
    let error = bench.error("stolen", 0, stolen.release(bench.good())).await;
    assert_eq!(error, due(Code::Unauthenticated, "TOKEN_SUBJECT", ""));
}

/// Another certificate of the same organisation: the binding is to the certificate, not to the number.
#[tokio::test]
async fn a_token_serves_one_certificate_of_an_organisation() {
    let bench = Bench::open().await;
    let folder = &bench.world.folder;
    folder.keep("renewed", &folder.good(partner().oin));
    let (grpc, token) = bench.world.addresses();
    let renewed = Desk::open(folder.profile("renewed", partner().oin, grpc, token)).await;
    bench.serves(&renewed).await;
    let mixed = Desk { token: bench.desk.token.clone(), ..renewed };
    let error = bench.error("mixed", 0, mixed.release(bench.good())).await;
    assert_eq!(error, due(Code::Unauthenticated, "TOKEN_BINDING", ""));
}
