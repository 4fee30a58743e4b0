//! Receipts of random logs, taken apart and verified with the other implementations only: the note by `signed_note`, the
//! path by `ct-merkle`. And the reverse: a receipt put together from their proof and their signature verifies here.

use super::note::{ORIGIN, Seeded, they_open};
use super::tree::{changed, theirs, they_include};
use crate::contract::draft::refusal;
use data_encoding::BASE64;
use proptest::prelude::*;
use sluis_core::log::Hash;
use sluis_core::log::checkpoint::sign;
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::{Head, Snapshot, finalise};
use sluis_core::log::receipt::verify_text;
use sluis_core::log::tree::Frontier;

/// A receipt as its specification says (C2SP tlog-proof): leaf, index, path, note.
struct Parts {
    leaf: String,
    index: u64,
    path: Vec<Hash>,
    note: String,
}

impl Parts {
    fn of(receipt: &str) -> Self {
        let (proof, note) = receipt.split_once("\n\n").unwrap();
        let mut lines = proof.lines();
        assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
        let leaf = lines.next().unwrap().strip_prefix("extra ").unwrap();
        let index = lines.next().unwrap().strip_prefix("index ").unwrap();
        let hash = |line: &str| BASE64.decode(line.as_bytes()).unwrap().try_into().unwrap();
        Self {
            leaf: String::from_utf8(BASE64.decode(leaf.as_bytes()).unwrap()).unwrap(),
            index: index.parse().unwrap(),
            path: lines.map(hash).collect(),
            note: note.to_owned(),
        }
    }

    fn text(&self) -> String {
        let path: String = self.path.iter().map(|hash| format!("{}\n", BASE64.encode(hash))).collect();
        let leaf = BASE64.encode(self.leaf.as_bytes());
        format!("c2sp.org/tlog-proof@v1\nextra {leaf}\nindex {}\n{path}\n{}", self.index, self.note)
    }

    /// Whether the other implementations alone accept it.
    fn they_accept(&self, key: &str) -> bool {
        let Some(text) = they_open(self.note.as_bytes(), key) else { return false };
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let root: Hash = BASE64.decode(lines[2].as_bytes()).unwrap().try_into().unwrap();
        they_include(self.leaf.as_bytes(), self.index, lines[1].parse().unwrap(), &self.path, root)
    }
}

/// A log written in batches of these sizes: its leaves, and the receipts of the last batch.
fn log(batches: &[usize], signer: &Seeded) -> (Vec<Vec<u8>>, Vec<Parts>) {
    let mut head = Head { origin: ORIGIN.to_owned(), shard: 0, frontier: Frontier::empty(), last_time: 0 };
    let (mut leaves, mut receipts, mut number) = (Vec::new(), Vec::new(), 0);
    for (batch, size) in (0u64..).zip(batches) {
        let drafts: Vec<Draft> =
            (number..number + *size as u64).map(|number| Draft { origin: ORIGIN.into(), ..refusal(number) }).collect();
        number += *size as u64;
        let finalised = finalise(&head, Snapshot::default(), 1_795_262_400_000 + batch, &drafts).unwrap();
        leaves.extend(finalised.entries().iter().map(|entry| entry.text.clone().into_bytes()));
        head = finalised.head().clone();
        let committed = finalised.committed();
        let made = committed.receipts(&sign(&head, signer));
        receipts = made.into_iter().map(|receipt| Parts::of(&receipt.unwrap().text())).collect();
    }
    (leaves, receipts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn receipts_of_random_logs_verify_with_the_other_implementations(
        batches in proptest::collection::vec(1usize..40, 1..12), seed in any::<[u8; 32]>(), at in any::<prop::sample::Index>(),
    ) {
        let signer = Seeded::new(seed);
        let key = signer.verifier_key();
        let (leaves, mut receipts) = log(&batches, &signer);
        for receipt in &receipts {
            prop_assert!(receipt.they_accept(&key), "{}", receipt.index);
            prop_assert_eq!(receipt.leaf.as_bytes(), &leaves[receipt.index as usize]);
            prop_assert!(verify_text(&receipt.text(), &key).is_ok());
        }
        // Any leaf of the log, with their proof.
        let (index, mut receipt) = (at.index(leaves.len()), receipts.remove(0));
        let proof = theirs(&leaves).prove_inclusion(index);
        receipt.path = proof.as_bytes().as_chunks::<32>().0.to_vec();
        receipt.index = index as u64;
        receipt.leaf = String::from_utf8(leaves[index].clone()).unwrap();
        prop_assert_eq!(verify_text(&receipt.text(), &key).unwrap().index, index as u64);
        for path in changed(&receipt.path.clone(), index) {
            let bent = Parts { path, leaf: receipt.leaf.clone(), note: receipt.note.clone(), ..receipt };
            prop_assert!(!bent.they_accept(&key) && verify_text(&bent.text(), &key).is_err());
        }
    }
}
