//! Recomputes a log from its rows: every leaf, hash, column, sub-tree and page, in order and in constant memory.
//!
//! Pure: whoever reads the rows hands them over and asks what is wrong. It promises to find every row that says something
//! else than its leaf, and every leaf that is not the one under the head. Whether a tree that is whole is also the one that
//! was signed is compared by whoever has the checkpoints.

use super::leaf::{Key, Leaf};
use super::page::PageBlob;
use super::shard::{Shard, index_of, name_of, number_of};
use super::tree::{Frontier, leaf_hash};
use super::{Hash, LeafKind, Millis};
use crate::upkeep::LeafRow;
use std::fmt;
use std::sync::Arc;

/// Leaves under one stored hash of the first level, and hashes under one of the next.
const WIDTH: u64 = 256;

/// How grave a finding is (A27).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grave {
    /// Beside the tree: a payload, a search column, the subject index, a kept note. An alarm; what is released stays provable.
    Beside,
    /// A leaf, hash, head, sub-tree or row of state of the open shard: nothing may be released upon it.
    Open,
}

/// Something that is not what it must be. Never personal data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// In which table.
    pub table: &'static str,
    /// At which index in its shard, or the number of the row where it is not one of a leaf.
    pub index: u64,
    /// The name of that shard, `<year>-<epoch>`; `None` where it is in none, or that is not told.
    pub shard: Option<Arc<str>>,
    /// What is wrong, for people.
    pub what: &'static str,
    /// How grave.
    pub grave: Grave,
    /// Whether it is of what the log stands on, also in a closed shard, where it is an alarm: what halted a log may stand there by now,
    /// and nobody lifts a halt with it.
    pub load_bearing: bool,
}

impl Found {
    /// A finding that stops this replica.
    #[must_use]
    pub const fn open(table: &'static str, index: u64, what: &'static str) -> Self {
        Self { table, index, shard: None, what, grave: Grave::Open, load_bearing: true }
    }

    /// A finding that raises an alarm.
    #[must_use]
    pub const fn beside(table: &'static str, index: u64, what: &'static str) -> Self {
        Self { table, index, shard: None, what, grave: Grave::Beside, load_bearing: false }
    }

    /// The same in the shard of this origin.
    #[must_use]
    pub fn within(self, origin: &str) -> Self {
        Self { shard: Some(name_of(origin).into()), ..self }
    }

    /// The same where the index is a position, in whichever of these shards that is.
    #[must_use]
    pub fn placed(self, shards: &[Shard]) -> Self {
        let shard = shards.iter().find(|shard| shard.head.shard == number_of(self.index));
        match shard {
            Some(shard) => Self { index: index_of(self.index), ..self }.within(&shard.head.origin),
            None => self,
        }
    }
}

impl fmt::Display for Found {
    /// For people: the table, the place as in `ref`, and what is wrong.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, index, what, .. } = self;
        match &self.shard {
            Some(shard) => write!(f, "`{table}` at {shard}:{index}: {what}"),
            None => write!(f, "`{table}` at {index}: {what}"),
        }
    }
}

/// A hash that must be stored: level, number, hash.
pub type Subtree = (u8, u64, Hash);

/// Where the recomputation stands.
#[derive(Debug, Clone)]
pub struct Walk {
    tree: Frontier,
    last_time: Millis,
    /// The sub-tree of each level that is not complete yet.
    open: Vec<Frontier>,
}

impl Default for Walk {
    fn default() -> Self {
        Self { tree: Frontier::empty(), last_time: 0, open: Vec::new() }
    }
}

impl Walk {
    /// Number of leaves seen.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The tree over the leaves seen.
    #[must_use]
    pub const fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// Time of the last leaf.
    #[must_use]
    pub const fn last_time(&self) -> Millis {
        self.last_time
    }

