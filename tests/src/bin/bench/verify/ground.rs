//! The log that is exported: releases appended as the gateway appends them, and a signed checkpoint for every thousandth.

use super::super::Fault;
use super::super::commit::drafts::{Drafts, ORIGIN};
use super::super::commit::place::Place;
use sluis::client::export::{self, LeafPages, Notes};
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::system::OsEntropy;
use sluis_core::log::checkpoint::{sign, verifier_key};
use sluis_core::log::draft::Outcome;
use sluis_core::log::finalise::Head;
use sluis_core::log::tree::{Frontier, leaf_hash};
use sluis_core::ports::{Ledger, Signer, StoreError};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Subjects that releases are about.
const SUBJECTS: u64 = 9_000;
/// Entries of one append, as many as the recorder gives at once.
const AT_ONCE: u64 = 256;
/// Leaves read at once.
const PAGE: u32 = 4096;
/// One kept checkpoint for so many entries: of a log with sixteen entries a second, that of each minute.
const KEPT_EVERY: u64 = 1_000;

/// A log of so many entries.
pub struct Ground {
    pub ledger: Arc<dyn Ledger>,
    signer: Ed25519Signer,
}

struct Pages<'a>(&'a dyn Ledger);

#[async_trait::async_trait]
impl LeafPages for Pages<'_> {
    async fn page(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError> {
        self.0.leaves(from, count).await
    }
}

impl Ground {
    /// Fills a new log.
    pub async fn lay(place: &dyn Place, temporary: &Path, entries: u64) -> Result<Self, Fault> {
        let signer = Ed25519Signer::generate(&temporary.join("log.key"), &OsEntropy)?;
        let (ledger, drafts) = (place.ledger().await?, Drafts::about(SUBJECTS.min(entries / 4))?);
        let mut size = drafts.prepare(ledger.as_ref()).await?;
        while size < entries {
            let batch = (0..AT_ONCE.min(entries - size)).map(|_| drafts.release(drafts.number())).collect();
            let committed = ledger.append(batch).await?;
            let is_recorded = |outcome: &Outcome| matches!(outcome, Outcome::Recorded { .. });
            if !committed.outcomes().iter().all(is_recorded) {
                return Err("an entry was not recorded".into());
            }
            size = committed.head().size();
            if size % 100_000 < AT_ONCE {
                eprintln!("{size} of {entries} entries");
            }
        }
        Ok(Self { ledger, signer })
    }

    /// Exports its first entries; gives the number of kept checkpoints.
    pub async fn export(&self, dir: &Path, size: u64) -> Result<usize, Fault> {
        let (mut frontier, mut kept) = (Frontier::empty(), Vec::new());
        let note = |frontier: &Frontier| {
            let head = Head { origin: ORIGIN.to_owned(), shard: 0, frontier: frontier.clone(), last_time: 0 };
            sign(&head, &self.signer).note.to_string()
        };
        while frontier.size() < size {
            let count = u32::try_from(size - frontier.size()).unwrap_or(PAGE).min(PAGE);
            for leaf in self.ledger.leaves(frontier.size(), count).await? {
                frontier.push(leaf_hash(leaf.as_bytes()));
                if frontier.size().is_multiple_of(KEPT_EVERY) {
                    kept.push(note(&frontier));
                }
            }
        }
        let (newest, vkey, count) = (note(&frontier), verifier_key(ORIGIN, &self.signer.public_key()), kept.len());
        export::begin(dir)?;
        export::leaves(dir, size, &BTreeSet::new(), &Pages(self.ledger.as_ref())).await?;
        export::notes(dir, &Notes { newest: &newest, kept: &kept, vkey: &vkey })?;
        Ok(count)
    }
}
