//! The promises at the turn of the year: one shard ends, the next continues it, and everything is found in both.

use super::Engine;
use super::draft::{ORIGIN, enrolled, manual, oin, rare, refusal, subject, uuid};
use sluis_core::log::checkpoint::{self, OpenedCheckpoint, sign, verifier_key};
use sluis_core::log::draft::{Draft, Outcome, RequestId};
use sluis_core::log::leaf::Leaf;
use sluis_core::log::receipt::verify_text;
use sluis_core::log::shard::{self, Boundary, Next, boundary, continues, position};
use sluis_core::log::{LeafKind, proof};
use sluis_core::ports::{Clock, SHARD_CLOSED, StoreError};
use sluis_core::upkeep::{LeafColumns, LogUpkeep};
use std::sync::Arc;

/// The shard after the one that engines of the suite make.
pub const NEXT: &str = "sluis-log.contract.example/00000099000000001000/2027-1";
/// Noon on 1 January 2027.
pub const NEW_YEAR: u64 = 1_798_801_200_000;

/// The entry that ends the first shard.
pub fn closing() -> Draft {
    Draft::new(RequestId(uuid(900_001)), ORIGIN.into(), shard::closing())
}

/// What the next shard begins with, for a log whose newest shard is closed.
pub async fn next(engine: &impl Engine, log: &Arc<dyn LogUpkeep>) -> Next {
    let head = log.head().await.unwrap();
    let before = OpenedCheckpoint { origin: head.origin.clone(), size: head.size(), root: head.root() };
    let opening = Draft::new(RequestId(uuid(900_002)), NEXT.into(), shard::opening(&before));
    Next { origin: NEXT.into(), before: sign(&head, engine.signer()).note, opening, now: engine.clock().now() }
}

/// Ends the shard of 2026 and opens that of 2027.
pub async fn turn(engine: &impl Engine, log: &Arc<dyn LogUpkeep>) {
    engine.clock().set(NEW_YEAR);
    log.append(vec![closing()]).await.unwrap();
    let next = next(engine, log).await;
    log.open_shard(next).await.unwrap();
}

/// A refusal for the shard of 2027.
pub fn later(number: u64) -> Draft {
    Draft { origin: NEXT.into(), ..refusal(number) }
}

pub async fn a_closed_shard_takes_nothing_and_the_next_continues_it(engine: &impl Engine) {
    let log = engine.log().await;
    log.append((0..3).map(refusal).collect()).await.unwrap();
    let last_time = engine.clock().now();
    let ended = log.append(vec![refusal(3), closing(), refusal(4)]).await.unwrap();
    assert_eq!(ended.outcomes()[2], Outcome::Stale, "nothing follows the entry that ends a shard");
    let closed = log.head().await.unwrap();
    assert_eq!((closed.size(), closed.origin.as_str()), (5, ORIGIN));
    let refused = log.append(vec![refusal(5)]).await.unwrap_err();
    assert_eq!(refused, StoreError::Unavailable { store: "log database", state: SHARD_CLOSED });

    // The process ends between the two steps: the next start finds the shard closed, and the same note.
    let note = next(engine, &log).await.before;
    drop(log);
    let log = engine.log().await;
    let shards = log.shards().await.unwrap();
    assert_eq!((shards.len(), shards[0].open, &shards[0].head), (1, false, &closed));
    let refused = log.append(vec![refusal(5)]).await.unwrap_err();
    assert_eq!(refused, StoreError::Unavailable { store: "log database", state: SHARD_CLOSED });
    let next = next(engine, &log).await;
    assert_eq!(next.before, note, "whoever signs, the bytes are the same");
    log.open_shard(next.clone()).await.unwrap();
    log.open_shard(next).await.unwrap(); // opened once

    let shards = log.shards().await.unwrap();
    let [old, new] = shards.as_slice() else { panic!("{shards:?}") };
    assert_eq!((old.open, new.open, new.before.as_deref()), (false, true, Some(note.as_str())));
    assert_eq!((new.head.origin.as_str(), new.head.shard, new.head.size()), (NEXT, 1, 1));
    assert!(new.head.last_time >= last_time);
    let before = checkpoint::open(&note, &verifier_key(ORIGIN, &engine.signer().public_key())).unwrap();
    let first = Leaf::decode(&log.leaves(position(1, 0), 9).await.unwrap()[0]).unwrap();
    assert!(continues(&first, &before));
    let last = Leaf::decode(&log.leaves(4, 9).await.unwrap()[0]).unwrap();
    assert_eq!(boundary(&last), Some(Boundary::Closes));

    let both = log.append(vec![refusal(6), later(7)]).await.unwrap();
    assert_eq!(both.outcomes()[0], Outcome::Stale, "an entry for the old shard is made again");
    assert!(matches!(both.outcomes()[1], Outcome::Recorded { index, .. } if index == position(1, 1)));
    drop(log);
    let log = engine.log().await;
    assert_eq!(log.head().await.unwrap().end(), position(1, 2));
    let archive = engine.archive().await;
    assert_eq!(archive.shards().await.unwrap(), log.shards().await.unwrap());
    assert_eq!(
        archive.checkpoints(5).await.unwrap().last(),
        Some(&note),
        "the last checkpoint of the old shard is kept"
    );
}

