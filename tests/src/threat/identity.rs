//! Who calls: the certificate says so, and nothing else.

use super::{Place, WORKER, ask_with, client, desk, outcome, partner, question, size};
use crate::world::desk::{Desk, said};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use sluis::demo::organisations::POLICE;
use sluis::token::client::{FetchError, fetch_token};
use sluis::token::keys::SigningKey;
use sluis::transport::profile::Profile;
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use sluis_proto::v1;
use tonic::Code;

/// The claims of a token as JSON, so that more can be added than the program knows.
fn claims(token: &str) -> serde_json::Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap()
}

fn signed(kid: &str, claims: &serde_json::Value, key_pem: &[u8]) -> String {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(kid.to_owned());
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_pem(key_pem).unwrap()).unwrap()
}

#[tokio::test]
async fn t01_a_stolen_token_on_another_certificate_is_refused_without_an_entry() {
    let place = Place::new("t01");
    let _gateway = place.serve();
    let (owner, thief) = (desk(&place, &partner(0)).await, desk(&place, &partner(1)).await);
    let client = client(&place, &owner).await;
    let before = size(&owner).await;
    let stolen = Desk { token: owner.token.clone(), ..thief };
    let error = stolen.release(question(&client, v1::Purpose::Treatment)).await.unwrap_err();
    assert_eq!(said(&error), (Code::Unauthenticated, "TOKEN_SUBJECT".to_owned(), String::new()));
    assert_eq!(size(&owner).await, before, "who is not proven is counted, not logged by the call");
}

#[tokio::test]
async fn t02_an_organisation_that_poses_as_another_stays_itself() {
    let place = Place::new("t02");
    let _gateway = place.serve();
    let own = desk(&place, &partner(0)).await;
    let client = client(&place, &own).await;
    // At the token endpoint: the number of another in the form.
    let posing = Profile { oin: place.profile(&POLICE).oin, ..own.profile.clone() };
    let refused = fetch_token(&posing, SystemClock.now()).await.unwrap_err();
    assert!(matches!(&refused, FetchError::Refused { code, .. } if code == "invalid_client"), "{refused:?}");
    // At the door: a token of its own making, for another.
    let pem = std::fs::read(place.config_read().token.key.unwrap()).unwrap();
    let kid = SigningKey::load(&place.config_read().token.key.unwrap()).unwrap().kid().to_owned();
    let mut forged = claims(&own.token);
    forged["sub"] = POLICE.oin.into();
    let own_key = SigningKey::generate().unwrap().to_pem();
    for (key, reason) in [(own_key.as_bytes(), "TOKEN_SIGNATURE"), (pem.as_slice(), "TOKEN_SUBJECT")] {
        let desk = Desk { token: signed(&kid, &forged, key), ..own.clone() };
        let error = desk.release(question(&client, v1::Purpose::Treatment)).await.unwrap_err();
        assert_eq!(said(&error).1, reason);
    }
    // A token that is good, and claims a type besides: the type comes from our register only.
    let mut claims = claims(&own.token);
    for (name, value) in [("recipient_type", "POLICE"), ("typ", "POLICE"), ("role", "POLICE"), ("rt", "POLICE")] {
        claims[name] = value.into();
    }
    claims["prp"] = serde_json::json!({ "purpose": "SERIOUS_DANGER" });
    let typed = Desk { token: signed(&kid, &claims, &pem), ..own.clone() };
    for (purpose, due) in [(v1::Purpose::Treatment, "released"), (v1::Purpose::SeriousDanger, "refused")] {
        let (plain, typed) = (
            ask_with(&own, question(&client, purpose), &[]).await,
            ask_with(&typed, question(&client, purpose), &[]).await,
        );
        assert_eq!(outcome(&plain), due, "{purpose:?}");
        // Either it is refused as a token, or it changes nothing; never does it give more.
        assert!(outcome(&typed) == due || outcome(&typed) == "nothing", "{purpose:?}: {}", typed.metadata);
    }
}

