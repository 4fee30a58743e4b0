//! `sluis operator` and `sluis organisation` as people use them: own keys, a file that travels, a suspension at night.

use super::place::Place;
use super::program::{Said, sluis};
use super::refusal::refused;
use sluis::demo::organisations::{HOLDER, NEWCOMER, ROTTERDAM, THE_HAGUE};
use sluis::operation::stopwatch::Stopwatch;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// Longest wait for a register that is taken over.
const PATIENCE: Duration = Duration::from_secs(60);

struct Office {
    place: Place,
}

impl Office {
    fn file(&self, name: &str) -> String {
        self.place.file(name).display().to_string()
    }

    /// `sluis organisation …` with the profile of the holder.
    fn organisation(&self, words: &[&str]) -> Said {
        let profile = self.place.profile_file(&HOLDER).display().to_string();
        sluis(["organisation"].iter().chain(words).copied().chain(["--profile", &profile]))
    }

    /// A change by the person with this key.
    fn change(&self, words: &[&str], key: &str) -> Said {
        let key = self.file(key);
        self.organisation(&[words, &["--reason", "a test", "--operator", &key]].concat())
    }

    /// The same, which writes a file for the second person.
    fn change_to(&self, file: &str, words: &[&str], key: &str) -> Said {
        let file = self.file(file);
        self.change(&[words, &["--out", &file]].concat(), key)
    }

    fn approve(&self, file: &str, key: &str) -> Said {
        let (file, key) = (self.file(file), self.file(key));
        self.organisation(&["approve", &file, "--operator", &key])
    }

    /// What an organisation hears when it asks.
    fn ask(&self, who: &sluis::demo::organisations::Organisation) -> Said {
        let profile = self.place.profile_file(who).display().to_string();
        sluis(["ask", "--profile", &profile, "--client", "KR-100001", "--purpose", "INVOICE_FORMAL"])
    }
}

fn says(said: &Said, status: i32, words: &str) {
    let all = format!("{}{}", said.out, said.err);
    assert_eq!(said.status, Some(status), "{all}");
    assert!(all.contains(words), "`{words}` is not in: {all}");
}

const ANNA: &str = "operators/anna.key";
const BRAM: &str = "operators/bram.key";

