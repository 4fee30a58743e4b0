//! The promises of a rotation: no key is lost wherever it stops, and what was wrapped under the old secret opens with that one only.

use super::Engine;
use sluis::compose::rotation::{Rotation, RotationFault, Step};
use sluis_adapters::master::MasterKey;
use sluis_adapters::wrapping::Wrapping;
use sluis_core::ports::StoreError;
use sluis_core::subject::SubjectId;
use sluis_core::upkeep::Generation;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Clients, so that their keys fill one page of a rotation and a part of the next.
const CLIENTS: usize = 600;
const YEAR: i16 = 2026;

pub fn client(number: usize) -> SubjectId {
    SubjectId::client_number(&format!("C-{number}")).unwrap()
}

fn day(number: i8) -> jiff::civil::Date {
    jiff::civil::date(2026, 11, number)
}

/// Every key that somebody has: by its id, and the transaction key of a day by no id.
type Known = BTreeMap<[u8; 16], [u8; 32]>;

/// Makes keys of so many clients, and those of two days.
async fn lay(engine: &impl Engine, clients: usize) -> Known {
    let keys = engine.keys().await;
    let page: Vec<Vec<SubjectId>> = (0..clients).map(|number| vec![client(number)]).collect();
    keys.provision(&page, YEAR).await.unwrap();
    keys.bucket_key(day(21)).await.unwrap();
    keys.transaction_key(day(20)).await.unwrap();
    drop(keys);
    known(engine, clients).await
}

/// The keys as a process that starts now reads them.
async fn known(engine: &impl Engine, clients: usize) -> Known {
    let (keys, mut known) = (engine.keys().await, Known::new());
    for number in 0..clients {
        let subject = keys.find(&client(number)).await.unwrap().unwrap();
        let key = keys.subject_key(subject, YEAR).await.unwrap().unwrap();
        known.insert(key.key_id, *key.payload);
    }
    let bucket = keys.bucket_key(day(21)).await.unwrap();
    known.insert(bucket.key_id, *bucket.payload);
    known.insert([0; 16], *keys.transaction_key(day(20)).await.unwrap());
    known
}

async fn begin(engine: &impl Engine) -> Rotation {
    Rotation::begin(engine.rotation().await, engine.wrapping().folder().clone(), true).await.unwrap()
}

/// Rotates to the end.
async fn rotate(engine: &impl Engine) -> Vec<Step> {
    let (mut rotation, mut steps) = (begin(engine).await, Vec::new());
    while let Some(step) = rotation.step().await.unwrap() {
        steps.push(step);
    }
    steps
}

async fn generations(engine: &impl Engine) -> Vec<Generation> {
    engine.payload_keys(engine.wrapping()).await.generations().await.unwrap()
}

/// The numbers of those in use, and of those of which the secret was destroyed.
async fn numbers(engine: &impl Engine) -> (Vec<u32>, Vec<u32>) {
    let (ended, used): (Vec<_>, Vec<_>) = generations(engine).await.into_iter().partition(|one| one.ended.is_some());
    assert!(ended.iter().all(|one| one.ended.unwrap().destroyed_at.is_some()));
    let number = |one: &Generation| one.number;
    (used.iter().map(number).collect(), ended.iter().map(number).collect())
}

pub async fn every_key_goes_over_and_the_old_secret_is_gone(engine: &impl Engine) {
    let (before, folder) = (lay(engine, CLIENTS).await, engine.wrapping().folder());
    let proven = before.len() as u64;
    let (page, rest) = (Step::Rewrapped(500), Step::Rewrapped(proven - 502));
    let ended = Step::Ended { generation: 1, proven };
    let days = [Step::Rewrapped(1), Step::Rewrapped(1)];
    let destroyed = Step::Destroyed { generation: 1, there: true };
    let steps = [Step::Made(2), Step::Began(2), page, rest, days[0], days[1], ended, destroyed];
    assert_eq!(rotate(engine).await, steps);
    assert!(!folder.file(1).exists() && folder.file(2).exists() && folder.marker(1).exists());
    assert_eq!(numbers(engine).await, (vec![2], vec![1]));
    assert_eq!(known(engine, CLIENTS).await, before);
    assert_eq!(rotate(engine).await.last(), Some(&Step::Destroyed { generation: 2, there: true }));
    assert_eq!(numbers(engine).await, (vec![3], vec![1, 2]));
    assert_eq!(known(engine, CLIENTS).await, before);
}

