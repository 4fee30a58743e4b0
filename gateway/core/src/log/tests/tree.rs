//! The tree of RFC 6962: known roots, and the frontier and the growth against the definition.

use crate::log::Hash;
use crate::log::growth::Growth;
use crate::log::proof::verify_inclusion;
use crate::log::tree::{Frontier, leaf_hash, node_hash, root_of, sha256};
use data_encoding::HEXLOWER;
use proptest::prelude::*;

/// `MTH` exactly as RFC 6962 §2.1 defines it.
pub fn defined_root(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => sha256(&[]),
        [alone] => *alone,
        _ => {
            let (left, right) = hashes.split_at(1 << (hashes.len() - 1).ilog2());
            node_hash(&defined_root(left), &defined_root(right))
        }
    }
}

pub fn numbered(count: usize) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

/// The tree that the test-suites of Certificate Transparency use.
#[test]
fn roots_of_the_eight_leaves_of_rfc_6962() {
    let inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let leaves: Vec<Hash> = inputs.iter().map(|hex| leaf_hash(&HEXLOWER.decode(hex.as_bytes()).unwrap())).collect();
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    for (size, root) in roots.iter().enumerate() {
        assert_eq!(HEXLOWER.encode(&root_of(&leaves[..size])), *root, "size {size}");
    }
}

#[test]
fn a_frontier_survives_storage_and_refuses_another_number_of_hashes() {
    let mut frontier = Frontier::empty();
    for (size, hash) in numbered(300).into_iter().enumerate() {
        let bytes = frontier.to_bytes();
        assert_eq!(Frontier::from_parts(size as u64, &bytes), Some(frontier.clone()));
        assert_eq!(Frontier::from_parts(size as u64 + (1 << 40), &bytes), None);
        assert_eq!(Frontier::from_parts(size as u64, &[bytes, vec![0]].concat()), None);
        frontier.push(hash);
    }
}

fn check_growth(before: usize, added: usize) {
    let hashes = numbered(before + added);
    let mut old = Frontier::empty();
    hashes[..before].iter().for_each(|hash| old.push(*hash));
    let growth = Growth::new(&old, hashes[before..].to_vec());
    let root = defined_root(&hashes);
    let mut pushed = old;
    hashes[before..].iter().for_each(|hash| pushed.push(*hash));
    assert_eq!(growth.frontier(), pushed, "{before}+{added}");
    assert_eq!(pushed.root(), root, "{before}+{added}");
    for index in before..before + added {
        let (path, size) = (growth.path(index as u64), hashes.len() as u64);
        assert!(verify_inclusion(&hashes[index], index as u64, size, &path, &root), "{before}+{added} leaf {index}");
    }
    let subtrees = growth.subtrees();
    let numbers: Vec<u64> = subtrees.iter().map(|row| row.number).collect();
    let expected: Vec<u64> = ((before / 256) as u64..((before + added) / 256) as u64).collect();
    assert_eq!(numbers, expected, "{before}+{added}");
    for row in subtrees {
        let from = row.number as usize * 256;
        assert_eq!((row.level, row.hash), (1, defined_root(&hashes[from..from + 256])));
    }
}

#[test]
fn growth_is_the_tree_of_the_definition_for_every_small_size() {
    for before in 0..34 {
        for added in 1..34 {
            check_growth(before, added);
        }
    }
}

#[test]
fn growth_finishes_sub_trees_of_both_stored_levels() {
    let mut old = Frontier::empty();
    let hashes = numbered(65_536);
    hashes[..65_500].iter().for_each(|hash| old.push(*hash));
    let rows = Growth::new(&old, hashes[65_500..].to_vec()).subtrees();
    let places: Vec<(u8, u64)> = rows.iter().map(|row| (row.level, row.number)).collect();
    assert_eq!(places, [(1, 255), (2, 0)]);
    assert_eq!(rows[1].hash, defined_root(&hashes));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn growth_is_the_tree_of_the_definition(before in 0usize..600, added in 1usize..300) {
        check_growth(before, added);
    }
}
