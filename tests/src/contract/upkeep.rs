//! The promises of upkeep: what time takes away goes, the tree stays, and what was in flight is known.

use super::Engine;
use super::draft::{oin, refusal, subject, uuid};
use sluis_core::log::draft::Concerns;
use sluis_core::log::page::{Item, PageBlob};
use sluis_core::ports::Clock;
use sluis_core::subject::SubjectId;

pub async fn the_subject_index_finds_every_entry_and_shows_nobody(engine: &impl Engine) {
    let log = engine.log().await;
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
    drop(log);
    assert_eq!(engine.log().await.entries_of(subject(207)).await.unwrap(), expected);
    let bytes = engine.at_rest().await;
    assert!(bytes.windows(16).any(|window| window == uuid(149).as_bytes()), "the bytes are of another log");
    assert!(!bytes.windows(16).any(|window| window == subject(207).0), "subjects stand in the open");
}

/// A key database that comes back from a backup revives nobody (A21).
pub async fn an_erased_key_takes_its_payloads_along_and_leaves_a_tombstone(engine: &impl Engine) {
    let (log, keys) = (engine.log().await, engine.keys().await);
    let id = SubjectId::client_number("K-1").unwrap();
    keys.provision(&[vec![id.clone()]], 2026).await.unwrap();
    let whom = keys.find(&id).await.unwrap().unwrap();
    let key_id = keys.subject_key(whom, 2026).await.unwrap().unwrap().key_id;
    let mut draft = refusal(0);
    draft.concerns[0].subject = whom;
    draft.payload.as_mut().unwrap().key_id = key_id;
    let mut other = refusal(1);
    other.concerns[0].subject = whom;
    log.append(vec![draft, other]).await.unwrap();
    assert_eq!(log.entries_of(whom).await.unwrap(), [(0, 0), (1, 0)]);
    let (leaf, head) = (log.entry(0).await.unwrap().unwrap().leaf, log.head().await.unwrap());

    assert_eq!(log.erase(whom, vec![key_id]).await.unwrap(), 1);
    assert_eq!(log.erase(whom, vec![key_id]).await.unwrap(), 0);
    let entry = log.entry(0).await.unwrap().unwrap();
    assert_eq!((entry.leaf, entry.payload), (leaf, None));
    assert!(log.entry(1).await.unwrap().unwrap().payload.is_some());
    assert_eq!(log.entries_of(whom).await.unwrap(), [(1, 0)], "the index still says whom the erased entry concerns");
    drop(log);
    let log = engine.log().await;
    assert_eq!(log.entries_of(whom).await.unwrap(), [(1, 0)]);
    assert_eq!(log.head().await.unwrap(), head);
    assert_eq!(keys.destroy(log.erased_keys().await.unwrap()).await.unwrap(), 1);
    assert!(keys.key_by_id(key_id).await.unwrap().is_none());
    // Superseded rows go while both are in use, and take nothing else along.
    log.tidy().await.unwrap();
    keys.tidy().await.unwrap();
    assert_eq!(log.head().await.unwrap(), head);
}

pub async fn transactions_are_forgotten_and_their_entries_stay(engine: &impl Engine) {
    let log = engine.log().await;
    log.append(vec![refusal(0), refusal(1)]).await.unwrap();
    let now = engine.clock().now();
    assert_eq!(log.forget_transactions(now).await.unwrap(), 0);
    assert_eq!(log.forget_transactions(now + 1).await.unwrap(), 2);
    assert_eq!(log.forget_transactions(now + 1).await.unwrap(), 0);
    assert_eq!(log.transaction(&oin(), uuid(0)).await.unwrap(), None);
    assert_eq!(log.leaves(0, 9).await.unwrap().len(), 2);
}

pub async fn what_was_in_flight_is_known_after_reopening(engine: &impl Engine) {
    let log = engine.log().await;
    log.append((0..5).map(refusal).collect()).await.unwrap();
    assert_eq!(log.left_in_flight().await.unwrap(), [0u64; 0]);
    log.delivered_below(3);
    log.append(vec![refusal(5)]).await.unwrap();
    log.delivered_below(2);
    drop(log);
    let log = engine.log().await;
    assert_eq!(log.left_in_flight().await.unwrap(), [3, 4, 5]);
    log.delivered_below(6);
    drop(log);
    let log = engine.log().await;
    assert_eq!(log.left_in_flight().await.unwrap(), [0u64; 0], "a clean end leaves nothing unknown");
}

pub async fn a_page_is_read_back_as_it_was_written(engine: &impl Engine) {
    let log = engine.log().await;
    let item = |number, tag: &str| Item { number, tag: tag.repeat(16), outcome: "RELEASED".into(), body: None };
    let page = PageBlob::new(&[item(1, "ab"), item(3, "cd")]).unwrap();
    let mut with_page = refusal(1);
    with_page.page = Some(page.clone());
    log.append(vec![refusal(0), with_page]).await.unwrap();
    drop(log);
    let log = engine.log().await;
    assert_eq!(log.page(1).await.unwrap(), Some(page.to_bytes()));
    assert_eq!(log.page(0).await.unwrap(), None);
}

/// Whoever exports reads what is committed, beside the process that serves.
pub async fn an_archive_reads_beside_the_log(engine: &impl Engine) {
    let log = engine.log().await;
    log.append((0..5).map(refusal).collect()).await.unwrap();
    let archive = engine.archive().await;
    assert_eq!(archive.head().await.unwrap(), log.head().await.unwrap());
    assert_eq!(archive.leaves(1, 3).await.unwrap(), log.leaves(1, 3).await.unwrap());
    assert_eq!(archive.leaves(5, 3).await.unwrap(), Vec::<String>::new());
    let entries = archive.entries(3, 9).await.unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(Some(entries[1].clone()), log.entry(4).await.unwrap());
    log.append(vec![refusal(5)]).await.unwrap();
    assert_eq!(archive.head().await.unwrap().size(), 6);
}

pub async fn checkpoints_are_kept_one_per_minute_and_the_newest(engine: &impl Engine) {
    let log = engine.log().await;
    let minute = engine.clock().now();
    log.append(vec![refusal(0)]).await.unwrap();
    log.keep_checkpoint(1, "one", minute).await.unwrap();
    log.append(vec![refusal(1)]).await.unwrap();
    log.keep_checkpoint(2, "two", minute + 59_999).await.unwrap();
    log.append(vec![refusal(2)]).await.unwrap();
    log.keep_checkpoint(3, "three", minute + 60_000).await.unwrap();
    drop(log);
    drop(engine.log().await);
    let archive = engine.archive().await;
    assert_eq!(archive.checkpoints(9).await.unwrap(), ["two", "three"]);
    assert_eq!(archive.checkpoints(2).await.unwrap(), ["two"]);
}
