//! Verifies an export with all its shards: each by itself, and each the continuation of the one before it.

use super::export::BEFORE;
use super::verify::{VerifyFault, verify_export};
use sluis_core::log::chain;
use sluis_core::log::checkpoint::{key_name, under_name};
use sluis_core::log::shard::name_of;
use sluis_core::log::verify::Summary;
use std::path::{Path, PathBuf};

/// Verifies an export and, backwards from it, every shard that it continues. Gives them oldest first. `progress` is called with
/// entries done and in all, for each.
///
/// # Errors
/// [`VerifyFault::Found`] names the first place that is not as it must be: a shard that is missing, was doubled or moved, too.
pub fn verify_all(dir: &Path, vkey: Option<&str>, progress: impl FnMut(u64, u64)) -> Result<Vec<Summary>, VerifyFault> {
    verify_each(dir, vkey, progress).map(|shards| shards.into_iter().map(|shard| shard.summary).collect())
}

/// A shard of an export, verified.
pub struct Verified {
    /// Where it lies.
    pub dir: PathBuf,
    /// Its verifier key.
    pub vkey: String,
    /// What was verified.
    pub summary: Summary,
}

/// As [`verify_all`], with the place of each.
///
/// # Errors
/// As [`verify_all`].
pub fn verify_each(
    dir: &Path,
    vkey: Option<&str>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Vec<Verified>, VerifyFault> {
    let found = |text: String| VerifyFault::Found(text);
    let summary = verify_export(dir, vkey, &mut progress)?;
    let key = match vkey {
        Some(key) => key.to_owned(),
        None => super::bundle::text(&dir.join("vkey"))?.trim_end().to_owned(),
    };
    let newest = Verified { dir: dir.to_owned(), vkey: key.clone(), summary };
    let (mut shards, mut seen) = (vec![newest], Vec::new());
    let before = |shards: &[Verified]| {
        let Summary { origin, continues, .. } = &shards.last()?.summary;
        Some((origin.clone(), continues.clone()?))
    };
    while let Some((origin, continued)) = before(&shards) {
        let name = continued.after;
        if seen.contains(&name) {
            return Err(found(format!("shard {name} is continued twice")));
        }
        let place = place_of(dir, &name).ok_or_else(|| {
            found(format!("shard {name}, which {} continues, is missing from the export", name_of(&origin)))
        })?;
        let log = key_name(&key).map_err(|e| VerifyFault::Unusable(e.to_string()))?;
        let (log, _) = log.rsplit_once('/').unwrap_or((log, ""));
        let vkey = under_name(&key, &format!("{log}/{name}")).map_err(|e| VerifyFault::Unusable(e.to_string()))?;
        let summary = verify_export(&place, Some(&vkey), &mut progress).map_err(|fault| match fault {
            VerifyFault::Found(text) => VerifyFault::Found(format!("shard {name}: {text}")),
            unusable @ VerifyFault::Unusable(_) => unusable,
        })?;
        shards.push(Verified { dir: place, vkey, summary });
        seen.push(name);
    }
    shards.reverse();
    let summaries: Vec<_> = shards.iter().map(|shard| shard.summary.clone()).collect();
    chain::verify(&summaries).map_err(|broken| found(broken.to_string()))?;
    for name in folders(&dir.join(BEFORE)) {
        if !seen.contains(&name) {
            return Err(found(format!("`{BEFORE}/{name}` is a shard that no other one continues")));
        }
    }
    Ok(shards)
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
