//! Shards: one tree a year, each naming the last checkpoint of the one before it, so that all of them prove one history.
//!
//! A shard ends with an EPOCH leaf `CLOSE`; the next begins with an EPOCH leaf `OPEN` that holds the name, size and root of
//! the shard it continues. The year is the Dutch civil year (Europe/Amsterdam): keys of subjects and terms of retention
//! count in it, so that a shard goes as a whole when its year may go. Everything here is pure.
//!
//! **Positions.** Outside a tree an entry is named by one number that holds its shard and its index, in the order of the
//! log. In the first shard it is the index itself.

use super::checkpoint::OpenedCheckpoint;
use super::draft::{Draft, RequestId};
use super::finalise::Head;
use super::leaf::{Key, Leaf, LeafDraft, LeafValue};
use super::tree::sha256;
use super::{LeafKind, Millis};
use crate::subject::dutch_date;
use data_encoding::{BASE64, HEXLOWER};

/// Bits of a position that hold the index: room for 10^12 entries in a shard.
pub const INDEX_BITS: u32 = 40;
/// First reason of the entry that ends a shard.
const CLOSE: &str = "CLOSE";
/// First reason of the entry that begins one.
const OPEN: &str = "OPEN";
/// Reason of a beginning that an operator made, because what came before was lost in part.
const BREAK: &str = "BREAK";
/// Before the name of the shard that is continued.
const AFTER: &str = "after:";

/// The position of an index in the shard with this number, from 0.
#[must_use]
pub const fn position(shard: u16, index: u64) -> u64 {
    ((shard as u64) << INDEX_BITS) | index
}

/// The index within its shard.
#[must_use]
pub const fn index_of(position: u64) -> u64 {
    position & ((1 << INDEX_BITS) - 1)
}

/// The position of the first entry of the shard that a position is in.
#[must_use]
pub const fn base_of(position: u64) -> u64 {
    position - index_of(position)
}

/// The number of the shard that a position is in, from 0; positions beyond every shard give the last number.
#[must_use]
pub fn number_of(position: u64) -> u16 {
    u16::try_from(position >> INDEX_BITS).unwrap_or(u16::MAX)
}

/// A shard as its store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Where its tree stands; of a closed one for ever.
    pub head: Head,
    /// Whether entries are still taken.
    pub open: bool,
    /// The signed note of the shard before it; `None` in the first.
    pub before: Option<String>,
    /// Of one whose entries were removed at the end of their term ([`pruned`](super::pruned)): the position of the entry that
    /// announced it. Its head stays.
    pub pruned: Option<u64>,
}

/// What the next shard begins with.
#[derive(Debug, Clone)]
pub struct Next {
    /// Its origin.
    pub origin: String,
    /// The signed note over the whole shard before it.
    pub before: String,
    /// Its first entry, made for its origin.
    pub opening: Draft,
    /// When it is opened.
    pub now: Millis,
}

impl Next {
    /// Whether it continues the shard with this head. Whoever made it may have been stopped since then, while others opened the
    /// next shard and ended that one too.
    #[must_use]
    pub fn is_after(&self, head: &Head) -> bool {
        self.before.starts_with(&format!("{}\n{}\n{}\n", head.origin, head.size(), BASE64.encode(&head.root())))
    }
}

/// The part of an origin that names the shard in `ref`: `<year>-<epoch>`.
#[must_use]
pub fn name_of(origin: &str) -> &str {
    origin.rsplit('/').next().unwrap_or(origin)
}

/// Year and epoch of a shard by its origin; `None` when it names none.
#[must_use]
pub fn year_and_epoch(origin: &str) -> Option<(i16, u32)> {
    let (year, epoch) = name_of(origin).split_once('-')?;
    Some((year.parse().ok()?, epoch.parse().ok()?))
}

/// Whether two origins are of one log: domain and organisation are the same.
#[must_use]
pub fn are_of_one_log(a: &str, b: &str) -> bool {
    let log = |origin: &str| origin.rsplit_once('/').map(|(log, _)| log.to_owned());
    log(a).is_some() && log(a) == log(b)
}

/// The origin of the shard that must follow at this moment: the first of a later year; `None` while the year is the same.
#[must_use]
pub fn due(origin: &str, now: Millis) -> Option<String> {
    let (log, _) = origin.rsplit_once('/')?;
    let year = dutch_date(now).year();
    (year > year_and_epoch(origin)?.0).then(|| format!("{log}/{year}-1"))
}

/// The origin of the next epoch of the same year.
#[must_use]
pub fn next_epoch(origin: &str) -> Option<String> {
    let (log, _) = origin.rsplit_once('/')?;
    let (year, epoch) = year_and_epoch(origin)?;
    Some(format!("{log}/{year}-{}", epoch.checked_add(1)?))
}

/// The request id of an entry that ends or begins a shard, after what stands at this position: whoever makes it, it is one of
/// a moment and a place, so no random bytes are needed.
#[must_use]
pub fn request_id(origin: &str, after: u64, now: Millis) -> RequestId {
    let place = sha256(&[b"sluis-epoch/1\0", origin.as_bytes(), b"\0", &after.to_be_bytes()]);
    let random = place.first_chunk::<10>().copied().unwrap_or_default();
    RequestId(uuid::Builder::from_unix_timestamp_millis(now, &random).into_uuid())
}

