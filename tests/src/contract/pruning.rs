//! The promises when a shard goes at the end of its term: nothing of it is left at rest, everything else is as it was, and no
//! shard goes before an entry of a later one said so.

use super::Engine;
use super::draft::{ORIGIN, change, enrolled, oin, refusal, subject, uuid};
use super::shards::{NEXT, later, turn};
use crate::contract::draft;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::{Draft, RequestId};
use sluis_core::log::leaf::{Key, Leaf, LeafDraft};
use sluis_core::log::page::{Item, PageBlob};
use sluis_core::log::pruned::{announcing, divide, vouches};
use sluis_core::log::shard::position;
use sluis_core::standing::Change;
use sluis_core::upkeep::{Cut, LogUpkeep};
use std::sync::Arc;

/// The entry that announces that the first shard goes; its position.
pub async fn announce(log: &Arc<dyn LogUpkeep>) -> u64 {
    let shards = log.shards().await.unwrap();
    let leaf = announcing(&shards[..1], 7).unwrap();
    let draft = Draft::new(RequestId(uuid(900_003)), NEXT.into(), leaf);
    draft::index(&log.append(vec![draft]).await.unwrap().outcomes()[0])
}

pub fn cut(announced_at: u64) -> Cut {
    Cut { shard: 0, announced_at, states: Vec::new() }
}

/// Removes the first shard whole; gives the number of steps that removed something.
pub async fn prune(log: &Arc<dyn LogUpkeep>, cut: &Cut) -> usize {
    let mut steps = 0;
    while log.prune(cut).await.unwrap() {
        steps += 1;
    }
    log.compact().await.unwrap();
    steps
}

/// A refusal with a page.
pub fn paged(number: u64) -> Draft {
    let item = Item { number: 1, tag: "ab".repeat(16), outcome: "RELEASED".into(), body: None };
    Draft { page: Some(PageBlob::new(&[item]).unwrap()), ..refusal(number) }
}

/// A shard of 2026 with a page, 300 refusals, a restriction and an enrolment, and that of 2027 with two entries.
async fn two_shards(engine: &impl Engine) -> Arc<dyn LogUpkeep> {
    let log = engine.log().await;
    log.append(vec![paged(0), enrolled(1, &oin())]).await.unwrap();
    log.append(vec![change(2, subject(3), Change::Restriction { set: true })]).await.unwrap();
    log.append((10..310).map(refusal).collect()).await.unwrap();
    log.keep_checkpoint(302, "kept", 1).await.unwrap();
    turn(engine, &log).await;
    log.append(vec![later(400)]).await.unwrap();
    log
}

