//! `sluis connect-test` names the step that fails and why, for each thing that a partner can have wrong.

use super::place::{Place, free_port};
use super::program::{Running, sluis};
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value;
use sluis::demo::certificates::{Authority, Subject, Usage};
use sluis::demo::organisations::{HOLDER, partners};
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::path::Path;

/// Admitted in the demo: the first partner.
const ADMITTED: &str = "00000099000000002001";
/// Nobody in the demo has this number.
const STRANGER: &str = "00000099000000009009";

/// A gateway that also trusts an authority of which the test has the key.
struct Scene {
    place: Place,
    trusted: Authority,
    today: Date,
}

impl Scene {
    fn new(name: &str) -> Self {
        let today = dutch_date(SystemClock.now());
        let scene = Self { place: Place::new(name), trusted: authority("trusted", today), today };
        let both = scene.place.file("both.pem");
        let ca = std::fs::read_to_string(scene.place.file("ca.pem")).unwrap();
        std::fs::write(both, format!("{ca}{}", scene.trusted.cert_pem())).unwrap();
        scene.place.change("gateway.toml", "authorities = \"ca.pem\"", "authorities = \"both.pem\"");
        scene
    }

    /// A certificate by an authority, as files under this name.
    fn issue(&self, by: &Authority, name: &str, oins: &[&str], until: Date) -> Vec<u8> {
        let issued = by.issue(&Subject {
            organisation: "Test",
            oins,
            common_name: name,
            dns: &[],
            addresses: &[],
            not_before: self.today.saturating_sub(30.days()),
            not_after: until,
            usage: Usage::Client,
        });
        let issued = issued.unwrap();
        std::fs::write(self.place.file(&format!("certs/{name}.pem")), &issued.cert_pem).unwrap();
        std::fs::write(self.place.file(&format!("certs/{name}.key")), issued.key_pem.as_bytes()).unwrap();
        issued.serial
    }

    /// A profile of the first partner with some of its lines replaced.
    fn profile(&self, name: &str, lines: &[(&str, &str)]) -> std::path::PathBuf {
        let model = self.place.profile_file(&partners().next().unwrap());
        let text = std::fs::read_to_string(model).unwrap();
        let changed = text.lines().map(|line| {
            let setting = line.split(" = ").next().unwrap();
            let new = lines.iter().find(|(name, _)| *name == setting);
            new.map_or_else(|| line.to_owned(), |(_, value)| format!("{setting} = \"{value}\""))
        });
        let file = self.place.file(&format!("profiles/{name}.toml"));
        std::fs::write(&file, changed.collect::<Vec<_>>().join("\n")).unwrap();
        file
    }

    /// A profile with a certificate of its own.
    fn with_certificate(&self, name: &str, oin: &str) -> std::path::PathBuf {
        let at = |end: &str| format!("../certs/{name}.{end}");
        self.profile(name, &[("cert", &at("pem")), ("key", &at("key")), ("oin", oin)])
    }

    fn serve(&self) -> Running {
        self.place.serve()
    }
}

fn authority(name: &str, today: Date) -> Authority {
    Authority::new(name, today.saturating_sub(60.days()), today.saturating_add(1.year())).unwrap()
}

