//! What a client keeps of its replies, and whether an export of the log bears it out.

use super::place::Place;
use super::program::sluis;
use sluis::client::ask::Reply;
use sluis::client::receipts;
use sluis::client::verify::verify_export;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::receipt::verify_text;
use sluis_core::log::tiles::{decode_entries, entries_path};
use sluis_core::log::tree::{Frontier, leaf_hash};
use sluis_core::log::{Hash, LeafKind, checkpoint};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use uuid::Uuid;

/// A verified receipt: the entry, its place, and the signed head that covered it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Under which transaction id.
    pub transaction: Uuid,
    /// The place of the entry.
    pub index: u64,
    /// The entry.
    pub leaf: String,
    /// Size and root of the tree that was signed.
    pub head: (u64, Hash),
}

impl Kept {
    /// Verifies a reply as its recipient does: proof, index, and that the entry commits to exactly the body.
    pub fn of_reply(transaction: Uuid, reply: &Reply, vkey: &str) -> Result<Self, String> {
        receipts::verify(reply, vkey).map_err(|e| e.to_string())?;
        Self::of_receipt(transaction, reply.receipt(), vkey)
    }

    /// Verifies a receipt without a body.
    pub fn of_receipt(transaction: Uuid, receipt: &sluis_proto::v1::Receipt, vkey: &str) -> Result<Self, String> {
        let verified = verify_text(&receipt.proof, vkey).map_err(|e| e.to_string())?;
        if verified.index != receipt.index {
            return Err(format!("the receipt says {}, its proof {}", receipt.index, verified.index));
        }
        let (_, note) = receipt.proof.split_once("\n\n").ok_or("a receipt without a checkpoint")?;
        let head = checkpoint::open(note, vkey).map_err(|e| e.to_string())?;
        Ok(Self { transaction, index: verified.index, leaf: verified.leaf_text, head: (head.size, head.root) })
    }

    /// The place of the entry that this one repeats.
    pub fn repeats(&self) -> Option<u64> {
        let leaf = Leaf::decode(&self.leaf).unwrap();
        leaf.text(Key::Ref).map(|reference| reference.rsplit(':').next().unwrap().parse().unwrap())
    }
}

/// An export that verified, as its entries.
#[derive(Debug)]
pub struct Export {
    /// Every entry.
    pub leaves: Vec<String>,
}

impl Export {
    /// Exports with `sluis log export`, verifies with the client's verifier, and reads the entries.
    pub fn take(place: &Place, dir: &Path, vkey: &str) -> Result<Self, String> {
        let config = place.config();
        let words = [Path::new("log"), Path::new("export"), Path::new("--config"), &config, dir];
        let said = sluis(words);
        if said.status != Some(0) {
            return Err(format!("the export failed: {said:?}"));
        }
        Self::read(dir, vkey)
    }

    /// Verifies an export folder and reads its entries.
    pub fn read(dir: &Path, vkey: &str) -> Result<Self, String> {
        let summary = verify_export(dir, Some(vkey), |_, _| ()).map_err(|e| e.to_string())?;
        let mut leaves = Vec::new();
        while (leaves.len() as u64) < summary.size {
            let done = leaves.len() as u64;
            let width = usize::try_from((summary.size - done).min(256)).map_err(|e| e.to_string())?;
            let bytes = std::fs::read(dir.join(entries_path(done / 256, width))).map_err(|e| e.to_string())?;
            leaves.extend(decode_entries(&bytes).ok_or("a bundle that does not decode")?);
        }
        Ok(Self { leaves })
    }

    /// Whether everything that was kept stands in it, at its place, under a head that it extends.
    pub fn bears_out(&self, kept: &[Kept]) -> Result<(), String> {
        let sizes: BTreeSet<u64> = kept.iter().map(|one| one.head.0).collect();
        let roots = self.roots(&sizes);
        for one in kept {
            let (size, root) = one.head;
            let entry = usize::try_from(one.index).ok().and_then(|index| self.leaves.get(index));
            match entry {
                None => return Err(format!("entry {} of a client's receipt is gone", one.index)),
                Some(entry) if *entry != one.leaf => {
                    return Err(format!("entry {} is not the one in a client's receipt", one.index));
                }
                Some(_) => {}
            }
            match roots.get(&size) {
                None => return Err(format!("the log shrank below {size}, which was signed")),
                Some(now) if *now != root => return Err(format!("the signed head of size {size} is of another log")),
                Some(_) => {}
            }
        }
        self.repeats_refer_to_the_first()
    }

    fn roots(&self, sizes: &BTreeSet<u64>) -> BTreeMap<u64, Hash> {
        let (mut frontier, mut roots) = (Frontier::empty(), BTreeMap::new());
        for leaf in &self.leaves {
            frontier.push(leaf_hash(leaf.as_bytes()));
            if sizes.contains(&frontier.size()) {
                roots.insert(frontier.size(), frontier.root());
            }
        }
        roots
    }

    /// One release without a reference per transaction id; every later one refers to it.
    fn repeats_refer_to_the_first(&self) -> Result<(), String> {
        let mut first: BTreeMap<String, u64> = BTreeMap::new();
        for text in &self.leaves {
            let leaf = Leaf::decode(text).map_err(|e| e.to_string())?;
            let (LeafKind::Release, Some(txn)) = (leaf.kind(), leaf.text(Key::Txn)) else { continue };
            let reference = leaf.text(Key::Ref).and_then(|r| r.rsplit(':').next()).and_then(|r| r.parse::<u64>().ok());
            match (first.get(txn), reference) {
                (None, None) => drop(first.insert(txn.to_owned(), leaf.index())),
                (Some(index), Some(reference)) if *index == reference => {}
                (before, reference) => {
                    let at = leaf.index();
                    return Err(format!("entry {at} repeats {reference:?}; its transaction stands at {before:?}"));
                }
            }
        }
        Ok(())
    }
}
