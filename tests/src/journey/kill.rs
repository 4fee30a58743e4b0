//! `kill -9` under load: whatever a client received stands in the log, and the log verifies after every restart.
//!
//! `SLUIS_KILL_ROUNDS` sets the rounds (100), `SLUIS_KILL_SEED` repeats the moments of an earlier run.

use super::evidence::{Export, Kept};
use super::load::{Came, Wish, World};
use super::place::{Place, copy};
use super::program::Running;
use sluis::transport::install_cryptography;
use sluis_adapters::system::OsEntropy;
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::tiles::{decode_entries, encode_entries, entries_path};
use sluis_core::ports::Entropy;
use std::time::Duration;
use tokio::runtime::Runtime;
use uuid::Uuid;

const ROUNDS: u32 = 100;
/// The log is exported and held against everything kept after so many rounds: what one round lost is missing then too.
pub const EXPORT_EVERY: u32 = 10;
pub const KILLED_AFTER_MS: std::ops::RangeInclusive<u64> = 20..=150;
/// Answered calls that are repeated after each restart.
const REPEATED: usize = 3;

pub fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// Numbers that look random and come again with the same seed (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    /// A number of a range.
    pub fn throw(&mut self, range: &std::ops::RangeInclusive<u64>) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        range.start() + (mixed ^ (mixed >> 31)) % (range.end() - range.start() + 1)
    }
}

/// Everything that clients know so far.
#[derive(Default)]
pub struct Known {
    pub kept: Vec<Kept>,
    broken: Vec<(Uuid, Wish)>,
    answered: Vec<(Uuid, Wish)>,
    pub releases: u64,
    pub interrupted: u64,
    pub found_durable: u64,
}

impl Known {
    /// Nothing but these replies.
    pub fn of(kept: Vec<Kept>) -> Self {
        Self { kept, ..Self::default() }
    }

    /// Takes what came of calls.
    pub fn take(&mut self, came: Vec<Came>) {
        for one in came {
            match one {
                Came::Kept(kept, Some((client, _))) => {
                    self.releases += 1;
                    self.answered.push((kept.transaction, Wish::Dossier(client)));
                    self.kept.push(kept);
                }
                Came::Kept(kept, None) => self.kept.push(kept),
                Came::Broken(transaction, wish) => {
                    self.interrupted += 1;
                    self.broken.push((transaction, wish));
                }
                Came::Wrong(text) => panic!("{text}"),
            }
        }
    }

    /// What was interrupted is asked again, and some of what was answered: each has one outcome.
    pub fn repeat(&mut self, runtime: &Runtime, world: &World, place: &Place) {
        let mut again = std::mem::take(&mut self.broken);
        let interrupted = again.len();
        let answered = self.answered.len().saturating_sub(REPEATED);
        again.extend(self.answered.split_off(answered));
        for (number, came) in runtime.block_on(world.again(place, &again)).into_iter().enumerate() {
            match &came {
                Came::Broken(transaction, wish) => panic!("{transaction} {wish:?} breaks off without a kill"),
                Came::Kept(kept, Some(_)) => {
                    let repeats = kept.repeats().is_some();
                    self.found_durable += u64::from(repeats && number < interrupted);
                    assert!(repeats || number < interrupted, "{} was answered, and is new now", kept.transaction);
                }
                _ => {}
            }
            self.take(vec![came]);
        }
        // What was repeated is not repeated again: its last entry refers to the first.
        self.answered.clear();
    }
}

/// How many rounds, and the dice of this run; both are printed.
pub fn rounds() -> (u32, Dice) {
    let mut seed = [0; 8];
    OsEntropy.fill(&mut seed);
    let seed = from_environment("SLUIS_KILL_SEED").unwrap_or_else(|| u64::from_be_bytes(seed));
    let rounds = from_environment("SLUIS_KILL_ROUNDS").map_or(ROUNDS, |n| u32::try_from(n).unwrap());
    println!("{rounds} rounds, SLUIS_KILL_SEED={seed}");
    (rounds, Dice(seed))
}

