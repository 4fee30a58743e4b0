//! What only rows have: triggers, the sealed subject index, erasure, and what is compared before serving.

use super::Engine;
use super::draft::{index, refusal, subject};
use super::sqlite::Sqlite;
use sluis_adapters::sqlite::{Limits, OpenError, SqliteLog};
use sluis_core::log::draft::Concerns;
use sluis_core::ports::{Clock, KeyStore, Ledger};
use sluis_core::subject::SubjectId;
use sluis_core::upkeep::{KeyUpkeep, LogUpkeep};

async fn filled(engine: &Sqlite, count: u64) -> SqliteLog {
    let log = engine.open(Limits::default()).unwrap();
    let committed = log.append((0..count).map(refusal).collect()).await.unwrap();
    assert_eq!(index(&committed.outcomes()[0]), 0);
    log
}

#[tokio::test]
async fn leaves_heads_and_states_cannot_be_changed_in_passing() {
    let engine = Sqlite::fresh();
    drop(filled(&engine, 3).await);
    let connection = engine.intruder();
    for forbidden in [
        "DELETE FROM log_leaf",
        "UPDATE log_leaf SET leaf = '{}'",
        "UPDATE log_leaf SET t = t + 1",
        "UPDATE log_leaf SET ct = x'00'",
        "UPDATE log_head SET size = size + 1",
        "DELETE FROM log_head",
        "INSERT INTO log_head SELECT log_id, size - 1, frontier, last_t FROM log_head",
        "INSERT INTO log_head SELECT log_id, size + 1, frontier, last_t FROM log_head",
    ] {
        assert!(connection.execute(forbidden, []).is_err(), "{forbidden}");
    }
    assert_eq!(connection.execute("UPDATE log_leaf SET key_id = NULL, ct = NULL", []).unwrap(), 3);
    engine.open(Limits::default()).unwrap();
}

#[tokio::test]
async fn lost_leaves_and_bent_hashes_are_found_before_serving() {
    for (count, damage) in [
        (7, "DELETE FROM log_leaf WHERE row & 0xff = 6"),
        (7, "UPDATE log_leaf SET hash = zeroblob(32) WHERE row & 0xff = 2"),
        (300, "UPDATE log_subtree SET hash = zeroblob(32)"),
        (300, "DELETE FROM log_subtree"),
        (7, "DELETE FROM log_head; INSERT INTO log_head VALUES (1, 0, x'', 0)"),
    ] {
        let engine = Sqlite::fresh();
        drop(filled(&engine, count).await);
        let connection = engine.intruder();
        for trigger in [
            "log_leaf_stays",
            "log_leaf_stands",
            "log_subtree_stays",
            "log_subtree_same",
            "log_head_keeps_newest",
            "log_head_counts",
        ] {
            connection.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
        }
        drop(engine.open(Limits::default()).unwrap());
        connection.execute_batch(damage).unwrap();
        let opened = engine.open(Limits::default()).map(|_| ());
        assert!(matches!(opened, Err(OpenError::Corrupt { .. })), "{damage}: {opened:?}");
    }
}

#[tokio::test]
async fn a_head_that_went_back_stops_the_next_append() {
    let engine = Sqlite::fresh();
    let log = filled(&engine, 3).await;
    let connection = engine.intruder();
    connection.execute_batch("DROP TRIGGER log_head_same; UPDATE log_head SET last_t = last_t - 1").unwrap();
    let refused = log.append(vec![refusal(9)]).await.unwrap_err();
    assert_eq!(refused, sluis_core::ports::StoreError::Corrupt { store: "log database", table: "log_head" });
}