/// Who made the first words of 2027 was stopped for a year: others opened it, and ended it too.
pub async fn a_shard_continues_the_one_before_it_and_no_earlier_one(engine: &impl Engine) {
    let log = engine.log().await;
    log.append(vec![refusal(0)]).await.unwrap();
    engine.clock().set(NEW_YEAR);
    log.append(vec![closing()]).await.unwrap();
    let late = next(engine, &log).await;
    log.open_shard(late.clone()).await.unwrap();
    let ended = Draft::new(RequestId(uuid(900_003)), NEXT.into(), shard::closing());
    log.append(vec![ended]).await.unwrap();
    let late = Next { origin: NEXT.replace("2027", "2028"), ..late };
    let refused = log.open_shard(late).await.unwrap_err();
    assert_eq!(refused, StoreError::Unavailable { store: "log database", state: SHARD_CLOSED });
    assert_eq!(log.shards().await.unwrap().len(), 2);
}

/// Asked on 31 December, asked again on 1 January.
pub async fn what_was_asked_before_the_turn_is_known_after_it(engine: &impl Engine) {
    let log = engine.log().await;
    let mut asked = refusal(1);
    asked.concerns[0].subject = subject(9);
    log.append(vec![refusal(0), asked, manual(2)]).await.unwrap();
    turn(engine, &log).await;
    let mut again = later(1);
    again.rid = RequestId(uuid(500));
    let mut reused = again.clone();
    reused.transaction.as_mut().unwrap().digest = [2; 32];
    let mut about = later(3);
    about.concerns[0].subject = subject(9);
    let outcomes = log.append(vec![again, reused, about, Draft { origin: NEXT.into(), ..manual(4) }]).await.unwrap();
    let outcomes = outcomes.outcomes();
    assert_eq!(outcomes[..2], [Outcome::Duplicate { index: 1, kind: LeafKind::Deny }, Outcome::Conflict]);
    assert_eq!(log.transaction(&oin(), uuid(1)).await.unwrap().unwrap().index, 1);
    assert_eq!(log.entry(position(1, 1)).await.unwrap().unwrap().index, position(1, 1));
    assert_eq!(log.entries_of(subject(9)).await.unwrap(), [(1, 0), (position(1, 1), 0)]);
    let of_kind = |from, count| log.leaves_of(LeafKind::Manual, from, count);
    let places = |found: Vec<(u64, String)>| found.into_iter().map(|(at, _)| at).collect::<Vec<_>>();
    assert_eq!(places(of_kind(0, 9).await.unwrap()), [2, position(1, 2)]);
    assert_eq!(places(of_kind(0, 1).await.unwrap()), [2]);
    assert_eq!(places(of_kind(3, 9).await.unwrap()), [position(1, 2)]);
    let all: Vec<u64> = places(log.leaves_from(0, 100).await.unwrap());
    assert_eq!(all, [0, 1, 2, 3], "one shard at a time");
    assert_eq!(places(log.leaves_from(4, 100).await.unwrap()), [0, 1, 2].map(|index| position(1, index)));
    assert_eq!(log.forget_transactions(NEW_YEAR + 1).await.unwrap(), 3, "in both shards");
    assert_eq!(log.transaction(&oin(), uuid(1)).await.unwrap(), None);
}

pub async fn what_is_rare_is_found_page_by_page_in_both_shards(engine: &impl Engine) {
    let log = engine.log().await;
    log.append((0..3).map(|number| rare(number, LeafKind::Admin)).collect()).await.unwrap();
    turn(engine, &log).await;
    let again = |number| Draft { origin: NEXT.into(), ..rare(number, LeafKind::Admin) };
    log.append(vec![again(10), later(11), again(12), Draft { origin: NEXT.into(), ..rare(13, LeafKind::Erase) }])
        .await
        .unwrap();
    let (mut found, mut from) = (Vec::new(), 0);
    loop {
        let page = log.leaves_of(LeafKind::Admin, from, 2).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        from = last + 1;
        assert!(page.len() <= 2);
        found.extend(page.into_iter().map(|(at, _)| at));
    }
    assert_eq!(found, [0, 1, 2, position(1, 1), position(1, 3)]);
    let erased = log.leaves_of(LeafKind::Erase, 0, 9).await.unwrap();
    assert_eq!(erased.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [position(1, 4)]);
}

