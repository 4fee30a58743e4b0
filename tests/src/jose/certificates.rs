//! The certificates of a Manager: which may stand in the configuration, and until when they sign.

use super::{Bench, CALLER, Folder, HOLDER, verifier};
use crate::world::folder::authority;
use crate::world::manager::Manager;
use crate::world::people::today;
use jiff::ToSpan;
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use sluis::token::algorithm::JwsAlgorithm;
use sluis::token::fault::TokenError;
use sluis::token::manager::signing_keys;
use sluis_adapters::system::SystemClock;
use sluis_core::organisation::Oin;
use sluis_core::ports::Clock;

#[test]
fn only_the_managers_own_certificate_may_stand_there() {
    let folder = Folder::new();
    let own = Manager::new(HOLDER);
    let chain = format!("{}{}", own.certificate, authority("group").cert_pem());
    let cases = [
        ("absent", None, "cannot read signing certificate"),
        ("empty", Some(String::new()), "must hold PEM blocks"),
        ("a key", Some(own.key_pem()), "must hold PEM blocks"),
        ("of another", Some(Manager::new(CALLER).certificate), "`organisation.oin`"),
        ("with its chain", Some(chain), "without its chain"),
        ("cut off", Some(own.certificate[..200].to_owned()), "must hold PEM blocks"),
    ];
    let read = |file: std::path::PathBuf, algorithms: &[JwsAlgorithm]| {
        signing_keys(&[file], &Oin::parse(HOLDER).unwrap(), algorithms).err().map(|e| e.to_string())
    };
    for (name, text, says) in cases {
        let file = text.map_or_else(|| folder.0.join("absent.pem"), |text| folder.write("manager.pem", &text));
        let fault = read(file.clone(), &JwsAlgorithm::ALL).unwrap_or_else(|| panic!("{name} is accepted"));
        assert!(fault.contains(says) && fault.contains(&*file.to_string_lossy()), "{name}: {fault}");
    }
    let file = folder.write("manager.pem", &own.certificate);
    let fault = read(file.clone(), &[JwsAlgorithm::Rs256, JwsAlgorithm::Es384]).unwrap();
    assert!(fault.contains("token.external.algorithms"), "{fault}");
    assert_eq!(read(file, &[JwsAlgorithm::Es256]), None);
}

/// Two certificates while one replaces the other: both sign.
#[test]
fn a_manager_may_have_an_old_and_a_new_certificate() {
    let bench = Bench::new();
    let new = Manager::with(HOLDER, &PKCS_RSA_SHA256, today().saturating_add(1.year()));
    let file = bench.folder.write("both.pem", &format!("{}{}", bench.manager.certificate, new.certificate));
    let both = verifier(&file, &JwsAlgorithm::ALL);
    for token in [bench.manager.token(&bench.claims()), new.token_under("RS384", &bench.claims())] {
        assert!(both.verify(&token, &bench.peer, SystemClock.now()).is_ok());
    }
}

/// What is remembered of a token does not outlive the certificate that signed it.
#[test]
fn a_certificate_past_its_end_signs_no_more() {
    let until = today().saturating_add(1.day());
    let bench = Bench::with(Manager::with(HOLDER, &PKCS_ECDSA_P256_SHA256, until));
    let end = until.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_millisecond();
    let end = u64::try_from(end).unwrap();
    let mut claims = bench.claims();
    (claims["nbf"], claims["exp"]) = ((end / 1000 - 100).into(), (end / 1000 + 100).into());
    let token = bench.manager.token(&claims);
    let at = |now| bench.verifier.verify(&token, &bench.peer, now).map(|_| ());
    assert_eq!(at(end - 1000), Ok(()));
    assert_eq!(at(end + 1000), Err(TokenError::UnknownKey));
    let expired = Bench::with(Manager::with(HOLDER, &PKCS_ECDSA_P256_SHA256, today().saturating_sub(1.day())));
    assert_eq!(expired.verdict(&expired.manager.token(&expired.claims())), Err(TokenError::UnknownKey));
}

/// An algorithm that the operator did not name is refused, though the key could do it.
#[test]
fn the_list_of_algorithms_narrows() {
    let bench = Bench::of(&PKCS_RSA_SHA256);
    let narrow = verifier(&bench.folder.0.join("manager.pem"), &[JwsAlgorithm::Rs512]);
    let verdict = |name| {
        let token = bench.manager.token_under(name, &bench.claims());
        narrow.verify(&token, &bench.peer, SystemClock.now()).map(|_| ())
    };
    assert_eq!(verdict("RS512"), Ok(()));
    assert_eq!(verdict("RS256"), Err(TokenError::Algorithm));
}
