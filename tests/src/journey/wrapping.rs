//! `sluis keys rotate`: what was erased is dead in older backups too, and a kill at any step of it loses no key.
//!
//! The kills need `strace` and the right to trace; they say so loudly and pass where there is none. `SLUIS_KILL_STEPS` sets how many
//! steps are killed (all).

use super::kill::from_environment;
use super::place::{Place, copy};
use super::program::{Said, program, skipped, sluis};
use rusqlite::Connection;
use sluis::compose::doctor::examine;
use sluis_adapters::master::MasterKey;
use sluis_adapters::sqlite::{Limits, SqliteKeys, SqliteKeysReader};
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_adapters::wrapping::Wrapping;
use sluis_core::ports::{Clock, KeyStore, StoreError, SubjectKey};
use sluis_core::subject::SubjectId;
use sluis_core::upkeep::PayloadKeys;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

fn keys(place: &Place, word: &str) -> Said {
    let config = place.config().display().to_string();
    sluis(["keys", word, "--config", &config])
}

fn good(said: Said, words: &[&str]) -> Said {
    assert_eq!(said.status, Some(0), "{said:#?}");
    for words in words {
        assert!(said.out.contains(words), "`{words}` is not in {}", said.out);
    }
    said
}

fn database(file: &Path) -> Connection {
    Connection::open(file).unwrap()
}

/// The key with this id, by a key database and a folder of secrets.
fn opened(place: &Place, database: &str, secrets: &str, id: [u8; 16]) -> Result<Option<SubjectKey>, StoreError> {
    let master = MasterKey::read(&place.file("master.key")).unwrap();
    let wrapping = Wrapping::new(master, place.file(secrets));
    let reader = SqliteKeysReader::open(&place.file(database), &wrapping).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(reader.key_by_id(id))
}

#[test]
fn what_was_erased_is_dead_in_older_backups_once_the_generation_is_destroyed() {
    let place = Place::new("wrapping");
    let year = place.config_read().log.year;
    let one = "SELECT client_number FROM client LIMIT 1";
    let number: String = database(&place.file("holder.db")).query_row(one, [], |row| row.get(0)).unwrap();
    let gateway = place.serve();
    let beside = keys(&place, "rotate");
    assert!(beside.status == Some(2) && beside.err.contains("in use by another process"), "{beside:#?}");
    good(keys(&place, "status"), &["1  since", "in use; its secret is here"]);
    gateway.signal("TERM");
    assert_eq!(gateway.end().status, Some(0));
    let id = key_of(&place, &number, year);
    std::fs::copy(place.file("keys.db"), place.file("keys.backup")).unwrap();
    copy(&place.file("wrapping"), &place.file("stolen")).unwrap();
    let before = opened(&place, "keys.backup", "wrapping", id).unwrap().unwrap();

    let config = place.config().display().to_string();
    let year = year.to_string();
    let erase = ["subject", "erase", "--config", &config, "--client-number", &number, "--year", &year, "--reason"];
    let erased = sluis(erase.into_iter().chain(["REQUEST_GRANTED", "--authorised-by", "the board, decision 12"]));
    good(erased, &["once `sluis keys rotate` has destroyed wrapping generation 1"]);
    // Until then the backup opens it: this is what the rotation ends.
    assert_eq!(*opened(&place, "keys.backup", "wrapping", id).unwrap().unwrap().payload, *before.payload);

    let rotated =
        good(keys(&place, "rotate"), &["made the secret of generation 2", "generation 1 ended", "destroyed here"]);
    assert!(rotated.out.contains("sluis keys forget"), "{}", rotated.out);
    let refused = opened(&place, "keys.backup", "wrapping", id).map(drop).unwrap_err().to_string();
    assert!(refused.contains("wrapping generation 1 was destroyed"), "{refused}");
    // The control: whoever kept the old secret elsewhere still opens it.
    assert_eq!(*opened(&place, "keys.backup", "stolen", id).unwrap().unwrap().payload, *before.payload);
    good(keys(&place, "status"), &["1  since", "destroyed", "its secret is not here", "2  since"]);

    a_database_from_before_does_not_start(&place);
    let gateway = place.serve();
    gateway.signal("TERM");
    assert_eq!(gateway.end().status, Some(0));
    good(keys(&place, "forget"), &["no secret of a generation that ended is here"]);
    let secret = place.file("wrapping/1.key");
    std::fs::copy(place.file("stolen/1.key"), &secret).unwrap();
    let doctor = sluis(["doctor", "--config", &config]);
    assert!(doctor.out.contains("1.key` is here, and its generation ended"), "{}", doctor.out);
    let later = SystemClock.now() + 40 * 24 * 3600 * 1000;
    let found = tokio::runtime::Runtime::new().unwrap().block_on(examine(&place.config(), later));
    let old =
        found.iter().find(|one| one.text.contains("40 days ago, more than 31")).expect("nobody says that it is old");
    assert!(old.advice.contains("run `sluis keys rotate`"), "{old:?}");
    good(keys(&place, "forget"), &["destroyed here: the secret of generation 1"]);
    assert!(!secret.exists());
}

