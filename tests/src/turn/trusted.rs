//! Whose key an export is verified with: one that was signed by somebody else verifies with the key that lies in it.

use super::{child, record};
use crate::conduct::{House, caseload};
use crate::journey::consistency::{entries, python};
use crate::journey::program::sluis;
use sluis::anchor;
use sluis::compose::{self, Assembled, assemble_at};
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_core::log::checkpoint::{key_name, sign, verifier_key};
use sluis_core::log::finalise::Head;
use sluis_core::log::tree::{Frontier, leaf_hash};
use sluis_core::ports::Signer;
use std::path::Path;
use std::sync::Arc;

/// Signs the tree of an export with a key of somebody else, and puts that beside it.
fn sign_anew(dir: &Path, origin: &str) {
    let other = Ed25519Signer::generate(&dir.join("other.key"), &OsEntropy).unwrap();
    let mut frontier = Frontier::empty();
    entries(dir).iter().for_each(|text| frontier.push(leaf_hash(text.as_bytes())));
    let head = Head { origin: origin.to_owned(), shard: 0, frontier, last_time: 0 };
    std::fs::write(dir.join("checkpoint"), sign(&head, &other).note).unwrap();
    std::fs::write(dir.join("checkpoints"), "").unwrap();
    std::fs::write(dir.join("vkey"), format!("{}\n", verifier_key(origin, &other.public_key()))).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_somebody_else_signed_verifies_only_with_its_own_key_which_is_named() {
    let house = House::build(1).await;
    let Assembled { gateway, anchor, .. } = assemble_at(&house.config, Arc::new(SystemClock)).await.unwrap();
    record(&gateway, child(0), caseload(true)).await;
    anchor::keep(&gateway.recorder, &anchor, &gateway.conditions).await.unwrap();
    let key = compose::verifier_key(&house.config).unwrap();
    let [ours, theirs] = ["ours", "theirs"].map(|name| house.config.log.signing_key.with_file_name(name));
    for dir in [&ours, &theirs] {
        compose::export_log(&house.config, dir).await.unwrap();
    }
    sign_anew(&theirs, key_name(&key).unwrap());
    let words = |command: &[&str], dir: &Path| -> Vec<String> {
        let (dir, command) = (dir.display().to_string(), command.iter().map(ToString::to_string));
        let dirs = if command.clone().any(|word| word == "consistency") { vec![dir.clone(), dir] } else { vec![dir] };
        command.chain(dirs).collect()
    };
    for command in ["verify", "log", "policy", "consistency"] {
        for (dir, trusted) in [(&ours, Some(0)), (&theirs, Some(1))] {
            let own = std::fs::read_to_string(dir.join("vkey")).unwrap().trim().to_owned();
            let run = |more: &[&str]| {
                if command == "log" {
                    let all = words(&["log"], dir);
                    return python(&all.iter().map(String::as_str).chain(more.iter().copied()).collect::<Vec<_>>());
                }
                let said = sluis(words(&["log", command], dir).into_iter().chain(more.iter().map(ToString::to_string)));
                (said.status, said.out + &said.err)
            };
            let (status, said) = run(&[]);
            let named = said.contains("the key was taken from the export") && said.contains(&own);
            assert!(status == Some(0) && named, "{command}: {said}");
            let (status, said) = run(&["--vkey", &key]);
            assert_eq!(status, trusted, "{command}: {said}");
            assert!(!said.contains("was taken from the export"), "{command}: {said}");
            if matches!(command, "policy" | "consistency") {
                let all = words(&[command], dir);
                let all: Vec<&str> = all.iter().map(String::as_str).collect();
                let (status, said) = python(&all);
                assert!(status == Some(0) && said.contains("the key was taken from the export"), "{command}: {said}");
                let (status, said) = python(&[&all[..], &["--vkey", &key]].concat());
                assert_eq!(status, trusted, "{command}: {said}");
            }
        }
    }
}
