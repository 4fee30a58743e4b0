//! `sluis manual` on the real binary: recorded, found after a kill, reviewed by another, and everything still verifies.

use super::place::Place;
use super::program::{Said, sluis};
use jiff::ToSpan;
use sluis::demo::organisations::{DOSSIER_SYSTEM, ROTTERDAM};
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::path::Path;
use std::process::Command;

struct Form<'a> {
    place: &'a Place,
    client: String,
}

impl Form<'_> {
    fn run(&self, words: &str, more: &[&str]) -> Said {
        let profile = self.place.profile_file(&DOSSIER_SYSTEM).display().to_string();
        let mut all: Vec<&str> = words.split_whitespace().collect();
        all.extend(["--profile", &profile]);
        all.extend(more);
        sluis(all)
    }

    fn record(&self, when: &str, more: &[&str]) -> Said {
        let words = format!(
            "manual record --client {} --when {when} --by fs-0001 --channel telephone --recipient police --contact \
             agent-4711 --purpose serious_danger --fields name,whereabouts --criteria all --reviewer in-0002",
            self.client
        );
        let mut all = vec!["--ground", "WvSr 40, conflict of duties"];
        all.extend(more);
        self.run(&words, &all)
    }
}

fn client(place: &Place) -> String {
    let holder = rusqlite::Connection::open(place.file("holder.db")).unwrap();
    holder.query_row("SELECT client_number FROM client WHERE active_case = 1 LIMIT 1", [], |row| row.get(0)).unwrap()
}

fn index_in(said: &Said) -> String {
    let line = said.out.lines().find_map(|line| line.strip_prefix("recorded at log index ")).unwrap();
    line.split(',').next().unwrap().to_owned()
}

#[test]
fn a_call_is_recorded_survives_a_kill_and_is_reviewed_by_another() {
    let place = Place::new("manual");
    let gateway = place.serve();
    let form = Form { place: &place, client: client(&place) };
    let said = form.record("now", &[]);
    assert_eq!(said.status, Some(0), "{said:#?}");
    assert!(said.out.contains("BEFORE_A_HUMAN") && !said.out.contains("late "), "{}", said.out);
    let first = index_in(&said);
    let saturday = dutch_date(SystemClock.now()).saturating_sub(3.days());
    let said = form.record(&format!("{saturday}T23:40"), &[]);
    assert_eq!(said.status, Some(0), "{said:#?}");
    assert!(said.out.contains("late      recorded more than 24 hours after it happened"), "{}", said.out);
    let late = index_in(&said);

    // What waits is in the log itself: a process that is killed and started again finds it.
    gateway.kill();
    let gateway = place.serve();
    let open = form.run("manual open", &[]);
    assert_eq!(open.status, Some(1), "{open:#?}");
    assert!(open.out.contains("RECORDED LATE") && open.out.contains("2 wait for a review, 1 of them"), "{}", open.out);
    assert!(!open.out.contains(&form.client) && !open.out.contains("fs-0001"), "a person is named: {}", open.out);

    let same = form.run("manual review --by FS-0001 --conclusion right", &["--index", &first]);
    assert_eq!(same.status, Some(2), "{same:#?}");
    assert!(same.err.contains("REVIEWER_DISCLOSED"), "{}", same.err);
    let which = form.run("manual review --by in-0002 --conclusion right", &[]);
    assert!(which.err.contains("missing option `--index`") && which.err.contains(&late), "{}", which.err);
    let wrong = form.run("manual review --by in-0002 --conclusion too-much", &["--index", &late]);
    assert!(wrong.status == Some(2) && wrong.err.contains("missing option `--note`"), "{wrong:#?}");
    let note = ["--index", late.as_str(), "--note", "recorded too late"];
    assert_eq!(form.run("manual review --by in-0002 --conclusion too-much", &note).status, Some(0));
    let last = form.run("manual review --by in-0002 --conclusion right", &[]);
    assert_eq!(last.status, Some(0), "{last:#?}");
    let none = form.run("manual open", &[]);
    assert_eq!((none.status, none.out.lines().count()), (Some(0), 1), "{none:#?}");

    errors_name_what_is_missing(&form);
    verifies_twice(&place);
    gateway.signal("INT");
    assert_eq!(gateway.end().status, Some(0));
}

fn errors_name_what_is_missing(form: &Form<'_>) {
    let record = |words: &str| form.run(&format!("manual record {words}"), &[]);
    let known =
        format!("--client {} --when now --by fs-1 --channel telephone --recipient police --contact x", form.client);
    for (words, says) in [
        (String::new(), "missing option `--client` or `--bsn`"),
        (format!("--client {}", form.client), "missing option `--when`"),
        (format!("--client {} --when saturday", form.client), "`saturday` is no moment"),
        (known.clone(), "missing option `--purpose`"),
        (format!("{known} --purpose crisis --ground x"), "missing option `--fields` or `--told`"),
        (format!("{known} --purpose serious_danger --ground x --told y"), "missing option `--criteria`"),
        (format!("{known} --purpose crisis --ground x --told y"), "missing option `--reviewer`"),
        (format!("{known} --purpose crisis --ground x --fields shoe --reviewer y"), "unknown field `shoe`"),
    ] {
        let said = record(&words);
        assert_eq!((said.status, said.out.as_str()), (Some(2), ""), "{words}: {said:#?}");
        assert!(said.err.contains(says), "{words}: `{says}` is not in: {}", said.err);
    }
    let other = form.place.profile_file(&ROTTERDAM).display().to_string();
    let said = sluis(["manual", "open", "--profile", &other]);
    assert!(said.status == Some(2) && said.err.contains("CALLER_MAY_NOT_RECORD"), "{said:#?}");
}

/// Our own verifier and the one that shares no code with it.
fn verifies_twice(place: &Place) {
    let (config, export) = (place.config(), place.file("export"));
    let exported = sluis([Path::new("log"), "export".as_ref(), "--config".as_ref(), &config, &export]);
    assert_eq!(exported.status, Some(0), "{exported:#?}");
    let verified = sluis([Path::new("log"), "verify".as_ref(), &export]);
    assert_eq!(verified.status, Some(0), "{verified:#?}");
    let python = std::env::var("SLUIS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("verify.py");
    let independent = Command::new(python).arg(script).arg("log").arg(&export).output().unwrap();
    assert!(independent.status.success(), "{}", String::from_utf8_lossy(&independent.stderr));
}
