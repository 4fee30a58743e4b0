//! Verifies an export with all its shards: each by itself, and each the continuation of the one before it.

use super::export::BEFORE;
use super::verify::{VerifyFault, verify_export};
use data_encoding::HEXLOWER;
use sluis_core::log::checkpoint::{self, key_name, under_name};
use sluis_core::log::pruned::{Announced, Gone};
use sluis_core::log::shard::name_of;
use sluis_core::log::verify::{Continued, Summary};
use sluis_core::log::{Millis, chain};
use std::path::{Path, PathBuf};

/// A shard of an export, verified.
#[derive(Debug)]
pub struct Verified {
    /// Where it lies.
    pub dir: PathBuf,
    /// Its verifier key.
    pub vkey: String,
    /// What was verified.
    pub summary: Summary,
}

/// What an export holds, oldest first.
#[derive(Debug)]
pub struct History {
    /// Shards that were removed at the end of their term: an entry of a later one says so, and the next one continues the last.
    pub gone: Vec<Gone>,
    /// When the last of them was announced.
    pub gone_since: Option<Millis>,
    /// Shards that are here.
    pub shards: Vec<Verified>,
}

/// Verifies an export and, backwards from it, every shard that it continues. Gives those that are here, oldest first.
/// `progress` is called with entries done and in all, for each.
///
/// # Errors
/// As [`verify_history`].
pub fn verify_all(dir: &Path, vkey: Option<&str>, progress: impl FnMut(u64, u64)) -> Result<Vec<Summary>, VerifyFault> {
    verify_each(dir, vkey, progress).map(|shards| shards.into_iter().map(|shard| shard.summary).collect())
}

/// As [`verify_all`], with the place of each.
///
/// # Errors
/// As [`verify_history`].
pub fn verify_each(
    dir: &Path,
    vkey: Option<&str>,
    progress: impl FnMut(u64, u64),
) -> Result<Vec<Verified>, VerifyFault> {
    verify_history(dir, vkey, progress).map(|history| history.shards)
}

/// As [`verify_each`], with the shards that are gone.
///
/// # Errors
/// [`VerifyFault::Found`] names the first place that is not as it must be: a shard that is missing, was doubled or moved, or
/// was removed without an entry that says so, too.
pub fn verify_history(
    dir: &Path,
    vkey: Option<&str>,
    mut progress: impl FnMut(u64, u64),
) -> Result<History, VerifyFault> {
    let summary = verify_export(dir, vkey, &mut progress)?;
    let key = match vkey {
        Some(key) => key.to_owned(),
        None => super::bundle::text(&dir.join("vkey"))?.trim_end().to_owned(),
    };
    let newest = Verified { dir: dir.to_owned(), vkey: key.clone(), summary };
    let (mut shards, mut seen, mut gone) = (vec![newest], Vec::new(), Vec::new());
    let before = |shards: &[Verified]| {
        let Summary { origin, continues, .. } = &shards.last()?.summary;
        Some((origin.clone(), continues.clone()?))
    };
    while let Some((origin, continued)) = before(&shards) {
        let name = continued.after.clone();
        if seen.contains(&name) {
            return Err(found(format!("shard {name} is continued twice")));
        }
        let place = place_of(dir, &name).ok_or_else(|| {
            found(format!("shard {name}, which {} continues, is missing from the export", name_of(&origin)))
        })?;
        seen.push(name.clone());
        if !place.join("tile").is_dir() {
            // The newest entry of those that are here names everything that is gone.
            gone = gone_with(shards.iter().find_map(|shard| shard.summary.announced.as_ref()), &continued)?;
            break;
        }
        let vkey = key_of(&key, &name)?;
        let summary = verify_export(&place, Some(&vkey), &mut progress).map_err(|fault| match fault {
            VerifyFault::Found(text) => VerifyFault::Found(format!("shard {name}: {text}")),
            unusable @ VerifyFault::Unusable(_) => unusable,
        })?;
        shards.push(Verified { dir: place, vkey, summary });
    }
    shards.reverse();
    let summaries: Vec<_> = shards.iter().map(|shard| shard.summary.clone()).collect();
    chain::verify(&summaries).map_err(|broken| found(broken.to_string()))?;
    for shard in &gone {
        last_note(dir, shard, &key_of(&key, &shard.name)?)?;
        seen.push(shard.name.clone());
    }
    for name in folders(&dir.join(BEFORE)) {
        if !seen.contains(&name) {
            return Err(found(format!("`{BEFORE}/{name}` is a shard that no other one continues")));
        }
    }
    let announced = summaries.iter().rev().find_map(|shard| shard.announced.as_ref());
    let gone_since = announced.filter(|_| !gone.is_empty()).map(|announced| announced.time);
    Ok(History { gone, gone_since, shards })
}

fn found(text: String) -> VerifyFault {
    VerifyFault::Found(text)
}

/// The key of the shard with this name: the same key under its name.
fn key_of(key: &str, name: &str) -> Result<String, VerifyFault> {
    let log = key_name(key).map_err(|e| VerifyFault::Unusable(e.to_string()))?;
    let (log, _) = log.rsplit_once('/').unwrap_or((log, ""));
    under_name(key, &format!("{log}/{name}")).map_err(|e| VerifyFault::Unusable(e.to_string()))
}

/// The shards that are gone, up to the one that is continued: the newest entry that was announced names them all.
fn gone_with(announced: Option<&Announced>, continued: &Continued) -> Result<Vec<Gone>, VerifyFault> {
    let name = &continued.after;
    let all = announced.map_or(&[][..], |announced| &announced.gone);
    let count = all.iter().position(|gone| gone.name == *name).map(|at| at + 1);
    let missing = || found(format!("shard {name} is missing from the export, and no entry says that it was removed"));
    let gone = count.and_then(|count| all.get(..count)).ok_or_else(missing)?;
    let same = gone.last().is_some_and(|last| last.size == continued.size && last.root == continued.root);
    if same { Ok(gone.to_vec()) } else { Err(found(format!("shard {name} is not what the entry of its removal says"))) }
}

/// The last signed checkpoint of a shard that is gone is of what the entry of its removal says.
fn last_note(dir: &Path, gone: &Gone, key: &str) -> Result<(), VerifyFault> {
    let missing = || found(format!("the last checkpoint of shard {}, which was removed, is missing", gone.name));
    let place = place_of(dir, &gone.name).ok_or_else(missing)?;
    let note = super::bundle::text(&place.join("checkpoint"))?;
    let opened = checkpoint::open(&note, key).map_err(|e| found(format!("shard {}: {e}", gone.name)))?;
    let same = opened.size == gone.size && HEXLOWER.encode(&opened.root) == gone.root;
    let other = || found(format!("shard {} is not what the entry of its removal says", gone.name));
    if same { Ok(()) } else { Err(other()) }
}

/// Where an earlier shard lies: under `before/`, or beside the given one where that is itself an earlier one.
fn place_of(dir: &Path, name: &str) -> Option<PathBuf> {
    let beside = dir.parent().filter(|parent| parent.ends_with(BEFORE)).map(|parent| parent.join(name));
    [Some(dir.join(BEFORE).join(name)), beside].into_iter().flatten().find(|place| place.is_dir())
}

fn folders(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
