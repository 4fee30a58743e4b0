//! `sluis subject retention`: years whose term is over go, those under a hold or with a longer term stay, and the log says so.

use super::place::Place;
use super::program::{Said, sluis};
use sluis_adapters::master::MasterKey;
use sluis_adapters::sqlite::{Limits, SqliteKeys};
use sluis_adapters::system::OsEntropy;
use sluis_adapters::wrapping::Wrapping;
use sluis_core::ports::KeyStore;
use sluis_core::subject::SubjectId;
use std::sync::Arc;

fn retention(place: &Place, words: &[&str]) -> Said {
    let config = place.config().display().to_string();
    let command = ["subject", "retention", "--config", &config, "--years", "10"];
    sluis(command.into_iter().chain(words.iter().copied()))
}

fn count(place: &Place, condition: &str) -> i64 {
    let keys = rusqlite::Connection::open(place.file("keys.db")).unwrap();
    let sql = format!("SELECT count(*) FROM subject_key WHERE {condition}");
    keys.query_row(&sql, [], |row| row.get(0)).unwrap()
}

/// Four other clients and this one have keys of 2009 too.
fn registered_long_ago(place: &Place, client: &str) {
    let holder = rusqlite::Connection::open(place.file("holder.db")).unwrap();
    let mut numbers = holder.prepare("SELECT client_number FROM client WHERE client_number <> ?1 LIMIT 4").unwrap();
    let others = numbers.query_map([client], |row| row.get(0)).unwrap().map(Result::<String, _>::unwrap);
    let five: Vec<String> = others.chain([client.to_owned()]).collect();
    let ids: Vec<_> = five.iter().map(|number| vec![SubjectId::client_number(number).unwrap()]).collect();
    let master = MasterKey::read(&place.config_read().keys.master_key).unwrap();
    let wrapping = Wrapping::new(master, place.file("wrapping"));
    let keys = SqliteKeys::open(&place.file("keys.db"), &wrapping, Arc::new(OsEntropy), Limits::default()).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(keys.provision(&ids, 2009)).unwrap();
    assert_eq!(count(place, "year = 2009"), 5);
}

/// Where the newest entry about a hold stands in the subject index.
const OF_HOLD: &str = "first = (SELECT max(row) & 0xffffff FROM log_leaf WHERE leaf LIKE '%\"LEGAL_HOLD\"%')";

fn keep(place: &Place) {
    let log = rusqlite::Connection::open(place.file("log.db")).unwrap();
    log.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).unwrap();
    std::fs::copy(place.file("log.db"), place.file("log.kept")).unwrap();
}

fn put_back(place: &Place) {
    for side in ["log.db-wal", "log.db-shm"] {
        let _absent = std::fs::remove_file(place.file(side));
    }
    std::fs::copy(place.file("log.kept"), place.file("log.db")).unwrap();
}

fn change(place: &Place, sql: &str) {
    assert_eq!(rusqlite::Connection::open(place.file("log.db")).unwrap().execute(sql, []).unwrap(), 1, "{sql}");
}

fn refused(place: &Place, destroy: &[&str], words: &[&str]) {
    let before = count(place, "1 = 1");
    let said = retention(place, destroy);
    assert_eq!(said.status, Some(2), "{said:#?}");
    assert!(words.iter().all(|words| said.err.contains(words)), "{said:#?}");
    assert_eq!(count(place, "1 = 1"), before, "nothing is destroyed");
}

/// The entry of the hold, which its payload names, is not in the index any more.
fn a_bent_index_chooses_nobody(place: &Place, destroy: &[&str]) {
    keep(place);
    change(place, &format!("UPDATE subject_segment SET sealed = zeroblob(44) WHERE {OF_HOLD}"));
    refused(place, destroy, &["`subject_segment` at", "nothing is erased"]);
    change(place, &format!("DELETE FROM subject_segment WHERE {OF_HOLD}"));
    refused(place, destroy, &["the entry is not found under its subject"]);
    put_back(place);
}

/// Once a key was erased nobody can tell whether a payload went with one: the leaves still count their holds.
fn a_hold_that_is_not_found_stops_everything(place: &Place, destroy: &[&str]) {
    keep(place);
    change(place, &format!("DELETE FROM subject_segment WHERE {OF_HOLD}"));
    change(place, "UPDATE log_leaf SET key_id = NULL, ct = NULL WHERE leaf LIKE '%\"LEGAL_HOLD\"%'");
    refused(place, destroy, &["1 clients are under legal hold", "finds 0 of them"]);
    put_back(place);
}

#[test]
fn what_is_due_is_listed_and_goes_when_somebody_decided_so() {
    let place = Place::new("retention");
    let holder = rusqlite::Connection::open(place.file("holder.db")).unwrap();
    let client: String = holder.query_row("SELECT client_number FROM client LIMIT 1", [], |row| row.get(0)).unwrap();
    let config = place.config().display().to_string();
    let hold = ["subject", "hold", "--config", &config, "--client-number", &client, "--reason", "case 8"];
    assert_eq!(sluis(hold).status, Some(0));
    registered_long_ago(&place, &client);
    let before = count(&place, "1 = 1");

    let said = retention(&place, &[]);
    assert_eq!(said.status, Some(0), "{said:#?}");
    for words in ["2009  4 keys are due", "4 keys are due, 1 more are under legal hold", "give --destroy"] {
        assert!(said.out.contains(words), "`{words}` is not in: {}", said.out);
    }
    assert_eq!(count(&place, "1 = 1"), before, "a list destroys nothing");
    let said = retention(&place, &["--destroy"]);
    assert!(said.status == Some(2) && said.err.contains("--authorised-by"), "{said:#?}");

    let destroy = ["--destroy", "--authorised-by", "the board, decision 8"];
    a_bent_index_chooses_nobody(&place, &destroy);
    let said = retention(&place, &destroy);
    assert_eq!(said.status, Some(0), "{said:#?}");
    assert!(said.out.contains("erased: 4 keys"), "{}", said.out);
    assert_eq!((count(&place, "1 = 1"), count(&place, "year = 2009")), (before - 4, 1));
    let said = retention(&place, &destroy);
    assert!(said.status == Some(0) && said.out.contains("0 keys are due"), "{said:#?}");

    a_hold_that_is_not_found_stops_everything(&place, &destroy);
    let [config, dir] = [place.config(), place.file("export")].map(|path| path.display().to_string());
    assert_eq!(sluis(["log", "export", "--config", &config, &dir]).status, Some(0));
    assert_eq!(sluis(["log", "verify", &dir]).status, Some(0));
    let erased: Vec<_> = super::consistency::entries(&place.file("export"));
    let erased: Vec<_> = erased.iter().filter(|leaf| leaf.contains("\"k\":\"ERASE\"")).collect();
    assert!(erased.len() == 1 && erased[0].contains("\"n\":4"), "{erased:?}");
    assert!(erased[0].contains("RETENTION_ENDED") && !erased[0].contains("the board"), "{erased:?}");
}
