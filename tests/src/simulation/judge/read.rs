//! The log read leaf by leaf, shard by shard, from the rows alone: what it says of itself must be so.

use super::{Judged, origin_key};
use crate::simulation::calls::About;
use crate::simulation::server::tables::{Leaf, Place, Shard, Tables, position};
use sluis_core::log::checkpoint::{self, OpenedCheckpoint};
use sluis_core::log::leaf::{Key as LeafKey, Leaf as Decoded};
use sluis_core::log::shard::{Boundary, boundary, continues, name_of};
use sluis_core::log::tree::{Frontier, leaf_hash};
use sluis_core::log::{Hash, LeafKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The tree of one shard.
pub struct Tree {
    pub origin: String,
    /// The root at every size.
    pub roots: Vec<Hash>,
    frontier: Frontier,
    /// The entry that ends it was read.
    closed: bool,
}

impl Tree {
    fn of(shard: &Shard) -> Self {
        let frontier = Frontier::empty();
        Self { origin: shard.origin.clone(), roots: vec![frontier.root()], frontier, closed: false }
    }

    pub fn size(&self) -> u64 {
        self.roots.len() as u64 - 1
    }

    fn last_checkpoint(&self) -> OpenedCheckpoint {
        OpenedCheckpoint { origin: self.origin.clone(), size: self.size(), root: self.frontier.root() }
    }
}

/// The log as far as it was read.
#[derive(Default)]
pub struct Read {
    pub trees: BTreeMap<i64, Tree>,
    last_time: u64,
    pub rids: HashMap<Vec<u8>, Place>,
    transactions: BTreeSet<Vec<u8>>,
    restricted: BTreeSet<usize>,
    /// Releases by position: which replica wrote them, under which request id.
    pub releases: BTreeMap<u64, (i64, Vec<u8>)>,
    /// Entries that an OUTCOME names, by position.
    pub named: BTreeSet<u64>,
}

impl Read {
    /// Reads what is new. `about` tells what a request id was used for.
    pub fn go_on(&mut self, tables: &Tables, about: impl Fn(&[u8]) -> Option<About>) -> Judged {
        for (log, shard) in &tables.shards {
            if !self.trees.contains_key(log) {
                self.opens(*log, shard)?;
            }
            let from = self.trees[log].size() as i64;
            for (index, row) in (from..).zip(tables.leaves_of(*log, from, i64::MAX)) {
                self.take((*log, index), row, about(&row.rid))?;
            }
            let tree = &self.trees[log];
            if tree.closed == shard.open {
                return Err(format!(
                    "shard {log} is open: {}, and its last entry ends it: {}",
                    shard.open, tree.closed
                ));
            }
            let Some((size, (frontier, _))) = tables.head(*log) else { return Err(format!("no head of shard {log}")) };
            let leaves = tables.leaves_of(*log, i64::MIN, i64::MAX).count() as u64;
            if size != tree.size() as i64 || *frontier != tree.frontier.to_bytes() || leaves != tree.size() {
                return Err(format!(
                    "the head says {size}, there are {leaves} leaves up to {} in shard {log}",
                    tree.size()
                ));
            }
        }
        Ok(())
    }

    /// A shard begins: the one before it is closed, and the note that it keeps of that one is true.
    fn opens(&mut self, log: i64, shard: &Shard) -> Judged {
        let before = self.trees.last_key_value().map(|(log, tree)| (*log, tree.closed, tree.last_checkpoint()));
        let continued = match (&before, &shard.before) {
            (None, None) => true,
            (Some((log, closed, last)), Some((after, note))) => {
                let opened = checkpoint::open(note, &origin_key(&last.origin)).ok();
                *closed && log == after && opened.as_ref() == Some(last)
            }
            _ => false,
        };
        if !continued {
            return Err(format!("shard {log} does not continue the one before it by its row"));
        }
        self.trees.insert(log, Tree::of(shard));
        Ok(())
    }

    fn take(&mut self, place: Place, row: &Leaf, about: Option<About>) -> Judged {
        let (log, index) = place;
        let leaf = Decoded::decode(&row.text).map_err(|error| format!("leaf {place:?} is none: {error}"))?;
        let hash = leaf_hash(row.text.as_bytes());
        if row.index != index || leaf.index() != index as u64 || row.hash != hash {
            return Err(format!("gap: in place {place:?} stands {} with index {}", row.index, leaf.index()));
        }
        if leaf.time() < self.last_time {
            return Err(format!("time goes back at {place:?}: {} after {}", leaf.time(), self.last_time));
        }
        self.last_time = leaf.time();
        if let Some(first) = self.rids.insert(row.rid.clone(), place) {
            return Err(format!("request id twice: {first:?} and {place:?}"));
        }
        if row.transaction.as_ref().is_some_and(|(_, id, _)| !self.transactions.insert(id.clone())) {
            return Err(format!("transaction twice: {place:?}"));
        }
        self.bounds(place, &leaf)?;
        if let Some(tree) = self.trees.get_mut(&log) {
            tree.frontier.push(hash);
            tree.roots.push(tree.frontier.root());
        }
        self.means(position(place) as u64, row, &leaf, about)
    }

    /// Nothing follows the entry that ends a shard, and a later one begins with the entry that continues the one before.
    fn bounds(&mut self, place: Place, leaf: &Decoded) -> Judged {
        let (log, index) = place;
        let before = self.trees.range(..log).next_back().map(|(_, tree)| tree.last_checkpoint());
        let Some(tree) = self.trees.get_mut(&log) else { return Err(format!("leaf {place:?} of no shard")) };
        if tree.closed {
            return Err(format!("entry {place:?} stands after the end of its shard"));
        }
        let first = before.filter(|_| index == 0);
        match boundary(leaf) {
            _ if first.as_ref().is_some_and(|before| !continues(leaf, before)) => {
                Err(format!("shard {log} does not continue the one before it by its first entry"))
            }
            Some(Boundary::Closes) => {
                tree.closed = true;
                Ok(())
            }
            Some(_) if index > 0 => Err(format!("shard {log} is opened twice, by entry {index} too")),
            _ => Ok(()),
        }
    }

    fn means(&mut self, at: u64, row: &Leaf, leaf: &Decoded, about: Option<About>) -> Judged {
        match (leaf.kind(), about) {
            (LeafKind::Release, Some(About::Release { subject, .. })) => {
                if self.restricted.contains(&subject) {
                    return Err(format!("released after a withdrawal: entry {at} of subject {subject}"));
                }
                self.releases.insert(at, (row.replica, row.rid.clone()));
            }
            (_, Some(About::Restrict { subject, set: true })) => _ = self.restricted.insert(subject),
            (_, Some(About::Restrict { subject, set: false })) => _ = self.restricted.remove(&subject),
            (LeafKind::Outcome, _) => {
                let places = leaf.list(LeafKey::Refs).into_iter().flatten();
                let named: Vec<u64> = places.filter_map(|place| self.position_of(place)).collect();
                self.named.extend(named);
            }
            _ => {}
        }
        Ok(())
    }

    /// The position of `<year>-<epoch>:<index>`.
    fn position_of(&self, reference: &str) -> Option<u64> {
        let (name, index) = reference.split_once(':')?;
        Some(position((self.shard(name)?, index.parse().ok()?)) as u64)
    }

    /// The number of a shard by its name.
    pub fn shard(&self, name: &str) -> Option<i64> {
        self.trees.iter().find(|(_, tree)| name_of(&tree.origin) == name).map(|(log, _)| *log)
    }
}
