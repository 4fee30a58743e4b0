//! `sluis doctor` and `sluis check-config` as an operator uses them: each planted fault is found and comes with its advice;
//! where nothing is wrong, nothing is said to be.

use super::place::Place;
use super::program::sluis;
use rusqlite::Connection;
use sluis::demo::certificates::{Authority, Subject, Usage};
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What is planted, and what is said about it: the finding and its advice.
struct Planted {
    name: &'static str,
    plant: fn(&Place),
    said: &'static [(&'static str, &'static str)],
}

const PLANTED: &[Planted] = &[
    Planted {
        name: "readable-key",
        plant: |place| mode(&place.file("token.key"), 0o644),
        said: &[("FAULT    token key: `", "run `chmod 0400` on it, and replace the key if others could read it")],
    },
    Planted {
        name: "no-master-key",
        plant: |place| std::fs::remove_file(place.file("master.key")).unwrap(),
        said: &[("FAULT    master key: `", "restore it from its backup")],
    },
    Planted {
        name: "certificate-of-another",
        plant: |place| {
            for end in ["pem", "key"] {
                replace(&place.file(&format!("certs/gateway.{end}")), &place.file(&format!("certs/den-haag.{end}")));
            }
        },
        said: &[
            ("FAULT    certificate: carries the serialNumber ", "configure the certificate of this organisation"),
            ("FAULT    certificate: is not for servers", "ask for a certificate for server authentication"),
        ],
    },
    Planted {
        name: "key-of-another",
        plant: |place| replace(&place.file("certs/gateway.key"), &place.file("certs/den-haag.key")),
        said: &[("FAULT    certificate: the TLS configuration cannot be built", "certificate and key of one pair")],
    },
    Planted {
        name: "certificate-ending",
        plant: |place| certificate(place, 10),
        said: &[
            ("warning  certificate: `gateway.pem` ends on ", "ask for a new one now"),
            ("warning  certificate: was not issued by an authority", "make sure that partners trust its issuer"),
        ],
    },
    Planted {
        name: "certificate-ended",
        plant: |place| certificate(place, -2),
        said: &[("FAULT    certificate: `gateway.pem` ended on ", "renew it, put the new file in its place")],
    },
    Planted {
        name: "revocation",
        plant: |place| {
            let (today, authority) = (dutch_date(SystemClock.now()), authority());
            let list = authority.revocation_list(&[], days(today, -9), days(today, -2)).unwrap();
            std::fs::write(place.file("other.crl"), list).unwrap();
            place.change("gateway.toml", "revocation = []", "revocation = [\"other.crl\"]");
        },
        said: &[
            ("FAULT    revocation list: `other.crl` should have been replaced by ", "fetch the new list"),
            ("FAULT    revocation list: none speaks for the authority `CN=Sluis demo authority", "add its list"),
        ],
    },
    Planted {
        name: "newer-database",
        plant: |place| execute(&place.file("keys.db"), "PRAGMA user_version = 99"),
        said: &[("FAULT    key database: `", "run the program of that version")],
    },
    Planted {
        name: "journal-mode",
        plant: |place| execute(&place.file("log.db"), "PRAGMA journal_mode = DELETE"),
        said: &[("warning  log database: `", "another program changed it")],
    },
    Planted {
        name: "changed-log",
        plant: |place| {
            let sql = "DROP TRIGGER log_leaf_stands;
                       UPDATE log_leaf SET leaf = replace(leaf, 'ENROLLED', 'ENROLLEE') WHERE leaf LIKE '%ENROLLED%'";
            execute(&place.file("log.db"), sql);
        },
        said: &[("FAULT    log: its ", "stop the gateway, keep every file")],
    },
    Planted {
        name: "clock",
        plant: |place| {
            let sql =
                format!("DROP TRIGGER log_head_same; UPDATE log_head SET last_t = {}", SystemClock.now() + 3_600_000);
            execute(&place.file("log.db"), &sql);
        },
        said: &[("FAULT    clock: is at ", "set the clock right; until then nothing is released")],
    },
    Planted {
        name: "disk",
        plant: |place| place.change("gateway.toml", "disk_free_min_percent = 0", "disk_free_min_percent = 100"),
        said: &[("FAULT    disk: of `", "make room, or move the log to a larger disk")],
    },
    Planted {
        name: "holder-column",
        plant: |place| execute(&place.file("holder.db"), "ALTER TABLE client RENAME COLUMN phone TO telephone"),
        said: &[("FAULT    holder database: ", "correct `holder.database` and `holder.map`")],
    },
    Planted {
        name: "policy",
        plant: |place| place.change("policy/kracht.toml", "name = \"kracht\"", "name = \"kracht\"\ncolour = \"red\""),
        said: &[("FAULT    policy: ", "`sluis policy check` shows more")],
    },
    Planted {
        name: "agreement",
        plant: |place| {
            let text = std::fs::read_to_string(place.file("organisations.toml")).unwrap();
            let until = text.split("until = \"").nth(1).unwrap()[..10].to_owned();
            place.change("organisations.toml", &until, "2020-01-01");
        },
        said: &[("warning  enrolment: the agreement of ", "renew the agreement")],
    },
];

