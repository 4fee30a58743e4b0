//! Ways to cheat with a JWS, each with the reason it must fail for.

use super::{Bench, HOLDER};
use crate::world::manager::Manager;
use data_encoding::{BASE64, BASE64URL, BASE64URL_NOPAD};
use jsonwebtoken::{EncodingKey, Header};
use rcgen::PKCS_RSA_SHA256;
use serde_json::{Value, json};
use sluis::token::fault::TokenError;

/// A good token in its three parts.
fn parts(bench: &Bench) -> [String; 3] {
    let token = bench.manager.token(&bench.claims());
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

#[test]
fn the_header_gives_no_key_and_no_algorithm_of_its_own() {
    let bench = Bench::new();
    let [_, claims, signature] = parts(&bench);
    let thumbprint = &bench.manager.thumbprint;
    let attacker = Manager::new(HOLDER);
    let payload = bench.claims().to_string();
    let by_attacker = |header: Value| attacker.signed("ES256", &header.to_string(), payload.as_bytes());
    let der = attacker.certificate.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let unsigned = |header: &str| format!("{}.{claims}.", BASE64URL_NOPAD.encode(header.as_bytes()));
    let renamed = |header: &str| format!("{}.{claims}.{signature}", BASE64URL_NOPAD.encode(header.as_bytes()));
    let mut cases: Vec<(&str, String, TokenError)> = vec![
        ("by another key", by_attacker(json!({"alg":"ES256","x5t#S256":thumbprint})), TokenError::Signature),
        ("by its own name", attacker.token(&bench.claims()), TokenError::UnknownKey),
        (
            "with its certificate along",
            by_attacker(json!({"alg":"ES256","x5t#S256":attacker.thumbprint,"x5c":[der]})),
            TokenError::UnknownKey,
        ),
        (
            "with its certificate under our name",
            by_attacker(json!({"alg":"ES256","x5t#S256":thumbprint,"x5c":[der],"jku":"https://x","x5u":"https://x"})),
            TokenError::Signature,
        ),
        ("named by kid", renamed(&format!(r#"{{"alg":"ES256","kid":"{thumbprint}"}}"#)), TokenError::UnknownKey),
        ("named by nothing", renamed(r#"{"alg":"ES256"}"#), TokenError::UnknownKey),
        ("named by SHA-1", renamed(&format!(r#"{{"alg":"ES256","x5t":"{thumbprint}"}}"#)), TokenError::UnknownKey),
        (
            "named by the caller's certificate",
            by_attacker(json!({"alg":"ES256","x5t#S256":bench.peer.thumbprint_text})),
            TokenError::UnknownKey,
        ),
        (
            "alg twice",
            renamed(&format!(r#"{{"alg":"none","alg":"ES256","x5t#S256":"{thumbprint}"}}"#)),
            TokenError::Malformed,
        ),
        ("alg is a list", renamed(&format!(r#"{{"alg":["ES256"],"x5t#S256":"{thumbprint}"}}"#)), TokenError::Malformed),
        ("a header that is a list", renamed("[]"), TokenError::Malformed),
        (
            "more after the header",
            renamed(&format!(r#"{{"alg":"ES256","x5t#S256":"{thumbprint}"}}x"#)),
            TokenError::Malformed,
        ),
        (
            "crit",
            renamed(&format!(r#"{{"alg":"ES256","x5t#S256":"{thumbprint}","crit":["exp"]}}"#)),
            TokenError::Malformed,
        ),
        (
            "an empty crit",
            renamed(&format!(r#"{{"alg":"ES256","x5t#S256":"{thumbprint}","crit":[]}}"#)),
            TokenError::Malformed,
        ),
    ];
    for name in ["none", "None", "NONE", "nOnE", "", "es256", "ES256 ", "HS256", "PS256", "EdDSA", "ES256K", "RSA1_5"] {
        cases.push((
            name,
            unsigned(&format!(r#"{{"alg":"{name}","x5t#S256":"{thumbprint}"}}"#)),
            TokenError::Algorithm,
        ));
    }
    for (case, token, due) in cases {
        assert_eq!(bench.verdict(&token), Err(due), "{case}");
    }
    assert_eq!(bench.verdict(&parts(&bench).join(".")), Ok(()));
}

/// A public key is known to everybody, so it must never serve as a shared secret.
#[test]
fn public_material_is_no_secret() {
    let bench = Bench::new();
    for secret in [bench.manager.certificate.as_bytes(), bench.manager.public_pem().as_bytes(), b""] {
        let mut header = Header::new(jsonwebtoken::Algorithm::HS256);
        header.x5t_s256 = Some(bench.manager.thumbprint.clone());
        let token = jsonwebtoken::encode(&header, &bench.claims(), &EncodingKey::from_secret(secret)).unwrap();
        assert_eq!(bench.verdict(&token), Err(TokenError::Algorithm));
    }
}

#[test]
fn a_signature_has_one_form() {
    let bench = Bench::new();
    let [header, claims, signature] = parts(&bench);
    let raw = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let with = |bytes: &[u8]| format!("{header}.{claims}.{}", BASE64URL_NOPAD.encode(bytes));
    let der = bench.manager.signed(
        "DER",
        &json!({"alg":"ES256","x5t#S256":bench.manager.thumbprint}).to_string(),
        bench.claims().to_string().as_bytes(),
    );
    let swapped = [&raw[32..], &raw[..32]].concat();
    let longer = [&raw[..], &[0]].concat();
    for (case, token) in [
        ("nothing", with(&[])),
        ("zeros", with(&[0; 64])),
        ("ones", with(&[255; 64])),
        ("r and s swapped", with(&swapped)),
        ("one byte less", with(&raw[..63])),
        ("one byte more", with(&longer)),
        ("in DER", der),
        ("four parts", format!("{header}.{claims}.{claims}.{signature}")),
    ] {
        assert_eq!(bench.verdict(&token), Err(TokenError::Signature), "{case}");
    }
    let rsa = Bench::of(&PKCS_RSA_SHA256);
    let header = json!({"alg":"RS256","x5t#S256":rsa.manager.thumbprint}).to_string();
    let pss = rsa.manager.signed("PS256", &header, rsa.claims().to_string().as_bytes());
    assert_eq!(rsa.verdict(&pss), Err(TokenError::Signature), "the other padding");
}

/// One token has one text: otherwise a list of tokens could be walked around.
#[test]
fn a_text_has_one_form() {
    let bench = Bench::new();
    let good = parts(&bench);
    assert_eq!(good[2].len(), 86);
    let last = good[2].chars().next_back().unwrap();
    let trailing = char::from(last as u8 + 1);
    let standard = |text: &str| BASE64.encode(&BASE64URL_NOPAD.decode(text.as_bytes()).unwrap());
    let padded = |text: &str| BASE64URL.encode(&BASE64URL_NOPAD.decode(text.as_bytes()).unwrap());
    for (case, token) in [
        ("padded", [good[0].clone(), good[1].clone(), padded(&good[2])].join(".")),
        ("standard alphabet", [good[0].clone(), good[1].clone(), standard(&good[2])].join(".")),
        ("bits beyond the end", format!("{}.{}.{}{trailing}", good[0], good[1], &good[2][..85])),
        ("a line break", format!("{}.{}\n.{}", good[0], good[1], good[2])),
        ("a space before", format!(" {}", good.join("."))),
        ("two parts", format!("{}.{}", good[0], good[1])),
        ("one part", good[0].clone()),
        ("JSON form", json!({"protected": good[0], "payload": good[1], "signature": good[2]}).to_string()),
    ] {
        assert!(bench.verdict(&token).is_err(), "{case}");
    }
}

#[test]
fn claims_have_one_meaning() {
    let bench = Bench::new();
    let header = json!({"alg":"ES256","x5t#S256":bench.manager.thumbprint}).to_string();
    let signed = |payload: &str| bench.manager.signed("ES256", &header, payload.as_bytes());
    let good = bench.claims().to_string();
    let sub = format!(r#""sub":"{}""#, bench.peer.oin);
    assert!(good.contains(&sub));
    for (case, payload) in [
        ("the subject twice", good.replace(&sub, &format!(r#""sub":"{HOLDER}",{sub}"#))),
        ("more after the claims", format!("{good} x")),
        ("no claims", "null".to_owned()),
        ("a list", format!("[{good}]")),
    ] {
        assert_eq!(bench.verdict(&signed(&payload)), Err(TokenError::Malformed), "{case}");
    }
    let cases: [(&str, Value, TokenError); 13] = [
        ("exp", json!("4000000000"), TokenError::Malformed),
        ("exp", json!(-1), TokenError::Malformed),
        ("exp", json!(4e9), TokenError::Malformed),
        ("exp", json!(u64::MAX), TokenError::Lifetime),
        ("nbf", Value::Null, TokenError::Malformed),
        ("aud", json!({"x": 1}), TokenError::Malformed),
        ("aud", json!([]), TokenError::Audience),
        ("cnf", json!({"x5t": bench.peer.thumbprint_text}), TokenError::Malformed),
        ("cnf", json!({"x5t#S256": format!("{}=", bench.peer.thumbprint_text)}), TokenError::Binding),
        ("cnf", json!({"x5t#S256": bench.peer.thumbprint_text.to_lowercase()}), TokenError::Binding),
        ("act", json!(HOLDER), TokenError::Malformed),
        ("act", json!({"sub": HOLDER, "act": {"sub": HOLDER}}), TokenError::Malformed),
        ("svc", json!(""), TokenError::Malformed),
    ];
    for (claim, value, due) in cases {
        let mut claims = bench.claims();
        claims[claim] = value.clone();
        assert_eq!(bench.verdict(&bench.manager.token(&claims)), Err(due), "{claim}: {value}");
    }
}
