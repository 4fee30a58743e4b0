//! A log whose first shard was removed at the end of its term: who notices when what is left of it is changed, and when a shard
//! was removed without an entry that says so.

use super::Op::{Delete, Flip, Insert};
use super::case::{Case, log};
use super::ground::{Heard, Outside};
use super::stage::{Of, Stage};
use super::{Postgres, Sqlite};
use crate::contract::draft::{ORIGIN, refusal};
use crate::contract::pruning::{announce, cut, prune};
use crate::contract::shards::{NEXT, turn};
use sluis::anchor;
use sluis::scrubber::{Progress, Scrubber, Stores};
use sluis::shards::Shards;
use sluis_core::log::checkpoint::{sign, verifier_key};
use sluis_core::log::finalise::Head;
use sluis_core::log::shard::position;
use sluis_core::upkeep::{KeyUpkeep, LogUpkeep};
use std::sync::Arc;
use std::time::Duration;

/// Entries of the shard that goes: 20 refusals and the one that closes it.
const SIZE: u64 = 21;
/// Where the entry stands that announced the removal.
const ANNOUNCED: u64 = position(1, 1);

/// What the database is changed to, past the gateway, and who must notice: whoever opens it (`open`), the next start, which
/// compares it with the note kept outside (`anchor`) and reads the shards (`shards`), and a pass of the scrubber (`scrubber`).
const CASES: &[Case] = &[
    log("log_shard", Flip("pruned_by"), "no entry", "UPDATE log_shard SET pruned_by = NULL WHERE log_id = 1").by("anchor scrubber"),
    log("log_shard", Flip("pruned_by"), "another entry", "UPDATE log_shard SET pruned_by = pruned_by - 1 WHERE log_id = 1")
        .by("anchor scrubber"),
    log("log_shard", Flip("state"), "there", "UPDATE log_shard SET state = 2, pruned_by = NULL WHERE log_id = 1").by("open"),
    log("log_shard", Flip("origin"), "another name", "UPDATE log_shard SET origin = replace(origin, '2026-1', '2025-1') WHERE log_id = 1")
        .by("anchor scrubber shards"),
    log("log_shard", Flip("prev_note"), "no note", "UPDATE log_shard SET prev_note = replace(prev_note, '21', '22') WHERE log_id = 2")
        .by("scrubber shards"),
    log("log_shard", Delete, "the row", "DELETE FROM log_shard WHERE log_id = 1").by("anchor scrubber shards"),
    log("log_head", Flip("frontier"), "another root", "UPDATE log_head SET frontier = {turn frontier} WHERE log_id = 1")
        .by("anchor scrubber shards"),
    log("log_head", Flip("size"), "another size", "UPDATE log_head SET size = 19 WHERE log_id = 1").by("anchor scrubber shards"),
    log("log_checkpoint", Flip("note"), "another size", "UPDATE log_checkpoint SET note = replace(note, '21', '22') WHERE log_id = 1")
        .by("scrubber"),
    log(
        "log_leaf",
        Insert,
        "a row of it put back",
        "INSERT INTO log_leaf (row, leaf, hash, kind, t, rid) SELECT (1 << 40) + 3, leaf, hash, kind, t, {zero 16} FROM log_leaf WHERE kind = 20",
    )
    .postgres(
        "INSERT INTO log_leaf (log_id, idx, leaf, hash, kind, t, rid, replica)
         SELECT 1, 3, leaf, hash, kind, t, {zero 16}, replica FROM log_leaf WHERE kind = 20",
    )
    .by("scrubber"),
    log(
        "log_leaf",
        Insert,
        "a row far behind its end",
        "INSERT INTO log_leaf (row, leaf, hash, kind, t, rid) SELECT (1 << 40) + 70000, leaf, hash, kind, t, {zero 16} FROM log_leaf WHERE kind = 20",
    )
    .postgres(
        "INSERT INTO log_leaf (log_id, idx, leaf, hash, kind, t, rid, replica)
         SELECT 1, 70000, leaf, hash, kind, t, {zero 16}, replica FROM log_leaf WHERE kind = 20",
    )
    .by("scrubber"),
    // An entry that is in no tree: in the shard that it lets go, far behind its end.
    log(
        "log_leaf",
        Insert,
        "an entry in the shard itself",
        "INSERT INTO log_leaf (row, leaf, hash, kind, t, rid) SELECT (1 << 40) + 70000, leaf, hash, kind, t, {zero 16} FROM log_leaf WHERE kind = 20;
         UPDATE log_shard SET pruned_by = 70000 WHERE log_id = 1",
    )
    .postgres(
        "INSERT INTO log_leaf (log_id, idx, leaf, hash, kind, t, rid, replica)
         SELECT 1, 70000, leaf, hash, kind, t, {zero 16}, replica FROM log_leaf WHERE kind = 20;
         UPDATE log_shard SET pruned_by = 70000 WHERE log_id = 1",
    )
    .by("anchor scrubber"),
    log("log_leaf", Flip("leaf"), "the entry names another", "UPDATE log_leaf SET leaf = replace(leaf, 'pruned:2026-1', 'pruned:2025-1') WHERE kind = 20")
        .by("anchor scrubber"),
];

