//! The offline verifier: a whole log passes, and every way to change one is found and named.

use super::fixture::{FixedSigner, MemoryLog, NOW, draft, leaf_of, rid};
use super::tree::defined_root;
use crate::log::LeafKind;
use crate::log::leaf::Key;
use crate::log::tiles::{TILE_WIDTH, Tiler, decode_entries, encode_entries, entries_path, tile_path};
use crate::log::verify::{Finding, LogVerifier, Summary};

/// 12 leaves in three commits, with the checkpoint of each.
fn log() -> (Vec<String>, Vec<String>) {
    let log = MemoryLog::default();
    let mut notes = Vec::new();
    for first in [0, 4, 8] {
        let kinds = [LeafKind::Release, LeafKind::Deny, LeafKind::Consent, LeafKind::Page];
        let drafts = (first..).zip(kinds).map(|(number, kind)| draft(kind, number)).collect();
        log.append_at(NOW + first, drafts).unwrap();
        notes.push(log.checkpoint().note);
    }
    (log.leaves(), notes)
}

fn verify(leaves: &[String], notes: &[String]) -> Result<Summary, Finding> {
    let mut verifier = LogVerifier::new(&FixedSigner::new().vkey())?;
    notes.iter().try_for_each(|note| verifier.checkpoint(note))?;
    leaves.iter().try_for_each(|leaf| verifier.leaf(leaf))?;
    verifier.finish()
}

#[test]
fn a_whole_log_passes_and_is_counted() {
    let (leaves, notes) = log();
    let summary = verify(&leaves, &notes).unwrap();
    assert_eq!((summary.size, summary.checkpoints, summary.last_time), (12, 3, NOW + 8));
    assert_eq!(summary.kinds[&LeafKind::Page], 3);
    assert_eq!(summary.kinds.values().sum::<u64>(), 12);
}

#[test]
fn every_changed_byte_of_every_leaf_is_found() {
    let (leaves, notes) = log();
    for index in 0..leaves.len() {
        for byte in 0..leaves[index].len() {
            let mut changed = leaves.clone();
            let mut bytes = changed[index].clone().into_bytes();
            bytes[byte] ^= 1;
            changed[index] = String::from_utf8(bytes).unwrap();
            assert!(verify(&changed, &notes[2..]).is_err(), "leaf {index}, byte {byte}");
        }
    }
}

#[test]
fn the_place_and_the_sort_of_a_fault_are_named() {
    let (leaves, notes) = log();
    let without = [&leaves[..5], &leaves[6..]].concat();
    assert_eq!(verify(&without, &notes), Err(Finding::OtherIndex { index: 5, says: 6 }));
    let doubled = [&leaves[..6], &leaves[5..]].concat();
    assert_eq!(verify(&doubled, &notes), Err(Finding::OtherIndex { index: 6, says: 5 }));
    assert_eq!(verify(&leaves[..11], &notes), Err(Finding::CutOff { signed: 12, size: 11 }));
    assert_eq!(verify(&leaves, &notes[..2]), Err(Finding::NotSigned { from: 8 }));
    assert_eq!(verify(&leaves, &[]), Err(Finding::NotSigned { from: 0 }));
    let mut rewritten = leaves.clone();
    rewritten[6] = leaf_of(LeafKind::Deny, 77, false).encode(rid(6), 6, NOW + 4).unwrap();
    assert_eq!(verify(&rewritten, &notes), Err(Finding::OtherRoot { size: 8 }));
    assert_eq!(verify(&rewritten, &notes[2..]), Err(Finding::OtherRoot { size: 12 }));
    let mut earlier = leaves.clone();
    earlier[6] = leaf_of(LeafKind::Deny, 6, false).encode(rid(6), 6, NOW - 1).unwrap();
    assert_eq!(verify(&earlier, &notes), Err(Finding::TimeGoesBack { index: 6 }));
    let forward = leaf_of(LeafKind::Release, 6, true).with(Key::Ref, "2026-1:6");
    earlier[6] = forward.encode(rid(6), 6, NOW + 4).unwrap();
    assert_eq!(verify(&earlier, &notes), Err(Finding::RefersForward { index: 6 }));
    let mut garbage = leaves;
    garbage[3] = "{}".to_owned();
    assert!(matches!(verify(&garbage, &notes), Err(Finding::NotALeaf { index: 3, .. })));
}

#[test]
fn two_histories_under_one_key_do_not_pass_together() {
    let (leaves, notes) = log();
    let other = MemoryLog::default();
    other.append_at(NOW, (50..54).map(|number| draft(LeafKind::Deny, number)).collect()).unwrap();
    let forked = vec![other.checkpoint().note];
    for split in [[notes.clone(), forked.clone()].concat(), [forked.clone(), notes.clone()].concat()] {
        assert_eq!(verify(&leaves, &split), Err(Finding::TwoHistories { size: 4 }));
    }
    assert_eq!(verify(&leaves, &[forked, vec![notes[2].clone()]].concat()), Err(Finding::OtherRoot { size: 4 }));
}

#[test]
fn a_checkpoint_after_its_leaves_is_refused() {
    let (leaves, notes) = log();
    let mut verifier = LogVerifier::new(&FixedSigner::new().vkey()).unwrap();
    leaves.iter().try_for_each(|leaf| verifier.leaf(leaf)).unwrap();
    assert_eq!(verifier.checkpoint(&notes[0]), Err(Finding::TooLate { size: 4 }));
    assert_eq!(verifier.checkpoint(&notes[2]), Ok(()));
    assert!(verifier.finish().is_ok());
}

#[test]
fn paths_of_tiles_follow_the_specification() {
    assert_eq!(tile_path(0, 1_234_067, TILE_WIDTH), "tile/0/x001/x234/067");
    assert_eq!(tile_path(2, 5, 7), "tile/2/005.p/7");
    assert_eq!(entries_path(999, 256), "tile/entries/999");
    assert_eq!(entries_path(1000, 1), "tile/entries/x001/000.p/1");
}

#[test]
fn an_export_holds_every_leaf_and_the_hashes_of_the_tree() {
    let log = MemoryLog::default();
    log.grow(600, 200);
    let (leaves, hashes) = (log.leaves(), log.hashes());
    let mut tiler = Tiler::new();
    let mut files: Vec<_> = leaves.iter().flat_map(|leaf| tiler.push(leaf)).collect();
    files.extend(tiler.finish());
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let full = ["tile/entries/000", "tile/0/000", "tile/entries/001", "tile/0/001"];
    assert_eq!(paths, [&full[..], &["tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/002.p/88"]].concat());
    let bytes = |path: &str| files.iter().find(|file| file.path == path).unwrap().bytes.clone();
    assert_eq!(bytes("tile/0/001"), hashes[256..512].concat());
    assert_eq!(bytes("tile/1/000.p/2"), [defined_root(&hashes[..256]), defined_root(&hashes[256..512])].concat());
    let entries = ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"]
        .map(|path| decode_entries(&bytes(path)).unwrap());
    assert_eq!(entries.concat(), leaves);
}

#[test]
fn entries_read_back_and_a_cut_bundle_does_not() {
    let bytes = encode_entries(["a", "", "bc"]);
    assert_eq!(bytes, [0, 1, b'a', 0, 0, 0, 2, b'b', b'c']);
    assert_eq!(decode_entries(&bytes).unwrap(), ["a", "", "bc"]);
    assert_eq!(decode_entries(&bytes[..8]), None);
    assert_eq!(decode_entries(&[0]), None);
    assert_eq!(decode_entries(&[0, 1, 0xff]), None);
}
