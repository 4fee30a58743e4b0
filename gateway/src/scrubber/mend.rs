//! What follows from the leaves and payloads is rebuilt where it was changed (A27): search columns, the subject index, kept
//! notes. A payload or the items of a page cannot be: whoever reads one compares it with its leaf and does not give it out.
//!
//! A rebuilt row stays an alarm until a whole pass finds nothing.

use super::Stores;
use super::index::Concerned;
use super::shard::OfShard;
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::scrub::{Found, Grave};
use sluis_core::log::tree::leaf_hash;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{LeafColumns, LeafRow};

/// Entries that are added to the index after one pass; what is missing beyond them, after the next.
const ENTRIES_MAX: usize = 65_536;

/// What a pass found to rebuild in the subject index.
#[derive(Default)]
pub(super) struct Index {
    lacks: Vec<Concerned>,
    only_indexed: Vec<u64>,
    bent: bool,
}

impl Index {
    /// Notes what two readings of a page missed.
    pub(super) fn lacks(&mut self, entries: impl Iterator<Item = Concerned>) {
        let room = ENTRIES_MAX.saturating_sub(self.lacks.len());
        self.lacks.extend(entries.take(room));
    }

    /// Notes entries of which only the index may know whom they concern.
    pub(super) fn only_indexed(&mut self, entries: &[u64]) {
        self.only_indexed.extend_from_slice(entries);
    }

    /// Notes what was found.
    pub(super) fn found(&mut self, found: &[Found]) {
        self.bent |= found.iter().any(|found| found.table == "subject_segment" && found.grave == Grave::Beside);
    }

    /// Rebuilds it, where something was found. A segment that does not open stays, and the alarm with it, while it may have
    /// what nothing else knows.
    pub(super) async fn rebuild(self, stores: &Stores) {
        if !self.bent {
            return;
        }
        let entries = self.lacks.len();
        match stores.log.mend_index(self.lacks, self.only_indexed).await {
            Ok(()) => tracing::warn!(entries, "the subject index was rebuilt from the payloads"),
            Err(error) => tracing::warn!(%error, "the subject index could not be rebuilt"),
        }
    }
}

/// Rebuilds what was found in a page, as grave as it is in an open shard: no note that contradicts the leaves is dropped, in a
/// closed one neither.
pub(super) async fn page(stores: &OfShard<'_>, found: &[Found]) {
    for Found { table, index, .. } in found.iter().filter(|found| found.grave == Grave::Beside) {
        let mended = match *table {
            "log_leaf" => columns(stores, *index).await,
            "log_checkpoint" => stores.log.drop_checkpoint(stores.base + *index).await.map(|()| true),
            _ => Ok(false),
        };
        match mended {
            Ok(true) => tracing::warn!(table, index, "the row was rebuilt from its leaf, or dropped where it can be"),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, table, index, "the row could not be rebuilt"),
        }
    }
}

/// Removes payloads that were written with a key remembered for a moment after it was erased (A21).
pub(super) async fn late(stores: &OfShard<'_>, entries: Vec<u64>) {
    if entries.is_empty() {
        return;
    }
    let count = entries.len();
    match stores.log.erase_late(entries).await {
        Ok(()) => tracing::info!(count, "payloads of keys that were erased before went after them"),
        Err(error) => tracing::warn!(%error, count, "payloads of keys that were erased before could not be removed"),
    }
}

/// Sets the search columns of an entry to what its leaf says; false when they say it already.
async fn columns(stores: &OfShard<'_>, index: u64) -> Result<bool, StoreError> {
    let rows = stores.log.leaf_rows(stores.base + index, 1).await?;
    let Some(row) = rows.first().filter(|row| row.index == index && leaf_hash(row.leaf.as_bytes()) == row.hash) else {
        return Ok(false);
    };
    let Some((leaf, rid)) = Leaf::decode(&row.leaf).ok().and_then(|leaf| {
        let rid = uuid::Uuid::try_parse(leaf.rid()).ok()?.into_bytes();
        Some((leaf, rid))
    }) else {
        return Ok(false);
    };
    // Who recorded a manual disclosure stands in its payload only.
    let manual = leaf.kind() == LeafKind::Manual;
    let oin = if manual { row.oin.clone() } else { leaf.text(Key::Rp).map(str::to_owned) };
    let right = LeafColumns { kind: leaf.kind(), time: leaf.time(), rid, oin, transaction: transaction(&leaf, row) };
    let same = row.kind == Some(right.kind)
        && (row.time, row.rid, &row.oin) == (Some(right.time), right.rid, &right.oin)
        && row.transaction == right.transaction
        && row.transaction.is_some() == row.digest;
    if same {
        return Ok(false);
    }
    stores.log.mend_columns(stores.base + index, &right).await.map(|()| true)
}

/// The transaction of an entry, while its digest is there: without it a repeated call cannot be compared.
fn transaction(leaf: &Leaf, row: &LeafRow) -> Option<[u8; 16]> {
    if !row.digest {
        return None;
    }
    let said = leaf.text(Key::Txn).and_then(|text| uuid::Uuid::try_parse(text).ok());
    said.map(uuid::Uuid::into_bytes).or(row.transaction)
}
