//! The log against its own last checkpoint: the signature, and the root over every entry.

use super::Findings;
use crate::compose::{engine, verifier_key};
use crate::config::Config;
use sluis_adapters::halt_flag::HaltFile;
use sluis_core::log::checkpoint;
use sluis_core::log::tree::{Frontier, leaf_hash};
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{HaltFlag, LogArchive};

const SUBJECT: &str = "log";
/// Entries read at a time.
const PAGE: u32 = 1000;

/// Rebuilds the tree of the newest shard from the text of every entry and compares it with the head, and on the way with the last checkpoint
/// that was kept.
pub(super) async fn whole(config: &Config, found: &mut Findings) {
    // Keys and databases that cannot be opened have findings of their own.
    let (Ok(vkey), Ok(log)) = (verifier_key(config), engine::archive(config).await) else { return };
    if let Err(error) = compared(config, &vkey, log.as_ref(), found).await {
        found.fault(SUBJECT, format!("it cannot be read whole: {error}"), "see what is said about the log database");
    }
}

async fn compared(config: &Config, vkey: &str, log: &dyn LogArchive, found: &mut Findings) -> Result<(), StoreError> {
    halts(config, log, found).await?;
    let head = log.head().await?;
    let vkey = checkpoint::under_name(vkey, &head.origin).unwrap_or_default();
    let notes = log.checkpoints(head.end()).await?;
    let signed = match notes.last().map(|note| checkpoint::open(note, &vkey)).transpose() {
        Ok(signed) => signed,
        Err(error) => {
            let advice = "the log key is not the one that signed: restore it, or verify an export with the old key";
            found.fault(SUBJECT, format!("its last checkpoint is not ours: {error}"), advice);
            return Ok(());
        }
    };
    let mut tree = Frontier::empty();
    for (size, root, by) in
        signed.iter().map(|s| (s.size, s.root, "the last checkpoint")).chain([(head.size(), head.root(), "the head")])
    {
        grow(&mut tree, log, head.position(0), size).await?;
        if tree.root() != root {
            let text = format!("its first {size} entries do not give the root of {by}: the log was changed");
            found.fault(SUBJECT, text, "stop the gateway, keep every file, and call those who may read the log");
            return Ok(());
        }
    }
    let under = signed
        .map_or_else(|| "none was signed and kept yet".to_owned(), |s| format!("{} under the last checkpoint", s.size));
    found.ok(SUBJECT, format!("verified: {} entries give the root of the head; {under}", head.size()));
    Ok(())
}

/// Whether something was found that stops gateways (A27), by the log and by the flag of this one.
async fn halts(config: &Config, log: &dyn LogArchive, found: &mut Findings) -> Result<(), StoreError> {
    let flag = HaltFile::beside(config.log.anchor());
    let flagged = match flag.read() {
        Ok(said) => said.map(|(_, text)| text),
        Err(error) => Some(format!("`{}` cannot be read: {error}", flag.name())),
    };
    let halted = log.halted().await?;
    if flagged.is_none() && halted.is_empty() {
        return Ok(());
    }
    let texts: Vec<String> = halted.into_iter().chain(flagged).collect();
    let advice = "find out what happened; when the log is whole again, `sluis log lift` ends it";
    found.fault(SUBJECT, format!("halted, nothing is released: {}", texts.join("; ")), advice);
    Ok(())
}

/// Adds the entries of a shard up to a size.
async fn grow(tree: &mut Frontier, log: &dyn LogArchive, base: u64, size: u64) -> Result<(), StoreError> {
    let mut next = tree.size();
    while next < size {
        let count = u32::try_from(size - next).unwrap_or(PAGE).min(PAGE);
        let leaves = log.leaves(base + next, count).await?;
        if leaves.is_empty() {
            return Err(StoreError::Corrupt { store: "log database", table: "log_leaf" });
        }
        next += leaves.len() as u64;
        leaves.iter().for_each(|leaf| tree.push(leaf_hash(leaf.as_bytes())));
    }
    Ok(())
}
