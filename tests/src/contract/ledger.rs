//! The promises of the ledger: order, uniqueness, proofs, and nothing written when an error is returned.

use super::Engine;
use super::draft::{index, manual, oin, refusal, uuid};
use sluis_core::log::LeafKind;
use sluis_core::log::checkpoint::{sign, verifier_key};
use sluis_core::log::draft::{Outcome, RequestId};
use sluis_core::log::leaf::Leaf;
use sluis_core::log::proof;
use sluis_core::log::receipt::verify_text;
use sluis_core::log::tree::leaf_hash;
use sluis_core::ports::{Clock, Ledger, StoreError};
use sluis_core::upkeep::LogUpkeep;
use std::sync::Arc;

async fn append(log: &Arc<dyn LogUpkeep>, numbers: std::ops::Range<u64>) -> Vec<u64> {
    let committed = log.append(numbers.map(refusal).collect()).await.unwrap();
    committed.outcomes().iter().map(index).collect()
}

pub async fn indices_follow_the_order_of_appending_and_survive_reopening(engine: &impl Engine) {
    let log = engine.log().await;
    assert_eq!(append(&log, 0..3).await, [0, 1, 2]);
    assert_eq!(append(&log, 3..5).await, [3, 4]);
    let head = log.head().await.unwrap();
    drop(log);
    let log = engine.log().await;
    assert_eq!(log.head().await.unwrap(), head);
    assert_eq!((head.size(), head.last_time), (5, engine.clock().now()));
    let leaves = log.leaves(1, 10).await.unwrap();
    assert_eq!(leaves.len(), 4);
    for (leaf, at) in leaves.iter().zip(1..) {
        let read = Leaf::decode(leaf).unwrap();
        assert_eq!((read.index(), read.rid()), (at, RequestId(uuid(at)).to_hex().as_str()));
        let entry = log.entry(at).await.unwrap().unwrap();
        assert_eq!((&entry.leaf, entry.index, entry.payload), (leaf, at, refusal(at).payload));
    }
    assert_eq!(log.leaf_hashes(0, 5).await.unwrap()[1], leaf_hash(leaves[0].as_bytes()));
    assert_eq!(log.entry(5).await.unwrap(), None);
    assert_eq!(log.leaves(5, 1).await.unwrap(), Vec::<String>::new());
    assert_eq!(append(&log, 5..6).await, [5]);
}

pub async fn a_repeated_transaction_is_a_duplicate_and_a_reused_one_a_conflict(engine: &impl Engine) {
    let mut repeated = refusal(0);
    repeated.rid = RequestId(uuid(100));
    let mut reused = repeated.clone();
    reused.transaction.as_mut().unwrap().digest = [2; 32];
    let log = engine.log().await;
    let duplicate = Outcome::Duplicate { index: 0, kind: LeafKind::Deny };
    let first = log.append(vec![refusal(0), repeated.clone(), reused.clone()]).await.unwrap();
    assert_eq!(first.outcomes()[1..], [duplicate.clone(), Outcome::Conflict]);
    drop(log);
    let log = engine.log().await;
    let again = log.append(vec![repeated, reused]).await.unwrap();
    assert_eq!(again.outcomes(), [duplicate, Outcome::Conflict]);
    assert_eq!(log.head().await.unwrap().size(), 1);
    assert_eq!(log.transaction(&oin(), uuid(0)).await.unwrap().unwrap().index, 0);
    assert_eq!(log.transaction(&oin(), uuid(1)).await.unwrap(), None);
}

pub async fn concurrent_appenders_leave_no_gap_and_no_duplicate(engine: &impl Engine) {
    let log = engine.log().await;
    let tasks: Vec<_> = (0..64u64)
        .map(|task| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut mine = append(&log, task * 10..task * 10 + 2).await;
                mine.extend(append(&log, task * 10 + 2..task * 10 + 3).await);
                mine
            })
        })
        .collect();
    let mut indices = Vec::new();
    for task in tasks {
        indices.extend(task.await.unwrap());
    }
    indices.sort_unstable();
    assert_eq!(indices, (0..192).collect::<Vec<_>>());
    assert_eq!(log.head().await.unwrap().size(), 192);
}

