//! What the database holds: rows, changes of rows, and the checks that the real tables make.

use super::wire::Value;
use sluis_core::log::shard::INDEX_BITS;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A row of `log_shard`.
#[derive(Debug, Clone)]
pub struct Shard {
    pub origin: String,
    pub open: bool,
    /// The one before it, and the last note of that.
    pub before: Option<(i64, String)>,
}

/// A row of `log_leaf`.
#[derive(Debug, Clone)]
pub struct Leaf {
    pub log: i64,
    pub index: i64,
    pub text: String,
    pub hash: Vec<u8>,
    pub kind: i64,
    pub rid: Vec<u8>,
    pub replica: i64,
    /// Organisation, transaction, digest.
    pub transaction: Option<(Vec<u8>, Vec<u8>, Vec<u8>)>,
    pub key_id: Value,
    pub sealed: Value,
}

/// A row of `log_halt`: what was found, the entry that lifted it, the seal.
#[derive(Debug, Clone)]
pub struct Halt {
    pub found: Vec<u8>,
    pub lifted: Value,
    pub sealed: Vec<u8>,
}

/// Version, leaf and sealed bytes of a row of `state`.
pub type State = (i64, i64, Vec<u8>);

/// Shard and index of a leaf: the order of the log.
pub type Place = (i64, i64);

/// A place as one number.
pub fn position((log, index): Place) -> i64 {
    ((log - 1) << INDEX_BITS) + index
}

/// One change of one row; the first number of most is that of the shard.
#[derive(Debug, Clone)]
pub enum Change {
    Schema(Vec<u8>),
    Shard { log: i64, shard: Shard },
    CloseShard(i64),
    Partition(i64),
    Leaf(Arc<Leaf>),
    Head { log: i64, size: i64, frontier: Vec<u8>, last_time: i64 },
    State { place: (i64, Vec<u8>), state: State },
    Subtree { log: i64, level: i64, number: i64, hash: Vec<u8> },
    Segment { log: i64, level: i64, first: i64, last: i64, sealed: Vec<u8> },
    DropSegments { log: i64, upto: i64 },
    Mark { replica: i64, low: i64 },
    DropMark { replica: i64, low: i64 },
    PruneHeads(i64),
    PruneMarks { replica: i64 },
    Halt { place: (i64, i64), halt: Halt },
}

/// SQLSTATE of a refusal.
pub type Refusal = &'static str;
/// unique_violation
pub const UNIQUE: Refusal = "23505";
/// raise_exception
pub const TRIGGER: Refusal = "P0001";
/// check_violation: a leaf of a shard that has no partition.
const NO_PARTITION: Refusal = "23514";
/// duplicate_table
const DUPLICATE_TABLE: Refusal = "42P07";

/// Every table.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    pub schema: Option<Vec<u8>>,
    pub shards: BTreeMap<i64, Shard>,
    pub partitions: BTreeSet<i64>,
    pub leaves: BTreeMap<Place, Arc<Leaf>>,
    /// By shard and size.
    pub heads: BTreeMap<(i64, i64), (Vec<u8>, i64)>,
    pub states: BTreeMap<(i64, Vec<u8>), State>,
    /// By shard, level and number.
    pub subtrees: BTreeMap<(i64, i64, i64), Vec<u8>>,
    /// By shard, level and first leaf.
    pub segments: BTreeMap<(i64, i64, i64), (i64, Vec<u8>)>,
    pub marks: BTreeSet<(i64, i64)>,
    /// By time and replica.
    pub halts: BTreeMap<(i64, i64), Halt>,
}

