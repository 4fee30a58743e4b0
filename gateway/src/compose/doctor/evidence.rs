//! The log against its own last checkpoint: the signature, and the root over every entry.

use super::Findings;
use crate::compose::verifier_key;
use crate::config::Config;
use sluis_adapters::sqlite::SqliteLogReader;
use sluis_core::log::checkpoint;
use sluis_core::log::tree::{Frontier, leaf_hash};
use sluis_core::ports::StoreError;

const SUBJECT: &str = "log";
/// Entries read at a time.
const PAGE: u32 = 1000;

/// Rebuilds the tree up to the last checkpoint that was kept and compares.
pub(super) fn last_checkpoint(config: &Config, found: &mut Findings) {
    let (Ok(vkey), Ok(log)) = (verifier_key(config), SqliteLogReader::open(&config.log.database)) else { return };
    let Ok(head) = log.head() else { return };
    let notes = log.checkpoints(head.size()).unwrap_or_default();
    let Some(note) = notes.last() else {
        return found
            .ok(SUBJECT, "no checkpoint was kept yet: a running gateway keeps one every minute in which it writes");
    };
    let opened = match checkpoint::open(note, &vkey) {
        Ok(opened) => opened,
        Err(error) => {
            let advice =
                "the log key is another one than the one that signed: restore it, or verify an export with the old key";
            return found.fault(SUBJECT, format!("its last checkpoint is not ours: {error}"), advice);
        }
    };
    match rebuilt(&log, opened.size) {
        Ok(root) if root.root() == opened.root => {
            found.ok(SUBJECT, format!("verified: {} entries give the root of the last checkpoint", opened.size));
        }
        Ok(_) => {
            let text =
                format!("the first {} entries do not give the root that was signed: the log was changed", opened.size);
            found.fault(SUBJECT, text, "stop the gateway, keep every file, and call those who may read the log");
        }
        Err(error) => found.fault(SUBJECT, error.to_string(), "see what is said about the log database"),
    }
}

fn rebuilt(log: &SqliteLogReader, size: u64) -> Result<Frontier, StoreError> {
    let (mut frontier, mut next) = (Frontier::empty(), 0);
    while next < size {
        let count = u32::try_from(size - next).unwrap_or(PAGE).min(PAGE);
        let leaves = log.leaves(next, count)?;
        if leaves.is_empty() {
            break;
        }
        next += leaves.len() as u64;
        leaves.iter().for_each(|leaf| frontier.push(leaf_hash(leaf.as_bytes())));
    }
    Ok(frontier)
}