pub async fn a_rotation_goes_on_after_a_stop_behind_any_step(engine: &impl Engine) {
    let before = lay(engine, CLIENTS).await;
    for stop in 0.. {
        let (mut rotation, mut done) = (begin(engine).await, false);
        for _ in 0..stop {
            done |= rotation.step().await.unwrap().is_none();
        }
        drop(rotation);
        if done {
            assert_eq!(stop, 9, "there are other steps than were tried");
            return;
        }
        assert_eq!(known(engine, CLIENTS).await, before, "behind step {stop}");
        let newest = generations(engine).await.last().unwrap().number;
        rotate(engine).await;
        let (used, ended) = numbers(engine).await;
        // What was interrupted before its generation began is a new one.
        assert_eq!(used, [newest + u32::from(stop < 2 || stop == 8)], "behind step {stop}");
        assert_eq!(ended, (1..used[0]).collect::<Vec<_>>(), "behind step {stop}");
        assert_eq!(known(engine, CLIENTS).await, before, "behind step {stop}");
        assert!(ended.iter().all(|number| !engine.wrapping().folder().holds(*number)), "behind step {stop}");
    }
}

pub async fn keys_that_are_made_meanwhile_go_over_too(engine: &impl Engine) {
    lay(engine, 3).await;
    let mut clients = 3;
    loop {
        let mut rotation = begin(engine).await;
        let step = rotation.step().await.unwrap().unwrap();
        drop(rotation);
        if let Step::Destroyed { .. } = step {
            break;
        }
        let keys = engine.keys().await;
        keys.provision(&[vec![client(clients)]], YEAR).await.unwrap();
        keys.bucket_key(day(i8::try_from(clients).unwrap())).await.unwrap();
        clients += 1;
    }
    assert!(clients > 6);
    assert_eq!(numbers(engine).await, (vec![2], vec![1]));
    assert_eq!(known(engine, clients).await.len(), clients + 2);
}

const KEEP: &str =
    "CREATE TABLE kept_wrapping AS SELECT * FROM wrapping; CREATE TABLE kept_key AS SELECT * FROM subject_key";
const PUT_BACK: &str = "DELETE FROM subject_key; DELETE FROM bucket_key; DELETE FROM transaction_key; DELETE FROM wrapping;
    DELETE FROM wrapping_ended; INSERT INTO wrapping SELECT * FROM kept_wrapping; INSERT INTO subject_key SELECT * FROM kept_key";

/// Writes a secret past the program, as an operator copies one.
pub fn put(file: &Path, secret: &[u8]) {
    let _absent = std::fs::remove_file(file);
    std::fs::write(file, secret).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o400)).unwrap();
}

pub async fn a_backup_from_before_opens_with_its_secret_only(engine: &impl Engine) {
    lay(engine, 2).await;
    let keys = engine.keys().await;
    let subject = keys.find(&client(1)).await.unwrap().unwrap();
    let erased = keys.subject_key(subject, YEAR).await.unwrap().unwrap();
    drop(keys);
    let (folder, old) = (engine.wrapping().folder(), std::fs::read(engine.wrapping().folder().file(1)).unwrap());
    engine.intrude_keys(KEEP).await;
    let keys = engine.keys().await;
    keys.destroy(vec![erased.key_id]).await.unwrap();
    drop(keys);
    rotate(engine).await;
    engine.intrude_keys(PUT_BACK).await;
    let refused = async |wrapping: &Wrapping| {
        let tried = engine.payload_keys(wrapping).await.key_by_id(erased.key_id).await;
        tried.map(|key| key.map(|key| *key.payload))
    };
    let text = |tried| match tried {
        Err(StoreError::Secret { text, .. }) => text,
        other => panic!("{other:?}"),
    };
    // The backup, the master key and every secret that is left.
    assert!(text(refused(engine.wrapping()).await).contains("wrapping generation 1 was destroyed"));
    let elsewhere = folder.path().with_file_name("elsewhere");
    let other = Wrapping::new(engine.wrapping().master().clone(), &elsewhere);
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::copy(folder.file(2), other.folder().file(2)).unwrap();
    assert!(text(refused(&other).await).contains("1.key` does not exist"));
    put(&other.folder().file(1), &std::fs::read(folder.file(2)).unwrap());
    assert!(text(refused(&other).await).contains("is not the secret"));
    // The control: with the old secret it opens, and without the master key it does not.
    put(&other.folder().file(1), &old);
    assert_eq!(refused(&other).await, Ok(Some(*erased.payload)));
    // What was destroyed is not used again, although its secret is put back.
    put(&folder.file(1), &old);
    assert!(text(refused(engine.wrapping()).await).contains("was destroyed"));
    assert_eq!(folder.undead().unwrap(), [1]);
    assert!(!engine.opens_under(MasterKey::from_bytes([3; 32])).await);
}

