//! The chain of shards: verified one by one, and each the continuation of the one before it.
//!
//! It promises that no shard was dropped, doubled or moved between the first and the last that are given: each names the last
//! checkpoint of the one before, which ends with the entry that says so. Whether the first one is the first there ever was,
//! and the last the newest, is said and not promised.

use super::shard::{are_of_one_log, name_of, year_and_epoch};
use super::verify::Summary;
use data_encoding::HEXLOWER;

/// Why shards are not one history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// They are of different logs, or not in order.
    #[error("shard {after} cannot follow {before}: it is of another log, or not of a later year or epoch")]
    Order {
        /// The name of the one before.
        before: String,
        /// The name of the one after.
        after: String,
    },
    /// A shard that another follows was not ended.
    #[error("shard {shard} does not end with the entry that closes it, and another follows")]
    NotClosed {
        /// Its name.
        shard: String,
    },
    /// A shard that does not name the last checkpoint of the one before it.
    #[error("shard {after} does not continue {before}: it names {named}, and not all of its entries or others")]
    NotContinued {
        /// The name of the one before.
        before: String,
        /// The name of the one after.
        after: String,
        /// What it names instead.
        named: String,
    },
    /// Time goes back between two shards.
    #[error("shard {after} begins before {before} ends")]
    TimeGoesBack {
        /// The name of the one before.
        before: String,
        /// The name of the one after.
        after: String,
    },
}

/// Verifies that shards, oldest first, continue each other. Each of them was verified by itself.
///
/// # Errors
/// [`BrokenChain`] names the first two that do not fit.
pub fn verify(shards: &[Summary]) -> Result<(), BrokenChain> {
    shards.iter().zip(shards.iter().skip(1)).try_for_each(|(before, after)| follows(before, after))
}

fn follows(before: &Summary, after: &Summary) -> Result<(), BrokenChain> {
    let names = || (name_of(&before.origin).to_owned(), name_of(&after.origin).to_owned());
    let later = year_and_epoch(&before.origin) < year_and_epoch(&after.origin);
    if !later || !are_of_one_log(&before.origin, &after.origin) {
        let (before, after) = names();
        return Err(BrokenChain::Order { before, after });
    }
    let continued = after.continues.as_ref();
    let root = HEXLOWER.encode(&before.root);
    let same = continued.is_some_and(|c| c.after == name_of(&before.origin) && c.size == before.size && c.root == root);
    if !same {
        let (before, after) = names();
        let named = continued.map_or_else(|| "nothing".to_owned(), |c| format!("{} of {} entries", c.after, c.size));
        return Err(BrokenChain::NotContinued { before, after, named });
    }
    // After a break the shard before was not ended: what was lost may have been its end.
    if !before.closed && !continued.is_some_and(|c| c.broken) {
        return Err(BrokenChain::NotClosed { shard: names().0 });
    }
    if after.first_time < before.last_time {
        let (before, after) = names();
        return Err(BrokenChain::TimeGoesBack { before, after });
    }
    Ok(())
}