/// A log with two shards; the first went, or is only announced to go.
struct Ground<E> {
    engine: E,
    newest: String,
    /// The head of the first shard.
    first: Head,
}

impl<E: Stage> Ground<E> {
    async fn make(goes: bool) -> Self {
        let engine = E::empty().await;
        let log = engine.log().await;
        log.append((0..SIZE - 1).map(refusal).collect()).await.unwrap();
        turn(&engine, &log).await;
        if goes {
            let at = announce(&log).await;
            assert_eq!(at, ANNOUNCED);
            prune(&log, &cut(at)).await;
        }
        let (head, shards) = (log.head().await.unwrap(), log.shards().await.unwrap());
        let newest = sign(&head, engine.signer()).note;
        drop(log);
        engine.settle().await;
        engine.keep().await;
        Self { engine, newest, first: shards[0].head.clone() }
    }

    /// Who notices this change.
    async fn fired(&self, sql: &str) -> String {
        self.engine.settle().await;
        self.engine.put_back().await;
        self.engine.change(Of::Log, sql).await;
        let (Some(log), keys) = (self.engine.try_log().await, self.engine.keys().await) else {
            return "open".to_owned();
        };
        let public = self.engine.signer().public_key();
        let key = verifier_key(ORIGIN, &public);
        let mut fired = Vec::new();
        if anchor::check(&*log, &Outside(self.newest.clone()), &key).await.is_err() {
            fired.push("anchor");
        }
        if scrub(&log, &keys, &key).await {
            fired.push("scrubber");
        }
        let shards = log.shards().await;
        if !shards.is_ok_and(|shards| Shards::of(&shards, &public).is_ok()) {
            fired.push("shards");
        }
        fired.join(" ")
    }
}

/// Whether a pass of the scrubber finds anything.
async fn scrub(log: &Arc<dyn LogUpkeep>, keys: &Arc<dyn KeyUpkeep>, key: &str) -> bool {
    let (log, keys) = (Arc::clone(log), Arc::clone(keys) as _);
    let stores = Stores { log, keys, origin: NEXT.into(), verifier_key: key.into() };
    let progress = Arc::<Progress>::default();
    let scrubber = Scrubber { stores, within: Duration::from_secs(1), mends: false, progress };
    scrubber.pass(Duration::ZERO, &Heard::default()).await.unwrap() > 0
}

async fn what_is_left_of_a_shard_is_not_changed_unseen<E: Stage>() {
    let ground = Ground::<E>::make(true).await;
    assert_eq!(ground.fired("SELECT 1").await, "", "nothing fires when nothing was changed");
    let mut surprises = Vec::new();
    for case in CASES {
        let fired = ground.fired(&case.sql(E::dialect())).await;
        if fired != case.by {
            surprises.push(format!("{} {}: `{}` must notice, `{fired}` did", case.table, case.what, case.by));
        }
    }
    // Somebody with our key writes another history of the shard, and signs it.
    let other = Head { frontier: sluis_core::log::tree::Frontier::empty(), ..ground.first.clone() };
    let mut frontier = other.frontier.clone();
    (0..SIZE).for_each(|n| frontier.push([n as u8; 32]));
    let other = Head { frontier, ..other };
    let note = sign(&other, ground.engine.signer()).note;
    let hex = ground.engine.hex(&data_encoding::HEXLOWER.encode(&other.frontier.to_bytes()));
    let sql = format!(
        "UPDATE log_head SET frontier = {hex} WHERE log_id = 1; UPDATE log_shard SET prev_note = '{note}' WHERE log_id = 2;
         UPDATE log_checkpoint SET note = '{note}' WHERE log_id = 1"
    );
    let fired = ground.fired(&sql).await;
    if fired != "anchor scrubber" {
        surprises.push(format!("signed anew: `{fired}` noticed"));
    }
    assert!(surprises.is_empty(), "{:?}\n{}", E::dialect(), surprises.join("\n"));
}

/// An administrator removes a shard himself: all its rows, and says in its row that it went.
async fn a_shard_that_nobody_announced_is_missed<E: Stage>() {
    let ground = Ground::<E>::make(false).await;
    let leaves = log("log_leaf", Delete, "", "DELETE FROM log_leaf WHERE row < 2 << 40")
        .postgres("DELETE FROM log_leaf WHERE log_id = 1")
        .sql(E::dialect());
    let rest = "DELETE FROM subject_segment WHERE log_id = 1; DELETE FROM log_subtree WHERE log_id = 1";
    let by = position(1, 0);
    for said in ["", "NULL", &by.to_string(), "7"] {
        let row = format!("UPDATE log_shard SET state = 3, pruned_by = {said} WHERE log_id = 1");
        let row = if said.is_empty() { "SELECT 1" } else { &row };
        let fired = ground.fired(&format!("{leaves}; {rest}; {row}")).await;
        assert_eq!(fired, if said.is_empty() { "open" } else { "anchor scrubber" }, "pruned_by = {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    what_is_left_of_a_shard_is_not_changed_unseen::<Sqlite>().await;
    a_shard_that_nobody_announced_is_missed::<Sqlite>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    what_is_left_of_a_shard_is_not_changed_unseen::<Postgres>().await;
    a_shard_that_nobody_announced_is_missed::<Postgres>().await;
}