/// The id of the key of a client.
fn key_of(place: &Place, number: &str, year: i16) -> [u8; 16] {
    let master = MasterKey::read(&place.file("master.key")).unwrap();
    let wrapping = Wrapping::new(master, place.file("wrapping"));
    let entropy = Arc::new(OsEntropy);
    let keys = SqliteKeys::open(&place.file("keys.db"), &wrapping, entropy, Limits::default()).unwrap();
    let id = SubjectId::client_number(number).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let subject = keys.find(&id).await.unwrap().unwrap();
        keys.subject_key(subject, year).await.unwrap().unwrap().key_id
    })
}

fn a_database_from_before_does_not_start(place: &Place) {
    let (now, backup) = (place.file("keys.now"), place.file("keys.backup"));
    std::fs::copy(place.file("keys.db"), &now).unwrap();
    std::fs::copy(backup, place.file("keys.db")).unwrap();
    let config = place.config().display().to_string();
    for command in ["serve", "doctor"] {
        let said = sluis([command, "--config", &config]);
        let all = format!("{}{}", said.out, said.err);
        assert_ne!(said.status, Some(0), "{all}");
        for words in ["wrapping generation 1 was destroyed", "1.destroyed", "put back one that was made later"] {
            assert!(all.contains(words), "`{words}` is not in {all}");
        }
    }
    std::fs::copy(now, place.file("keys.db")).unwrap();
}

/// What the program calls to change a file or a folder. `strace` counts each by itself.
const CALLS: [&str; 9] =
    ["fsync", "fdatasync", "write", "pwrite64", "linkat", "unlink", "rename", "chmod", "ftruncate"];

/// Rotates under `strace`, with something done to a system call; `None` where that cannot be.
fn rotate_under(place: &Place, calls: &str, how: &str) -> Option<Said> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o", "/dev/null", "-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:{how}")]);
    strace.arg(program()).args(["keys", "rotate", "--config"]).arg(place.config());
    let Ok(out) = strace.output() else {
        skipped("there is no strace");
        return None;
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let said = Said { status: out.status.code(), out: text(out.stdout), err: text(out.stderr) };
    if said.err.contains("strace:") {
        skipped(&format!("strace cannot trace: {said:?}"));
        return None;
    }
    Some(said)
}

/// A place with few keys, and all of them open.
fn small(name: &str) -> Place {
    let place = Place::new(name);
    let few = "DELETE FROM subject_key WHERE key_id NOT IN (SELECT key_id FROM subject_key ORDER BY key_id LIMIT 20)";
    let keys = database(&place.file("keys.db"));
    keys.execute(few, []).unwrap();
    keys.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).unwrap();
    place
}

fn all_keys(place: &Place) -> Vec<[u8; 32]> {
    let keys = database(&place.file("keys.db"));
    let mut statement = keys.prepare("SELECT key_id FROM subject_key ORDER BY key_id").unwrap();
    let ids: Vec<[u8; 16]> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    ids.into_iter().map(|id| *opened(place, "keys.db", "wrapping", id).unwrap().unwrap().payload).collect()
}

#[test]
fn a_kill_at_any_step_of_a_rotation_loses_no_key() {
    let model = small("rotation-kills");
    let before = all_keys(&model);
    assert_eq!(before.len(), 20);
    let most = from_environment("SLUIS_KILL_STEPS").unwrap_or(u64::MAX);
    let mut killed = 0;
    for call in CALLS {
        for step in 1..=most {
            let place = Place { dir: model.dir.with_extension("killed") };
            let _earlier = std::fs::remove_dir_all(&place.dir);
            copy(&model.dir, &place.dir).unwrap();
            let Some(said) = rotate_under(&place, call, &format!("signal=KILL:when={step}")) else { return };
            if said.status == Some(0) {
                break;
            }
            assert_eq!(said.status, None, "{call} {step}: {said:#?}");
            killed += 1;
            let again = keys(&place, "rotate");
            assert_eq!(again.status, Some(0), "{call} {step}: {again:#?}");
            assert_eq!(all_keys(&place), before, "{call} {step}");
            let left = std::fs::read_dir(place.file("wrapping")).unwrap().map(|file| file.unwrap().file_name());
            let left = left.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".key")).count();
            assert_eq!(left, 1, "{call} {step}");
        }
    }
    println!("{killed} steps were killed");
    assert!(killed > 30 || most < 10, "only {killed} steps");
}

#[test]
fn a_full_disk_on_the_folder_leaves_the_old_secret_and_the_next_run_goes_on() {
    let place = small("rotation-full");
    let before = all_keys(&place);
    // The first write of all is that of the new secret or of the WAL: whichever it is, nothing is lost.
    for when in 1..=6 {
        let Some(said) = rotate_under(&place, "write,linkat,mkdir", &format!("error=ENOSPC:when={when}")) else {
            return;
        };
        println!("{when}: {:?} {}", said.status, said.err);
        assert_eq!(all_keys(&place), before, "{when}");
    }
    good(keys(&place, "rotate"), &[]);
    assert_eq!(all_keys(&place), before);
}
