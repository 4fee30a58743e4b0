//! What callers have of a log, and whether the log bears it out. Nothing here trusts the gateway: it reads leaves, payloads
//! and hashes, and recomputes.

use crate::conduct::read;
use prost::Message;
use sluis::gateway::Gateway;
use sluis_core::field::{Field, FieldSet};
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::proof::{consistency, inclusion, verify_consistency, verify_inclusion};
use sluis_core::log::receipt::verify_text;
use sluis_core::log::tree::{Frontier, leaf_hash};
use sluis_core::log::{Hash, LeafKind, checkpoint, commitment};
use sluis_proto::v1;
use std::collections::{BTreeMap, BTreeSet};

/// A body that left, with what the recipient has to prove it.
#[derive(Debug, Clone)]
pub struct Left {
    pub about: String,
    pub body: Vec<u8>,
    pub salt: [u8; 32],
    pub receipt: String,
}

/// What callers saw, in the order in which they saw it.
#[derive(Debug, Clone)]
pub enum Event {
    /// Something left.
    Left(Left),
    /// A page of an audit, by its receipt.
    Page(String),
    /// A receipt of an entry that releases nothing.
    Receipt(String),
    /// A withdrawal about somebody returned.
    Withdrawn(String),
    /// What was withdrawn about somebody is being given back; it counts from its beginning.
    Giving(String),
}

/// Everything that callers saw.
#[derive(Debug, Clone, Default)]
pub struct Seen(pub Vec<Event>);

/// What is found wrong: the invariant's own words.
pub type Verdict = Result<(), String>;

/// The log as it is: its leaves, and what checks its signatures.
pub struct Log {
    pub leaves: Vec<String>,
    pub verifier_key: String,
}

impl Log {
    /// Reads a log through its gateway.
    pub async fn of(gateway: &Gateway) -> Self {
        Self { leaves: read::leaves(gateway).await, verifier_key: gateway.verifier_key().to_string() }
    }

    fn decoded(&self) -> Result<Vec<Leaf>, String> {
        self.leaves.iter().map(|text| Leaf::decode(text).map_err(|e| e.to_string())).collect()
    }
}

impl Seen {
    fn left(&self) -> impl Iterator<Item = &Left> {
        self.0.iter().filter_map(|event| if let Event::Left(left) = event { Some(left) } else { None })
    }

