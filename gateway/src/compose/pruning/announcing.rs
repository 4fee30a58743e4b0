//! The entry that says that shards go, before they do: the one that a run wrote a moment ago and could not follow, or a new one.
//!
//! An entry that is older is not used: what holds shards, who decided and how long backups are kept may be other by now. It
//! stays in the log as what was announced and not done.

use super::super::payloads::corrupt;
use super::super::stopped::Stopped;
use super::super::subject::DAY_MS;
use super::{PruneFault, Removing};
use crate::config::Config;
use serde_json::json;
use sluis_core::log::leaf::Leaf;
use sluis_core::log::pruned::{announced, announcing, vouches};
use sluis_core::log::shard::Shard;
use sluis_core::log::{LeafKind, Millis};

/// How long after its entry a removal may begin.
const BEGINS_WITHIN: Millis = 3600 * 1000;

/// The position of the entry under which these shards go. `end` is the position after the newest entry when it was begun to
/// look at what holds them: whoever wrote since then, a hold perhaps, is looked at by the next run.
pub(super) async fn at(
    config: &Config,
    stopped: &Stopped,
    going: &[Shard],
    removing: &Removing<'_>,
    end: u64,
) -> Result<u64, PruneFault> {
    let written = written(stopped, going).await?;
    if stopped.log.head().await?.end() != end {
        return Err(PruneFault::Meanwhile);
    }
    if let Some(at) = written {
        return Ok(at);
    }
    let at = announce(config, stopped, going, removing).await?;
    if at == end { Ok(at) } else { Err(PruneFault::Meanwhile) }
}

/// The newest entry that says that these shards go, where one was written a moment ago.
async fn written(stopped: &Stopped, going: &[Shard]) -> Result<Option<u64>, PruneFault> {
    let now = stopped.now();
    let fresh = |leaf: &Leaf| announced(leaf).is_some_and(|said| said.time.abs_diff(now) <= BEGINS_WITHIN);
    let said = stopped.leaves_of(LeafKind::Erase, 0).await?;
    Ok(said.into_iter().rev().find(|(_, leaf)| fresh(leaf) && vouches(leaf, going)).map(|(at, _)| at))
}

/// The entry names the shards; who decided, and under which term, stands in its payload.
async fn announce(
    config: &Config,
    stopped: &Stopped,
    going: &[Shard],
    removing: &Removing<'_>,
) -> Result<u64, PruneFault> {
    let effective_after = stopped.now().saturating_add(u64::from(removing.backup_days) * DAY_MS);
    let leaf = announcing(going, effective_after).ok_or(corrupt())?;
    let term = config.log.term();
    let said = json!({
        "v": "sluis-payload/1",
        "salt": stopped.salt(),
        "authorised_by": removing.authorised_by,
        "years": term.years,
        "shorter_because": term.shorter_because,
    });
    Ok(stopped.record(leaf, &said).await?)
}
