//! What the database holds: rows, changes of rows, and the checks that the real tables make.

use super::wire::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A row of `log_leaf`.
#[derive(Debug, Clone)]
pub struct Leaf {
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

/// One change of one row.
#[derive(Debug, Clone)]
pub enum Change {
    Schema(Vec<u8>),
    Shard(String),
    Leaf(Arc<Leaf>),
    Head { size: i64, frontier: Vec<u8>, last_time: i64 },
    State { place: (i64, Vec<u8>), state: State },
    Subtree { level: i64, number: i64, hash: Vec<u8> },
    Segment { level: i64, first: i64, last: i64, sealed: Vec<u8> },
    DropSegments { upto: i64 },
    Mark { replica: i64, low: i64 },
    DropMark { replica: i64, low: i64 },
    PruneHeads,
    PruneMarks { replica: i64 },
    Halt { place: (i64, i64), halt: Halt },
}

/// SQLSTATE of a refusal.
pub type Refusal = &'static str;
/// unique_violation
pub const UNIQUE: Refusal = "23505";
/// raise_exception
pub const TRIGGER: Refusal = "P0001";

/// Every table.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    pub schema: Option<Vec<u8>>,
    pub origin: Option<String>,
    pub leaves: BTreeMap<i64, Arc<Leaf>>,
    pub heads: BTreeMap<i64, (Vec<u8>, i64)>,
    pub states: BTreeMap<(i64, Vec<u8>), State>,
    pub subtrees: BTreeMap<(i64, i64), Vec<u8>>,
    pub segments: BTreeMap<(i64, i64), (i64, Vec<u8>)>,
    pub marks: BTreeSet<(i64, i64)>,
    /// By time and replica.
    pub halts: BTreeMap<(i64, i64), Halt>,
}

impl Tables {
    /// Whether the keys and triggers of the tables let a change through.
    pub fn check(&self, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::Leaf(leaf) => {
                let same_transaction = |one: &Leaf| match (&one.transaction, &leaf.transaction) {
                    (Some(one), Some(other)) => (&one.0, &one.1) == (&other.0, &other.1),
                    _ => false,
                };
                let known = |one: &Arc<Leaf>| one.rid == leaf.rid || same_transaction(one);
                let taken = self.leaves.contains_key(&leaf.index) || self.leaves.values().any(known);
                if taken { Err(UNIQUE) } else { Ok(()) }
            }
            Change::Head { size, .. } => {
                let Some((newest, _)) = self.heads.last_key_value() else { return Ok(()) };
                if self.heads.contains_key(size) {
                    return Err(UNIQUE);
                }
                let counted = self.leaves.range(newest..).count() as i64;
                if *size <= *newest || size - newest != counted { Err(TRIGGER) } else { Ok(()) }
            }
            Change::State { place, state } => match self.states.get(place) {
                Some(old) if state.0 <= old.0 || state.1 <= old.1 => Err(TRIGGER),
                _ => Ok(()),
            },
            Change::Subtree { level, number, .. } if self.subtrees.contains_key(&(*level, *number)) => Err(UNIQUE),
            Change::Segment { level, first, .. } if self.segments.contains_key(&(*level, *first)) => Err(UNIQUE),
            _ => Ok(()),
        }
    }

    /// Makes a change.
    pub fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::Schema(sealed) => self.schema = Some(sealed),
            Change::Shard(origin) => self.origin = Some(origin),
            Change::Leaf(leaf) => _ = self.leaves.insert(leaf.index, leaf),
            Change::Head { size, frontier, last_time } => _ = self.heads.insert(size, (frontier, last_time)),
            Change::State { place, state } => _ = self.states.insert(place, state),
            Change::Subtree { level, number, hash } => _ = self.subtrees.insert((level, number), hash),
            Change::Segment { level, first, last, sealed } => {
                self.segments.insert((level, first), (last, sealed));
            }
            Change::DropSegments { upto } => self.segments.retain(|(level, first), _| *level != 0 || *first > upto),
            Change::Mark { replica, low } => _ = self.marks.insert((replica, low)),
            Change::DropMark { replica, low } => _ = self.marks.remove(&(replica, low)),
            Change::PruneHeads => {
                let newest = self.heads.last_key_value().map_or(0, |(size, _)| *size);
                self.heads.retain(|size, _| *size >= newest);
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

    /// Number of leaves by the newest head.
    pub fn size(&self) -> i64 {
        self.heads.last_key_value().map_or(0, |(size, _)| *size)
    }
}
