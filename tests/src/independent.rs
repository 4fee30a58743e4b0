//! Two implementations, one log: what the core writes, the Python verifier accepts; what is changed, both refuse.
//!
//! `SLUIS_PYTHON` names an interpreter with `cryptography` (`tests/run.sh` makes one); else `python3` is asked.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use sluis_core::log::LeafKind;
use sluis_core::log::draft::{Draft, RequestId};
use sluis_core::log::finalise::{Head, Snapshot, finalise};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::tiles::Tiler;
use sluis_core::log::tree::Frontier;
use sluis_core::log::verify::LogVerifier;
use sluis_core::log::{checkpoint, receipt};
use sluis_core::ports::Signer;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ORIGIN: &str = "sluis-log.kracht.example/00000099000000001000/2026-1";
const BATCHES: u64 = 13;
const BATCH: u64 = 50;

struct Key25519(Ed25519KeyPair);

impl Signer for Key25519 {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().unwrap()
    }
}

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sluis-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn verify(arguments: &[&str]) -> Output {
    let python = std::env::var("SLUIS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("verify.py");
    let out = Command::new(&python).arg(script).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1").output();
    out.unwrap_or_else(|e| panic!("{python}: {e}; run tests/run.sh, which makes an environment"))
}

fn accepted(arguments: &[&str], words: &str) {
    let out = verify(arguments);
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.contains(words), "{arguments:?}: {said}");
}

fn refused(arguments: &[&str], words: &str) {
    let out = verify(arguments);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(said.contains(words), "{arguments:?}: {said}");
}

fn draft(number: u64) -> Draft {
    Draft::new(
        RequestId(uuid::Uuid::from_u128(u128::from(number))),
        ORIGIN.into(),
        LeafDraft::new(LeafKind::Admin).with(Key::Rs, "TEST"),
    )
}

/// The notes after each batch, and the receipts of the last batch.
struct Written {
    vkey: String,
    notes: Vec<String>,
    leaves: Vec<String>,
    receipts: Vec<String>,
}

/// Writes an export as the gateway does: batch by batch, with a checkpoint after each.
fn export(folder: &Folder) -> Written {
    let signer = Key25519(Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap());
    let vkey = checkpoint::verifier_key(ORIGIN, &signer.public_key());
    let mut head = Head { origin: ORIGIN.to_owned(), shard: 0, frontier: Frontier::empty(), last_time: 0 };
    let mut written = Written { vkey, notes: Vec::new(), leaves: Vec::new(), receipts: Vec::new() };
    let mut tiler = Tiler::new();
    for batch in 0..BATCHES {
        let drafts = (batch * BATCH..(batch + 1) * BATCH).map(draft).collect::<Vec<_>>();
        let nothing = Snapshot::default();
        let finalised = finalise(&head, nothing, 1000 + batch, &drafts).unwrap();
        head = finalised.head().clone();
        for entry in finalised.entries() {
            tiler.push(&entry.text).iter().for_each(|file| drop(folder.write(&file.path, &file.bytes)));
            written.leaves.push(entry.text.clone());
        }
        let signed = checkpoint::sign(&head, &signer);
        let receipts = finalised.committed().receipts(&signed);
        written.receipts = receipts.into_iter().flatten().map(|receipt| receipt.text()).collect();
        written.notes.push(signed.note);
    }
    tiler.finish().iter().for_each(|file| drop(folder.write(&file.path, &file.bytes)));
    folder.write("vkey", format!("{}\n", written.vkey));
    folder.write("checkpoint", written.notes.last().unwrap());
    folder.write("checkpoints", written.notes.join("---\n"));
    written
}

#[test]
fn both_accept_what_is_whole_and_refuse_what_is_changed() {
    let folder = Folder::new("independent");
    let written = export(&folder);
    let dir = folder.0.to_str().unwrap();
    accepted(&["log", dir], "650 entries");
    assert!(ours(&written.vkey, &written.notes, &written.leaves).is_ok());

    let old = folder.write("old", &written.notes[4]);
    let new = folder.write("new", &written.notes[11]);
    accepted(&["consistency", old.to_str().unwrap(), new.to_str().unwrap(), dir], "600 entries extend 250");
    refused(&["consistency", new.to_str().unwrap(), old.to_str().unwrap(), dir], "shrunk");

    accepted(&["consistency", old.to_str().unwrap(), dir], "650 entries extend 250");
    let receipt = folder.write("a-receipt", &written.receipts[7]);
    accepted(&["consistency", old.to_str().unwrap(), receipt.to_str().unwrap(), dir], "650 entries extend 250");
    let forged = folder.write("forged", written.notes[4].replacen("\n250\n", "\n251\n", 1));
    refused(&["consistency", forged.to_str().unwrap(), dir], "signature");

    let bundle = folder.0.join("tile/entries/001");
    let mut bytes = std::fs::read(&bundle).unwrap();
    let at = bytes.windows(4).position(|w| w == b"TEST").unwrap();
    bytes[at] = b'B';
    std::fs::write(&bundle, bytes).unwrap();
    refused(&["log", dir], "does not belong");
    let mut leaves = written.leaves.clone();
    leaves[256] = leaves[256].replace("TEST", "BEST");
    assert!(ours(&written.vkey, &written.notes, &leaves).is_err());
}

#[test]
fn both_accept_the_same_receipts() {
    let folder = Folder::new("receipts");
    let written = export(&folder);
    assert_eq!(written.receipts.len() as u64, BATCH);
    for text in [&written.receipts[0], &written.receipts[49]] {
        let file = folder.write("receipt", text);
        accepted(&["receipt", file.to_str().unwrap(), "--vkey", &written.vkey], "of 650");
        receipt::verify_text(text, &written.vkey).unwrap();
        let other = text.replacen("index 6", "index 5", 1);
        let file = folder.write("receipt", &other);
        refused(&["receipt", file.to_str().unwrap(), "--vkey", &written.vkey], "another index");
        assert!(receipt::verify_text(&other, &written.vkey).is_err());
    }
}

fn ours(vkey: &str, notes: &[String], leaves: &[String]) -> Result<(), String> {
    let mut verifier = LogVerifier::new(vkey).map_err(|e| e.to_string())?;
    notes.iter().try_for_each(|note| verifier.checkpoint(note)).map_err(|e| e.to_string())?;
    leaves.iter().try_for_each(|leaf| verifier.leaf(leaf)).map_err(|e| e.to_string())?;
    verifier.finish().map(drop).map_err(|e| e.to_string())
}