#[test]
fn what_a_client_received_survives_kill_9() {
    install_cryptography();
    let (rounds, mut dice) = rounds();
    let (place, runtime) = (Place::new("kill"), Runtime::new().unwrap());
    let mut gateway = place.serve();
    let (world, kept) = runtime.block_on(World::lay(&place, &gateway));
    let mut known = Known::of(kept);
    let mut size = 0;
    for round in 1..=rounds {
        known.take(killed_under_load(&runtime, &world, &place, gateway, round, dice.throw(&KILLED_AFTER_MS)));
        if round == rounds {
            a_lost_write_is_found(&place, &known.kept, &world.vkey);
        }
        gateway = place.serve();
        known.repeat(&runtime, &world, &place);
        if round % EXPORT_EVERY != 0 && round != rounds {
            continue;
        }
        let dir = place.file(&format!("export-{round}"));
        let export = Export::take(&place, &dir, &world.vkey).unwrap_or_else(|e| panic!("round {round}: {e}"));
        export.bears_out(&known.kept).unwrap_or_else(|e| panic!("round {round}: {e}"));
        assert!(export.leaves.len() >= size, "round {round}: the log shrank from {size} to {}", export.leaves.len());
        size = export.leaves.len();
        if round == rounds {
            a_lost_entry_is_found(&place, &dir, &export, &known.kept, &world.vkey);
        }
        std::fs::remove_dir_all(dir).unwrap();
    }
    println!(
        "{} releases, {} calls interrupted, {} of them were durable; {size} entries",
        known.releases, known.interrupted, known.found_durable
    );
    assert!(known.releases > u64::from(rounds), "too few releases to prove anything");
    assert!(known.interrupted >= u64::from(rounds), "a kill interrupted nobody");
}

/// Calls go on until the gateway is killed; gives what came of them.
pub fn killed_under_load(
    runtime: &Runtime,
    world: &World,
    place: &Place,
    gateway: Running,
    round: u32,
    after_ms: u64,
) -> Vec<Came> {
    runtime.block_on(async {
        let callers = world.begin(place, round).await;
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        gateway.kill();
        callers.join_all().await.into_iter().flatten().collect()
    })
}

/// Negative control: what was written since the last start is taken away, as a disk does that lies about flushing.
fn a_lost_write_is_found(place: &Place, kept: &[Kept], vkey: &str) {
    let lying = Place { dir: place.dir.with_extension("lying") };
    copy(&place.dir, &lying.dir).unwrap();
    std::fs::remove_file(lying.file("log.db-wal")).unwrap();
    // With its anchor the gateway may find it by itself; here it is found by who kept receipts.
    std::fs::remove_file(lying.file("log.anchor")).unwrap();
    let gateway = lying.serve();
    let export = Export::take(&lying, &lying.file("export"), vkey).unwrap();
    // Whichever is met first: an entry, or the head that its receipt was signed under.
    let error = export.bears_out(kept).unwrap_err();
    let lost = ["is gone", "is not the one", "shrank below", "is of another log"];
    assert!(lost.iter().any(|found| error.contains(found)), "{error}");
    gateway.kill();
}

/// Negative control: without one entry, neither the verifier nor the comparison with the receipts is content.
fn a_lost_entry_is_found(place: &Place, dir: &std::path::Path, export: &Export, kept: &[Kept], vkey: &str) {
    let lost = kept.iter().find(|one| Leaf::decode(&one.leaf).unwrap().kind() == LeafKind::Release).unwrap();
    let mut leaves = export.leaves.clone();
    let leaf = leaves.remove(usize::try_from(lost.index).unwrap());
    assert!(Leaf::decode(&leaf).unwrap().text(Key::Bc).is_some());
    let error = Export { leaves }.bears_out(kept).unwrap_err();
    assert!(error.contains("a client's receipt"), "{error}");

    let changed = place.file("export-without-one");
    copy(dir, &changed).unwrap();
    let (bundle, at) = (lost.index / 256, usize::try_from(lost.index % 256).unwrap());
    let width = (export.leaves.len() - usize::try_from(bundle * 256).unwrap()).min(256);
    let file = changed.join(entries_path(bundle, width));
    let mut entries = decode_entries(&std::fs::read(&file).unwrap()).unwrap();
    entries.remove(at);
    std::fs::write(&file, encode_entries(entries.iter().map(String::as_str))).unwrap();
    let error = Export::read(&changed, vkey).unwrap_err();
    assert!(error.contains("entries instead of"), "{error}");
}
