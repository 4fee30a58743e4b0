//! The log recomputed before a command takes something away that no backup of the log brings back.
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

/// Tables of which no finding stands in the way.
const BESIDE: [&str; 2] = ["log_checkpoint", "page_blob"];

/// What was found.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Hearing for Heard {
    fn found(&self, found: &Found) {
        let Found { table, index, what, .. } = found;
        if !BESIDE.contains(table) {
            let text = format!("`{table}` at {index}: {what}");
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    }
}

/// Recomputes every shard and gives what is wrong in leaves, heads, the subject index, tombstones and state. Mends nothing.
///
/// # Errors
/// [`StartFault`] for a store that does not answer: erase nothing then either.
pub(super) async fn wrong(stopped: &Stopped, config: &Config) -> Result<Vec<String>, StartFault> {
    let stores = Stores {
        log: Arc::clone(&stopped.log),
        keys: Arc::clone(&stopped.keys) as _,
<<<<<<< HEAD
        origin: stopped.origin().into(),
=======
        origin: stopped.origin(),
>>>>>>> mends
        verifier_key: verifier_key(config)?.into(),
    };
    let scrubber = Scrubber { stores, within: Duration::ZERO, mends: false, progress: Arc::<Progress>::default() };
    let heard = Heard::default();
    scrubber.pass(Duration::ZERO, &heard).await?;
    Ok(heard.0.into_inner().unwrap_or_else(PoisonError::into_inner))
}