fn mode(file: &Path, bits: u32) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(bits)).unwrap();
}

fn replace(file: &Path, with: &Path) {
    std::fs::remove_file(file).unwrap();
    std::fs::copy(with, file).unwrap();
}

fn execute(file: &Path, sql: &str) {
    Connection::open(file).unwrap().execute_batch(sql).unwrap();
}

fn days(from: jiff::civil::Date, days: i64) -> jiff::civil::Date {
    from.checked_add(jiff::Span::new().days(days)).unwrap()
}

fn authority() -> Authority {
    let today = dutch_date(SystemClock.now());
    Authority::new("Another authority", days(today, -400), days(today, 400)).unwrap()
}

/// A certificate of the gateway by another authority that ends after so many days.
fn certificate(place: &Place, left: i64) {
    let (today, config) = (dutch_date(SystemClock.now()), place.config_read());
    let subject = Subject {
        organisation: "Kracht",
        oins: &[config.organisation.oin.as_str()],
        common_name: "gateway",
        dns: &["localhost"],
        addresses: &[],
        not_before: days(today, -300),
        not_after: days(today, left),
        usage: Usage::Both,
    };
    let issued = authority().issue(&subject).unwrap();
    for (file, text) in [("certs/gateway.pem", &issued.cert_pem), ("certs/gateway.key", &*issued.key_pem)] {
        std::fs::remove_file(place.file(file)).unwrap();
        std::fs::write(place.file(file), text).unwrap();
    }
    mode(&place.file("certs/gateway.key"), 0o400);
}

/// What a command says about the configuration of a place, and its status.
fn said(command: &str, place: &Place) -> (Option<i32>, String) {
    let said = sluis([Path::new(command), Path::new("--config"), &place.config()]);
    assert_eq!(said.err, "", "{command}");
    (said.status, said.out)
}

#[test]
fn each_planted_fault_is_found_with_its_advice() {
    let mut found = 0;
    for planted in PLANTED {
        let place = Place::new(&format!("doctor-{}", planted.name));
        (planted.plant)(&place);
        let (status, out) = said("doctor", &place);
        let lines: Vec<&str> = out.lines().collect();
        for (finding, advice) in planted.said {
            let told = lines.windows(2).any(|pair| pair[0].starts_with(finding) && pair[1].contains(advice));
            let later = lines.iter().any(|line| line.starts_with(finding)) && out.contains(advice);
            assert!(told || later, "{}: no `{finding}` with `{advice}` in\n{out}", planted.name);
            found += 1;
        }
        let is_fault = planted.said.iter().any(|(finding, _)| finding.starts_with("FAULT"));
        assert_eq!(status, Some(i32::from(is_fault)), "{}: {out}", planted.name);
    }
    assert!(found >= 10, "only {found} faults were planted");
}

#[test]
fn a_port_of_somebody_else_and_an_older_policy_are_found() {
    let place = Place::new("doctor-port-policy");
    // A newer policy was active, and the old file came back.
    let newer = format!("version = 2\nprevious = \"sha256:{}\"", "0".repeat(64));
    place.change("policy/kracht.toml", "version = 1", &newer);
    let gateway = place.serve();
    gateway.signal("TERM");
    assert_eq!(gateway.end().status, Some(0));
    place.change("policy/kracht.toml", &newer, "version = 1");
    let _other = TcpListener::bind(place.config_read().listen.token.unwrap()).unwrap();
    let (status, out) = said("doctor", &place);
    assert_eq!(status, Some(1), "{out}");
    for words in [
        "FAULT    policy: has version 1 and version 2 was active before",
        "raise its `version`",
        "(listen.token) cannot be used: ",
        "end the other program that listens there, or choose another port",
    ] {
        assert!(out.contains(words), "`{words}` is not in\n{out}");
    }
}

