//! `sluis ask`, `sluis standing` and `sluis log`: their status, and that a changed byte is found.

use super::load::partner;
use super::place::{Place, copy};
use super::program::{Said, sluis};
use sluis::demo::organisations::{DOSSIER_SYSTEM, Organisation, ROTTERDAM};
use std::path::Path;

fn words(place: &Place, text: &str) -> Said {
    let profile = |o: &Organisation| place.profile_file(o).display().to_string();
    let text = text.replace("PARTNER", partner().oin);
    let place_of = |word: &str| match word {
        "@partner" => profile(&partner()),
        "@system" => profile(&DOSSIER_SYSTEM),
        "@rotterdam" => profile(&ROTTERDAM),
        _ => word.strip_prefix('/').map_or_else(|| word.to_owned(), |file| place.file(file).display().to_string()),
    };
    sluis(text.split_whitespace().map(place_of))
}

fn client(place: &Place) -> String {
    let holder = rusqlite::Connection::open(place.file("holder.db")).unwrap();
    let one = "SELECT client_number FROM client WHERE active_case = 1 AND residence_secret = 0 LIMIT 1";
    holder.query_row(one, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_worker_asks_and_an_auditor_verifies() {
    let place = Place::new("log-command");
    let gateway = place.serve();
    let client = client(&place);
    let ask = format!("ask --profile @partner --client {client} --purpose TREATMENT --actor w-1 --keep /kept");

    let said = words(&place, &ask);
    assert_eq!(said.status, Some(1), "{said:#?}");
    assert!(said.out.contains("REFUSED"), "{}", said.out);
    let standing = format!("standing --profile @system --client {client} caseload --partner PARTNER --worker w-1");
    let said = words(&place, &standing);
    assert_eq!(said.status, Some(0), "{said:#?}");
    assert!(said.out.starts_with("recorded at log index "), "{}", said.out);
    let said = words(&place, &ask);
    assert_eq!(said.status, Some(0), "{said:#?}");
    assert!(said.out.contains("RELEASED") && said.out.contains("rule partner-treatment"), "{}", said.out);
    let proof = said.out.lines().find_map(|line| line.strip_prefix("kept      ")).unwrap().to_owned();

    errors_are_status_2(&place, &client);
    a_receipt_verifies_or_not(&place, &proof);
    an_export_verifies_or_not(&place);
    gateway.signal("INT");
    assert_eq!(gateway.end().status, Some(0));
}

fn errors_are_status_2(place: &Place, client: &str) {
    let long = "w".repeat(65);
    for (text, says) in [
        (format!("ask --profile @partner --client {client} --purpose CURIOSITY"), "unknown purpose `CURIOSITY`"),
        (format!("ask --profile @partner --client {client} --purpose TREATMENT --fields shoe"), "unknown field `shoe`"),
        (format!("ask --profile /absent.toml --client {client} --purpose TREATMENT"), "absent.toml"),
        ("ask --profile @partner --bsn 123456789 --purpose TREATMENT --actor w-1".to_owned(), "SUBJECT_MALFORMED: "),
        (format!("ask --profile @partner --client {client} --purpose TREATMENT --actor {long}"), "ACTOR_MALFORMED: "),
        (format!("standing --profile @rotterdam --client {client} restriction"), "CALLER_MAY_NOT_RECORD: "),
        ("standing --profile @system --client KR-0 restriction".to_owned(), "SUBJECT_MALFORMED: "),
    ] {
        let said = words(place, &text);
        assert_eq!((said.status, said.out.as_str()), (Some(2), ""), "{text}: {said:#?}");
        assert!(said.err.contains(says), "{text}: `{says}` is not in: {}", said.err);
        assert!(!said.err.contains("123456789"), "the error repeats the number: {}", said.err);
    }
}

fn a_receipt_verifies_or_not(place: &Place, proof: &str) {
    let key = words(place, "log export --config /gateway.toml /for-key");
    assert_eq!(key.status, Some(0), "{key:#?}");
    let vkey = std::fs::read_to_string(place.file("for-key/vkey")).unwrap().trim().to_owned();
    let file = |end: &str| Path::new(proof).with_extension(end).display().to_string();
    let verify = |proof: &str, body: &str| {
        let salt = file("salt");
        sluis(["log", "receipt", proof, "--vkey", &vkey, "--body", body, "--salt", &salt])
    };
    let good = verify(proof, &file("body"));
    assert_eq!(good.status, Some(0), "{good:#?}");
    assert!(good.out.contains("the entry commits to exactly this body"), "{}", good.out);
    assert!(good.out.trim_end().ends_with(": verified"), "{}", good.out);

    let mut body = std::fs::read(file("body")).unwrap();
    body[10] ^= 1;
    std::fs::write(file("other"), body).unwrap();
    let other = verify(proof, &file("other"));
    assert_eq!(other.status, Some(1), "{other:#?}");
    assert!(other.out.contains("NOT VERIFIED: the entry does not commit to this body"), "{}", other.out);

    let text = std::fs::read_to_string(proof).unwrap();
    let index = text.lines().find_map(|line| line.strip_prefix("index ")).unwrap().to_owned();
    std::fs::write(file("moved"), text.replacen(&format!("index {index}"), "index 0", 1)).unwrap();
    let moved = verify(&file("moved"), &file("body"));
    assert_eq!(moved.status, Some(1), "{moved:#?}");
    assert!(moved.out.starts_with("NOT VERIFIED: "), "{}", moved.out);
    let absent = verify(&file("absent"), &file("body"));
    assert_eq!((absent.status, absent.out.as_str()), (Some(2), ""), "{absent:#?}");
}

fn an_export_verifies_or_not(place: &Place) {
    let export = words(place, "log export --config /gateway.toml /export");
    assert_eq!(export.status, Some(0), "{export:#?}");
    let good = words(place, "log verify /export");
    assert_eq!(good.status, Some(0), "{good:#?}");
    assert!(good.out.trim_end().ends_with(": verified"), "{}", good.out);
    let twice = words(place, "log export --config /gateway.toml /export");
    assert_eq!(twice.status, Some(2), "an export was overwritten: {twice:#?}");

    copy(&place.file("export"), &place.file("tampered")).unwrap();
    let bundle = std::fs::read_dir(place.file("tampered/tile/entries")).unwrap().next().unwrap().unwrap().path();
    let bundle =
        if bundle.is_dir() { std::fs::read_dir(bundle).unwrap().next().unwrap().unwrap().path() } else { bundle };
    let mut bytes = std::fs::read(&bundle).unwrap();
    let at = bytes.windows(7).position(|w| w == b"RELEASE").unwrap();
    bytes[at..at + 7].copy_from_slice(b"EXPLAIN");
    std::fs::write(&bundle, bytes).unwrap();
    let bad = words(place, "log verify /tampered");
    assert_eq!(bad.status, Some(1), "{bad:#?}");
    assert!(bad.out.starts_with("NOT VERIFIED: "), "{}", bad.out);
    let none = words(place, "log verify /receipts");
    assert_eq!((none.status, none.out.as_str()), (Some(2), ""), "{none:#?}");
}