pub async fn an_erasure_takes_payloads_from_every_shard(engine: &impl Engine) {
    let log = engine.log().await;
    let about = |mut draft: Draft| {
        draft.concerns[0].subject = subject(9);
        draft.payload.as_mut().unwrap().key_id = [7; 16];
        draft
    };
    log.append(vec![about(refusal(0)), refusal(1)]).await.unwrap();
    turn(engine, &log).await;
    log.append(vec![about(later(2)), later(3)]).await.unwrap();
    assert_eq!(log.erase(subject(9), vec![[7; 16]]).await.unwrap(), 2);
    for (at, there) in [(0, false), (1, true), (position(1, 1), false), (position(1, 2), true)] {
        assert_eq!(log.entry(at).await.unwrap().unwrap().payload.is_some(), there, "{at}");
    }
    assert_eq!(log.entries_of(subject(9)).await.unwrap(), []);
}

pub async fn state_goes_on_over_the_turn(engine: &impl Engine) {
    let log = engine.log().await;
    log.append(vec![enrolled(0, &oin())]).await.unwrap();
    assert_eq!(log.enrolments(&oin()).await.unwrap().version, 1);
    turn(engine, &log).await;
    assert_eq!(log.enrolled_by(&oin()).await.unwrap().unwrap().index, 0);
    log.append(vec![Draft { origin: NEXT.into(), ..enrolled(1, &oin()) }]).await.unwrap();
    assert_eq!(log.enrolled_by(&oin()).await.unwrap().unwrap().index, position(1, 1));
    let after = log.recipient_entry_after(&oin(), 0).await.unwrap().unwrap();
    assert_eq!(after.index, position(1, 1), "found in the next shard");
    drop(log);
    let log = engine.log().await;
    assert_eq!(log.enrolments(&oin()).await.unwrap().version, 2);
}

pub async fn what_was_in_flight_at_the_turn_is_known_after_reopening(engine: &impl Engine) {
    let log = engine.log().await;
    log.append((0..4).map(refusal).collect()).await.unwrap();
    log.delivered_below(2);
    turn(engine, &log).await;
    log.append(vec![later(4)]).await.unwrap();
    drop(log);
    let log = engine.log().await;
    assert_eq!(log.left_in_flight().await.unwrap(), [2, 3, 4, position(1, 0), position(1, 1)]);
    log.delivered_below(position(1, 1));
    drop(log);
    let log = engine.log().await;
    assert_eq!(log.left_in_flight().await.unwrap(), [position(1, 1)]);
}

pub async fn receipts_verify_in_both_shards(engine: &impl Engine) {
    let log = engine.log().await;
    log.append((0..300).map(refusal).collect()).await.unwrap();
    turn(engine, &log).await;
    log.append((300..600).map(later).collect()).await.unwrap();
    let public = engine.signer().public_key();
    for (number, shard) in log.shards().await.unwrap().iter().enumerate() {
        let signed = sign(&shard.head, engine.signer());
        for index in [0, 7, 255, 256, 299] {
            let at = shard.head.position(index);
            let receipt = proof::receipt_for(&*log, at, &signed).await.unwrap().unwrap();
            let verified = verify_text(&receipt.text(), &verifier_key(&shard.head.origin, &public)).unwrap();
            assert_eq!((verified.index, verified.size), (index, shard.head.size()), "{number}");
        }
        let path = proof::consistency(&*log, shard.head.position(256), shard.head.end()).await.unwrap().unwrap();
        let hashes = log.leaf_hashes(shard.head.position(0), shard.head.position(256)).await.unwrap();
        let (from, to) = (sluis_core::log::tree::root_of(&hashes), shard.head.root());
        assert!(proof::verify_consistency(256, shard.head.size(), &path, &from, &to));
    }
}

/// Both shards have an entry, a note and a segment under the same numbers.
pub async fn what_is_mended_is_mended_in_its_own_shard(engine: &impl Engine) {
    let log = engine.log().await;
    log.append((0..2).map(refusal).collect()).await.unwrap();
    turn(engine, &log).await;
    log.append(vec![later(2), later(3)]).await.unwrap();
    let row = async |at| log.leaf_rows(at, 1).await.unwrap().remove(0);
    let there = row(position(1, 1)).await;
    assert!(there.transaction.is_some());
    let (kind, time, rid, oin) = (there.kind.unwrap(), there.time.unwrap(), there.rid, there.oin);
    log.mend_columns(position(1, 1), &LeafColumns { kind, time, rid, oin, transaction: None }).await.unwrap();
    assert_eq!(row(position(1, 1)).await.transaction, None);
    assert!(row(1).await.transaction.is_some());

    engine.intrude("DELETE FROM subject_segment").await;
    let entries = vec![(1, subject(9), 0), (1, subject(9), 2), (position(1, 1), subject(9), 0)];
    log.mend_index(entries, Vec::new()).await.unwrap();
    assert_eq!(log.entries_of(subject(9)).await.unwrap(), [(1, 0), (1, 2), (position(1, 1), 0)]);

    let archive = engine.archive().await;
    log.drop_checkpoint(position(1, 3)).await.unwrap();
    assert_eq!(archive.checkpoints(3).await.unwrap().len(), 1, "the note of the closed shard is of the same size");
    log.drop_checkpoint(3).await.unwrap();
    assert_eq!(archive.checkpoints(3).await.unwrap(), Vec::<String>::new());
}