pub async fn proofs_verify_at_every_size_after_reopening(engine: &impl Engine) {
    let log = engine.log().await;
    let mut roots = vec![(0, log.head().await.unwrap().root())];
    let mut next = 0;
    for batch in [1, 1, 2, 3, 1, 5, 8, 64, 170, 1, 1, 256, 90, 7, 200] {
        append(&log, next..next + batch).await;
        next += batch;
        roots.push((next, log.head().await.unwrap().root()));
    }
    drop(log);
    let log = engine.log().await;
    let ledger: &dyn Ledger = &*log;
    let hashes = log.leaf_hashes(0, next).await.unwrap();
    assert_eq!(log.subtree_hashes(1, 0, 9).await.unwrap().len() as u64, next / 256);
    for (at, (size, root)) in roots.iter().enumerate() {
        for index in (0..*size).filter(|i| i % 37 == 0 || i + 1 == *size || *i == 255 || *i == 256) {
            let path = proof::inclusion(ledger, index, *size).await.unwrap().unwrap();
            let leaf = hashes[usize::try_from(index).unwrap()];
            assert!(proof::verify_inclusion(&leaf, index, *size, &path, root), "{index} in {size}");
            assert!(!proof::verify_inclusion(&[0; 32], index, *size, &path, root));
        }
        for (from, older) in &roots[1..=at.max(1)] {
            let path = proof::consistency(ledger, *from, *size).await.unwrap();
            let verifies = path.is_some_and(|path| proof::verify_consistency(*from, *size, &path, older, root));
            assert_eq!(verifies, from <= size, "{from} to {size}");
        }
    }
}

pub async fn receipts_verify_from_the_batch_and_from_rows(engine: &impl Engine) {
    let log = engine.log().await;
    append(&log, 0..300).await;
    let mut repeated = refusal(7);
    repeated.rid = RequestId(uuid(900));
    let committed = log.append(vec![refusal(300), repeated, refusal(301)]).await.unwrap();
    let checkpoint = sign(committed.head(), engine.signer());
    let vkey = verifier_key(&committed.head().origin, &engine.signer().public_key());
    let receipts = committed.receipts(&checkpoint);
    assert!(receipts[1].is_none());
    for (receipt, at) in [(&receipts[0], 300), (&receipts[2], 301)] {
        let verified = verify_text(&receipt.as_ref().unwrap().text(), &vkey).unwrap();
        assert_eq!((verified.index, verified.size), (at, 302));
        assert_eq!(verified.leaf_text, log.entry(at).await.unwrap().unwrap().leaf);
    }
    let old = proof::receipt_for(&*log, 7, &checkpoint).await.unwrap().unwrap();
    assert_eq!(verify_text(&old.text(), &vkey).unwrap().index, 7);
    assert!(proof::receipt_for(&*log, 302, &checkpoint).await.unwrap().is_none());
}

pub async fn a_clock_behind_the_log_writes_nothing(engine: &impl Engine) {
    let log = engine.log().await;
    append(&log, 0..1).await;
    let now = engine.clock().now();
    engine.clock().set(now - 5_001);
    let refused = log.append(vec![refusal(1)]).await.unwrap_err();
    assert_eq!(refused, StoreError::ClockBehind { behind_ms: 5_001 });
    assert_eq!(log.head().await.unwrap().size(), 1);
    engine.clock().set(now - 5_000);
    assert_eq!(append(&log, 1..2).await, [1]);
    assert_eq!(log.head().await.unwrap().last_time, now);
}

pub async fn an_entry_that_cannot_be_stored_fails_alone(engine: &impl Engine) {
    let log = engine.log().await;
    append(&log, 0..1).await;
    let mut same_id = refusal(2);
    same_id.rid = RequestId(uuid(0));
    let committed = log.append(vec![refusal(1), same_id, refusal(3)]).await.unwrap();
    assert!(matches!(committed.outcomes()[1], Outcome::Malformed(_)), "{:?}", committed.outcomes());
    assert_eq!([&committed.outcomes()[0], &committed.outcomes()[2]].map(index), [1, 2]);
    assert_eq!(log.head().await.unwrap().size(), 3);
    assert_eq!(log.transaction(&oin(), uuid(2)).await.unwrap(), None);
}

pub async fn an_entry_for_another_shard_is_stale(engine: &impl Engine) {
    let log = engine.log().await;
    let mut other = refusal(0);
    other.origin = "sluis-log.contract.example/00000099000000001000/2025-1".into();
    let committed = log.append(vec![other]).await.unwrap();
    assert_eq!(committed.outcomes(), [Outcome::Stale]);
    assert_eq!(log.head().await.unwrap().size(), 0);
}

pub async fn leaves_of_one_kind_are_found_in_order_and_page_by_page(engine: &impl Engine) {
    let log = engine.log().await;
    let drafts = (0..12).map(|n| if n % 3 == 1 { manual(n) } else { refusal(n) });
    log.append(drafts.collect()).await.unwrap();
    let found = |kind, from, count| {
        let log = &log;
        async move {
            let texts = log.leaves_of(kind, from, count).await.unwrap();
            texts.iter().map(|(_, text)| Leaf::decode(text).unwrap().index()).collect::<Vec<_>>()
        }
    };
    assert_eq!(found(LeafKind::Manual, 0, 10).await, [1, 4, 7, 10]);
    assert_eq!(found(LeafKind::Manual, 0, 2).await, [1, 4]);
    assert_eq!(found(LeafKind::Manual, 5, 2).await, [7, 10]);
    assert_eq!(found(LeafKind::Deny, 9, 10).await, [9, 11]);
    assert_eq!(found(LeafKind::ObligationDone, 0, 10).await, Vec::<u64>::new());
}
