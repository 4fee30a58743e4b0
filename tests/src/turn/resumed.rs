//! A removal that was interrupted, and what ends one before anything goes.

use super::pruned::{export, let_go, new_rules, policy, removed, set, year};
use super::{MovedClock, SystemClock};
use crate::conduct::House;
use crate::world::PATIENCE;
use rusqlite::Connection;
use sluis::compose::pruning::PruneFault;
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::Leaf;
use sluis_core::log::pruned::announced;
use sluis_core::log::shard::name_of;
use sluis_core::ports::Ledger;
use sluis_core::upkeep::{LogHalts, LogRows};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A log with nobody in it, an export of it, and the name of its first shard, which ended six years ago and which nothing
/// holds.
async fn ended() -> (House, PathBuf, String) {
    let mut house = House::build(0).await;
    house.reinitialise_for(year() - 7).await;
    let clock = Arc::new(MovedClock::default());
    // What the second has to say ends the shard.
    for (number, before) in [(1, 600_000), (2, -60_000)] {
        policy(&mut house, number);
        set(&clock, before);
        drop(house.start_by(Arc::clone(&clock) as _).await);
        let_go(&house).await;
    }
    new_rules(&mut house, Arc::new(SystemClock)).await;
    let dir = export(&house, "export").await;
    (house, dir, format!("{}-1", year() - 7))
}

/// Changes the log past its triggers.
fn intrude(house: &House, sql: &str) {
    let intruder = Connection::open(house.config.log.database.as_deref().unwrap()).unwrap();
    intruder.busy_timeout(PATIENCE).unwrap();
    intruder.execute_batch(sql).unwrap();
}

/// The entries that announce a removal: place and position.
async fn announcements(house: &House) -> Vec<(String, u64)> {
    let_go(house).await;
    let log = house.open_log().await;
    let newest = name_of(&log.head().await.unwrap().origin).to_owned();
    let all = log.leaves_of(LeafKind::Erase, 0, 99).await.unwrap().into_iter();
    let all = all.map(|(at, text)| (at, Leaf::decode(&text).unwrap())).filter(|(_, leaf)| announced(leaf).is_some());
    all.map(|(at, leaf)| (format!("{newest}:{}", leaf.index()), at)).collect()
}

/// Announces the removal, which then cannot begin. Gives the entry and its position.
async fn stuck(house: &House, shard: &str, dir: &Path) -> (String, u64) {
    intrude(house, "CREATE TRIGGER stuck BEFORE UPDATE ON log_shard BEGIN SELECT RAISE(ABORT, 'stuck'); END");
    let refused = removed(house, shard, dir).await.unwrap_err();
    intrude(house, "DROP TRIGGER stuck");
    let all = announcements(house).await;
    assert_eq!(all.len(), 1, "{refused}");
    assert!(matches!(&refused, PruneFault::NotCompleted { entry, .. } if *entry == all[0].0), "{refused}");
    all[0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_that_was_announced_goes_on_with_its_entry() {
    let (house, dir, first) = ended().await;
    let (entry, _) = stuck(&house, &first, &dir).await;
    let done = removed(&house, &first, &dir).await.unwrap();
    assert_eq!(done.entry, entry);
    assert_eq!(announcements(&house).await.len(), 1, "no second entry says so");
}

/// The process dies after the first step. What the next run needs is the entry; what it was decided by was shown before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_that_began_is_completed_without_the_export() {
    let (house, dir, first) = ended().await;
    let (entry, at) = stuck(&house, &first, &dir).await;
    intrude(&house, &format!("UPDATE log_shard SET state = 3, pruned_by = {at} WHERE log_id = 1"));
    std::fs::remove_dir_all(&dir).unwrap();
    let done = removed(&house, &first, &dir).await.unwrap();
    assert_eq!(done.entry, entry);
    assert_eq!(announcements(&house).await.len(), 1);
    let log = house.open_log().await;
    assert_eq!(log.leaf_rows(0, 1).await.unwrap(), []);
    assert_eq!(log.shards().await.unwrap()[0].pruned, Some(at));
    drop(log);
    let_go(&house).await;
    let again = removed(&house, &first, &dir).await.unwrap_err();
    assert!(matches!(again, PruneFault::Gone(_)), "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_while_the_log_is_halted() {
    let (house, dir, first) = ended().await;
    let log = house.open_log().await;
    log.halt(5, "`state` at 3: the row is gone").await.unwrap();
    drop(log);
    let_go(&house).await;
    let refused = removed(&house, &first, &dir).await.unwrap_err();
    assert!(matches!(refused, PruneFault::Halted), "{refused}");
    assert_eq!(announcements(&house).await, []);
}
