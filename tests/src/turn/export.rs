//! An export signs a head: only of a log that is what was signed before, whatever the database shows.

use super::scrub::{intrude, two_shards};
use super::{chain, child, record};
use crate::conduct::{House, caseload};
use rusqlite::Connection;
use sluis::anchor;
use sluis::compose::{self, Assembled};
use sluis_core::log::tree::{Frontier, leaf_hash};
use std::path::PathBuf;

/// A log of two shards whose newest checkpoint stands outside the database.
async fn anchored() -> (House, Assembled) {
    let (house, assembled) = two_shards().await;
    keep(&assembled).await;
    (house, assembled)
}

async fn keep(Assembled { gateway, anchor, .. }: &Assembled) {
    anchor::keep(&gateway.recorder, anchor, &gateway.conditions).await.expect("the anchor is kept");
}

fn place(house: &House, name: &str) -> PathBuf {
    house.config.log.signing_key.with_file_name(name)
}

/// Nothing is signed of what stands there now.
async fn refused(house: &House, words: &[&str]) {
    let dir = place(house, "refused");
    let error = compose::export_log(&house.config, &dir).await.expect_err("it was signed").to_string();
    for words in words {
        assert!(error.contains(words), "`{words}` is not in: {error}");
    }
    assert!(!dir.join("checkpoint").exists(), "a head was signed: {error}");
    let _not_begun = std::fs::remove_dir_all(dir);
}

/// Writes a shard anew from one changed entry on, as somebody does who has the database and not the key.
fn rewrite(house: &House, log: i64, change: (&str, &str)) {
    let file = Connection::open(house.config.log.database.as_deref().unwrap()).unwrap();
    let mut rows = file.prepare("SELECT row, leaf FROM log_leaf WHERE row >> 40 = ?1 ORDER BY row").unwrap();
    let rows: Vec<(i64, String)> =
        rows.query_map([log], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    let (mut tree, mut changed) = (Frontier::empty(), 0);
    intrude(house, "DROP TRIGGER IF EXISTS log_leaf_stands; DROP TRIGGER IF EXISTS log_head_same");
    for (row, text) in rows {
        let other = if changed == 0 { text.replacen(change.0, change.1, 1) } else { text.clone() };
        let hash = leaf_hash(other.as_bytes());
        tree.push(hash);
        if other != text {
            changed += 1;
            let set = "UPDATE log_leaf SET leaf = ?1, hash = ?2 WHERE row = ?3";
            assert_eq!(file.execute(set, (&other, &hash[..], row)).unwrap(), 1);
        }
    }
    assert_eq!(changed, 1, "{change:?}");
    file.execute("UPDATE log_head SET frontier = ?1 WHERE log_id = ?2", (tree.to_bytes(), log)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_written_anew_is_not_signed() {
    let (house, assembled) = anchored().await;
    record(&assembled.gateway, child(0), caseload(false)).await;
    let whole = place(&house, "whole");
    compose::export_log(&house.config, &whole).await.unwrap();
    chain::holds(&whole, 2);
    rewrite(&house, 2, ("\"RELEASE\"", "\"EXPLAIN\""));
    refused(&house, &["the log was written anew", "log.anchor", "nothing was signed"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_shard_that_was_written_anew_is_not_exported_as_signed() {
    let (house, _assembled) = anchored().await;
    rewrite(&house, 1, ("\"OPEN\"", "\"OPENED\""));
    refused(&house, &["is not what was signed when it was closed", "nothing was signed"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_is_not_that_of_its_entries_is_not_signed() {
    let (house, assembled) = anchored().await;
    record(&assembled.gateway, child(0), caseload(false)).await;
    let newest = "WHERE row = (SELECT max(row) FROM log_leaf)";
    intrude(&house, &format!("DROP TRIGGER log_leaf_stands; UPDATE log_leaf SET leaf = leaf || ' ' {newest}"));
    refused(&house, &["its head is not that of its entries", "nothing was signed"]).await;
}

/// Two roots of one size, both with our signature: what must never leave, not even from a backup that somebody tries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_was_put_back_is_not_signed() {
    let (house, assembled) = anchored().await;
    let (log, backup) = (house.config.log.database.clone().unwrap(), place(&house, "backup.db"));
    intrude(&house, &format!("VACUUM INTO '{}'", backup.display()));
    Connection::open(&backup).unwrap().pragma_update(None, "journal_mode", "WAL").unwrap();
    record(&assembled.gateway, child(0), caseload(false)).await;
    keep(&assembled).await;
    drop(assembled);
    drop(house.open_log().await);
    for side in ["log.db-wal", "log.db-shm"] {
        let _absent = std::fs::remove_file(place(&house, side));
    }
    std::fs::rename(&backup, &log).unwrap();
    refused(&house, &["a backup was put back or entries were lost", "log.anchor", "nothing was signed"]).await;
}

/// Who has the database and not the folder of the gateway cannot take the anchor away; who lost it does not sign on trust.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_anchor_nothing_is_signed() {
    let (house, _assembled) = anchored().await;
    std::fs::remove_file(house.config.log.anchor()).unwrap();
    refused(&house, &["there is no anchor", "log.anchor", "nothing was signed"]).await;
}

/// A checkpoint that a caller has is held against the log even where the anchor is older.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_checkpoint_that_the_log_contradicts_is_not_passed_over() {
    let (house, assembled) = anchored().await;
    let older = std::fs::read_to_string(house.config.log.anchor()).unwrap();
    record(&assembled.gateway, child(0), caseload(false)).await;
    let newest = assembled.gateway.recorder.checkpoint();
    let at = sluis_core::log::shard::position(1, newest.size);
    assembled.gateway.ledger.keep_checkpoint(at, &newest.note, 1).await.unwrap();
    drop(assembled);
    drop(house.open_log().await);
    std::fs::write(house.config.log.anchor(), older).unwrap();
    let last = newest.size - 1;
    rewrite(&house, 2, (&format!("\"i\":{last},"), &format!("\"i\":{last}, ")));
    refused(&house, &["the log was written anew", "a kept checkpoint", "nothing was signed"]).await;
}
