//! Whether what was seen of a log later extends what was seen before: exports, checkpoints, receipts.
//!
//! It rests on signed roots and hashes alone. Where the signed roots cannot belong to one history, both files together
//! prove it to anybody who has the verifier key: nobody but the holder of the log key can make them.

use super::bundle::{Bundle, text};
use super::verify::VerifyFault;
use sluis_core::log::checkpoint::{self, OpenedCheckpoint};
use sluis_core::log::proof::verify_consistency;
use sluis_core::log::receipt::{VerifiedReceipt, verify_text};
use std::path::{Path, PathBuf};

/// First line of a receipt.
const RECEIPT: &str = "c2sp.org/tlog-proof@v1\n";

/// What somebody has of a log.
struct Seen {
    file: PathBuf,
    checkpoint: OpenedCheckpoint,
    receipt: Option<VerifiedReceipt>,
    export: Option<Bundle>,
}

/// That the newer extends the older.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Which log.
    pub origin: String,
    /// Entries before.
    pub old: u64,
    /// Entries after.
    pub new: u64,
    /// Hashes of the proof; 0 when both are of one size.
    pub hashes: usize,
}

/// The verifier key that an export brings along, of the first of these that is an export.
///
/// # Errors
/// [`VerifyFault::Unusable`] when none is one.
pub fn key_of(places: &[&Path]) -> Result<String, VerifyFault> {
    let export = places.iter().find(|place| place.is_dir());
    let absent = "receipts and checkpoints do not hold a verifier key: name the one you trust with --vkey";
    let export = export.ok_or_else(|| VerifyFault::Unusable(absent.to_owned()))?;
    Ok(text(&export.join("vkey"))?.trim_end().to_owned())
}

/// Proves that NEW extends OLD, each an export, a checkpoint or a receipt. Between two sizes the hashes come from NEW, or
/// from `export` where NEW is none. `progress` is called with entries compared and in all, while it looks where they part.
///
/// # Errors
/// [`VerifyFault::Found`] names both, and where they part when that can be told; [`VerifyFault::Unusable`] says what is
/// missing to tell.
pub fn compare(
    old: &Path,
    new: &Path,
    export: Option<&Path>,
    vkey: &str,
    mut progress: impl FnMut(u64, u64),
) -> Result<Extension, VerifyFault> {
    let (mut old, mut new) = (Seen::open(old, vkey)?, Seen::open(new, vkey)?);
    // Two receipts come in no order.
    if old.receipt.is_some() && new.receipt.is_some() && old.checkpoint.size > new.checkpoint.size {
        std::mem::swap(&mut old, &mut new);
    }
    same_entry(&old, &new)?;
    let (before, after) = (old.checkpoint.size, new.checkpoint.size);
    let extension = |hashes| Extension { origin: old.checkpoint.origin.clone(), old: before, new: after, hashes };
    if before > after {
        let text = format!(
            "the newer has {after} entries and the older {before}: entries are missing, or the older was named second\n{}",
            both(&old, &new)
        );
        return Err(VerifyFault::Found(text));
    }
    if before == after && old.checkpoint.root == new.checkpoint.root {
        return Ok(extension(0));
    }
    let given = export.map(|dir| Bundle::open(dir, vkey)).transpose()?;
    let Some(tree) = new.export.as_ref().or(given.as_ref()) else {
        if before == after {
            return Err(histories(&old, &new, None));
        }
        return Err(VerifyFault::Unusable(format!(
            "one is of {before} entries and the other of {after}: name an export of at least {after} entries with --export"
        )));
    };
    leads_to(tree, &new)?;
    let path = tree.consistency(before, after)?;
    if verify_consistency(before, after, &path, &old.checkpoint.root, &new.checkpoint.root) {
        return Ok(extension(path.len()));
    }
    // The tiles lead to the signed root of NEW through another beginning than the one that OLD is signed for.
    let beginning = tree.root(before)?;
    if !verify_consistency(before, after, &path, &beginning, &new.checkpoint.root) {
        return Err(tree.broken());
    }
    let parted = old.parts_from(tree, &mut progress)?;
    Err(histories(&old, &new, parted))
}

