//! Roots and proofs of random trees against `ct-merkle`.

use async_trait::async_trait;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use sha2::Sha256;
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::{Committed, Head};
use sluis_core::log::proof::{consistency, inclusion, verify_consistency, verify_inclusion};
use sluis_core::log::tree::{leaf_hash, root_of};
use sluis_core::log::{Hash, Millis};
use sluis_core::organisation::Oin;
use sluis_core::ports::{Ledger, StoreError, StoredEntry};
use std::task::{Context, Poll, Waker};

/// Their tree over the same leaves.
pub fn theirs(leaves: &[Vec<u8>]) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    leaves.iter().for_each(|leaf| tree.push(leaf.clone()));
    tree
}

/// A root as they name it.
pub fn their_root(root: Hash, size: u64) -> RootHash<Sha256> {
    RootHash::new(root.into(), size)
}

/// Whether they accept that a leaf is in a tree.
pub fn they_include(leaf: &[u8], index: u64, size: u64, path: &[Hash], root: Hash) -> bool {
    let proof = InclusionProof::try_from_bytes(path.concat()).unwrap();
    their_root(root, size).verify_inclusion(&leaf, index, &proof).is_ok()
}

fn they_extend(from: u64, to: u64, path: &[Hash], old: Hash, new: Hash) -> bool {
    let proof = ConsistencyProof::try_from_bytes(path.concat()).unwrap();
    their_root(new, to).verify_consistency(&their_root(old, from), &proof).is_ok()
}

fn as_hashes(bytes: &[u8]) -> Vec<Hash> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    assert!(rest.is_empty());
    hashes.to_vec()
}

/// Stored hashes as our proofs read them: leaf hashes, and complete sub-trees of 256 and more.
pub struct HashLog(Vec<Hash>);

impl HashLog {
    /// Over these leaves.
    pub fn of(leaves: &[Vec<u8>]) -> Self {
        Self(leaves.iter().map(|leaf| leaf_hash(leaf)).collect())
    }

    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }

    pub fn root(&self, size: u64) -> Hash {
        root_of(&self.0[..size as usize])
    }

    /// Our inclusion proof.
    pub fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
        now(inclusion(self, index, size)).unwrap().unwrap()
    }

    /// Our consistency proof.
    pub fn consistency(&self, from: u64, to: u64) -> Vec<Hash> {
        now(consistency(self, from, to)).unwrap().unwrap()
    }
}

/// Only what proofs read; nothing else is asked.
#[async_trait]
impl Ledger for HashLog {
    async fn append(&self, _drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        Err(StoreError::Unknown { store: "hashes" })
    }
    async fn head(&self) -> Result<Head, StoreError> {
        Err(StoreError::Unknown { store: "hashes" })
    }
    async fn leaves(&self, _from: u64, _count: u32) -> Result<Vec<String>, StoreError> {
        Err(StoreError::Unknown { store: "hashes" })
    }
    async fn leaf_hashes(&self, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        Ok(self.0[from as usize..to as usize].to_vec())
    }
    async fn subtree_hashes(&self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        let width = 1usize << (8 * u32::from(level));
        Ok((from as usize..to as usize).map(|n| root_of(&self.0[n * width..(n + 1) * width])).collect())
    }
    async fn transaction(&self, _oin: &Oin, _id: uuid::Uuid) -> Result<Option<StoredEntry>, StoreError> {
        Ok(None)
    }
    async fn entry(&self, _index: u64) -> Result<Option<StoredEntry>, StoreError> {
        Ok(None)
    }
    async fn keep_checkpoint(&self, _size: u64, _note: &str, _time: Millis) -> Result<(), StoreError> {
        Ok(())
    }
    fn delivered_below(&self, _index: u64) {}
}

fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("hashes in memory never wait"),
    }
}

/// Every single change of a proof: one bit of one hash, one hash less, one more, two in the other order.
pub fn changed(path: &[Hash], bit: usize) -> Vec<Vec<Hash>> {
    let mut all = vec![[path, &[[7; 32]]].concat(), [&[[7; 32]], path].concat()];
    for at in 0..path.len() {
        let mut other = path.to_vec();
        other[at][bit / 8 % 32] ^= 1 << (bit % 8);
        all.push(other);
        let mut shorter = path.to_vec();
        shorter.remove(at);
        all.push(shorter);
        if at > 0 && path[at] != path[at - 1] {
            let mut swapped = path.to_vec();
            swapped.swap(at, at - 1);
            all.push(swapped);
        }
    }
    all
}