    fn receipts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|event| match event {
            Event::Left(Left { receipt, .. }) | Event::Page(receipt) | Event::Receipt(receipt) => {
                Some(receipt.as_str())
            }
            _ => None,
        })
    }

    /// Size and root of every head that was signed and shown, in the order in which they were.
    fn heads(&self, log: &Log) -> Result<Vec<(u64, Hash)>, String> {
        let head = |receipt: &str| {
            let (_, note) = receipt.split_once("\n\n").ok_or("a receipt without a checkpoint")?;
            let opened = checkpoint::open(note, &log.verifier_key).map_err(|e| e.to_string())?;
            Ok((opened.size, opened.root))
        };
        self.receipts().map(head).collect()
    }

    /// 1. Every body that left opens the commitment of a leaf that releases, and that leaf stands at its index.
    pub fn log_before_release(&self, log: &Log) -> Verdict {
        for left in self.left() {
            let said = verify_text(&left.receipt, &log.verifier_key).map_err(|e| e.to_string())?;
            let releases = matches!(said.leaf.kind(), LeafKind::Release | LeafKind::Page | LeafKind::Redelivery);
            let opens = said.leaf.text(Key::Bc) == Some(commitment::body(&left.salt, &left.body).as_str());
            if !releases || !opens {
                return Err(format!("entry {} does not release what left", said.index));
            }
        }
        for receipt in self.receipts() {
            let said = verify_text(receipt, &log.verifier_key).map_err(|e| e.to_string())?;
            if log.leaves.get(usize::try_from(said.index).unwrap()) != Some(&said.leaf_text) {
                return Err(format!("entry {} of a receipt is not in the log", said.index));
            }
        }
        Ok(())
    }

    /// 2. Indices from 0 to the size, each once; one RELEASE per organisation and transaction but for those that refer to it.
    pub fn no_gap_and_no_duplicate(&self, log: &Log) -> Verdict {
        let mut released = BTreeSet::new();
        for (at, leaf) in log.decoded()?.iter().enumerate() {
            if leaf.index() != at as u64 {
                return Err(format!("entry {} stands at {at}", leaf.index()));
            }
            let (LeafKind::Release, Some(txn), None) = (leaf.kind(), leaf.text(Key::Txn), leaf.text(Key::Ref)) else {
                continue;
            };
            if !released.insert((leaf.text(Key::Rp).map(str::to_owned), txn.to_owned())) {
                return Err(format!("entry {at} is the second release under its transaction"));
            }
        }
        Ok(())
    }

    /// 3. Of any two heads that were shown, one is provably the beginning of the other.
    pub async fn append_only(&self, log: &Log, gateway: &Gateway) -> Verdict {
        let mut heads = self.heads(log)?;
        let now = gateway.ledger.head().await.map_err(|e| e.to_string())?;
        heads.push((now.size(), now.root()));
        heads.sort_unstable();
        heads.dedup();
        for pair in heads.windows(2) {
            let [(from, before), (to, after)] = pair else { continue };
            let proof =
                if from == to { None } else { consistency(gateway.ledger.as_ref(), *from, *to).await.ok().flatten() };
            if !proof.is_some_and(|proof| verify_consistency(*from, *to, &proof, before, after)) {
                return Err(format!("the head of {from} is not the beginning of the head of {to}"));
            }
        }
        Ok(())
    }

    /// 4. Every leaf has a proof under the head, and none under another leaf, index, root or proof.
    pub async fn proofs(&self, log: &Log, gateway: &Gateway) -> Verdict {
        let head = gateway.ledger.head().await.map_err(|e| e.to_string())?;
        let (size, root) = (head.size(), head.root());
        for (index, text) in (0u64..).zip(&log.leaves) {
            let proof = inclusion(gateway.ledger.as_ref(), index, size).await.map_err(|e| e.to_string())?;
            let proof = proof.ok_or("a leaf below the head has no proof")?;
            let leaf = leaf_hash(text.as_bytes());
            let verifies =
                |leaf: &Hash, index, proof: &[Hash], root: &Hash| verify_inclusion(leaf, index, size, proof, root);
            if !verifies(&leaf, index, &proof, &root) {
                return Err(format!("the proof of entry {index} does not verify"));
            }
            let mut bent = proof.clone();
            if let Some(byte) = bent.first_mut().and_then(|hash| hash.first_mut()) {
                *byte ^= 1;
            }
            let other = leaf_hash(format!("{text} ").as_bytes());
            let refused = [
                !verifies(&other, index, &proof, &root),
                !verifies(&leaf, index + 1, &proof, &root),
                !verifies(&leaf, index, &proof, &other),
                proof.is_empty() || !verifies(&leaf, index, &bent, &root),
            ];
            if refused.contains(&false) {
                return Err(format!("what is not entry {index} has a proof"));
            }
        }
        Ok(())
    }

    /// 5. A head that was signed is the head of exactly the first leaves of the log, and none is larger than the log.
    pub fn only_committed_heads(&self, log: &Log) -> Verdict {
        let wanted: BTreeMap<u64, BTreeSet<Hash>> =
            self.heads(log)?.into_iter().fold(BTreeMap::new(), |mut all, (size, root)| {
                all.entry(size).or_default().insert(root);
                all
            });
        let (mut tree, mut found) = (Frontier::empty(), 0);
        for text in std::iter::once(None).chain(log.leaves.iter().map(Some)) {
            if let Some(text) = text {
                tree.push(leaf_hash(text.as_bytes()));
            }
            if let Some(signed) = wanted.get(&tree.size()) {
                found += 1;
                if signed.iter().any(|root| *root != tree.root()) {
                    return Err(format!("a head of {} was signed that is not of this log", tree.size()));
                }
            }
        }
        if found == wanted.len() { Ok(()) } else { Err(format!("a head was signed beyond {}", log.leaves.len())) }
    }

    /// 6. The fields in a body are those that its leaf says, and all of them.
    pub fn field_bound(&self, log: &Log) -> Verdict {
        for left in self.left() {
            let said = verify_text(&left.receipt, &log.verifier_key).map_err(|e| e.to_string())?;
            // A page says per item what left; its items are bound to it by their own proofs.
            let Some(said_fields) = said.leaf.text(Key::Fs) else { continue };
            let extract = v1::Extract::decode(left.body.as_slice()).map_err(|e| e.to_string())?;
            let fields: FieldSet = extract.values.iter().filter_map(|value| field(value.field)).collect();
            if extract.values.len() != fields.len() as usize || fields.to_hex() != said_fields {
                return Err(format!("entry {} says fields {said_fields}, and {} left", said.index, fields.to_hex()));
            }
        }
        Ok(())
    }

    /// 9. Nothing leaves about somebody between the return of a withdrawal and the beginning of the next consent.
    pub fn withdrawal_bound(&self) -> Verdict {
        let mut withdrawn = BTreeSet::new();
        for event in &self.0 {
            match event {
                Event::Withdrawn(about) => drop(withdrawn.insert(about)),
                Event::Giving(about) => drop(withdrawn.remove(about)),
                Event::Left(left) if withdrawn.contains(&left.about) => {
                    return Err("something left after the withdrawal returned".to_owned());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What is logged and was not received is marked: every release that nobody has is named by an OUTCOME.
    pub fn undelivered_is_marked(&self, log: &Log) -> Verdict {
        let mut had = BTreeSet::new();
        for receipt in self.receipts() {
            had.insert(verify_text(receipt, &log.verifier_key).map_err(|e| e.to_string())?.index);
        }
        let leaves = log.decoded()?;
        let named: BTreeSet<u64> = leaves
            .iter()
            .filter(|leaf| leaf.kind() == LeafKind::Outcome)
            .flat_map(|leaf| leaf.list(Key::Refs).unwrap_or_default())
            .filter_map(|reference| reference.rsplit(':').next()?.parse().ok())
            .collect();
        let releases = leaves.iter().filter(|leaf| matches!(leaf.kind(), LeafKind::Release | LeafKind::Page));
        let silent: Vec<_> = releases.map(Leaf::index).filter(|i| !had.contains(i) && !named.contains(i)).collect();
        if silent.is_empty() { Ok(()) } else { Err(format!("nobody has {silent:?}, and no OUTCOME names them")) }
    }
}

/// A field by its number on the wire: its bit plus one.
fn field(number: i32) -> Option<Field> {
    u8::try_from(number - 1).ok().and_then(Field::from_bit)
}