#[tokio::test]
async fn the_subject_index_finds_every_entry_and_shows_nobody() {
    let engine = Sqlite::fresh();
    let log = engine.open(Limits::default()).unwrap();
    for number in 0..150u64 {
        let mut draft = refusal(number);
        let whom = |item| Concerns { subject: subject(if number % 3 == 0 { 207 } else { 208 }), item };
        draft.concerns = if number == 9 { vec![whom(1), whom(2)] } else { vec![whom(0)] };
        log.append(vec![draft]).await.unwrap();
    }
    let mut expected: Vec<(u64, u32)> = (0..150).filter(|n| n % 3 == 0 && *n != 9).map(|n| (n, 0)).collect();
    expected.extend([(9, 1), (9, 2)]);
    expected.sort_unstable();
    assert_eq!(log.entries_of(subject(207)).await.unwrap(), expected);
    assert_eq!(log.entries_of(subject(1)).await.unwrap(), []);
    let levels: Vec<(i64, i64)> = engine
        .intruder()
        .prepare("SELECT level, count(*) FROM subject_segment GROUP BY level ORDER BY level")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(levels, [(0, 150 - 128), (1, 2)]);
    drop(log);
    assert_eq!(engine.open(Limits::default()).unwrap().entries_of(subject(207)).await.unwrap(), expected);
    let bytes = engine.at_rest().await;
    assert!(!bytes.windows(16).any(|window| window == subject(207).0), "subjects stand in the open");
    engine.intruder().execute("UPDATE subject_segment SET last = last + 1 WHERE level = 1 AND first = 0", []).unwrap();
    assert!(engine.open(Limits::default()).unwrap().entries_of(subject(207)).await.is_err());
}

#[tokio::test]
async fn an_erased_key_takes_its_payloads_along_and_stays_erased() {
    let engine = Sqlite::fresh();
    let (log, keys) = (engine.open(Limits::default()).unwrap(), engine.open_keys(&engine.master).unwrap());
    let id = SubjectId::client_number("K-1").unwrap();
    keys.provision(&[vec![id.clone()]], 2026).await.unwrap();
    let whom = keys.find(&id).await.unwrap().unwrap();
    let key_id = keys.subject_key(whom, 2026).await.unwrap().unwrap().key_id;
    drop(keys);
    std::fs::copy(engine.keys_file(), engine.folder.join("yesterday.db")).unwrap();
    let mut draft = refusal(0);
    draft.concerns[0].subject = whom;
    draft.payload.as_mut().unwrap().key_id = key_id;
    log.append(vec![draft, refusal(1)]).await.unwrap();
    let leaf = log.entry(0).await.unwrap().unwrap().leaf;

    assert_eq!(log.erase(whom, vec![key_id]).await.unwrap(), 1);
    let entry = log.entry(0).await.unwrap().unwrap();
    assert_eq!((entry.leaf, entry.payload), (leaf, None));
    assert!(log.entry(1).await.unwrap().unwrap().payload.is_some());
    std::fs::copy(engine.folder.join("yesterday.db"), engine.keys_file()).unwrap();
    let keys = engine.open_keys(&engine.master).unwrap();
    assert!(keys.subject_key(whom, 2026).await.unwrap().is_some(), "the copy holds the key");
    assert_eq!(keys.destroy(log.erased_keys().await.unwrap()).await.unwrap(), 1);
    assert!(keys.subject_key(whom, 2026).await.unwrap().is_none());
    assert!(keys.key_by_id(key_id).await.unwrap().is_none());
}

#[tokio::test]
async fn checkpoints_are_kept_one_per_minute_and_the_newest() {
    let engine = Sqlite::fresh();
    let log = filled(&engine, 1).await;
    let minute = engine.clock().now();
    log.keep_checkpoint(1, "one", minute).await.unwrap();
    log.append(vec![refusal(1)]).await.unwrap();
    assert_eq!(log.newest_checkpoint().unwrap(), Some((1, "one".to_owned())), "written with the append");
    log.keep_checkpoint(2, "two", minute + 59_999).await.unwrap();
    log.append(vec![refusal(2)]).await.unwrap();
    assert_eq!(log.checkpoints(0, 9).unwrap(), [(2, "two".to_owned())]);
    log.keep_checkpoint(3, "three", minute + 60_000).await.unwrap();
    drop(log);
    let log = engine.open(Limits::default()).unwrap();
    assert_eq!(log.checkpoints(0, 9).unwrap(), [(2, "two".to_owned()), (3, "three".to_owned())]);
    assert_eq!(log.checkpoints(3, 9).unwrap(), [(3, "three".to_owned())]);
}
