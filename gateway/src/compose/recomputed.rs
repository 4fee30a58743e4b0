//! The log recomputed before a command lifts a halt, or takes something away that no backup of the log brings back.
//!
//! Whose key goes is told by rows: of keys, of the subject index, of holds. A row that somebody changed would choose for the
//! operator, so nothing is erased while anything is wrong in what those rows follow from. A kept note and the items of a page
//! choose nobody's key: they do not stand in the way.

use super::stopped::Stopped;
use super::{StartFault, verifier_key};
use crate::config::Config;
use crate::scrubber::{Hearing, Progress, Scrubber, Stores};
use sluis_core::log::scrub::Found;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Tables of which no finding stands in the way of an erasure.
const BESIDE: [&str; 2] = ["log_checkpoint", "page_blob"];

/// Whether a finding counts.
type Counts = fn(&Found) -> bool;

/// The findings that count, and how many there are in all.
struct Heard {
    counts: Counts,
    told: Mutex<(Vec<String>, usize)>,
}

impl Hearing for Heard {
    fn found(&self, found: &Found) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.1 += 1;
        if (self.counts)(found) {
            told.0.push(found.to_string());
        }
    }
}

/// What the log stands on and is not what was written, in whichever shard: what stopped the gateways may stand in a closed one by now.
/// A halt with any of it stays.
///
/// # Errors
/// [`StartFault`] for a store that does not answer.
pub(super) async fn grave(stopped: &Stopped, config: &Config) -> Result<Vec<String>, StartFault> {
    pass(stopped, config, |found| found.load_bearing).await
}

/// What is wrong in leaves, heads, the subject index, tombstones and state.
///
/// # Errors
/// [`StartFault`] for a store that does not answer: erase nothing then either.
pub(super) async fn wrong(stopped: &Stopped, config: &Config) -> Result<Vec<String>, StartFault> {
    pass(stopped, config, |found| !BESIDE.contains(&found.table)).await
}

/// Recomputes every shard. Mends nothing.
async fn pass(stopped: &Stopped, config: &Config, counts: Counts) -> Result<Vec<String>, StartFault> {
    let stores = Stores {
        log: Arc::clone(&stopped.log),
        keys: Arc::clone(&stopped.keys) as _,
        origin: stopped.origin(),
        verifier_key: verifier_key(config)?.into(),
    };
    let scrubber = Scrubber { stores, within: Duration::ZERO, mends: false, progress: Arc::<Progress>::default() };
    let heard = Heard { counts, told: Mutex::default() };
    let found = scrubber.pass(Duration::ZERO, &heard).await?;
    let (mut wrong, told) = heard.told.into_inner().unwrap_or_else(PoisonError::into_inner);
    if found > told {
        let unread = "it could not be read to its end, or not twice the same: entries are missing, or a disk fails";
        wrong.push(unread.to_owned());
    }
    Ok(wrong)
}
