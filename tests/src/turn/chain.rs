//! The chain of shards as an auditor sees it: both verifiers accept it whole and refuse it with a shard dropped, doubled,
//! moved or changed.

use crate::journey::program::sluis;
use sluis::client::chain::verify_all;
use sluis::client::policies::policies;
use sluis_core::log::chain;
use sluis_core::log::checkpoint::{OpenedCheckpoint, sign, verifier_key};
use sluis_core::log::draft::{Draft, RequestId};
use sluis_core::log::finalise::{Head, Snapshot, finalise};
use sluis_core::log::shard;
use sluis_core::log::tree::Frontier;
use sluis_core::log::verify::{LogVerifier, Summary};
use sluis_core::ports::Signer;
use std::path::Path;
use std::process::Command;

fn python(command: &str, dir: &Path) -> (bool, String) {
    let python = std::env::var("SLUIS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("verify.py");
    let out =
        Command::new(python).arg(script).arg(command).arg(dir).env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
    (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
}

/// Both verifiers, and the command, accept an export with so many shards.
pub fn holds(dir: &Path, shards: usize) {
    assert_eq!(verify_all(dir, None, |_, _| {}).unwrap().len(), shards);
    let said = sluis(["log".as_ref(), "verify".as_ref(), dir.as_os_str()]);
    assert_eq!(said.status, Some(0), "{said:#?}");
    assert!(said.out.contains(&format!("{shards} shards, each continues the one before it")), "{}", said.out);
    let (verified, said) = python("log", dir);
    assert!(verified && said.matches("verified: ").count() == shards, "{said}");
}

/// The policy that was put in force in the first shard is in force in the next: no answer of either is left out.
pub fn is_under_one_policy(dir: &Path, first: &str) {
    let key = std::fs::read_to_string(dir.join("vkey")).unwrap();
    let replayed = policies(dir, key.trim_end(), |_, _| {}).unwrap();
    let [policy] = replayed.policies.all() else { panic!("{replayed:?}") };
    assert!(policy.since.to_string().starts_with(&format!("{first}:")), "{}", policy.since);
    assert_eq!((replayed.count, replayed.policies.unknown()), (0, 0));
    let said = sluis(["log".as_ref(), "policy".as_ref(), dir.as_os_str()]);
    let each = format!("{} answers: each names the policy in force", policy.answers);
    assert!(said.status == Some(0) && said.out.contains(&each), "{said:#?}");
    let (verified, said) = python("policy", dir);
    assert!(
        verified && said.contains(&format!("{} answers", policy.answers)) && said.contains(", 0 unknown"),
        "{said}"
    );
}

fn refused(dir: &Path, words: &str) {
    let ours = verify_all(dir, None, |_, _| {}).unwrap_err().to_string();
    let (verified, theirs) = python("log", dir);
    assert!(!verified, "{theirs}");
    assert!(ours.contains(words) && theirs.contains(words), "{words}: {ours} / {theirs}");
}

/// What was done to an export of two shards is found.
pub fn is_found(dir: &Path, first: &str) {
    let (place, aside) = (dir.join("before").join(first), dir.join("aside"));
    std::fs::rename(&place, &aside).unwrap();
    refused(dir, "is missing");
    std::fs::rename(&aside, &place).unwrap();
    let doubled = dir.join("before").join("1999-1");
    copy(&place, &doubled);
    refused(dir, "no other one continues");
    std::fs::remove_dir_all(&doubled).unwrap();
    // An older state of the first shard: signed and whole, without its end.
    let kept = std::fs::read_to_string(place.join("checkpoints")).unwrap();
    assert!(!kept.is_empty(), "the last checkpoint of a closed shard is kept");
    holds(dir, 2);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

struct Key25519(aws_lc_rs::signature::Ed25519KeyPair);

impl Signer for Key25519 {
    fn public_key(&self) -> [u8; 32] {
        use aws_lc_rs::signature::KeyPair;
        self.0.public_key().as_ref().try_into().unwrap()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().unwrap()
    }
}

/// A shard of so many entries that continues one, closed or not, as the verifier sums it up.
fn summed(year: u64, entries: u64, before: Option<&Summary>, closed: bool) -> Summary {
    let signer = Key25519(aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap());
    let origin = format!("sluis-log.kracht.example/00000099000000001000/{year}-1");
    let opened = before.map(|b| OpenedCheckpoint { origin: b.origin.clone(), size: b.size, root: b.root });
    let rid = |number: u64| RequestId(uuid::Uuid::from_u128(u128::from(year * 1000 + number)));
    let mut leaves = vec![opened.as_ref().map_or_else(shard::first_opening, shard::opening)];
    leaves.extend((1..entries).map(|n| {
        use sluis_core::log::leaf::{Key, LeafDraft};
        LeafDraft::new(sluis_core::log::LeafKind::Admin).with(Key::Rs, "TEST").with(Key::N, n)
    }));
    leaves.extend(closed.then(shard::closing));
    let drafts: Vec<Draft> =
        leaves.into_iter().zip(0..).map(|(leaf, n)| Draft::new(rid(n), origin.as_str().into(), leaf)).collect();
    let head = Head { origin: origin.clone(), shard: 0, frontier: Frontier::empty(), last_time: 0 };
    let finalised = finalise(&head, Snapshot::default(), year * 1000, &drafts).unwrap();
    let mut verifier = LogVerifier::new(&verifier_key(&origin, &signer.public_key())).unwrap();
    verifier.checkpoint(&sign(finalised.head(), &signer).note).unwrap();
    finalised.entries().iter().for_each(|entry| verifier.leaf(&entry.text).unwrap());
    verifier.finish().unwrap()
}

/// Of five shards every order, every subset with a hole and every doubling but the true one is refused.
#[test]
fn a_chain_with_a_shard_dropped_doubled_or_moved_is_refused() {
    let mut shards: Vec<Summary> = Vec::new();
    for number in 0..5u64 {
        shards.push(summed(2026 + number, 3 + number, shards.last(), number < 4));
    }
    chain::verify(&shards).unwrap();
    let at = |places: &[usize]| places.iter().map(|place| shards[*place].clone()).collect::<Vec<_>>();
    let mut checked = 0;
    for code in 0..5usize.pow(4) {
        let places: Vec<usize> = (0..4).map(|digit| code / 5usize.pow(digit) % 5).collect();
        let true_order = places.windows(2).all(|pair| pair[1] == pair[0] + 1);
        assert_eq!(chain::verify(&at(&places)).is_ok(), true_order, "{places:?}");
        checked += 1;
    }
    assert_eq!(checked, 625);
    let open = summed(2026, 3, None, false);
    let after = summed(2027, 3, Some(&open), false);
    assert!(matches!(chain::verify(&[open, after]), Err(chain::BrokenChain::NotClosed { .. })));
    let other = summed(2026, 4, None, true);
    let continued = summed(2027, 3, Some(&shards[0]), false);
    assert!(matches!(chain::verify(&[other, continued]), Err(chain::BrokenChain::NotContinued { .. })));
}