impl Seen {
    fn open(file: &Path, vkey: &str) -> Result<Self, VerifyFault> {
        let named = |e: &dyn std::fmt::Display| VerifyFault::Found(format!("`{}`: {e}", file.display()));
        if file.is_dir() {
            let bundle = Bundle::open(file, vkey)?;
            let checkpoint = bundle.checkpoint.clone();
            return Ok(Self { file: file.to_owned(), checkpoint, receipt: None, export: Some(bundle) });
        }
        let text = text(file)?;
        let (note, receipt) = match text.strip_prefix(RECEIPT).and_then(|rest| rest.split_once("\n\n")) {
            Some((_, note)) => (note, Some(verify_text(&text, vkey).map_err(|e| named(&e))?)),
            None => (text.as_str(), None),
        };
        let checkpoint = checkpoint::open(note, vkey).map_err(|e| named(&e))?;
        Ok(Self { file: file.to_owned(), checkpoint, receipt, export: None })
    }

    /// The first entry that is another one here than in `tree`, where it can be told.
    fn parts_from(&self, tree: &Bundle, progress: &mut impl FnMut(u64, u64)) -> Result<Option<u64>, VerifyFault> {
        if let Some(receipt) = &self.receipt {
            let place = usize::try_from(receipt.index % 256).unwrap_or(usize::MAX);
            let entries = tree.entries(receipt.index / 256)?;
            return Ok(entries.get(place).filter(|text| **text != receipt.leaf_text).map(|_| receipt.index));
        }
        let Some(export) = &self.export else { return Ok(None) };
        let size = self.checkpoint.size;
        for from in (0..size).step_by(256) {
            let to = size.min(from + 256);
            let (ours, theirs) = (export.hashes(0, from, to)?, tree.hashes(0, from, to)?);
            if let Some(at) = (from..).zip(ours.iter().zip(&theirs)).find(|(_, (a, b))| a != b) {
                return Ok(Some(at.0));
            }
            progress(to, size);
        }
        Err(export.broken())
    }
}

/// Two receipts of one place must hold one entry, whatever the sizes.
fn same_entry(old: &Seen, new: &Seen) -> Result<(), VerifyFault> {
    match (&old.receipt, &new.receipt) {
        (Some(a), Some(b)) if a.index == b.index && a.leaf_text != b.leaf_text => {
            Err(histories(old, new, Some(a.index)))
        }
        _ => Ok(()),
    }
}

/// The tree must be the one that NEW is signed for, at its size.
fn leads_to(tree: &Bundle, new: &Seen) -> Result<(), VerifyFault> {
    let (size, newest) = (new.checkpoint.size, &tree.checkpoint);
    if newest.size < size {
        let text = format!("`{}` holds {} entries, fewer than {size}: export again", tree.name(), newest.size);
        return Err(VerifyFault::Unusable(text));
    }
    if tree.root(newest.size)? != newest.root {
        return Err(tree.broken());
    }
    if tree.root(size)? == new.checkpoint.root {
        return Ok(());
    }
    let theirs = Seen { file: tree.name().into(), checkpoint: newest.clone(), receipt: None, export: None };
    Err(histories(new, &theirs, None))
}

fn histories(old: &Seen, new: &Seen, parted: Option<u64>) -> VerifyFault {
    let place = parted.map_or(String::new(), |index| format!("; entry {index} is the first that differs"));
    let file = |seen: &Seen| format!("`{}`", seen.file.display());
    VerifyFault::Found(format!(
        "the log has shown two histories{place}\n{}\nkeep {} and {}: the log key signed both, together they prove it",
        both(old, new),
        file(old),
        file(new)
    ))
}

fn both(old: &Seen, new: &Seen) -> String {
    let line = |seen: &Seen| {
        let root = data_encoding::HEXLOWER.encode(&seen.checkpoint.root);
        format!("  {} entries, root {root}, in `{}`", seen.checkpoint.size, seen.file.display())
    };
    format!("{}\n{}", line(old), line(new))
}
