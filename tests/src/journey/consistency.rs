//! `sluis log consistency`: two views of one log are one history, or both are named; the second implementation agrees.

use super::load::partner;
use super::place::{Place, copy};
use super::program::{Said, sluis};
use sluis::demo::organisations::Organisation;
use sluis_adapters::signer::Ed25519Signer;
use sluis_core::log::checkpoint;
use sluis_core::log::finalise::Head;
use sluis_core::log::tiles::{Tiler, decode_entries};
use sluis_core::log::tree::{Frontier, leaf_hash};
use std::path::Path;
use std::process::Command;

fn compare(place: &Place, words: &[&str]) -> Said {
    let place_of = |word: &&str| match word.strip_prefix('/') {
        Some(file) if !Path::new(word).starts_with(&place.dir) => place.file(file).display().to_string(),
        _ => (*word).to_owned(),
    };
    sluis(["log".to_owned(), "consistency".to_owned()].into_iter().chain(words.iter().map(place_of)))
}

/// An export of what is there now.
pub fn export(place: &Place, name: &str) {
    let [config, dir] = [place.config(), place.file(name)].map(|path| path.display().to_string());
    let said = sluis(["log", "export", "--config", &config, &dir]);
    assert_eq!(said.status, Some(0), "{said:#?}");
}

/// Asks as a partner, and gives the receipt that was kept.
pub fn ask(place: &Place, organisation: &Organisation) -> String {
    let [profile, kept] = [place.profile_file(organisation), place.file("kept")].map(|path| path.display().to_string());
    let words = ["ask", "--profile", &profile, "--client", "KR-0000001", "--purpose", "TREATMENT", "--actor", "w-1"];
    let said = sluis(words.into_iter().chain(["--keep", &kept]));
    assert_eq!(said.status, Some(1), "nobody is on the case: {said:#?}");
    said.out.lines().find_map(|line| line.strip_prefix("kept      ")).unwrap().to_owned()
}

/// The export of another history, in which the first refusal says something else, signed with the same key: what a stolen
/// key or a holder who cheats can make. Gives the index of that refusal.
pub fn rewritten(place: &Place, from: &str, to: &str, change: impl Fn(&str) -> String) -> u64 {
    let (source, target) = (place.file(from), place.file(to));
    copy(&source, &target).unwrap();
    let mut leaves = entries(&source);
    let at = leaves.iter().position(|leaf| leaf.contains("\"k\":\"DENY\"")).unwrap();
    let other = change(&leaves[at]);
    assert_ne!(other, leaves[at], "nothing was changed");
    leaves[at] = other;
    let mut tiler = Tiler::new();
    let mut frontier = Frontier::empty();
    let write = |files: Vec<sluis_core::log::tiles::TileFile>| {
        files.iter().for_each(|file| std::fs::write(target.join(&file.path), &file.bytes).unwrap());
    };
    for leaf in &leaves {
        write(tiler.push(leaf));
        frontier.push(leaf_hash(leaf.as_bytes()));
    }
    write(tiler.finish());
    let origin = std::fs::read_to_string(source.join("checkpoint")).unwrap().lines().next().unwrap().to_owned();
    let signer = Ed25519Signer::read(&place.config_read().log.signing_key).unwrap();
    let signed = checkpoint::sign(&Head { origin, shard: 0, frontier, last_time: 0 }, &signer);
    std::fs::write(target.join("checkpoint"), &signed.note).unwrap();
    std::fs::write(target.join("checkpoints"), "").unwrap();
    at as u64
}

/// The entries of an export.
pub fn entries(export: &Path) -> Vec<String> {
    let mut files: Vec<_> = crate::world::files(&export.join("tile/entries"), &[]);
    files.sort_by_key(|(name, _)| name.split('.').next().unwrap().to_owned());
    files.iter().flat_map(|(_, bytes)| decode_entries(bytes).unwrap()).collect()
}

