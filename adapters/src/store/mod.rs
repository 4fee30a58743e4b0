//! What both engines share of the stores: names in errors, numbers in columns, and what is remembered of rows.

mod answer;
mod entry;
mod guard_cache;
mod guard_marks;
mod guard_row;
mod halt_row;
mod held_key;
mod keks;
mod key_cache;
mod key_ring;
mod leaf_kind;
mod naming;
mod state_at;
mod statements;
mod tomb_row;

pub(crate) use answer::{enrolments_of, policy_of, standing_of};
pub(crate) use entry::{organisation_of, reject};
pub(crate) use guard_cache::{GuardCache, Learned};
pub(crate) use guard_marks::Mark;
pub(crate) use guard_row::GuardRow;
pub(crate) use halt_row::{HaltRow, halt, seal as seal_halt};
pub(crate) use held_key::HeldKey;
pub(crate) use keks::{EndedRow, Kek, Keks};
pub(crate) use key_ring::{AliasRow, KeyRing, WrappedKey, bucket_place, transaction_place, year_place};
pub(crate) use leaf_kind::{kind_number, kind_of};
pub(crate) use naming::{Meant, meant};
pub(crate) use state_at::{STATES_READ, StateAt};
pub(crate) use statements::statements;
pub(crate) use tomb_row::{TombRow, open as open_tombs, seal as seal_tomb};

use sluis_core::log::leaf::Leaf;
use sluis_core::log::shard::{Boundary, boundary};
use sluis_core::ports::StoreError;

/// The log database in errors.
pub(crate) const LOG: &str = "log database";
/// The key database in errors.
pub(crate) const KEYS: &str = "key database";
/// What is sealed in `seal_check`: tells a wrong master key before anything is written with it.
pub(crate) const SEAL_CHECK_TEXT: &[u8] = b"sluis-seal-check/1";

/// A table of the log database that contradicts itself.
pub(crate) const fn corrupt(table: &'static str) -> StoreError {
    StoreError::Corrupt { store: LOG, table }
}

/// Whether a shard ends as its row says: a closed one with the entry that closes it, one that takes entries with another.
pub(crate) fn ends_as_said(open: bool, last: Option<&str>) -> bool {
    let last = last.and_then(|text| Leaf::decode(text).ok());
    open != last.is_some_and(|leaf| boundary(&leaf) == Some(Boundary::Closes))
}

/// The bytes of a text for comparison. Bytes that are no text give one that nothing of ours equals: the last character of it
/// never stands at the end of a leaf, a note or a number.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if std::str::from_utf8(bytes).is_ok() { text.into_owned() } else { text.into_owned() + "\u{fffd}" }
}

/// A number as both engines keep it. Times and versions never come near 2^63.
pub(crate) fn signed(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| corrupt("log_leaf"))
}

/// The entry that announced the removal of a shard, by the columns of its row; `None` of one that is there. A row that says one
/// thing and not the other is of one that is gone without an entry: nobody serves from such a log.
pub(crate) fn pruned(state: i64, by: Option<i64>) -> Option<u64> {
    let by = by.map(|by| u64::try_from(by).unwrap_or(u64::MAX));
    if state == 3 { by.or(Some(u64::MAX)) } else { by }
}