#[tokio::test]
async fn t03_a_forged_certificate_header_has_no_effect() {
    let place = Place::new("t03");
    let _gateway = place.serve();
    let (own, other) = (desk(&place, &partner(0)).await, place.profile(&POLICE));
    let client = client(&place, &own).await;
    let pem = std::fs::read_to_string(&other.cert).unwrap();
    let encoded: String = pem.bytes().map(|b| format!("%{b:02X}")).collect();
    let flat = pem.replace('\n', " ");
    let names = [
        "x-forwarded-client-cert",
        "x-client-cert",
        "ssl-client-cert",
        "x-ssl-client-cert",
        "x-ssl-cert",
        "client-cert",
    ];
    let more = [
        "x-amzn-mtls-clientcert",
        "x-arr-clientcert",
        "x-client-oin",
        "x-oin",
        "x-forwarded-for",
        "forwarded",
        "fsc-peer-id",
    ];
    for value in [encoded, flat, format!("Subject=\"serialNumber={}\"", POLICE.oin), POLICE.oin.to_owned()] {
        let headers: Vec<_> = names.into_iter().chain(more).map(|name| (name, value.clone())).collect();
        let raw = ask_with(&own, question(&client, v1::Purpose::Treatment), &headers).await;
        assert_eq!(outcome(&raw), "released", "as itself: {}", raw.metadata);
        let receipt = match raw.messages::<v1::ReleaseResponse>().remove(0).outcome {
            Some(v1::release_response::Outcome::Released(released)) => released.receipt.unwrap().proof,
            other => panic!("{other:?}"),
        };
        let leaf =
            data_encoding::BASE64.decode(receipt.lines().nth(1).unwrap().trim_start_matches("extra ").as_bytes());
        let leaf = String::from_utf8(leaf.unwrap()).unwrap();
        assert!(leaf.contains(own.profile.oin.as_str()) && !leaf.contains(POLICE.oin), "{leaf}");
        // And nothing of what the other may ask.
        let raw = ask_with(&own, question(&client, v1::Purpose::SeriousDanger), &headers).await;
        assert_eq!(outcome(&raw), "refused", "{}", raw.metadata);
    }
    let _ = WORKER;
}

#[tokio::test]
async fn t04_an_algorithm_that_is_not_of_the_key_is_refused() {
    let place = Place::new("t04");
    let _gateway = place.serve();
    let own = desk(&place, &partner(0)).await;
    let key = place.config_read().token.key.unwrap();
    let kid = SigningKey::load(&key).unwrap().kid().to_owned();
    let payload = own.token.split('.').nth(1).unwrap();
    for algorithm in
        ["none", "None", "NONE", "HS256", "HS384", "HS512", "PS256", "PS512", "EdDSA", "ES512", "RS256", ""]
    {
        let header = format!(r#"{{"alg":"{algorithm}","kid":"{kid}","typ":"JWT"}}"#);
        let head = format!("{}.{payload}", BASE64URL_NOPAD.encode(header.as_bytes()));
        let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &std::fs::read(&key).unwrap());
        let tag = BASE64URL_NOPAD.encode(aws_lc_rs::hmac::sign(&secret, head.as_bytes()).as_ref());
        for signature in ["", tag.as_str(), own.token.rsplit('.').next().unwrap()] {
            let desk = Desk { token: format!("{head}.{signature}"), ..own.clone() };
            let error = desk.release(question("none", v1::Purpose::Treatment)).await.unwrap_err();
            let (code, reason, _) = said(&error);
            assert_eq!(code, Code::Unauthenticated, "{algorithm}: {reason}");
            assert!(
                ["TOKEN_ALGORITHM", "TOKEN_MALFORMED", "TOKEN_SIGNATURE"].contains(&reason.as_str()),
                "{algorithm}: {reason}"
            );
        }
    }
}