pub async fn a_database_from_before_a_rotation_is_refused_by_name(engine: &impl Engine) {
    lay(engine, 2).await;
    engine.intrude_keys(KEEP).await;
    rotate(engine).await;
    engine.opens().await.unwrap();
    engine.intrude_keys(PUT_BACK).await;
    let refused = engine.opens().await.unwrap_err();
    for words in ["wrapping generation 1 was destroyed", "1.destroyed", "put back one that was made later"] {
        assert!(refused.contains(words), "{refused}");
    }
}

pub async fn a_secret_that_is_missing_short_or_another_is_refused_by_name(engine: &impl Engine) {
    let before = lay(engine, 2).await;
    let file = engine.wrapping().folder().file(1);
    let secret = std::fs::read(&file).unwrap();
    let refused = async |words: &str| {
        let refused = engine.opens().await.unwrap_err();
        assert!(refused.contains("1.key") && refused.contains(words), "`{words}` is not in {refused}");
        let tried = engine.payload_keys(engine.wrapping()).await.wraps().await;
        assert!(matches!(tried, Err(StoreError::Secret { .. })), "{tried:?}");
    };
    std::fs::remove_file(&file).unwrap();
    refused("does not exist").await;
    put(&file, &secret[..16]);
    refused("does not hold").await;
    put(&file, &[0; 32]);
    refused("does not hold").await;
    put(&file, &[5; 32]);
    refused("is not the secret with which wrapping generation 1").await;
    put(&file, &secret);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    refused("has mode 0644").await;
    put(&file, &secret);
    assert_eq!(known(engine, 2).await, before);
    // A secret that was put there for the next generation, and is none.
    put(&engine.wrapping().folder().file(2), &secret[..8]);
    let stopped = begin(engine).await.step().await.unwrap_err();
    assert!(stopped.to_string().contains("2.key"), "{stopped}");
    assert_eq!(numbers(engine).await, (vec![1], vec![]));
    assert_eq!(known(engine, 2).await, before);
}

pub async fn a_key_that_does_not_open_keeps_the_old_secret(engine: &impl Engine) {
    let before = lay(engine, 2).await;
    engine.intrude_keys("CREATE TABLE kept_key AS SELECT * FROM bucket_key").await;
    engine.intrude_keys(&format!("UPDATE bucket_key SET wrapped = {}", engine.hex(&"00".repeat(48)))).await;
    let mut rotation = begin(engine).await;
    let stopped = loop {
        match rotation.step().await {
            Ok(step) => assert!(step.is_some(), "it ended"),
            Err(stopped) => break stopped,
        }
    };
    assert!(matches!(stopped, RotationFault::Unopened("bucket_key")), "{stopped}");
    drop(rotation);
    assert!(engine.wrapping().folder().file(1).exists());
    engine.intrude_keys("UPDATE bucket_key SET wrapped = (SELECT wrapped FROM kept_key)").await;
    rotate(engine).await;
    assert_eq!(numbers(engine).await, (vec![2], vec![1]));
    assert_eq!(known(engine, 2).await, before);
}

pub async fn an_end_that_none_of_us_wrote_is_not_believed(engine: &impl Engine) {
    lay(engine, 2).await;
    let seal = engine.hex(&"00".repeat(16));
    let row = format!("INSERT INTO wrapping_ended (generation, made_at, ended_at, sealed) VALUES (1, 1, 2, {seal})");
    let keys = engine.rotation().await;
    engine.intrude_keys(&row).await;
    let begun = Rotation::begin(keys, engine.wrapping().folder().clone(), true).await;
    for fault in [begun.map(drop).unwrap_err().to_string(), engine.opens().await.unwrap_err()] {
        assert!(fault.contains("wrapping_ended"), "{fault}");
    }
    assert!(engine.wrapping().folder().file(1).exists());
}
