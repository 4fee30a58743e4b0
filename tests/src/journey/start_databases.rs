//! A gateway does not start on a database or key that is not its own, and leaves what it found as it was.

use super::place::Place;
use super::refusal::refused;
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn execute(file: &Path, sql: &str) {
    Connection::open(file).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_database_of_another_version_is_refused() {
    for name in ["log.db", "keys.db"] {
        let place = Place::new(&format!("version-{name}"));
        execute(&place.file(name), "PRAGMA user_version = 99");
        refused(&place, &[name, "schema version 99", "needs 1"]);
    }
}

#[test]
fn what_is_no_database_is_refused() {
    for (name, kind) in [("log.db", "log database"), ("keys.db", "key database")] {
        let place = Place::new(&format!("no-database-{name}"));
        std::fs::write(place.file(name), "this is a shopping list, and it is long enough\n".repeat(200)).unwrap();
        refused(&place, &[name, &format!("is not a {kind} of Sluis")]);

        let place = Place::new(&format!("other-database-{name}"));
        std::fs::copy(place.file("holder.db"), place.file(name)).unwrap();
        refused(&place, &[name, &format!("is not a {kind} of Sluis")]);

        let place = Place::new(&format!("no-file-{name}"));
        std::fs::remove_file(place.file(name)).unwrap();
        refused(&place, &[name, "does not exist: create it with `sluis init`"]);
    }
}

#[test]
fn a_database_that_may_not_be_written_is_refused() {
    let place = Place::new("read-only");
    let log = place.file("log.db");
    std::fs::set_permissions(&log, std::fs::Permissions::from_mode(0o444)).unwrap();
    refused(&place, &["log.db", "is read-only: give the gateway's user write permission"]);
}

#[test]
fn one_process_serves_one_log() {
    let place = Place::new("in-use");
    let first = place.serve();
    let second = super::program::Running::serve(&place.config()).err().expect("two gateways on one log");
    assert_eq!(second.status, Some(2), "{second:#?}");
    assert!(second.err.contains("log.db` is in use by another process"), "{}", second.err);
    first.signal("TERM");
    let ended = first.end();
    assert_eq!(ended.status, Some(0), "the first was disturbed: {ended:#?}");
}

/// The demo empties folders that an earlier demo made, but never one from which a gateway serves.
#[test]
fn a_demo_leaves_a_folder_alone_that_is_served() {
    let place = Place::new("served");
    std::fs::write(place.file(".sluis-demo"), "").unwrap();
    let running = place.serve();
    let before = std::fs::metadata(place.file("holder.db")).unwrap().modified().unwrap();
    let folder = place.file("").display().to_string();
    let said = super::program::sluis(["demo", "--once", "--dir", folder.as_str()]);
    assert_eq!(said.status, Some(2), "{said:#?}");
    assert!(said.err.contains("a gateway serves from"), "{}", said.err);
    assert_eq!(std::fs::metadata(place.file("holder.db")).unwrap().modified().unwrap(), before);
    running.signal("TERM");
    assert_eq!(running.end().status, Some(0));
}

#[test]
fn a_database_that_another_program_writes_is_refused() {
    let place = Place::new("held");
    let other = Connection::open(place.file("log.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    refused(&place, &["log.db` cannot be emptied because another program holds the file: close it"]);
    other.execute_batch("ROLLBACK").unwrap();
    let gateway = place.serve();
    gateway.signal("TERM");
    assert_eq!(gateway.end().status, Some(0));
}

#[test]
fn a_log_of_another_shard_is_refused() {
    let place = Place::new("other-shard");
    place.change("gateway.toml", "epoch = 1", "epoch = 2");
    refused(&place, &["holds shard `sluis-log.kracht.example/", "-1` and the configuration says", "`log.epoch`"]);
}

#[test]
fn only_the_right_master_key_opens_the_databases() {
    let place = Place::new("wrong-master-key");
    let key = place.file("master.key");
    let mut bytes = std::fs::read(&key).unwrap();
    // Another key of the same form: a hexadecimal digit, or a bit of a byte.
    bytes[3] = if bytes[3] == b'0' { b'1' } else { b'0' };
    std::fs::remove_file(&key).unwrap();
    std::fs::write(&key, &bytes).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o400)).unwrap();
    refused(&place, &["log.db", "was made with another master key"]);

    let place = Place::new("missing-master-key");
    std::fs::remove_file(place.file("master.key")).unwrap();
    refused(&place, &["master.key", "does not exist: generate it, or restore it"]);

    let place = Place::new("readable-master-key");
    std::fs::set_permissions(place.file("master.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    refused(&place, &["master.key", "has mode 0644 and must have 0400"]);
}

#[test]
fn a_holder_database_must_have_what_the_map_names() {
    let place = Place::new("no-holder");
    std::fs::remove_file(place.file("holder.db")).unwrap();
    refused(&place, &["holder.db` does not exist: correct `holder.database`"]);
    assert!(!place.file("holder.db").exists());

    let place = Place::new("holder-column");
    execute(&place.file("holder.db"), "ALTER TABLE client RENAME COLUMN phone TO telephone");
    refused(&place, &["holder.db", "table `client` of the holder database has no column `phone`"]);

    let place = Place::new("holder-table");
    place.change("policy/holder.toml", "table = \"client\"", "table = \"clients\"");
    refused(&place, &["holder.db", "the holder database has no table `clients`"]);
}
