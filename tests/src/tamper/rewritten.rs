//! A whole database put back, and a history written anew and signed with the stolen key: nothing inside contradicts itself,
//! and only what is outside notices.

use super::ground::Ground;
use super::stage::{Of, Stage};
use super::{Op, Postgres, Sqlite, case, in_log};
use sluis_core::log::checkpoint::sign;
use sluis_core::log::finalise::Head;
use sluis_core::log::tree::{Frontier, leaf_hash, root_of};
use std::collections::BTreeSet;

/// The entry that never was.
const CHANGED: u64 = 20;

/// The statements of somebody who changes one entry and everything that follows from it, and has our key.
async fn rewriting<E: Stage>(ground: &Ground<E>) -> String {
    let engine = &ground.engine;
    let hex = |bytes: &[u8]| engine.hex(&data_encoding::HEXLOWER.encode(bytes));
    let log = ground.log().await;
    let (head, rows) = (log.head().await.unwrap(), log.leaf_rows(0, 1000).await.unwrap());
    drop(log);
    engine.settle().await;
    let (mut tree, mut hashes, mut sql) = (Frontier::empty(), Vec::new(), Vec::new());
    for row in rows {
        let mut hash = row.hash;
        if row.index == CHANGED {
            let text = row.leaf.replace("\"DENY\"", "\"EXPLAIN\"");
            hash = leaf_hash(text.as_bytes());
            let set = format!("UPDATE log_leaf SET leaf = '{text}', hash = {}, kind = 4 WHERE ", hex(&hash));
            sql.push(set + &E::dialect().spell(&format!("{{i}} = {CHANGED}")));
        }
        tree.push(hash);
        hashes.push(hash);
        if [60, 258, 520].contains(&tree.size()) {
            let grown = Head { frontier: tree.clone(), ..head.clone() };
            let note = sign(&grown, engine.signer()).note;
            sql.push(format!("UPDATE log_checkpoint SET note = '{note}' WHERE size = {}", tree.size()));
        }
    }
    let first = root_of(&hashes[..256]);
    sql.push(format!("UPDATE log_subtree SET hash = {} WHERE number = 0", hex(&first)));
    sql.push(format!("UPDATE log_head SET frontier = {}", hex(&tree.to_bytes())));
    assert_eq!(tree.size(), head.size());
    sql.join(";")
}

/// The statements that put every table of the log back as it was after four entries.
async fn putting_back<E: Stage>(ground: &Ground<E>) -> String {
    let back = |table| format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM before_{table}");
    ground.engine.tables(Of::Log).await.into_iter().map(back).collect::<Vec<_>>().join(";")
}

async fn what_is_outside_notices<E: Stage>() {
    let ground = Ground::<E>::make().await;
    let whole = case::log("every table", Op::PutBack, "everything", "");
    for sql in [putting_back(&ground).await, rewriting(&ground).await] {
        ground.again().await;
        let fired = in_log(&ground, &whole, &sql).await;
        assert_eq!(fired, BTreeSet::from(["anchor", "append", "verifier"]), "{sql:.60}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    what_is_outside_notices::<Sqlite>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    what_is_outside_notices::<Postgres>().await;
}