impl Tables {
    /// Whether the keys and triggers of the tables let a change through.
    pub fn check(&self, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::Shard { log, shard } => {
                let taken = self.shards.contains_key(log) || self.shards.values().any(|s| s.origin == shard.origin);
                if taken { Err(UNIQUE) } else { Ok(()) }
            }
            Change::Partition(log) if self.partitions.contains(log) => Err(DUPLICATE_TABLE),
            Change::Leaf(leaf) => self.check_leaf(leaf),
            Change::Head { log, size, .. } => {
                let Some((newest, _)) = self.head(*log) else { return Ok(()) };
                if self.heads.contains_key(&(*log, *size)) {
                    return Err(UNIQUE);
                }
                let counted = self.leaves_of(*log, newest, i64::MAX).count() as i64;
                if *size <= newest || size - newest != counted { Err(TRIGGER) } else { Ok(()) }
            }
            Change::State { place, state } => match self.states.get(place) {
                Some(old) if state.0 <= old.0 || state.1 <= old.1 => Err(TRIGGER),
                _ => Ok(()),
            },
            Change::Subtree { log, level, number, .. } if self.subtrees.contains_key(&(*log, *level, *number)) => {
                Err(UNIQUE)
            }
            Change::Segment { log, level, first, .. } if self.segments.contains_key(&(*log, *level, *first)) => {
                Err(UNIQUE)
            }
            _ => Ok(()),
        }
    }

    /// No key stops a transaction that another shard has.
    fn check_leaf(&self, leaf: &Leaf) -> Result<(), Refusal> {
        if !self.partitions.contains(&leaf.log) {
            return Err(NO_PARTITION);
        }
        let same_transaction = |one: &Leaf| match (&one.transaction, &leaf.transaction) {
            (Some(one), Some(other)) => (&one.0, &one.1) == (&other.0, &other.1),
            _ => false,
        };
        let mut others = self.leaves_of(leaf.log, 0, i64::MAX);
        let known = |one: &Arc<Leaf>| one.rid == leaf.rid || same_transaction(one);
        let taken = self.leaves.contains_key(&(leaf.log, leaf.index)) || others.any(known);
        if taken { Err(UNIQUE) } else { Ok(()) }
    }

    /// Makes a change.
    pub fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::Schema(sealed) => self.schema = Some(sealed),
            Change::Shard { log, shard } => _ = self.shards.insert(log, shard),
            Change::CloseShard(log) => self.shards.get_mut(&log).into_iter().for_each(|shard| shard.open = false),
            Change::Partition(log) => _ = self.partitions.insert(log),
            Change::Leaf(leaf) => _ = self.leaves.insert((leaf.log, leaf.index), leaf),
            Change::Head { log, size, frontier, last_time } => {
                self.heads.insert((log, size), (frontier, last_time));
            }
            Change::State { place, state } => _ = self.states.insert(place, state),
            Change::Subtree { log, level, number, hash } => _ = self.subtrees.insert((log, level, number), hash),
            Change::Segment { log, level, first, last, sealed } => {
                self.segments.insert((log, level, first), (last, sealed));
            }
            Change::DropSegments { log, upto } => {
                self.segments.retain(|(of, level, first), _| *of != log || *level != 0 || *first > upto);
            }
            Change::Mark { replica, low } => _ = self.marks.insert((replica, low)),
            Change::DropMark { replica, low } => _ = self.marks.remove(&(replica, low)),
            Change::PruneHeads(log) => {
                let newest = self.size(log);
                self.heads.retain(|(of, size), _| *of != log || *size >= newest);
            }
            Change::PruneMarks { replica } => {
                let highest = self.low(replica).unwrap_or(0);
                self.marks.retain(|(of, low)| *of != replica || *low >= highest);
            }
            Change::Halt { place, halt } => _ = self.halts.insert(place, halt),
        }
    }

    /// The mark of a replica.
    pub fn low(&self, replica: i64) -> Option<i64> {
        self.marks.range((replica, i64::MIN)..=(replica, i64::MAX)).next_back().map(|(_, low)| *low)
    }

    /// Whether the log is halted for a replica: by itself, or by two.
    pub fn halted(&self, replica: i64) -> bool {
        let held = self.halts.iter().filter(|(_, halt)| halt.lifted.is_none());
        let by: BTreeSet<i64> = held.map(|((_, by), _)| *by).collect();
        by.len() > 1 || by.contains(&replica)
    }

    /// The newest head of a shard: size, frontier, time of the last leaf.
    pub fn head(&self, log: i64) -> Option<(i64, &(Vec<u8>, i64))> {
        let newest = self.heads.range((log, i64::MIN)..=(log, i64::MAX)).next_back();
        newest.map(|((_, size), head)| (*size, head))
    }

    /// Number of leaves of a shard by its newest head.
    pub fn size(&self, log: i64) -> i64 {
        self.head(log).map_or(0, |(size, _)| size)
    }

    /// The leaves of a shard from an index up to, not including, another.
    pub fn leaves_of(&self, log: i64, from: i64, to: i64) -> impl Iterator<Item = &Arc<Leaf>> {
        self.leaves.range((log, from)..(log, to.max(from))).map(|(_, leaf)| leaf)
    }

    /// The newest shard.
    pub fn newest(&self) -> i64 {
        self.shards.last_key_value().map_or(0, |(log, _)| *log)
    }
}