#[test]
fn a_person_makes_a_key_of_his_own_and_signs_when_he_stands_in_the_register() {
    let office = Office { place: Place::new("operator-key") };
    let key = |name: &str, file: &str| sluis(["operator", "key", "--name", name, "--out", &office.file(file)]);
    says(&key("Carla\u{202e}", "carla.key"), 2, "--name: a name must have");
    let made = key("Carla Bos", "carla.key");
    says(&made, 0, "[[operator]]\nname = \"Carla Bos\"\nrole = \"ENROLMENT\"\n");
    let mode = std::fs::metadata(office.place.file("carla.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o400);
    says(&key("Carla Bos", "carla.key"), 2, "is never overwritten");
    let gateway = office.place.serve();
    let suspend = ["suspend", ROTTERDAM.oin];
    says(&office.change(&suspend, "carla.key"), 2, "ENROLMENT_OPERATOR");
    // The register is taken over while the gateway runs, when she comes and when Bram leaves.
    let register = std::fs::read_to_string(office.place.file("operators.toml")).unwrap();
    let bram = register.rfind("[[operator]]").unwrap();
    std::fs::write(office.place.file("operators.toml"), format!("{}{}", &register[..bram], made.out)).unwrap();
    let begun = Stopwatch::start();
    while office.change(&suspend, "carla.key").status != Some(0) {
        assert!(begun.elapsed() < PATIENCE, "the register is not taken over");
    }
    says(&office.change_to("r.json", &["resume", ROTTERDAM.oin], "carla.key"), 0, "suspension is lifted");
    says(&office.approve("r.json", BRAM), 2, "ENROLMENT_OPERATOR");
    says(&office.approve("r.json", ANNA), 0, "version 3");
    drop(gateway);
}

#[test]
fn two_people_admit_with_a_file_and_one_stops_at_once() {
    let office = Office { place: Place::new("organisation") };
    let gateway = office.place.serve();
    let asked = office.file("westland.toml");
    says(&office.ask(&NEWCOMER), 2, "unauthorized_client");
    says(&office.organisation(&["show", NEWCOMER.oin]), 1, "was never enrolled here");
    says(&office.change_to("w.json", &["add", &asked], ANNA), 0, "WIDER     MUNICIPALITY: is a new role");
    let there = office.change_to("w.json", &["add", &asked], ANNA);
    says(
        &there,
        2,
        "exists already, and may be a change that somebody still has to approve: name another file with --out",
    );
    assert!(!there.err.contains("os error"), "{}", there.err);
    says(&office.ask(&NEWCOMER), 2, "unauthorized_client");
    let shown = office.organisation(&["approve", &office.file("w.json")]);
    says(&shown, 0, "not signed");
    says(&office.approve("w.json", ANNA), 2, "another person must approve it");
    // The file on its way is touched: the second person sees it, and his signature does not help the first one.
    let paper = std::fs::read_to_string(office.place.file("w.json")).unwrap();
    let touched = paper.replace("INVOICE_FORMAL", "INVOICE_FRAUD");
    assert_ne!(paper, touched);
    std::fs::write(office.place.file("touched.json"), touched).unwrap();
    let refused = office.approve("touched.json", BRAM);
    says(&refused, 2, "ENROLMENT_SIGNATURE");
    assert!(refused.out.contains("may ask for INVOICE_FRAUD"), "{}", refused.out);
    says(&office.approve("w.json", BRAM), 0, "recorded at log index ");
    says(&office.approve("w.json", BRAM), 2, "it was made already");
    says(&office.organisation(&["show", NEWCOMER.oin]), 0, "first used  not since this change");
    says(&office.ask(&NEWCOMER), 1, "REFUSED");
    says(&office.organisation(&["show", NEWCOMER.oin]), 0, "first used  20");
    says(&office.change(&["add", &asked], ANNA), 1, "nothing changes");

    says(
        &office.change(&["suspend", NEWCOMER.oin, "--purpose", "INVOICE_FORMAL"], BRAM),
        0,
        "is suspended for INVOICE",
    );
    says(&office.ask(&NEWCOMER), 1, "REFUSED");
    says(&office.change(&["suspend", NEWCOMER.oin], BRAM), 0, "narrower  MUNICIPALITY: is suspended");
    says(&office.ask(&NEWCOMER), 2, "unauthorized_client");
    says(&office.change(&["suspend", NEWCOMER.oin, "--unit", "Access"], BRAM), 2, "no entry of the organisation fits");
    let mine = office.place.profile_file(&THE_HAGUE).display().to_string();
    says(&sluis(["organisation", "show", "--profile", &mine]), 2, "CALLER_NOT_HOLDER");
    let export = office.file("export");
    let config = office.place.config().display().to_string();
    says(&sluis(["log", "export", "--config", &config, &export]), 0, "exported ");
    says(&sluis(["log", "verify", &export]), 0, ": verified");
    gateway.signal("TERM");
    let ended = gateway.end();
    assert!(ended.err.contains("first use of a new enrolment"), "{}", ended.err);
}

#[test]
fn a_certificate_is_pinned_and_rotated() {
    let office = Office { place: Place::new("rotate") };
    let _gateway = office.place.serve();
    let [own, other] = ["certs/rotterdam.pem", "certs/den-haag.pem"].map(|name| office.file(name));
    let rotate = |certificate: &str, more: &[&str], key: &str| {
        office.change(&[&["rotate", ROTTERDAM.oin, "--certificate", certificate], more].concat(), key)
    };
    says(&rotate(&other, &[], ANNA), 2, "is a certificate of 00000099000000001001");
    says(&rotate(&own, &["--until", "2030-01-01"], ANNA), 2, "leave out --until");
    says(&rotate(&own, &[], ANNA), 0, "narrower  MUNICIPALITY: may call only with certificate ");
    says(&office.ask(&ROTTERDAM), 1, "REFUSED");
    says(&rotate(&own, &[], ANNA), 1, "nothing changes");
    let pins = office.organisation(&["show", ROTTERDAM.oin]);
    says(&pins, 0, "may call with certificate ");
}

#[test]
fn a_register_that_makes_one_person_two_is_refused_at_start() {
    let place = Place::new("register-twice");
    let text = std::fs::read_to_string(place.file("operators.toml")).unwrap();
    let second = text.replace("Anna de Wit", "Anna B").replace("Bram Kok", "Bram B");
    std::fs::write(place.file("operators.toml"), format!("{text}{second}")).unwrap();
    refused(&place, &["operators.toml", "`Anna B` has a key that another entry has too"]);
    std::fs::remove_file(place.file("operators.toml")).unwrap();
    refused(&place, &["operators.toml"]);
}

#[test]
fn without_a_register_nobody_changes_anything() {
    let office = Office { place: Place::new("no-register") };
    office.place.change("gateway.toml", "register = \"operators.toml\"", "");
    let _gateway = office.place.serve();
    says(&office.change(&["suspend", ROTTERDAM.oin], ANNA), 2, "OPERATORS_MISSING");
}
