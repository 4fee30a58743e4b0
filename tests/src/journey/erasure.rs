//! `sluis log subject`, `sluis subject hold` and `erase`: what goes is gone at rest, what was proven stays proven.

use super::load::partner;
use super::place::Place;
use super::program::{Said, sluis};
use sluis::demo::organisations::{DOSSIER_SYSTEM, Organisation};
use std::path::Path;

fn words(place: &Place, text: &str, last: &[&str]) -> Said {
    let profile = |o: &Organisation| place.profile_file(o).display().to_string();
    let text = text.replace("PARTNER", partner().oin);
    let place_of = |word: &str| match word {
        "@partner" => profile(&partner()),
        "@system" => profile(&DOSSIER_SYSTEM),
        _ => match word.strip_prefix('/') {
            Some(file) if !Path::new(word).starts_with(&place.dir) => place.file(file).display().to_string(),
            _ => word.to_owned(),
        },
    };
    sluis(text.split_whitespace().map(place_of).chain(last.iter().map(|word| (*word).to_owned())))
}

fn good(place: &Place, text: &str, last: &[&str]) -> Said {
    let said = words(place, text, last);
    assert_eq!(said.status, Some(0), "{text}: {said:#?}");
    said
}

/// A client whose care runs, with a BSN.
fn client(place: &Place) -> (String, String) {
    let holder = rusqlite::Connection::open(place.file("holder.db")).unwrap();
    let one =
        "SELECT client_number, bsn FROM client WHERE active_case = 1 AND residence_secret = 0 AND bsn IS NOT NULL";
    holder.query_row(one, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

/// Key and ciphertext of every payload of the subject that the newest release is about.
fn payloads(place: &Place) -> Vec<(Vec<u8>, Vec<u8>)> {
    let log = rusqlite::Connection::open(place.file("log.db")).unwrap();
    let all = "SELECT key_id, ct FROM log_leaf WHERE key_id =
               (SELECT key_id FROM log_leaf WHERE kind = 1 ORDER BY row DESC LIMIT 1)";
    let mut statement = log.prepare(all).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn wrapped(place: &Place, key: &[u8]) -> Option<Vec<u8>> {
    let keys = rusqlite::Connection::open(place.file("keys.db")).unwrap();
    let one = "SELECT wrapped FROM subject_key WHERE key_id = ?1";
    keys.query_row(one, [key], |row| row.get(0)).ok()
}

fn is_at_rest(place: &Place, bytes: &[u8]) -> Option<String> {
    let files = ["log.db", "log.db-wal", "keys.db", "keys.db-wal"].map(|name| place.file(name));
    let holds = |file: &Path| {
        std::fs::read(file).is_ok_and(|content| content.windows(bytes.len()).any(|window| window == bytes))
    };
    files.iter().find(|file| holds(file)).map(|file| file.display().to_string())
}

#[test]
fn a_year_is_erased_and_every_proof_holds() {
    let place = Place::new("erasure");
    let year = place.config_read().log.year.to_string();
    let (number, bsn) = client(&place);
    let gateway = place.serve();
    good(&place, &format!("standing --profile @system --client {number} caseload --partner PARTNER --worker w-1"), &[]);
    let said = good(
        &place,
        &format!("ask --profile @partner --client {number} --purpose TREATMENT --actor w-1 --keep /kept"),
        &[],
    );
    let proof = said.out.lines().find_map(|line| line.strip_prefix("kept      ")).unwrap().to_owned();
    good(&place, "log export --config /gateway.toml /before", &[]);
    let erase =
        format!("subject erase --config /gateway.toml --client-number {number} --year {year} --reason LOGGED_WRONGLY");
    let by = ["--authorised-by", "the board, decision 7"];
    let beside = words(&place, &erase, &by);
    assert!(beside.status == Some(2) && beside.err.contains("in use by another process"), "{beside:#?}");
    gateway.signal("INT");
    assert_eq!(gateway.end().status, Some(0));

    freshness_says_what_it_compared(
        &place,
        [(false, "1 NOT compared, releases, what stood"), (true, "1 compared, releases")],
    );
    a_lookup_is_recorded_and_proven(&place, &bsn, &number);
    a_hold_stands_in_the_way(&place, &erase, &number);
    let sealed = payloads(&place);
    assert!(sealed.len() >= 5, "standing, release, lookup and two holds: {}", sealed.len());
    let key = sealed[0].0.clone();
    let kept_key = wrapped(&place, &key).unwrap();
    assert!(is_at_rest(&place, &kept_key).is_some() && is_at_rest(&place, &sealed[0].1).is_some());
    std::fs::copy(place.file("keys.db"), place.file("keys.backup")).unwrap();

    let erased = good(&place, &erase, &by);
    assert!(erased.out.contains(&format!("the {} payloads", sealed.len())), "{}", erased.out);
    for (what, bytes) in sealed.iter().map(|(_, ct)| ("a payload", ct)).chain([("the key", &kept_key)]) {
        assert_eq!(is_at_rest(&place, bytes), None, "{what} is still at rest");
    }
    the_index_forgot(&place, &number, "1 entries, this lookup included");
    let again = words(&place, &erase, &by);
    assert!(again.status == Some(2) && again.err.contains("there is no key of"), "{again:#?}");
    the_log_says_so_and_names_nobody(&place, &proof, &[&number, &bsn]);
    freshness_says_what_it_compared(&place, [(true, "1 NOT compared, releases, what stood for the client: erased")]);
    a_restored_backup_revives_nothing(&place, &key, &number);
}

fn freshness_says_what_it_compared<const N: usize>(place: &Place, tries: [(bool, &str); N]) {
    for (with_config, says) in tries {
        let config = if with_config { " --config /gateway.toml" } else { "" };
        let said = good(place, &format!("log freshness /before{config}"), &[]);
        assert!(said.out.contains(says), "`{says}` is not in: {}", said.out);
        assert!(said.out.contains("never compared: what the holder's own database said"), "{}", said.out);
        assert!(said.out.trim_end().ends_with("nothing stale in what was compared"), "{}", said.out);
    }
}

fn a_lookup_is_recorded_and_proven(place: &Place, bsn: &str, number: &str) {
    let lookup = format!("log subject --config /gateway.toml --bsn {bsn} --keep /found");
    let missing = words(place, &lookup, &[]);
    assert!(missing.status == Some(2) && missing.err.contains("--reason"), "{missing:#?}");
    let said = good(place, &lookup, &["--reason", "asked by the client"]);
    for kind in ["STANDING", "RELEASE", "ADMIN"] {
        assert!(said.out.contains(kind), "no {kind} in: {}", said.out);
    }
    assert!(said.out.contains("3 entries, this lookup included"), "{}", said.out);
    assert!(said.out.contains("complete as far as the subject index goes"), "{}", said.out);
    assert!(!said.out.contains(bsn) && !said.out.contains(number), "{}", said.out);
    for receipt in std::fs::read_dir(place.file("found")).unwrap() {
        let receipt = receipt.unwrap().path().display().to_string();
        good(place, &format!("log receipt {} --vkey /before/vkey", &receipt), &[]);
    }
    let nobody = words(place, "log subject --config /gateway.toml --client-number KR-0", &["--reason", "by mistake"]);
    assert!(nobody.status == Some(2) && nobody.err.contains("nobody is registered"), "{nobody:#?}");
}

fn a_hold_stands_in_the_way(place: &Place, erase: &str, number: &str) {
    let hold = format!("subject hold --config /gateway.toml --client-number {number}");
    let reason = ["--reason", "a case before the court"];
    good(place, &hold, &reason);
    let held = words(place, erase, &["--authorised-by", "the board"]);
    assert!(held.status == Some(2) && held.err.contains("legal hold since entry"), "{held:#?}");
    assert!(!held.err.contains(number), "the error repeats the number: {}", held.err);
    let twice = words(place, &hold, &reason);
    assert!(twice.status == Some(2) && twice.err.contains("under legal hold already"), "{twice:#?}");
    good(place, &format!("{hold} --lift"), &reason);
}

fn the_log_says_so_and_names_nobody(place: &Place, proof: &str, names: &[&str]) {
    good(place, "log export --config /gateway.toml /after", &[]);
    good(place, "log verify /after", &[]);
    good(place, "log consistency /before /after", &[]);
    let file = |end: &str| Path::new(proof).with_extension(end).display().to_string();
    let receipt = format!("log receipt {proof} --vkey /before/vkey");
    good(place, &receipt, &["--body", &file("body"), "--salt", &file("salt")]);
    let files = crate::world::files(&place.file("after/tile/entries"), &[]);
    let entries: Vec<u8> = files.into_iter().flat_map(|(_, bytes)| bytes).collect();
    let text = String::from_utf8_lossy(&entries);
    let at = text.find("\"k\":\"ERASE\"").unwrap();
    let leaf = &text[text[..at].rfind('{').unwrap()..=at + text[at..].find('}').unwrap()];
    assert!(leaf.contains("\"n\":1") && leaf.contains("LOGGED_WRONGLY") && leaf.contains("\"ea\":"), "{leaf}");
    assert!(!leaf.contains("\"st\"") && !leaf.contains("the board"), "{leaf}");
    assert!(names.iter().all(|name| !text.contains(name)));
}

/// Without a key of this year a lookup stands under the key of the day, names nobody, and finds lookups only.
fn the_index_forgot(place: &Place, number: &str, entries: &str) {
    let lookup = format!("log subject --config /gateway.toml --client-number {number}");
    let said = good(place, &lookup, &["--reason", "is anything left"]);
    assert!(said.out.contains(entries), "the index still links what was erased: {}", said.out);
}

/// The tombstone is applied before serving: what came back from a backup is destroyed again.
fn a_restored_backup_revives_nothing(place: &Place, key: &[u8], number: &str) {
    std::fs::copy(place.file("keys.backup"), place.file("keys.db")).unwrap();
    assert!(wrapped(place, key).is_some(), "the backup does not hold the key");
    let gateway = place.serve();
    assert_eq!(wrapped(place, key), None, "a restored backup revived the key");
    gateway.signal("INT");
    assert_eq!(gateway.end().status, Some(0));
    the_index_forgot(place, number, "2 entries, this lookup included");
}