    /// Takes the row that must be next. Gives its leaf, where it is one, and adds what is wrong and which sub-trees are complete.
    pub fn row(&mut self, row: &LeafRow, wrong: &mut Vec<Found>, complete: &mut Vec<Subtree>) -> Option<Leaf> {
        let index = self.size();
        let hash = leaf_hash(row.leaf.as_bytes());
        if hash != row.hash {
            wrong.push(Found::open("log_leaf", index, "the stored hash is not that of the leaf"));
        }
        // The stored hash goes on, so that one changed text is one finding; what it does not fit shows at the head.
        self.push(row.hash, complete);
        let Ok(leaf) = Leaf::decode(&row.leaf) else {
            wrong.push(Found::open("log_leaf", index, "the text is not a leaf"));
            return None;
        };
        if leaf.index() != index || row.index != index {
            wrong.push(Found::open("log_leaf", index, "the leaf says another index"));
        }
        if leaf.time() < self.last_time {
            wrong.push(Found::open("log_leaf", index, "time goes back"));
        }
        self.last_time = self.last_time.max(leaf.time());
        wrong.extend(columns(&leaf, row).map(|what| Found::beside("log_leaf", index, what)));
        Some(leaf)
    }

    fn push(&mut self, hash: Hash, complete: &mut Vec<Subtree>) {
        self.tree.push(hash);
        let (mut hash, mut number) = (hash, self.tree.size());
        for level in 1u8.. {
            let at = usize::from(level) - 1;
            if self.open.len() == at {
                self.open.push(Frontier::empty());
            }
            let Some(open) = self.open.get_mut(at) else { return };
            open.push(hash);
            if open.size() < WIDTH {
                return;
            }
            (hash, number) = (open.root(), number / WIDTH);
            *open = Frontier::empty();
            complete.push((level, number - 1, hash));
        }
    }
}

/// The columns that say something else than the leaf.
fn columns(leaf: &Leaf, row: &LeafRow) -> impl Iterator<Item = &'static str> {
    let uuid = |text: &str| uuid::Uuid::try_parse(text).ok().map(uuid::Uuid::into_bytes);
    // A MANUAL leaf names whom was told; who recorded it, and under which transaction, stands in its payload.
    let manual = leaf.kind() == LeafKind::Manual;
    let transaction = leaf.text(Key::Txn).and_then(uuid).or(row.transaction);
    let checks = [
        (row.kind == Some(leaf.kind()), "column `kind` is not the kind of the leaf"),
        (row.time == Some(leaf.time()), "column `t` is not the time of the leaf"),
        (uuid(leaf.rid()) == Some(row.rid), "column `rid` is not the request id of the leaf"),
        (manual || row.oin.as_deref() == leaf.text(Key::Rp), "column `oin` is not the organisation of the leaf"),
        (
            row.transaction.is_none() || row.transaction == transaction,
            "column `txn` is not the transaction of the leaf",
        ),
        (row.transaction.is_some() == row.digest, "columns `txn` and `digest` are not there together"),
        (row.whole, "columns `key_id` and `ct` are not there together"),
    ];
    checks.into_iter().filter_map(|(sound, what)| (!sound).then_some(what))
}

/// What is wrong with the items of a page, by the stored bytes; `None` when they are those of the leaf.
#[must_use]
pub fn page(leaf: &Leaf, blob: Option<&[u8]>) -> Option<Found> {
    let wrong = |what| Some(Found::beside("page_blob", leaf.index(), what));
    let Some(blob) = blob else { return wrong("the items of the page are gone") };
    let Ok(items) = PageBlob::from_bytes(blob) else { return wrong("the items of the page cannot be read") };
    let same = leaf.text(Key::Sr) == Some(items.sub_root().as_str()) && leaf.number(Key::N) == Some(items.len() as u64);
    if same { None } else { wrong("the items of the page are not those of its leaf") }
}

#[cfg(test)]
mod tests {
    use super::super::tree::root_of;
    use super::*;

    #[test]
    fn complete_sub_trees_come_out_at_their_level_and_number() {
        let hashes: Vec<Hash> = (0..65_536u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let (mut walk, mut complete) = (Walk::default(), Vec::new());
        hashes.iter().for_each(|hash| walk.push(*hash, &mut complete));
        let firsts: Vec<Hash> = hashes.chunks(256).map(root_of).collect();
        let (last, first) = complete.split_last().unwrap();
        assert!(first.iter().zip(&firsts).zip(0u64..).all(|((c, hash), n)| *c == (1, n, *hash)), "level 1");
        assert_eq!((*last, first.len()), ((2, 0, root_of(&hashes)), 256));
        assert_eq!(walk.tree().root(), root_of(&hashes));
    }
}