#[test]
fn where_nothing_is_wrong_nothing_is_said_to_be() {
    let place = Place::new("doctor-healthy");
    let faultless = |(status, out): (Option<i32>, String)| {
        assert_eq!(status, Some(0), "{out}");
        assert!(out.contains(" 0 faults\n") && !out.contains("FAULT"), "{out}");
        out
    };
    let before = files(&place);
    let out = faultless(said("doctor", &place));
    assert!(out.contains("ok       log: verified: ") && out.contains("port: 127.0.0.1:"), "{out}");
    faultless(said("check-config", &place));
    assert_eq!(files(&place), before, "looking changed something");
    let gateway = place.serve();
    let out = faultless(said("doctor", &place));
    assert!(out.contains("a gateway serves from it now") && out.contains("(listen.grpc) is in use, and"), "{out}");
    gateway.signal("TERM");
    assert_eq!(gateway.end().status, Some(0));
}

/// Every file with its length and content, without the side files of an open database.
fn files(place: &Place) -> Vec<(String, Vec<u8>)> {
    let mut names: Vec<_> = ["log.db", "keys.db", "gateway.toml", "token.key", "organisations.toml"].to_vec();
    names.sort_unstable();
    names.into_iter().map(|name| (name.to_owned(), std::fs::read(place.file(name)).unwrap())).collect()
}

#[test]
fn check_config_names_every_fault_with_its_line() {
    let place = Place::new("check-config");
    place.change("gateway.toml", "mode = \"demo\"", "mode = \"production\"\ncolour = 1");
    place.change("gateway.toml", "service = \"sluis\"", "servcie = \"sluis\"");
    let (status, out) = said("check-config", &place);
    assert_eq!(status, Some(1), "{out}");
    for words in ["line 2: unknown section or key `colour`", "unknown field `servcie`", "`token.service` is missing"] {
        assert!(out.contains(words), "`{words}` is not in\n{out}");
    }
    // Every setting that production refuses, and what else a start would not find.
    place.change("gateway.toml", "mode = \"production\"\ncolour = 1", "mode = \"production\"");
    place.change("gateway.toml", "servcie = \"sluis\"", "service = \"sluis\"");
    std::fs::remove_file(place.file("ca.pem")).unwrap();
    std::fs::remove_file(place.file("log.key")).unwrap();
    let (status, out) = said("check-config", &place);
    assert_eq!(status, Some(1), "{out}");
    for words in [
        "refused in mode Production: log.anchor: SQLite needs its anchor on other storage",
        "refused in mode Production: organisation.oin: a test OIN",
        "refused in mode Production: listen.transaction_id_required",
        "ca.pem",
        "log.key",
    ] {
        assert!(out.contains(words), "`{words}` is not in\n{out}");
    }
}

/// Before `sluis init` there is one thing to do, and it is said once. What was lost later is not made anew.
#[test]
fn what_was_not_made_yet_is_one_line_and_what_was_lost_is_not() {
    let place = Place::new("check-unmade");
    let made = ["master.key", "log.key", "token.key", "log.db", "keys.db"];
    let each = ["master key", "log key", "token key", "log database", "key database"];
    for lost in [&made[1..2], &made[3..4], &made[..]] {
        let (away, all) = (|name: &str| place.file(&format!("{name}.away")), lost.len() == made.len());
        lost.iter().for_each(|name| std::fs::rename(place.file(name), away(name)).unwrap());
        for command in ["check-config", "doctor"] {
            let (status, out) = said(command, &place);
            assert_eq!(status, Some(1), "{out}");
            let line =
                "FAULT    keys and databases: not made yet: none of their files is there\n         → run `sluis init";
            assert_eq!(out.contains(line), all, "{out}");
            let told = each.iter().filter(|what| out.contains(&format!("FAULT    {what}: "))).count();
            assert_eq!(told == 0, all, "{out}");
        }
        lost.iter().for_each(|name| std::fs::rename(away(name), place.file(name)).unwrap());
    }
}

#[test]
fn migrate_reports_versions_and_refuses_a_newer_one() {
    let place = Place::new("migrate");
    for _ in 0..2 {
        let (status, out) = said("migrate", &place);
        assert_eq!(
            (status, out.matches("schema version 1, as this program needs: nothing to do").count()),
            (Some(0), 2)
        );
    }
    execute(&place.file("log.db"), "PRAGMA user_version = 2");
    let newer = sluis([Path::new("migrate"), Path::new("--config"), &place.config()]);
    assert_eq!(newer.status, Some(1), "{newer:#?}");
    assert!(
        newer.err.contains("has schema version 2, this program needs 1; it is newer than this program"),
        "{}",
        newer.err
    );
}

#[test]
fn the_sample_is_printed_as_it_stands() {
    let said = sluis(["init", "--sample"]);
    let sample = include_str!("../../../gateway/config/gateway.sample.toml");
    assert_eq!((said.status, said.out.as_str()), (Some(0), sample));
}
