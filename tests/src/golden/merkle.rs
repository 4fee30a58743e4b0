//! The known answers of the RFCs and of the reference tests of Certificate Transparency, listed in
//! `golden/merkle-vectors.txt` with their sources. Both trees must give them: ours, and the one ours is compared with.

use crate::differential::tree::{HashLog, theirs};
use data_encoding::HEXLOWER;
use sluis_core::log::Hash;
use sluis_core::log::proof::{verify_consistency, verify_inclusion};
use sluis_core::log::tree::{leaf_hash, root_of};
use std::collections::BTreeMap;

/// A line of the list: what it is and its words.
struct Line {
    word: String,
    rest: Vec<String>,
}

impl Line {
    fn number(&self, at: usize) -> u64 {
        self.rest[at].parse().unwrap()
    }

    fn hashes(&self) -> Vec<Hash> {
        self.rest[2..].iter().map(|hex| HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()).collect()
    }
}

fn lines() -> Vec<Line> {
    let text = super::read("merkle-vectors.txt");
    let (mut lines, mut sourced) = (Vec::new(), false);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ').map(str::to_owned);
        let Some(word) = words.next().filter(|word| !word.is_empty()) else {
            sourced = false;
            continue;
        };
        assert!(sourced || word == "source", "`{line}` stands under no source");
        sourced = true;
        lines.push(Line { word, rest: words.collect() });
    }
    lines
}

fn of<'l>(lines: &'l [Line], word: &'l str) -> impl Iterator<Item = &'l Line> {
    lines.iter().filter(move |line| line.word == word)
}

fn leaves(lines: &[Line]) -> Vec<Vec<u8>> {
    of(lines, "leaf").map(|line| HEXLOWER.decode(line.rest[0].trim_matches('-').as_bytes()).unwrap()).collect()
}

/// Names and the hashes of the nodes they stand for.
fn nodes(lines: &[Line], hashes: &[Hash]) -> BTreeMap<String, Hash> {
    let node = |line: &Line| {
        let (start, end) = (line.number(1) as usize, line.number(2) as usize);
        (line.rest[0].clone(), root_of(&hashes[start..end]))
    };
    of(lines, "node").map(node).collect()
}

#[test]
fn the_known_roots_are_given_by_both_trees() {
    let lines = lines();
    let leaves = leaves(&lines);
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    assert_eq!((leaves.len(), of(&lines, "root").count()), (8, 9));
    for line in of(&lines, "root") {
        let size = line.number(0) as usize;
        assert_eq!(HEXLOWER.encode(&root_of(&hashes[..size])), line.rest[1], "size {size}");
        assert_eq!(HEXLOWER.encode(theirs(&leaves[..size]).root().as_bytes()), line.rest[1], "size {size}, theirs");
    }
}

#[test]
fn the_known_proofs_are_given_by_both_trees() {
    let lines = lines();
    let leaves = leaves(&lines);
    let log = HashLog::of(&leaves);
    let names = nodes(&lines, log.hashes());
    let path = |line: &Line| match line.word.starts_with("shape") {
        true => line.rest[2..].iter().map(|name| names[name]).collect(),
        false => line.hashes(),
    };
    let mut proofs = 0;
    for line in lines.iter().filter(|line| line.word.ends_with("inclusion")) {
        let (index, size, path) = (line.number(0), line.number(1), path(line));
        assert_eq!(log.inclusion(index, size), path, "leaf {index} of {size}");
        let other = theirs(&leaves[..size as usize]).prove_inclusion(index as usize);
        assert_eq!(other.as_bytes(), path.concat(), "leaf {index} of {size}, theirs");
        let leaf = log.hashes()[index as usize];
        assert!(verify_inclusion(&leaf, index, size, &path, &log.root(size)), "leaf {index} of {size}");
        proofs += 1;
    }
    for line in lines.iter().filter(|line| line.word.ends_with("consistency")) {
        let (from, to, path) = (line.number(0), line.number(1), path(line));
        assert_eq!(log.consistency(from, to), path, "{from} to {to}");
        let other = theirs(&leaves[..to as usize]).prove_consistency((to - from) as usize);
        assert_eq!(other.as_bytes(), path.concat(), "{from} to {to}, theirs");
        assert!(verify_consistency(from, to, &path, &log.root(from), &log.root(to)), "{from} to {to}");
        proofs += 1;
    }
    assert_eq!(proofs, 5 + 5 + 4 + 3);
}
