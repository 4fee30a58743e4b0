//! Ends a halt: what an operator does when it is known what happened and the log is whole again (A27).
//!
//! The whole log is recomputed first: a log in which something is still wrong stays halted. Then the entry that says so, then
//! the rows, then the flag: if the process dies in between, the gateway stays stopped and the command can be repeated.

use super::StartFault;
use super::recomputed;
use super::stopped::Stopped;
use crate::config::Config;
use serde_json::json;
use sluis_adapters::halt_flag::HaltFile;
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::shard::index_of;
use sluis_core::log::{LeafKind, Millis};
use sluis_core::upkeep::{Halt, HaltFlag};

/// First reason of the entry that lifts a halt; the operator's own is the second.
const LIFTED: &str = "HALT_LIFTED";

/// Why a halt stays.
#[derive(Debug, thiserror::Error)]
pub enum LiftFault {
    /// The stores.
    #[error(transparent)]
    Start(#[from] StartFault),
    /// There is none.
    #[error("this log is not halted, and this gateway has no flag of a halt: there is nothing to lift")]
    NotHalted,
    /// Something is still wrong.
    #[error("the log is still not what was written, the halt stays:\n{}", .0.iter().map(|s| format!("  - {s}\n")).collect::<String>())]
    StillWrong(Vec<String>),
    /// A gateway that goes on found something while this command recomputed the log.
    #[error(
        "while the log was recomputed another gateway found something: {0}. Nothing was lifted; look at it and begin again"
    )]
    Newer(String),
    /// A gateway found something between the last look and the rows: the halts that were known are lifted, this one is not.
    #[error(
        "the halts that were known are lifted (entry {index}), and another was written meanwhile: {found}. Begin again"
    )]
    NewerStays {
        /// The entry.
        index: u64,
        /// What was found.
        found: String,
    },
    /// The flag beside the anchor.
    #[error("the halt is lifted in the log (entry {index}), and `{flag}` cannot be removed: {source}; remove it")]
    Flag {
        /// The entry.
        index: u64,
        /// The file.
        flag: String,
        /// Why.
        source: std::io::Error,
    },
}

impl From<sluis_core::ports::StoreError> for LiftFault {
    fn from(error: sluis_core::ports::StoreError) -> Self {
        Self::Start(error.into())
    }
}

/// What was lifted.
pub struct Lifted {
    /// The entry that says so: its index in the newest shard.
    pub index: u64,
    /// What had been found.
    pub found: Vec<String>,
}

/// Lifts every halt of the log, and the flag of this gateway. `reason` stands in the log, `authorised_by` encrypted.
///
/// # Errors
/// [`LiftFault`]: the gateway stays stopped.
pub async fn lift(config: &Config, reason: &str, authorised_by: &str) -> Result<Lifted, LiftFault> {
    lift_upon(&Stopped::open(config).await?, config, reason, authorised_by).await
}

/// The same upon stores that are open.
///
/// # Errors
/// As [`lift`].
pub async fn lift_upon(
    stopped: &Stopped,
    config: &Config,
    reason: &str,
    authorised_by: &str,
) -> Result<Lifted, LiftFault> {
    let flag = HaltFile::beside(config.log.anchor());
    let held = in_force(stopped).await?;
    let mut found: Vec<String> = held.iter().map(said_of).collect();
    match flag.read() {
        Ok(None) => {}
        Ok(Some((_, said))) => found.push(format!("`{}`: {said}", flag.name())),
        Err(error) => found.push(format!("`{}`: {error}", flag.name())),
    }
    if found.is_empty() {
        return Err(LiftFault::NotHalted);
    }
    let wrong = recomputed::grave(stopped, config).await?;
    if !wrong.is_empty() {
        return Err(LiftFault::StillWrong(wrong));
    }
    let these: Vec<_> = held.iter().map(|halt| (halt.replica, halt.time)).collect();
    if let Some(newer) = others(stopped, &these).await? {
        return Err(LiftFault::Newer(newer));
    }
    let said =
        json!({ "v": "sluis-payload/1", "salt": stopped.salt(), "found": found, "authorised_by": authorised_by });
    let leaf = LeafDraft::new(LeafKind::Admin).with(Key::Rs, vec![LIFTED.to_owned(), reason.to_owned()]);
    let position = stopped.record(leaf, &said).await?;
    stopped.log.lift_halts(&these, &stopped.shards().reference(position)).await?;
    let index = index_of(position);
    if let Some(found) = others(stopped, &[]).await? {
        return Err(LiftFault::NewerStays { index, found });
    }
    flag.lower().map_err(|source| LiftFault::Flag { index, flag: flag.name(), source })?;
    Ok(Lifted { index, found })
}

async fn in_force(stopped: &Stopped) -> Result<Vec<Halt>, LiftFault> {
    Ok(stopped.log.halts().await?.into_iter().filter(Halt::holds).collect())
}

fn said_of(halt: &Halt) -> String {
    format!("replica {}: {}", halt.replica, halt.found)
}

/// What is in force beside these: gateways that were not halted serve, and scrub, while this command runs.
async fn others(stopped: &Stopped, these: &[(i16, Millis)]) -> Result<Option<String>, LiftFault> {
    let halts = in_force(stopped).await?;
    Ok(halts.iter().find(|halt| !these.contains(&(halt.replica, halt.time))).map(said_of))
}
