//! A gateway does not serve from a log that is not what it last saw of it.

use super::load::{connect, dossier, partner, transaction};
use super::place::Place;
use super::program::{Running, sluis};
use super::refusal::refused;

/// Serves, has `count` questions answered about a client of this number, and ends. Every answer is an entry.
fn serve_and_ask(place: &Place, client: &str, count: usize) {
    let gateway = place.serve();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let asking = connect(place, &partner()).await;
        for _ in 0..count {
            asking.ask(&dossier(client), transaction()).await.unwrap();
        }
    });
    end(gateway);
    // What is durable moves into the file, so that a copy is whole.
    let log = rusqlite::Connection::open(place.file("log.db")).unwrap();
    log.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).unwrap();
}

fn end(gateway: Running) {
    gateway.signal("TERM");
    let ended = gateway.end();
    assert_eq!(ended.status, Some(0), "{ended:#?}");
}

/// Puts the log of one place under another.
fn put(from: &Place, to: &Place) {
    for side in ["log.db-wal", "log.db-shm"] {
        let _absent = std::fs::remove_file(to.file(side));
    }
    std::fs::copy(from.file("log.db"), to.file("log.db")).unwrap();
}

fn twin(of: &Place, name: &str) -> Place {
    let twin = Place::new(name);
    for file in ["log.db", "keys.db", "master.key", "wrapping/1.key", "log.key"] {
        let _read_only = std::fs::remove_file(twin.file(file));
        std::fs::copy(of.file(file), twin.file(file)).unwrap();
    }
    twin
}

#[test]
fn a_backup_put_back_is_not_served_from_and_the_newer_log_is() {
    let place = Place::new("anchor-backup");
    let backup = twin(&place, "anchor-backup-copy");
    serve_and_ask(&place, "K-1", 3);
    let newest = twin(&place, "anchor-newest-copy");
    put(&place, &newest);
    put(&backup, &place);
    refused(&place, &["a backup was put back or entries were lost", "log.anchor", "do not remove the anchor"]);
    put(&newest, &place);
    serve_and_ask(&place, "K-1", 1);
}

#[test]
fn a_log_that_was_written_anew_with_the_right_key_is_not_served_from() {
    let place = Place::new("anchor-rewritten");
    let other = twin(&place, "anchor-other");
    serve_and_ask(&place, "K-1", 2);
    serve_and_ask(&other, "K-2", 5);
    put(&other, &place);
    refused(&place, &["the log was written anew", "log.anchor", "compare with receipts"]);
}

#[test]
fn an_anchor_that_is_not_ours_is_not_skipped() {
    let place = Place::new("anchor-foreign");
    serve_and_ask(&place, "K-1", 1);
    let note = std::fs::read_to_string(place.file("log.anchor")).unwrap();
    std::fs::write(place.file("log.anchor"), note.replacen('1', "2", 1)).unwrap();
    refused(&place, &["is not a checkpoint of this log signed with its key", "correct `log.anchor`"]);
    std::fs::write(place.file("log.anchor"), "").unwrap();
    refused(&place, &["is not a checkpoint of this log"]);
}

#[test]
fn no_new_log_is_made_where_an_anchor_says_that_there_was_one() {
    let place = Place::new("anchor-init");
    serve_and_ask(&place, "K-1", 1);
    for made in ["token.key", "log.key", "master.key", "wrapping/1.key", "log.db", "keys.db"] {
        std::fs::remove_file(place.file(made)).unwrap();
    }
    let config = place.config().display().to_string();
    let init = sluis(["init", "--config", &config]);
    assert_eq!(init.status, Some(2), "{init:#?}");
    assert!(init.err.contains("is the anchor of a log that was served here: restore that log"), "{}", init.err);
    assert!(!place.file("log.key").exists() && !place.file("log.db").exists(), "something was made");
}
