//! Faults at the append, in random programs: an error and nothing written, an error although it was written, and both
//! after a silence.
//!
//! Whatever happens: a receipt only for an entry that is in the store; a transaction once; after an outcome that is not
//! known the recorder appends nothing more; and the log verifies. A failing program is run again by its seed.

mod ledger;
mod program;

use crate::conduct::{House, read};
use program::Program;
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::{Key, Leaf};
use std::collections::HashSet;

/// Children in the house: few, so that programs meet.
const CHILDREN: u32 = 3;
/// After so many programs the whole log is verified.
const VERIFY_EVERY: u64 = 50;

/// A number from the environment, or another.
fn setting(name: &str, otherwise: u64) -> u64 {
    let said = std::env::var(name).ok();
    said.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: `{text}`")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_at_the_append_lose_nothing_and_release_nothing() {
    let (first, programs) = (setting("SLUIS_FAULT_SEED", 1), setting("SLUIS_FAULT_PROGRAMS", 300));
    let house = House::build(CHILDREN).await;
    let mut gateway = house.own().await;
    let (mut unknown, mut receipts) = (0, 0);
    for seed in first..first + programs {
        println!("seed {seed}: SLUIS_FAULT_SEED={seed} SLUIS_FAULT_PROGRAMS=1 runs this program alone");
        let ended;
        (ended, gateway) = Program::new(seed).run(&house, gateway).await;
        receipts += ended.check(&gateway).await;
        unknown += u64::from(ended.halted);
        if (seed - first) % VERIFY_EVERY == 0 || seed + 1 == first + programs {
            read::verify(&gateway, &house.signer()).await;
            once_per_transaction(&read::leaves(&gateway).await);
        }
    }
    println!("{programs} programs, {unknown} halted, {receipts} receipts");
    assert!(programs < 20 || (unknown > programs / 10 && receipts > programs), "the programs met too few faults");
}

/// No organisation has two entries under one transaction id, but for a release that says which one it repeats.
fn once_per_transaction(leaves: &[String]) {
    let mut seen = HashSet::new();
    for leaf in leaves.iter().map(|text| Leaf::decode(text).unwrap()) {
        let Some(transaction) = leaf.text(Key::Txn) else { continue };
        let repeats = leaf.kind() == LeafKind::Release && leaf.text(Key::Ref).is_some();
        let organisation = leaf.text(Key::Rp).unwrap();
        assert!(
            repeats || seen.insert((organisation.to_owned(), transaction.to_owned())),
            "leaf {} is the second entry of transaction {transaction}",
            leaf.index()
        );
    }
}