/// Words of entries that are in the first shard only.
fn there(bytes: &[u8], number: u64) -> bool {
    let text = uuid(number).simple().to_string();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

pub async fn a_shard_that_goes_leaves_its_head_and_nothing_else(engine: &impl Engine) {
    let log = two_shards(engine).await;
    let (shards, rest) = (log.shards().await.unwrap(), log.leaves(position(1, 0), 9).await.unwrap());
    assert!(there(&engine.at_rest().await, 77));
    let at = announce(&log).await;
    assert!(prune(&log, &cut(at)).await > 0);
    let now = log.shards().await.unwrap();
    assert_eq!((&now[0].head, now[0].pruned, now[0].open), (&shards[0].head, Some(at), false));
    assert_eq!((&now[1].before, now[1].pruned), (&shards[1].before, None));
    let leaf = Leaf::decode(&log.leaves(at, 1).await.unwrap()[0]).unwrap();
    let prefix = divide(&now).unwrap().unwrap();
    assert!(vouches(&leaf, prefix.gone) && prefix.announced_at == at);

    assert_eq!(log.leaves(0, 9).await.unwrap(), [""; 0]);
    assert_eq!(log.leaf_rows(0, 9).await.unwrap(), []);
    assert_eq!(log.segment_rows(0, 9).await.unwrap(), []);
    assert_eq!(log.page(0).await.unwrap(), None);
    assert_eq!(log.leaf_hashes(0, 9).await.unwrap(), Vec::<[u8; 32]>::new());
    assert_eq!(log.subtree_hashes(1, 0, 1).await.unwrap(), Vec::<[u8; 32]>::new());
    let kept: Vec<u64> = log.checkpoint_rows(0, 9).await.unwrap().iter().map(|row| row.size).collect();
    assert_eq!(kept, [shards[0].head.size()], "the last checkpoint stays");
    assert_eq!(log.entries_of(subject(1)).await.unwrap(), [(position(1, 1), 0)]);
    assert_eq!(log.leaves(position(1, 0), 2).await.unwrap(), rest);
    assert_eq!(log.enrolments(&oin()).await.unwrap().version, 1, "state goes on");
    drop(log);

    // The next process opens it, and goes on.
    let log = engine.log().await;
    assert_eq!(log.shards().await.unwrap(), now);
    log.append(vec![later(500)]).await.unwrap();
    assert_eq!(engine.archive().await.shards().await.unwrap().len(), 2);
    drop(log);
    drop(engine.log().await);
    let bytes = engine.at_rest().await;
    assert!(there(&bytes, 500) && !there(&bytes, 77), "an entry that is gone stands in a file");
}

pub async fn a_shard_goes_only_after_an_entry_said_so(engine: &impl Engine) {
    let log = two_shards(engine).await;
    let before = log.leaf_rows(0, 999).await.unwrap();
    let other = LeafDraft::new(LeafKind::Erase).with(Key::N, 3).with(Key::Rs, "RETENTION_ENDED").with(Key::Ea, 1);
    let other = Draft::new(RequestId(uuid(900_004)), NEXT.into(), other.with(Key::Ref, "2026-1:7"));
    log.append(vec![other]).await.unwrap();
    // Nothing, a refusal, an erasure of something else, an entry of the same shard.
    for at in [position(1, 99), position(1, 1), position(1, 2), 0] {
        log.prune(&cut(at)).await.unwrap_err();
    }
    let at = announce(&log).await;
    log.prune(&Cut { shard: 1, ..cut(at) }).await.unwrap_err();
    assert_eq!(log.leaf_rows(0, 999).await.unwrap(), before);
    assert!(log.shards().await.unwrap().iter().all(|shard| shard.pruned.is_none()));
}

/// The process dies after the first step: who opens the log finds the shard gone, and the next call removes what is left.
pub async fn a_removal_goes_on_where_it_was_interrupted(engine: &impl Engine) {
    let log = two_shards(engine).await;
    let at = announce(&log).await;
    drop(log);
    engine.intrude(&format!("UPDATE log_shard SET state = 3, pruned_by = {at} WHERE log_id = 1")).await;
    let log = engine.log().await;
    assert_eq!(log.shards().await.unwrap()[0].pruned, Some(at));
    assert!(!log.leaf_rows(0, 1).await.unwrap().is_empty());
    assert!(prune(&log, &cut(at)).await > 0);
    assert_eq!(prune(&log, &cut(at)).await, 0, "nothing is left");
    assert_eq!(log.leaf_rows(0, 1).await.unwrap(), []);
}

/// However large a shard is, a step is small: on a slow server a large one would be given up for ever.
pub async fn a_step_of_a_removal_is_small(engine: &impl Engine) {
    const PAGES: u64 = 600;
    let log = engine.log().await;
    for numbers in (0..PAGES).collect::<Vec<_>>().chunks(200) {
        log.append(numbers.iter().map(|number| paged(*number)).collect()).await.unwrap();
    }
    turn(engine, &log).await;
    let cut = cut(announce(&log).await);
    let mut left = vec![PAGES];
    while log.prune(&cut).await.unwrap() {
        let mut pages = 0;
        for at in 0..PAGES {
            pages += u64::from(log.page(at).await.unwrap().is_some());
        }
        left.push(pages);
    }
    assert!(left.windows(2).all(|steps| steps[0] - steps[1] <= 500), "{left:?}");
    assert_eq!(left.last(), Some(&0));
}

/// A row of state goes only where the shard that goes set it.
pub async fn state_goes_only_with_the_shard_that_set_it(engine: &impl Engine) {
    let log = two_shards(engine).await;
    log.append(vec![Draft { origin: NEXT.into(), ..enrolled(600, &oin()) }]).await.unwrap();
    let at = announce(&log).await;
    let states = log.state_rows(&(0, Vec::new()), 99).await.unwrap();
    assert_eq!(states.len(), 2);
    let places = states.iter().map(|row| row.place.clone()).collect();
    prune(&log, &Cut { states: places, ..cut(at) }).await;
    let left = log.state_rows(&(0, Vec::new()), 99).await.unwrap();
    assert_eq!(left.iter().map(|row| row.index).collect::<Vec<_>>(), [position(1, 2)], "{ORIGIN} set the other");
}
