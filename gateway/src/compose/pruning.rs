//! The log's own retention (A30): which closed shards may go, what still holds the others, and their removal, while the gateway is
//! stopped.
//!
//! An entry of the newest shard says first what goes, with size and root; then the rows go, step by step; then the files are
//! written anew. The process dies after the entry: the next run finds it and goes on with it. It dies while rows go: the shard is
//! gone for everybody, and the next run removes the rest. Shards go oldest first, so that the entry of the last one that went
//! always stands in one that is there. What stays of a shard is its name, its head and its last signed checkpoint: receipts
//! that were given verify as before, and the next shard continues it as before.

mod announcing;
mod held;
mod looking;

pub use looking::Status;

use super::holds::Holds;
use super::stopped::Stopped;
use super::subject::{SubjectFault, whole};
use super::{StartFault, verifier_key};
use crate::client::chain;
use crate::client::verify::VerifyFault;
use crate::config::Config;
use held::{Everywhere, InForce};
use looking::Looking;
use sluis_core::log::Millis;
use sluis_core::log::leaf::Leaf;
use sluis_core::log::shard::{Shard, name_of};
use sluis_core::log::verify::Summary;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{Cut, Halt};
use std::path::Path;

/// Why a shard was not removed.
#[derive(Debug, thiserror::Error)]
pub enum PruneFault {
    /// The stores.
    #[error(transparent)]
    Start(#[from] StartFault),
    /// The export.
    #[error(transparent)]
    Export(#[from] VerifyFault),
    /// There is none of that name.
    #[error("this log has no shard `{0}`: `sluis log retention` lists them")]
    Unknown(String),
    /// It is gone.
    #[error("shard {0} was removed before, and nothing of it is left")]
    Gone(String),
    /// Another process serves the log, and would miss what is gone.
    #[error("another gateway serves this log: stop every one of them first")]
    Serving,
    /// Somebody wrote to the log while it was looked at: it may hold now what it did not.
    #[error("another command wrote to the log meanwhile, nothing was removed: run this again when it has ended")]
    Meanwhile,
    /// The log is halted.
    #[error("the log is halted, nothing is removed: find out what happened; `sluis log lift` ends it")]
    Halted,
    /// What says who is under hold is not what was written, or not complete.
    #[error(transparent)]
    Doubtful(#[from] SubjectFault),
    /// Something holds it.
    #[error("shard {name} stays:\n{}", .held.iter().map(|s| format!("  - {s}\n")).collect::<String>())]
    Held {
        /// Which.
        name: String,
        /// Each what holds it.
        held: Vec<String>,
    },
    /// The entry stands, the removal does not.
    #[error("entry {entry} announces a removal that was not completed ({source}): run the same command again")]
    NotCompleted {
        /// The entry.
        entry: String,
        /// Why.
        source: StartFault,
    },
}

impl From<StoreError> for PruneFault {
    fn from(error: StoreError) -> Self {
        Self::Start(error.into())
    }
}

/// Every shard, oldest first. `export` is a folder that an export was written to, where there is one.
///
/// # Errors
/// [`PruneFault`].
pub async fn status(config: &Config, export: Option<&Path>) -> Result<Vec<Status>, PruneFault> {
    let stopped = Stopped::open(config).await?;
    let exported = export.map(|dir| exported(config, dir)).transpose()?;
    let everywhere = Everywhere::read(&stopped, Holds::read(&stopped).await?).await?;
    let shards = stopped.log.shards().await?;
    let looking = Looking { stopped: &stopped, shards: &shards, years: config.log.term().years };
    looking.all(&everywhere, exported.as_deref().unwrap_or_default()).await
}

/// What a removal rests on.
pub struct Removing<'a> {
    /// Which shard: `<year>-<epoch>`.
    pub shard: &'a str,
    /// A folder with an export that has it whole.
    pub export: &'a Path,
    /// Who decided, under which reference; stands in the payload only.
    pub authorised_by: &'a str,
    /// For how long backups of the log database are kept.
    pub backup_days: u16,
}

/// What was removed.
#[derive(Debug)]
pub struct Removed {
    /// The entry that announced it.
    pub entry: String,
    /// Entries that the shard had.
    pub size: u64,
    /// The root over them, in hex.
    pub root: String,
    /// From when it holds for backups too, as the entry says.
    pub effective_after: Millis,
    /// Why superseded rows are still in the files, where they are.
    pub untidy: Option<StoreError>,
}

/// Removes a shard whose term is over and that nothing holds; or completes a removal that was announced.
///
/// # Errors
/// [`PruneFault`]: nothing was removed, except after [`PruneFault::NotCompleted`].
pub async fn prune(config: &Config, removing: &Removing<'_>) -> Result<Removed, PruneFault> {
    let removed = prune_upon(Stopped::open(config).await?, config, removing).await?;
    // A WAL still holds pages from before; opening a database empties it.
    let not_completed = |source| PruneFault::NotCompleted { entry: removed.entry.clone(), source };
    Stopped::open(config).await.map_err(not_completed)?;
    Ok(removed)
}

/// The same upon stores that are open; superseded pages stay in their files until they are opened again.
///
/// # Errors
/// As [`prune`].
pub async fn prune_upon(stopped: Stopped, config: &Config, removing: &Removing<'_>) -> Result<Removed, PruneFault> {
    if !stopped.log.is_alone().await? {
        return Err(PruneFault::Serving);
    }
    let shards = stopped.log.shards().await?;
    let unknown = || PruneFault::Unknown(removing.shard.to_owned());
    let at = shards.iter().position(|s| name_of(&s.head.origin) == removing.shard).ok_or_else(unknown)?;
    let shard = shards.get(at).ok_or_else(unknown)?;
    let (announced_at, in_force) = match shard.pruned {
        // It is gone already: what holds it now comes too late.
        Some(announced_at) => (announced_at, InForce::read(&stopped).await?),
        None => announce(config, &stopped, &shards, at, removing).await?,
    };
    let states = in_force.going(shard.head.shard);
    let entry = stopped.shards().reference(announced_at);
    let not_completed = |source: StartFault| PruneFault::NotCompleted { entry: entry.clone(), source };
    let cut = Cut { shard: shard.head.shard, announced_at, states };
    // Process dies in this loop: the shard is gone, the rest of its rows goes with the next run.
    let mut steps = 0u64;
    while stopped.log.prune(&cut).await.map_err(|e| not_completed(e.into()))? {
        steps += 1;
    }
    if shard.pruned.is_some() && steps == 0 {
        return Err(PruneFault::Gone(removing.shard.to_owned()));
    }
    let untidy = stopped.log.compact().await.err();
    let leaf = stopped.log.leaves(announced_at, 1).await?.into_iter().next().and_then(|text| Leaf::decode(&text).ok());
    let effective_after = leaf.and_then(|leaf| leaf.number(sluis_core::log::leaf::Key::Ea)).unwrap_or_default();
    let root = data_encoding::HEXLOWER.encode(&shard.head.root());
    Ok(Removed { entry, size: shard.head.size(), root, effective_after, untidy })
}

/// Announces that a shard goes which is there, when nothing holds it: what is told at once is looked at before the export and the
/// whole log are. Gives the position of the entry, and what is in force.
async fn announce(
    config: &Config,
    stopped: &Stopped,
    shards: &[Shard],
    at: usize,
    removing: &Removing<'_>,
) -> Result<(u64, InForce), PruneFault> {
    // Whoever writes from here on, a hold perhaps, ends this.
    let end = stopped.log.head().await?.end();
    if stopped.log.halts().await?.iter().any(Halt::holds) {
        return Err(PruneFault::Halted);
    }
    let looking = Looking { stopped, shards, years: config.log.term().years };
    let stays = |held| PruneFault::Held { name: removing.shard.to_owned(), held };
    let held = looking.not_yet(at);
    if !held.is_empty() {
        return Err(stays(held));
    }
    let exported = exported(config, removing.export)?;
    // What says whom a hold protects is compared with every entry first: a row that is lost would let evidence go.
    whole(stopped, config).await?;
    let everywhere = Everywhere::read(stopped, Holds::read(stopped).await?).await?;
    let held = looking.held(at, &everywhere, &exported).await?;
    if !held.is_empty() {
        return Err(stays(held));
    }
    let going = shards.get(..=at).unwrap_or_default();
    Ok((announcing::at(config, stopped, going, removing, end).await?, everywhere.in_force))
}

/// The shards that an export has, verified with our own key.
fn exported(config: &Config, dir: &Path) -> Result<Vec<Summary>, PruneFault> {
    let given = std::fs::read_to_string(dir.join("vkey"))
        .map_err(|e| VerifyFault::Unusable(format!("cannot read `{}`: {e}", dir.join("vkey").display())))?;
    let own = verifier_key(config)?;
    let origin = sluis_core::log::checkpoint::key_name(given.trim_end()).unwrap_or_default();
    let key = sluis_core::log::checkpoint::under_name(&own, origin)
        .map_err(|e| VerifyFault::Unusable(format!("`{}`: {e}", dir.join("vkey").display())))?;
    Ok(chain::verify_all(dir, Some(&key), |_, _| {})?)
}
