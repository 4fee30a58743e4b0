//! Releases in appends of unknown outcome, on a ledger that settles them by itself.
//!
//! Their callers were told that nothing left, and nothing did. Promise: the mark of what was handed over does not pass such
//! an entry before it is known whether it stands, and one that stands gets its outcome, ABORTED. If the process dies before
//! that, the mark is below it, and the next start calls it UNKNOWN.

use crate::in_flight::InFlight;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::{Draft, RequestId};
use sluis_core::log::leaf::Leaf;
use sluis_core::ports::{Ledger, StoreError};
use std::collections::BTreeSet;

/// Leaves read at a time.
const LEAVES_READ: u32 = 1000;

/// The drafts that say that something leaves.
pub(super) fn leaving(drafts: &[Draft]) -> Vec<RequestId> {
    let leaves = |draft: &&Draft| matches!(draft.leaf.kind(), LeafKind::Release | LeafKind::Page);
    drafts.iter().filter(leaves).map(|draft| draft.rid).collect()
}

/// What may stand although nobody was told.
#[derive(Default)]
pub(super) struct Unsettled {
    /// The position after the log before the first of them: they stand from here on, or nowhere.
    from: Option<u64>,
    rids: BTreeSet<RequestId>,
}

impl Unsettled {
    /// Remembers the releases of an append of unknown outcome, to a log that ended before this position.
    pub(super) fn remember(&mut self, end: u64, leaving: Vec<RequestId>, in_flight: &InFlight) {
        if leaving.is_empty() {
            return;
        }
        self.from = Some(self.from.map_or(end, |from| from.min(end)));
        self.rids.extend(leaving);
        in_flight.hold_unsettled(end);
    }

    /// Finds which of them stand and gives these up; to be called when the ledger has settled them. When the log cannot be
    /// read, they stay, and so does the mark.
    pub(super) async fn settle(&mut self, ledger: &dyn Ledger, in_flight: &InFlight) {
        let Some(from) = self.from else { return };
        match self.standing(ledger, from).await {
            Ok(standing) => {
                tracing::warn!(standing = standing.len(), "releases of unknown outcome are settled; none of them left");
                in_flight.settle_unsettled(&standing);
                *self = Self::default();
            }
            Err(error) => tracing::warn!(%error, "releases of unknown outcome could not be looked for yet"),
        }
    }

    async fn standing(&self, ledger: &dyn Ledger, from: u64) -> Result<Vec<u64>, StoreError> {
        let (mut standing, mut next) = (Vec::new(), from);
        loop {
            let page = ledger.leaves_from(next, LEAVES_READ).await?;
            let Some((last, _)) = page.last() else { return Ok(standing) };
            next = last + 1;
            for (at, text) in page {
                let leaf = Leaf::decode(&text)
                    .map_err(|_| StoreError::Corrupt { store: "log database", table: "log_leaf" })?;
                let rid = uuid::Uuid::try_parse(leaf.rid()).ok().map(RequestId);
                if rid.is_some_and(|rid| self.rids.contains(&rid)) {
                    standing.push(at);
                }
            }
        }
    }
}