fn check_inclusion(leaves: &[Vec<u8>], index: u64, bit: usize) {
    let (log, size) = (HashLog::of(leaves), leaves.len() as u64);
    let (leaf, root) = (&leaves[index as usize], log.root(size));
    let ours = log.inclusion(index, size);
    let other = as_hashes(theirs(leaves).prove_inclusion(index as usize).as_bytes());
    assert_eq!(ours, other, "leaf {index} of {size}");
    let we = |index, path: &[Hash], root| verify_inclusion(&leaf_hash(leaf), index, size, path, &root);
    let they = |index, path: &[Hash], root| they_include(leaf, index, size, path, root);
    assert!(we(index, &other, root) && they(index, &ours, root), "leaf {index} of {size}");
    for path in changed(&ours, bit) {
        assert!(!we(index, &path, root) && !they(index, &path, root), "leaf {index} of {size}: {path:?}");
    }
    let elsewhere = (index + 1) % size;
    if elsewhere != index {
        assert!(!we(elsewhere, &ours, root) && !they(elsewhere, &ours, root), "leaf {index} of {size} at {elsewhere}");
    }
    let mut bent = root;
    bent[bit % 32] ^= 0x10;
    assert!(!we(index, &ours, bent) && !they(index, &ours, bent), "leaf {index} of {size} under another root");
    // A size that is not signed may fit as well: then it must fit for both.
    for wrong in [size - 1, size + 1, size * 2] {
        let we = verify_inclusion(&leaf_hash(leaf), index, wrong, &ours, &root);
        assert_eq!(we, they_include(leaf, index, wrong, &ours, root), "leaf {index} of {size} as of {wrong}");
    }
}

fn check_consistency(leaves: &[Vec<u8>], from: u64, bit: usize) {
    let (log, to) = (HashLog::of(leaves), leaves.len() as u64);
    let (old, new) = (log.root(from), log.root(to));
    let ours = log.consistency(from, to);
    let other = as_hashes(theirs(leaves).prove_consistency((to - from) as usize).as_bytes());
    assert_eq!(ours, other, "{from} to {to}");
    let we = |path: &[Hash], old, new| verify_consistency(from, to, path, &old, &new);
    let they = |path: &[Hash], old, new| they_extend(from, to, path, old, new);
    assert!(we(&other, old, new) && they(&ours, old, new), "{from} to {to}");
    for path in changed(&ours, bit) {
        assert!(!we(&path, old, new) && !they(&path, old, new), "{from} to {to}: {path:?}");
    }
    let bend = |mut root: Hash| {
        root[bit % 32] ^= 0x10;
        root
    };
    assert!(!we(&ours, bend(old), new) && !they(&ours, bend(old), new), "{from} to {to} from another root");
    assert!(!we(&ours, old, bend(new)) && !they(&ours, old, bend(new)), "{from} to {to}, to another root");
}

/// Leaves that differ: of any length, the first bytes their number.
pub fn leaves() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let tails = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..700);
    tails.prop_map(|tails| {
        let numbered = tails.into_iter().zip(0u32..);
        numbered.map(|(tail, number)| [&number.to_be_bytes(), tail.as_slice()].concat()).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_trees_agree_on_every_proof_and_on_every_change_of_it(leaves in leaves(), at in any::<u64>(), bit in 0usize..256) {
        let size = leaves.len() as u64;
        let (theirs, ours) = (theirs(&leaves).root(), HashLog::of(&leaves).root(size));
        prop_assert_eq!(theirs.as_bytes().as_slice(), ours.as_slice());
        check_inclusion(&leaves, at % size, bit);
        check_consistency(&leaves, 1 + at % size, bit);
    }
}

#[test]
fn both_trees_agree_on_every_leaf_of_every_small_tree() {
    let leaves: Vec<Vec<u8>> = (0u8..34).map(|number| vec![number; usize::from(number % 5)]).collect();
    let leaves: Vec<Vec<u8>> = leaves.into_iter().zip(0u8..).map(|(tail, n)| [vec![n], tail].concat()).collect();
    for size in 1..leaves.len() {
        for at in 0..size as u64 {
            check_inclusion(&leaves[..size], at, size);
            check_consistency(&leaves[..size], at + 1, size);
        }
    }
}