/// Steps that failed, each with why and what to do; the status must say so too.
fn failed(profile: &Path) -> Vec<(String, String)> {
    let said = sluis([Path::new("connect-test"), Path::new("--json"), Path::new("--profile"), profile]);
    let report: Value = serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {said:#?}"));
    let steps = report["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 15, "{report:#}");
    let ok = steps.iter().all(|s| s["outcome"] == "ok");
    assert_eq!((report["ok"].as_bool(), said.status), (Some(ok), Some(i32::from(!ok))), "{report:#}");
    let text = |step: &Value, key: &str| step[key].as_str().unwrap().to_owned();
    let failed = steps.iter().filter(|s| s["outcome"] == "failed");
    failed
        .map(|s| {
            assert!(!text(s, "to_do").is_empty(), "{s}");
            (text(s, "step"), text(s, "why"))
        })
        .collect()
}

/// Exactly these steps fail, each for this reason.
fn expect(profile: &Path, wanted: &[(&str, &str)]) {
    let failed = failed(profile);
    let steps: Vec<&str> = failed.iter().map(|(step, _)| step.as_str()).collect();
    assert_eq!(steps, wanted.iter().map(|(step, _)| *step).collect::<Vec<_>>(), "{}: {failed:#?}", profile.display());
    for ((_, why), (_, words)) in failed.iter().zip(wanted) {
        assert!(why.contains(words), "`{words}` is not in: {why}");
    }
}

#[test]
fn the_right_profile_passes_every_step() {
    let scene = Scene::new("connect-right");
    let _gateway = scene.serve();
    let profile = scene.profile("right", &[]);
    assert_eq!(failed(&profile), []);
    let said = sluis([Path::new("connect-test"), Path::new("--profile"), &profile]);
    assert_eq!(said.status, Some(0), "{said:#?}");
    assert!(said.out.lines().take(15).all(|line| line.starts_with("ok ")), "{}", said.out);
    assert!(said.out.ends_with("connect-test: 15 ok, 0 failed, 0 not tried\n"), "{}", said.out);
    // The gateway trusts this one too, and its number is admitted.
    scene.issue(&scene.trusted, "other", &[ADMITTED], scene.today.saturating_add(1.month()));
    assert_eq!(failed(&scene.with_certificate("other", ADMITTED)), []);
}

#[test]
fn each_wrong_profile_fails_at_its_step() {
    let scene = Scene::new("connect-wrong");
    let _gateway = scene.serve();
    expect(&scene.place.file("absent.toml"), &[("profile", "cannot read profile")]);
    expect(&scene.profile("no-key", &[("key", "../certs/absent.key")]), &[("files", "cannot read private key")]);
    let no_ca = scene.profile("no-ca", &[("ca", "ca.pem")]);
    expect(&no_ca, &[("files", "`ca`: cannot read certificate")]);
    let said = sluis([Path::new("connect-test"), Path::new("--profile"), &no_ca]).out;
    assert!(said.contains("relative to the folder of the profile"), "{said}");
    let other_key = scene.profile("other-key", &[("key", "../certs/den-haag.key")]);
    expect(&other_key, &[("key", "is not the key of `family-supporters.pem`")]);
    let other_oin = scene.profile("other-oin", &[("oin", STRANGER)]);
    expect(&other_oin, &[("oin", "the profile 00000099000000009009"), ("token", "invalid_client")]);
    let wrong_url = scene.profile("url", &[("token_endpoint", &format!("https://{}/tokens", at(&scene).1))]);
    expect(&wrong_url, &[("token", "no token endpoint at")]);
    let exchanged = format!("https://{}/token", at(&scene).0);
    expect(&scene.profile("exchanged", &[("token_endpoint", &exchanged)]), &[("token-tls", "another protocol")]);
    let closed = format!("127.0.0.1:{}", free_port());
    expect(&scene.profile("closed", &[("endpoint", &closed)]), &[("gateway-tcp", "cannot connect to")]);
    let nowhere = scene.profile("nowhere", &[("endpoint", "gateway.invalid:443")]);
    expect(&nowhere, &[("gateway-name", "`gateway.invalid`, has no address")]);
    expect(&scene.profile("scope", &[("scope", "other")]), &[("token", "invalid_scope")]);
}

/// Host and port of the gateway and of the token endpoint.
fn at(scene: &Scene) -> (String, String) {
    let listen = scene.place.config_read().listen;
    (listen.grpc.to_string(), listen.token.unwrap().to_string())
}

#[test]
fn it_tells_who_does_not_trust_whom() {
    let scene = Scene::new("connect-trust");
    let _gateway = scene.serve();
    let (today, foreign) = (scene.today, authority("foreign", scene.today));
    let next_month = today.saturating_add(1.month());
    std::fs::write(scene.place.file("foreign.pem"), foreign.cert_pem()).unwrap();
    let we = "its certificate is not from an authority in `ca`";
    expect(&scene.profile("wrong-ca", &[("ca", "../foreign.pem")]), &[("token-tls", we), ("gateway-tls", we)]);

    scene.issue(&foreign, "foreign", &[ADMITTED], next_month);
    let they = "does not know the authority that our certificate is from (alert unknown_ca)";
    expect(&scene.with_certificate("foreign", ADMITTED), &[("token-tls", they), ("gateway-tls", they)]);

    scene.issue(&scene.trusted, "expired", &[ADMITTED], today.saturating_sub(2.days()));
    let they = "our certificate is outside its dates (alert certificate_expired)";
    let wanted = [("dates", "`expired.pem` expired on"), ("token-tls", they), ("gateway-tls", they)];
    expect(&scene.with_certificate("expired", ADMITTED), &wanted);

    scene.issue(&scene.trusted, "two", &[ADMITTED, STRANGER], next_month);
    let wanted = [
        ("oin", "exactly one OIN"),
        ("token-tls", "closed the connection without saying why"),
        ("gateway-tls", "closed the connection without saying why"),
    ];
    expect(&scene.with_certificate("two", ADMITTED), &wanted);

    scene.issue(&scene.trusted, "stranger", &[STRANGER], next_month);
    expect(&scene.with_certificate("stranger", STRANGER), &[("token", "unauthorized_client")]);
}

/// Whoever is suspended is told what to ask, and a stranger is told exactly the same: nobody finds out who is enrolled.
#[test]
fn a_suspended_caller_is_told_what_to_ask_and_no_more_than_a_stranger() {
    let scene = Scene::new("connect-suspended");
    let _gateway = scene.serve();
    let right = scene.profile("right", &[]);
    assert_eq!(failed(&right), []);
    let (holder, key) = (scene.place.profile_file(&HOLDER), scene.place.file("operators/anna.key"));
    let suspend = ["organisation", "suspend", ADMITTED, "--reason", "a test"].map(Path::new);
    let signed = [Path::new("--profile"), &holder, Path::new("--operator"), &key];
    let suspended = sluis(suspend.into_iter().chain(signed));
    assert_eq!(suspended.status, Some(0), "{suspended:#?}");
    scene.issue(&scene.trusted, "stranger", &[STRANGER], scene.today.saturating_add(1.month()));
    let told = |profile: &Path, oin: &str| {
        expect(profile, &[("token", "is not enrolled here, is suspended, or its agreement has ended")]);
        let said = sluis([Path::new("connect-test"), Path::new("--profile"), profile]).out;
        let to_do = format!("ask the holder: is {oin} enrolled, is it suspended and why, until which day");
        assert!(said.contains(&to_do), "{said}");
        let from_token = said.lines().skip_while(|line| !line.starts_with("failed     token "));
        from_token.take(2).collect::<Vec<_>>().join("\n").replace(oin, "OIN")
    };
    let stranger = scene.with_certificate("stranger", STRANGER);
    assert_eq!(told(&right, ADMITTED), told(&stranger, STRANGER));
}

#[test]
fn a_revoked_certificate_is_told_apart() {
    let scene = Scene::new("connect-revoked");
    let today = scene.today;
    let serial = scene.issue(&scene.trusted, "revoked", &[ADMITTED], today.saturating_add(1.month()));
    let list = scene.trusted.revocation_list(&[&serial], today.saturating_sub(1.day()), today.saturating_add(7.days()));
    std::fs::write(scene.place.file("revoked.crl"), list.unwrap()).unwrap();
    scene.place.change("gateway.toml", "revocation = []", "revocation = [\"revoked.crl\"]");
    let _gateway = scene.serve();
    let they = "our certificate was revoked (alert certificate_revoked)";
    expect(&scene.with_certificate("revoked", ADMITTED), &[("token-tls", they), ("gateway-tls", they)]);
}
