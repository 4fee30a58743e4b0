//! The retention of yearly keys: what is due is listed, and destroyed when somebody decided so, while the gateway is stopped.
//!
//! As an erasure by hand: the entry first, then tombstones and payloads, then the keys. If the process dies in between, the
//! next run announces the rest again: the log may count a key twice, and never too few. Leaves stay as they are.

use super::holds::{Holds, none_since};
use super::stopped::Stopped;
use super::subject::{DAY_MS, SubjectFault, destroy, newest, tidy, whole};
use crate::config::Config;
use serde_json::json;
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::shard::index_of;
use sluis_core::log::{LeafKind, Millis};
use sluis_core::ports::StoreError;
use sluis_core::subject::dutch_date;
use sluis_core::upkeep::DueKey;
use std::collections::{BTreeMap, BTreeSet};

/// The reason in the entries.
const REASON: &str = "RETENTION_ENDED";
/// Keys of one entry.
const AT_ONCE: usize = 500;

/// What a destruction rests on.
pub struct Destroying<'a> {
    /// Who decided, under which reference; stands in the payload only.
    pub authorised_by: &'a str,
    /// For how long backups of the key database are kept.
    pub backup_days: u16,
}

/// What is due, and what was done about it.
#[derive(Debug, Default)]
pub struct Retention {
    /// Keys that are due, by year.
    pub due: BTreeMap<i16, u64>,
    /// Keys whose term is over and whose subject is under legal hold.
    pub held: u64,
    /// What was destroyed, where that was asked for.
    pub destroyed: Option<Destroyed>,
}

impl Retention {
    /// How many are due.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.due.values().sum()
    }
}

/// What a destruction did.
#[derive(Debug, Default)]
pub struct Destroyed {
    /// Keys.
    pub keys: u64,
    /// Payloads that they opened.
    pub payloads: u64,
    /// From when it holds for backups of the key database too, milliseconds since 1970.
    pub effective_after: Millis,
    /// Why superseded rows are still in the files of a server, where they are.
    pub untidy: Option<StoreError>,
    /// The newest wrapping generation: once it ended and its secret was destroyed, no backup from before opens the keys.
    pub generation: u32,
}

/// Lists the keys whose term is over, `years` after their year; and destroys them, when the log was recomputed and is whole. Where
/// none is due, what an earlier run left in the files is taken out of them all the same.
///
/// # Errors
/// [`SubjectFault`]; what was announced before and is not done, the next run does.
pub async fn retain(
    config: &Config,
    years: i16,
    destroying: Option<Destroying<'_>>,
) -> Result<Retention, SubjectFault> {
    let stopped = Stopped::open(config).await?;
    let mut retention = retain_upon(&stopped, config, years, destroying).await?;
    if let Some(done) = &mut retention.destroyed {
        // A WAL still holds pages from before; opening a database empties it.
        drop(stopped);
        Stopped::open(config).await?;
        done.generation = newest(config).await?;
    }
    Ok(retention)
}

/// The same upon stores that are open; superseded pages stay in their files until they are opened again.
///
/// # Errors
/// As [`retain`].
pub async fn retain_upon(
    stopped: &Stopped,
    config: &Config,
    years: i16,
    destroying: Option<Destroying<'_>>,
) -> Result<Retention, SubjectFault> {
    let due = stopped.keys.due(dutch_date(stopped.now()).year() - years, u32::MAX).await?;
    if destroying.is_some() && !due.is_empty() {
        whole(stopped, config).await?;
    }
    let mut end = stopped.log.head().await?.end();
    let holds = Holds::read(stopped).await?;
    let (mut retention, mut free) = (Retention::default(), Vec::new());
    for key in due {
        if holds.of(key.subject).is_some() {
            retention.held += 1;
            continue;
        }
        *retention.due.entry(key.year).or_default() += 1;
        free.push(key);
    }
    let Some(destroying) = destroying else { return Ok(retention) };
    let mut done = Destroyed {
        effective_after: stopped.now().saturating_add(u64::from(destroying.backup_days) * DAY_MS),
        ..Destroyed::default()
    };
    for part in free.chunks(AT_ONCE) {
        end = none_since(stopped, end).await?;
        let index = announce(stopped, part, &destroying, done.effective_after).await?;
        for key in part {
            // Thousands of keys take hours, and others may write: who is under hold by now is not known from before.
            end = none_since(stopped, end).await?;
            let payloads = destroy(stopped, key.subject, key.key_id).await;
            done.payloads += payloads.map_err(|source| SubjectFault::NotCompleted { index, source })?;
            done.keys += 1;
        }
    }
    done.untidy = tidy(stopped).await.err();
    retention.destroyed = Some(done);
    Ok(retention)
}

/// The entry says how many, why, and from when; the years and who decided stand in its payload. It names nobody.
async fn announce(
    stopped: &Stopped,
    keys: &[DueKey],
    destroying: &Destroying<'_>,
    effective_after: Millis,
) -> Result<u64, SubjectFault> {
    let years: BTreeSet<i16> = keys.iter().map(|key| key.year).collect();
    let leaf = LeafDraft::new(LeafKind::Erase)
        .with(Key::N, keys.len() as u64)
        .with(Key::Rs, REASON)
        .with(Key::Ea, effective_after);
    let said = json!({
        "v": "sluis-payload/1",
        "salt": stopped.salt(),
        "years": years,
        "authorised_by": destroying.authorised_by,
    });
    Ok(index_of(stopped.record(leaf, &said).await?))
}