/// The entry that ends a shard.
#[must_use]
pub fn closing() -> LeafDraft {
    LeafDraft::new(LeafKind::Epoch).with(Key::Rs, CLOSE)
}

/// The entry that begins the first shard of a log.
#[must_use]
pub fn first_opening() -> LeafDraft {
    LeafDraft::new(LeafKind::Epoch).with(Key::Rs, OPEN)
}

/// The entry that begins the shard after the one with this final checkpoint.
#[must_use]
pub fn opening(before: &OpenedCheckpoint) -> LeafDraft {
    opening_with(before, Vec::new())
}

/// The entry that begins a shard after a break, with what an operator says of it besides.
#[must_use]
pub fn opening_after_break(before: &OpenedCheckpoint, said: Vec<String>) -> LeafDraft {
    let mut reasons = vec![BREAK.to_owned()];
    reasons.extend(said);
    opening_with(before, reasons)
}

fn opening_with(before: &OpenedCheckpoint, further: Vec<String>) -> LeafDraft {
    let mut reasons = vec![OPEN.to_owned(), format!("{AFTER}{}", name_of(&before.origin))];
    reasons.extend(further);
    LeafDraft::new(LeafKind::Epoch)
        .with(Key::Rs, reasons)
        .with(Key::Pv, HEXLOWER.encode(&before.root))
        .with(Key::N, before.size)
}

/// Whether this draft ends its shard.
#[must_use]
pub fn closes(leaf: &LeafDraft) -> bool {
    says_first(leaf, CLOSE)
}

/// Whether this draft begins its shard.
#[must_use]
pub fn opens(leaf: &LeafDraft) -> bool {
    says_first(leaf, OPEN)
}

fn says_first(leaf: &LeafDraft, reason: &str) -> bool {
    let first = match leaf.get(Key::Rs) {
        Some(LeafValue::List(reasons)) => reasons.first(),
        _ => None,
    };
    leaf.kind() == LeafKind::Epoch && first.is_some_and(|first| first == reason)
}

/// What an EPOCH leaf says of its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary<'a> {
    /// The shard ends with it.
    Closes,
    /// The shard begins with it, as the first of its log.
    OpensFirst,
    /// The shard begins with it and continues this one.
    Opens {
        /// Name of the shard it continues.
        after: &'a str,
        /// Entries that shard had.
        size: u64,
        /// Its root then, 64 hex digits.
        root: &'a str,
        /// Whether an operator made it because something was lost.
        broken: bool,
    },
}

/// Reads an EPOCH leaf; `None` for every other leaf.
#[must_use]
pub fn boundary(leaf: &Leaf) -> Option<Boundary<'_>> {
    let reasons = leaf.list(Key::Rs).filter(|_| leaf.kind() == LeafKind::Epoch)?;
    if reasons.first().is_some_and(|reason| reason == CLOSE) {
        return Some(Boundary::Closes);
    }
    let after = reasons.iter().find_map(|reason| reason.strip_prefix(AFTER));
    match (after, leaf.text(Key::Pv), leaf.number(Key::N)) {
        (Some(after), Some(root), Some(size)) => {
            Some(Boundary::Opens { after, size, root, broken: reasons.iter().any(|reason| reason == BREAK) })
        }
        _ => Some(Boundary::OpensFirst),
    }
}

/// Whether a shard that begins with this leaf continues the one with this final checkpoint.
#[must_use]
pub fn continues(first: &Leaf, before: &OpenedCheckpoint) -> bool {
    match boundary(first) {
        Some(Boundary::Opens { after, size, root, .. }) => {
            after == name_of(&before.origin) && size == before.size && root == HEXLOWER.encode(&before.root)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "sluis-log.jeugd.example/00000099234567890000/2026-1";

    fn at(text: &str) -> Millis {
        u64::try_from(text.parse::<jiff::Timestamp>().unwrap().as_millisecond()).unwrap()
    }

    #[test]
    fn a_position_is_the_index_in_the_first_shard_and_orders_shards() {
        assert_eq!(position(0, 17), 17);
        let places =
            [position(0, 0), position(0, (1 << INDEX_BITS) - 1), position(1, 0), position(1, 9), position(2, 0)];
        assert!(places.is_sorted());
        for (shard, index) in [(0, 5), (3, 0), (u16::MAX, (1 << INDEX_BITS) - 1)] {
            let place = position(shard, index);
            assert_eq!((number_of(place), index_of(place), base_of(place)), (shard, index, position(shard, 0)));
        }
    }

    #[test]
    fn the_next_shard_is_due_at_dutch_midnight() {
        assert_eq!(due(ORIGIN, at("2026-12-31T22:59:59.999Z")), None);
        let next = due(ORIGIN, at("2026-12-31T23:00:00Z")).unwrap();
        assert_eq!(next, "sluis-log.jeugd.example/00000099234567890000/2027-1");
        assert!(are_of_one_log(ORIGIN, &next));
        // After years without a process, the next one is that of the present.
        assert_eq!(name_of(&due(ORIGIN, at("2031-05-05T00:00:00Z")).unwrap()), "2031-1");
        assert_eq!(due(ORIGIN, at("2025-05-05T00:00:00Z")), None, "a clock that is behind opens nothing");
        assert_eq!(name_of(&next_epoch(ORIGIN).unwrap()), "2026-2");
    }
}
