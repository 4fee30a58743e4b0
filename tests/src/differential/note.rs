//! Checkpoints as signed notes against `signed_note`: each opens what the other signed, and neither what was changed.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::{BASE64, HEXLOWER};
use proptest::prelude::*;
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use sluis_core::log::checkpoint::{open, sign, verifier_key};
use sluis_core::log::finalise::Head;
use sluis_core::log::tree::{Frontier, leaf_hash};
use sluis_core::ports::Signer;

pub const ORIGIN: &str = "sluis-log.differential.example/00000099000000001000/2026-1";

/// Ed25519 from a seed, as both implementations take it.
pub struct Seeded {
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

impl Seeded {
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, pair: Ed25519KeyPair::from_seed_unchecked(&seed).unwrap() }
    }

    pub fn verifier_key(&self) -> String {
        verifier_key(ORIGIN, &self.public_key())
    }

    /// Their signer with the same key: `PRIVATE+KEY+<name>+<key id>+<base64(01 ‖ seed)>`.
    fn theirs(&self) -> StandardSigner {
        let key = self.verifier_key();
        let id = key.split('+').nth(1).unwrap();
        assert!(id.len() == 8 && HEXLOWER.decode(id.as_bytes()).is_ok());
        let secret = BASE64.encode(&[&[1], self.seed.as_slice()].concat());
        StandardSigner::new(&format!("PRIVATE+KEY+{ORIGIN}+{id}+{secret}")).unwrap()
    }
}

impl Signer for Seeded {
    fn public_key(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().unwrap()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.pair.sign(message).as_ref().try_into().unwrap()
    }
}

/// The text of a note when they find a signature by this key on it that is right.
pub fn they_open(note: &[u8], key: &str) -> Option<Vec<u8>> {
    let known = VerifierList::new(vec![Box::new(StandardVerifier::new(key).ok()?)]);
    let note = Note::from_bytes(note).ok()?;
    let (verified, _others) = note.verify(&known).ok()?;
    (!verified.is_empty()).then(|| note.text().to_vec())
}

fn head(size: u64) -> Head {
    let mut frontier = Frontier::empty();
    (0..size).for_each(|number| frontier.push(leaf_hash(&number.to_be_bytes())));
    Head { origin: ORIGIN.to_owned(), shard: 0, frontier, last_time: 0 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_opens_what_the_other_signed_and_neither_what_was_changed(
        seed in any::<[u8; 32]>(), other in any::<[u8; 32]>(), size in 0u64..300, at in any::<prop::sample::Index>(), bit in 0u8..7,
    ) {
        prop_assume!(seed != other);
        let (signer, key) = (Seeded::new(seed), Seeded::new(seed).verifier_key());
        let ours = sign(&head(size), &signer);
        let text = they_open(ours.note.as_bytes(), &key);
        prop_assert!(text.as_deref().is_some_and(|text| ours.note.as_bytes().starts_with(text)), "{}", ours.note);

        let mut note = Note::new(&text.unwrap(), &[]).unwrap();
        note.add_sigs(&[&signer.theirs()]).unwrap();
        let theirs = String::from_utf8(note.to_bytes()).unwrap();
        prop_assert_eq!(&theirs, &ours.note, "Ed25519 has one signature for one key and text");
        let opened = open(&theirs, &key).unwrap();
        prop_assert_eq!((opened.size, opened.root, opened.origin.as_str()), (size, ours.root, ORIGIN));

        let stranger = Seeded::new(other).verifier_key();
        prop_assert!(open(&ours.note, &stranger).is_err() && they_open(ours.note.as_bytes(), &stranger).is_none());
        let mut bytes = ours.note.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(they_open(&bytes, &key).is_none(), "{}", String::from_utf8_lossy(&bytes));
        if let Ok(changed) = String::from_utf8(bytes) {
            prop_assert!(open(&changed, &key).is_err(), "{changed}");
        }
    }
}

/// A line by somebody else beside ours changes nothing for either; alone it is no signature by this log.
#[test]
fn lines_of_others_are_passed_over_by_both() {
    let (signer, witness) = (Seeded::new([3; 32]), Seeded::new([4; 32]));
    let key = signer.verifier_key();
    let ours = sign(&head(5), &signer).note;
    let (text, line) = (&ours[..ours.rfind("\n\n").unwrap() + 2], ours.lines().last().unwrap());
    let foreign = sign(&head(5), &witness).note;
    let foreign = foreign.lines().last().unwrap();
    for (note, opens) in [
        (format!("{text}{line}\n{foreign}\n"), true),
        (format!("{text}{foreign}\n{line}\n"), true),
        (format!("{text}{foreign}\n"), false),
    ] {
        assert_eq!(open(&note, &key).is_ok(), opens, "{note}");
        assert_eq!(they_open(note.as_bytes(), &key).is_some(), opens, "{note}");
    }
}
