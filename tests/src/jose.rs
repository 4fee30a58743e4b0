//! Tokens of an FSC Manager, well made and ill: every algorithm of the standard, every known way to cheat with one.
//!
//! In process, on the verifier alone; `journey::fsc` shows the same door on the wire.

mod certificates;
mod cheats;

use super::world::folder::{authority, certificate};
use super::world::manager::{Manager, Realm, claims};
use super::world::people::today;
use jiff::ToSpan;
use rcgen::{
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_RSA_SHA256, SignatureAlgorithm,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use sluis::token::algorithm::JwsAlgorithm;
use sluis::token::fault::TokenError;
use sluis::token::issue;
use sluis::token::manager::signing_keys;
use sluis::token::verify::{Expectation, IssuedBy, Verifier};
use sluis::transport::peer::Peer;
use sluis_adapters::system::SystemClock;
use sluis_core::organisation::Oin;
use sluis_core::ports::Clock;
use std::path::{Path, PathBuf};

const HOLDER: &str = "00000099000000001000";
const CALLER: &str = "00000099000000002002";
const GRANT: &str = "$1$3$AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4_QA";
const REALM: Realm<'static> =
    Realm { issuer: HOLDER, audience: "https://inway.example:8443", group: "group", service: "sluis" };

/// The kinds of key with the algorithms that each can do.
fn kinds() -> [(&'static SignatureAlgorithm, &'static [&'static str]); 4] {
    [
        (&PKCS_ECDSA_P256_SHA256, &["ES256"]),
        (&PKCS_ECDSA_P384_SHA384, &["ES384"]),
        (&PKCS_ECDSA_P521_SHA512, &["ES512"]),
        (&PKCS_RSA_SHA256, &["RS256", "RS384", "RS512"]),
    ]
}

/// A verifier that trusts one Manager, and a caller.
struct Bench {
    manager: Manager,
    verifier: Verifier,
    peer: Peer,
    folder: Folder,
}

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sluis-jose-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Bench {
    fn new() -> Self {
        Self::with(Manager::new(HOLDER))
    }

    fn of(kind: &'static SignatureAlgorithm) -> Self {
        Self::with(Manager::with(HOLDER, kind, today().saturating_add(1.year())))
    }

    fn with(manager: Manager) -> Self {
        let folder = Folder::new();
        let file = folder.write("manager.pem", &manager.certificate);
        let verifier = verifier(&file, &JwsAlgorithm::ALL);
        let (from, to) = (today().saturating_sub(2.days()), today().saturating_add(1.month()));
        let pem = certificate(&authority("group"), &[CALLER], from, to).cert_pem;
        let peer = Peer::from_certificate(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
        Self { manager, verifier, peer, folder }
    }

    fn claims(&self) -> Value {
        claims(&REALM, &self.peer, GRANT)
    }

    fn verdict(&self, token: &str) -> Result<(), TokenError> {
        self.verifier.verify(token, &self.peer, SystemClock.now()).map(|_| ())
    }
}

fn verifier(file: &Path, algorithms: &[JwsAlgorithm]) -> Verifier {
    let keys = signing_keys(&[file.to_owned()], &Oin::parse(HOLDER).unwrap(), algorithms).unwrap();
    let realm = issue::Realm {
        issuer: REALM.issuer.to_owned(),
        audience: REALM.audience.to_owned(),
        group: REALM.group.to_owned(),
        service: REALM.service.to_owned(),
    };
    Verifier::new(Expectation { realm, lifetime_max_s: 300, issued_by: IssuedBy::Manager }, keys)
}

#[test]
fn every_algorithm_of_fsc_is_accepted_with_its_own_key_only() {
    for (kind, algorithms) in kinds() {
        let bench = Bench::of(kind);
        let names = JwsAlgorithm::ALL.map(JwsAlgorithm::name);
        for name in names {
            let signed_as = if algorithms.contains(&name) { name } else { algorithms[0] };
            let header = format!(r#"{{"alg":"{name}","x5t#S256":"{}"}}"#, bench.manager.thumbprint);
            let token = bench.manager.signed(signed_as, &header, bench.claims().to_string().as_bytes());
            let due = if algorithms.contains(&name) { Ok(()) } else { Err(TokenError::Algorithm) };
            assert_eq!(bench.verdict(&token), due, "{name} with a key for {algorithms:?}");
        }
    }
}

/// The same claims, signed by PyJWT with OpenSSL.
#[test]
fn what_another_library_signs_is_accepted() {
    let python = std::env::var("SLUIS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("foreign/fsc_token.py");
    for (kind, algorithms) in kinds() {
        let bench = Bench::of(kind);
        let key = bench.folder.write("manager.key", &bench.manager.key_pem());
        let claims = bench.folder.write("claims.json", &bench.claims().to_string());
        for algorithm in algorithms {
            let mut command = std::process::Command::new(&python);
            command.arg(&script).arg(&key).arg(bench.folder.0.join("manager.pem")).arg(algorithm);
            let out = command.stdin(std::fs::File::open(&claims).unwrap()).output();
            let out = out.unwrap_or_else(|e| panic!("{python}: {e}; run tests/run.sh, which makes an environment"));
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
            let token = String::from_utf8(out.stdout).unwrap();
            assert_eq!(bench.verdict(token.trim()), Ok(()), "{algorithm}");
            let other = Bench::of(kind);
            assert_eq!(other.verdict(token.trim()), Err(TokenError::UnknownKey), "{algorithm}");
        }
    }
}