/// What the second implementation says.
pub fn python(words: &[&str]) -> (Option<i32>, String) {
    let python = std::env::var("SLUIS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("verify.py");
    let out = Command::new(python).arg(script).args(words).env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
    let said = [out.stdout, out.stderr].concat();
    (out.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn one_history_is_proven_and_two_are_named() {
    let place = Place::new("consistency");
    let gateway = place.serve();
    let early = ask(&place, &partner());
    export(&place, "old");
    for _ in 0..3 {
        ask(&place, &partner());
    }
    let late = ask(&place, &partner());
    export(&place, "new");
    gateway.signal("INT");
    assert_eq!(gateway.end().status, Some(0));

    for pair in [["/old", "/new"], ["/old/checkpoint", "/new"], [early.as_str(), "/new"]] {
        let said = compare(&place, &pair);
        assert_eq!(said.status, Some(0), "{pair:?}: {said:#?}");
        assert!(said.out.trim_end().ends_with("hashes: consistent"), "{}", said.out);
    }
    let same = compare(&place, &["/new", "/new/checkpoint"]);
    assert!(same.status == Some(0) && same.out.contains("both are of the same"), "{same:#?}");
    for pair in [[early.as_str(), late.as_str()], [late.as_str(), early.as_str()]] {
        let said = compare(&place, &[&pair[..], &["--export", "/new"]].concat());
        assert!(said.status == Some(0) && said.out.contains(" extend "), "{pair:?}: {said:#?}");
    }
    what_is_missing_is_named(&place, &early, &late);
    two_histories_are_named(&place, &late);
}

fn what_is_missing_is_named(place: &Place, early: &str, late: &str) {
    let vkey = place.file("new/vkey").display().to_string();
    for (words, says) in [
        (vec![early, late], "--vkey"),
        (vec![early, late, "--vkey", &vkey], "name an export of at least"),
        (vec!["/old/checkpoint", "/new/checkpoint", "--export", "/old"], "export again"),
        (vec!["/old", "/absent"], "absent"),
    ] {
        let said = compare(place, &words);
        assert_eq!((said.status, said.out.as_str()), (Some(2), ""), "{words:?}: {said:#?}");
        assert!(said.err.contains(says), "{words:?}: `{says}` is not in: {}", said.err);
    }
    let said = compare(place, &["/new", "/old"]);
    assert!(said.status == Some(1) && said.out.contains("entries are missing"), "{said:#?}");
}

fn two_histories_are_named(place: &Place, late: &str) {
    let at = rewritten(place, "new", "other", |leaf| leaf.replacen("NOT_PERMITTED", "NOT_PERMITTEE", 1));
    let [old, new, other] = ["old", "new", "other"].map(|name| place.file(name).display().to_string());
    let alone = sluis(["log", "verify", &other]);
    assert_eq!(alone.status, Some(0), "the other history must be sound in itself: {alone:#?}");
    for first in ["/old", "/new"] {
        let said = compare(place, &[first, "/other"]);
        assert_eq!(said.status, Some(1), "{said:#?}");
        let place_of = format!("entry {at} is the first that differs");
        assert!(said.out.starts_with("NOT CONSISTENT: the log has shown two histories"), "{}", said.out);
        assert!(said.out.contains(&place_of), "{}", said.out);
        assert!(said.out.contains(&other) && said.out.contains(place.file(&first[1..]).to_str().unwrap()));
    }
    let said = compare(place, &[late, "/other"]);
    assert!(said.status == Some(1) && said.out.contains("two histories"), "{said:#?}");
    assert!(said.out.contains(late) && said.out.contains(&other), "both are named: {}", said.out);
    let (status, text) = python(&["consistency", &old, &new]);
    assert_eq!(status, Some(0), "{text}");
    let (status, text) = python(&["consistency", &old, &other]);
    assert!(status == Some(1) && text.contains("does not extend"), "{text}");

    // A tile that was changed is a damaged export, not another history.
    let tile = place.file("new/tile/0");
    let tile = crate::world::files(&tile, &[]).remove(0).0;
    let tile = place.file("new/tile/0").join(tile);
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    let said = compare(place, &["/old", "/new"]);
    assert!(said.status == Some(1) && said.out.contains("run `sluis log verify"), "{said:#?}");
}
