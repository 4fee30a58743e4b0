//! Proofs built from stored rows: they verify, no other does, and they read little.

use super::fixture::{FixedSigner, MemoryLog, NOW, draft, now};
use super::tree::defined_root;
use crate::log::LeafKind;
use crate::log::checkpoint::SignedCheckpoint;
use crate::log::proof::{consistency, inclusion, receipt_for, verify_consistency, verify_inclusion};
use crate::log::receipt::verify_text;
use crate::ports::StoreError;
use proptest::prelude::*;
use std::sync::LazyLock;

static LOG: LazyLock<MemoryLog> = LazyLock::new(|| {
    let log = MemoryLog::default();
    log.grow(1100, 37);
    log
});

fn check_inclusion(index: u64, size: u64) {
    let hashes = LOG.hashes();
    let (leaf, root) = (hashes[index as usize], defined_root(&hashes[..size as usize]));
    let path = now(inclusion(&*LOG, index, size)).unwrap().unwrap();
    assert!(verify_inclusion(&leaf, index, size, &path, &root), "{index} of {size}");
    assert!(!verify_inclusion(&leaf, index + 1, size, &path, &root), "{index} of {size} at another index");
    assert!(!verify_inclusion(&leaf, index, size, &path, &leaf) || size == 1);
    assert!(!verify_inclusion(&root, index, size, &path, &root) || size == 1);
    assert!(!verify_inclusion(&leaf, index, size, &[path.clone(), vec![leaf]].concat(), &root), "longer");
    for at in 0..path.len() {
        let mut other = path.clone();
        other[at][at % 32] ^= 1;
        assert!(!verify_inclusion(&leaf, index, size, &other, &root), "{index} of {size}, hash {at} changed");
        let mut shorter = path.clone();
        shorter.remove(at);
        assert!(!verify_inclusion(&leaf, index, size, &shorter, &root), "{index} of {size} without hash {at}");
    }
}

fn check_consistency(from: u64, to: u64) {
    let hashes = LOG.hashes();
    let (old, new) = (defined_root(&hashes[..from as usize]), defined_root(&hashes[..to as usize]));
    let path = now(consistency(&*LOG, from, to)).unwrap().unwrap();
    assert!(verify_consistency(from, to, &path, &old, &new), "{from} to {to}");
    assert!(!verify_consistency(from, to, &path, &[9; 32], &new), "{from} to {to} from another root");
    assert!(!verify_consistency(from, to, &path, &old, &[9; 32]) || from == 0, "{from} to {to}, another root");
    assert!(!verify_consistency(from, to, &[path.clone(), vec![old]].concat(), &old, &new), "longer");
    for at in 0..path.len() {
        let mut other = path.clone();
        other[at][31 - at % 32] ^= 0x80;
        assert!(!verify_consistency(from, to, &other, &old, &new), "{from} to {to}, hash {at} changed");
        let mut shorter = path.clone();
        shorter.remove(at);
        assert!(!verify_consistency(from, to, &shorter, &old, &new), "{from} to {to} without hash {at}");
    }
}

#[test]
fn every_proof_of_small_trees_verifies_and_no_mutation_does() {
    for size in 1..20 {
        for at in 0..size {
            check_inclusion(at, size);
            check_consistency(at, size);
        }
        check_consistency(size, size);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn proofs_from_rows_verify_and_no_mutation_does(size in 1u64..=1100, at in 0u64..1100) {
        let at = at % size;
        check_inclusion(at, size);
        check_consistency(at, size);
    }
}

/// RFC 9162: a proof ends at the root, neither before nor after it.
#[test]
fn a_proof_that_ends_below_the_root_is_refused() {
    let root = [5; 32];
    assert!(verify_inclusion(&root, 0, 1, &[], &root));
    assert!(!verify_inclusion(&root, 0, 2, &[], &root));
    assert!(!verify_inclusion(&root, 6, 7, &[], &root));
    assert!(verify_consistency(4, 4, &[], &root, &root));
    assert!(!verify_consistency(4, 8, &[], &root, &root));
    assert!(!verify_consistency(3, 8, &[root], &root, &root));
}

#[test]
fn what_is_not_in_the_tree_has_no_proof() {
    assert_eq!(now(inclusion(&*LOG, 7, 7)), Ok(None));
    assert_eq!(now(consistency(&*LOG, 8, 7)), Ok(None));
    let beyond = now(inclusion(&*LOG, 7, 5000));
    assert!(matches!(beyond, Err(StoreError::Corrupt { .. })), "{beyond:?}");
}

#[test]
fn a_proof_reads_at_most_two_short_ranges_per_level() {
    let log = MemoryLog::default();
    log.grow(700, 256);
    for index in [0, 255, 256, 511, 512, 699] {
        let before = log.reads();
        now(inclusion(&log, index, 700)).unwrap().unwrap();
        let read = log.reads() - before;
        assert!(read <= 2 * 513, "{read} hashes");
    }
}

#[test]
fn a_receipt_from_rows_verifies_and_is_the_one_given_at_the_append() {
    let log = MemoryLog::default();
    log.grow(300, 50);
    let committed = log.append_at(NOW, (300..310).map(|number| draft(LeafKind::Release, number)).collect()).unwrap();
    let checkpoint = log.checkpoint();
    let vkey = FixedSigner::new().vkey();
    for (number, receipt) in (300..310).zip(committed.receipts(&checkpoint)) {
        let fresh = receipt.unwrap().text();
        let stored = now(receipt_for(&log, number, &checkpoint)).unwrap().unwrap().text();
        assert_eq!(fresh, stored);
        assert_eq!(verify_text(&fresh, &vkey).unwrap().index, number);
    }
    assert!(now(receipt_for(&log, 310, &checkpoint)).unwrap().is_none());
}

#[test]
fn no_receipt_is_made_from_a_row_that_was_changed() {
    let log = MemoryLog::default();
    log.grow(20, 20);
    let checkpoint = log.checkpoint();
    log.replace_hash(3, [1; 32]);
    let receipt = now(receipt_for(&log, 2, &checkpoint));
    assert!(matches!(receipt, Err(StoreError::Corrupt { .. })), "{receipt:?}");
    let other = SignedCheckpoint { root: [2; 32], ..checkpoint };
    assert!(now(receipt_for(&log, 2, &other)).is_err());
}
