//! A rotation beside gateways that serve, on PostgreSQL.

use super::Engine;
use super::postgres::Postgres;
use super::rotation::{client, put};
use sluis::compose::rotation::{Rotation, RotationFault, Step};
use sluis_adapters::postgres::PostgresKeys;
use sluis_adapters::system::OsEntropy;
use sluis_adapters::wrapping::Wrapping;
use sluis_core::ports::{KeyStore, StoreError};
use sqlx::{Connection, Executor};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

async fn begin(engine: &Postgres, makes: bool) -> Result<Rotation, RotationFault> {
    Rotation::begin(engine.rotation().await, engine.wrapping.folder().clone(), makes).await
}

async fn finish(mut rotation: Rotation) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some(step) = rotation.step().await.unwrap() {
        steps.push(step);
    }
    steps
}

/// Gateways make keys and read them all the time while generations follow each other: none fails, and no key is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_make_and_read_keys_during_rotations() {
    let engine = Postgres::empty().await;
    let (over, mut tasks) = (Arc::new(AtomicBool::new(false)), Vec::new());
    for gateway in 0..3 {
        let (keys, over) = (engine.open_keys(&engine.master).await.unwrap(), Arc::clone(&over));
        tasks.push(tokio::spawn(async move {
            let mut made = Vec::new();
            while !over.load(Ordering::SeqCst) {
                let id = client(gateway * 100_000 + made.len());
                keys.provision(&[vec![id.clone()]], 2026).await.unwrap();
                let subject = keys.find(&id).await.unwrap().unwrap();
                let key = keys.subject_key(subject, 2026).await.unwrap().unwrap();
                made.push((key.key_id, *key.payload));
                // Past every cache.
                let (id, payload) = made[made.len() / 2];
                assert_eq!(*keys.key_by_id(id).await.unwrap().unwrap().payload, payload);
            }
            made
        }));
    }
    for _ in 0..3 {
        assert!(finish(begin(&engine, true).await.unwrap()).await.len() >= 4);
    }
    over.store(true, Ordering::SeqCst);
    let keys = engine.open_keys(&engine.master).await.unwrap();
    let mut all = 0;
    for task in tasks {
        for (id, payload) in task.await.unwrap() {
            assert_eq!(*keys.key_by_id(id).await.unwrap().unwrap().payload, payload);
            all += 1;
        }
    }
    println!("{all} keys were made meanwhile");
    assert!(all > 30);
}

#[tokio::test]
async fn one_rotation_at_a_time_and_no_secret_before_it_was_prepared() {
    let engine = Postgres::empty().await;
    let mut first = begin(&engine, false).await.unwrap();
    assert!(matches!(begin(&engine, false).await.map(drop), Err(RotationFault::Running)));
    let unprepared = first.step().await.unwrap_err();
    assert!(
        unprepared.to_string().contains("2.key` does not exist") && unprepared.to_string().contains("keys prepare")
    );
    engine.wrapping.folder().make(2, &OsEntropy).unwrap();
    assert_eq!(first.step().await.unwrap(), Some(Step::Began(2)));
    drop(first);
    // Its session ends in its own time.
    let second = loop {
        match begin(&engine, false).await {
            Err(RotationFault::Running) => tokio::time::sleep(super::postgres::LOOK).await,
            begun => break begun.unwrap(),
        }
    };
    let destroyed = Step::Destroyed { generation: 1, there: true };
    assert_eq!(finish(second).await, [Step::Ended { generation: 1, proven: 0 }, destroyed]);
}

/// Two who rotate past the lock, step by step in turn: what either does the other finds done.
#[tokio::test]
async fn two_rotations_that_do_not_know_of_each_other_lose_nothing() {
    let engine = Postgres::empty().await;
    let keys = engine.open_keys(&engine.master).await.unwrap();
    keys.provision(&(0..700).map(|number| vec![client(number)]).collect::<Vec<_>>(), 2026).await.unwrap();
    let mut two = [begin(&engine, true).await.unwrap()].into_iter().collect::<Vec<_>>();
    // The server ends the session that holds the lock, and nobody tells the first.
    let mut intruder = engine.database.keys_intruder().await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()";
    intruder.execute(end).await.unwrap();
    two.push(loop {
        match begin(&engine, true).await {
            Err(RotationFault::Running) => tokio::time::sleep(super::postgres::LOOK).await,
            begun => break begun.unwrap(),
        }
    });
    let mut done = [false; 2];
    while done != [true; 2] {
        for (rotation, done) in two.iter_mut().zip(&mut done) {
            *done |= rotation.step().await.unwrap().is_none();
        }
    }
    let generations = engine.payload_keys(&engine.wrapping).await.generations().await.unwrap();
    assert_eq!(
        generations.iter().map(|one| (one.number, one.ended.is_some())).collect::<Vec<_>>(),
        [(1, true), (2, false)]
    );
    let keys = engine.open_keys(&engine.master).await.unwrap();
    for number in 0..700 {
        let subject = keys.find(&client(number)).await.unwrap().unwrap();
        assert!(keys.subject_key(subject, 2026).await.unwrap().is_some());
    }
    intruder.close().await.unwrap();
}

/// A gateway on another machine that was not given the secret: it refuses by the name of the file, makes no key under an old
/// generation, and goes on when the file is there.
#[tokio::test]
async fn a_gateway_without_the_new_secret_refuses_until_it_has_it() {
    let engine = Postgres::empty().await;
    let elsewhere = engine.wrapping.folder().path().with_file_name("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let other = Wrapping::new(engine.master.clone(), &elsewhere);
    put(&other.folder().file(1), &std::fs::read(engine.wrapping.folder().file(1)).unwrap());
    let keys = PostgresKeys::open(&engine.keys_place(), false, &other, Arc::new(OsEntropy)).await.unwrap();
    keys.provision(&[vec![client(0)]], 2026).await.unwrap();
    finish(begin(&engine, true).await.unwrap()).await;
    let subject = keys.find(&client(0)).await.unwrap().unwrap();
    let new = [vec![client(1)]];
    for refused in [
        keys.subject_key(subject, 2026).await.map(drop),
        keys.provision(&new, 2026).await.map(drop),
        keys.bucket_key(jiff::civil::date(2026, 11, 21)).await.map(drop),
        keys.wraps().await.map(drop),
    ] {
        let Err(StoreError::Secret { text, .. }) = refused else { panic!("{refused:?}") };
        assert!(text.contains("elsewhere/2.key` does not exist"), "{text}");
    }
    // Another secret is not used either.
    put(&other.folder().file(2), &[7; 32]);
    let refused = keys.subject_key(subject, 2026).await.map(drop);
    assert!(
        matches!(&refused, Err(StoreError::Secret { text, .. }) if text.contains("is not the secret")),
        "{refused:?}"
    );
    put(&other.folder().file(2), &std::fs::read(engine.wrapping.folder().file(2)).unwrap());
    assert!(keys.subject_key(subject, 2026).await.unwrap().is_some());
    assert_eq!(keys.provision(&new, 2026).await.unwrap(), 1);
}
