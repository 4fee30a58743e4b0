//! What the gateway and its operators do to a log beside answering: each deed is one row of the enumeration.

use super::trip::Trip;
use super::yard::{Stores, World, Yard, becomes};
use crate::contract::draft::{ORIGIN, refusal};
use crate::contract::shards::{NEW_YEAR, NEXT};
use crate::tamper::ground::{Heard, SIZE};
use crate::tamper::stage::Stage;
use crate::world::PATIENCE;
use sluis::brake::Brake;
use sluis::compose::lift::{LiftFault, lift_upon};
use sluis::compose::pruning::{PruneFault, Removing, prune_upon};
use sluis::compose::retention::{Destroying, retain_upon};
use sluis::compose::subject::{Erasure, SubjectFault, erase_upon};
use sluis::compose::{StartFault, Stopped};
use sluis::condition::Condition;
use sluis::recorder::{Recorder, Verdict};
use sluis::scrubber::{self, Progress, Scrubber};
use sluis::shards::Shards;
use sluis_core::log::LeafKind;
use sluis_core::log::checkpoint::verifier_key;
use sluis_core::log::draft::Draft;
use sluis_core::log::leaf::Leaf;
use sluis_core::log::scrub::Found;
use sluis_core::log::shard::{Boundary, boundary, position};
use sluis_core::ports::{Ledger, StoreError};
use sluis_core::subject::SubjectId;
use sluis_core::upkeep::{Halt, HaltFlag, LogUpkeep};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Where nobody looks for entries of a deed yet.
static NUMBER: AtomicU64 = AtomicU64::new(10_000);

/// One deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The scrubber reads everything and mends nothing.
    Scrub,
    /// The scrubber rebuilds what follows from the leaves.
    Mend,
    /// The scrubber takes away what was written under an erased key.
    Late,
    /// The year turns: a shard is closed, the next is opened, an entry goes into it.
    Turn,
    /// The gateway stops itself, and writes that down.
    Halt,
    /// An operator ends that.
    Lift,
    /// A year of a client is erased.
    Erase,
    /// Keys whose term is over are destroyed.
    Retain,
    /// A shard whose term is over is removed.
    Prune,
}

impl Deed {
    /// Whether its reads go wrong too; those of a recomputation do under [`Deed::Scrub`].
    pub const fn reads(self) -> bool {
        !matches!(self, Self::Mend | Self::Late)
    }

    /// Whether it recomputes the log first; that this fails well is shown under [`Deed::Scrub`].
    pub const fn recomputes(self) -> bool {
        matches!(self, Self::Lift | Self::Erase | Self::Retain | Self::Prune)
    }

    /// Does it. An error is what who commanded it is told, or a pass that does not count.
    pub async fn perform<E: Stage>(self, yard: &Yard<E>, stores: &Stores, trip: &Trip) -> Result<(), String> {
        match self {
            Self::Scrub => match pass(yard, stores, false).await {
                Ok(0) => Ok(()),
                Ok(found) => Err(format!("{found} findings")),
                Err(error) => Err(error.to_string()),
            },
            Self::Mend | Self::Late => mend(yard, stores).await,
            Self::Turn => turn(yard, stores).await,
            Self::Halt => halt(yard, stores, trip).await,
            Self::Lift => match lift_upon(&stopped(yard, stores).await?, &yard.config, "FALSE_ALARM", "T").await {
                Ok(_) | Err(LiftFault::NotHalted) => Ok(()),
                Err(fault) => Err(fault.to_string()),
            },
            Self::Erase => {
                let subject = SubjectId::client_number("K-1").unwrap();
                let (reason, authorised_by) = ("LOGGED_WRONGLY", "T");
                let erasure = Erasure { subject: &subject, year: 2026, reason, authorised_by, backup_days: 30 };
                match erase_upon(&stopped(yard, stores).await?, &yard.config, &erasure).await {
                    Ok(erased) => erased.untidy.map_or(Ok(()), |error| Err(error.to_string())),
                    Err(SubjectFault::NoKey { .. }) => Ok(()),
                    Err(fault) => Err(fault.to_string()),
                }
            }
            Self::Retain => {
                let destroying = Destroying { authorised_by: "T", backup_days: 30 };
                // The term of a key ends before its year does: minus one year.
                let done = retain_upon(&stopped(yard, stores).await?, &yard.config, -1, Some(destroying)).await;
                let done = done.map_err(|fault| fault.to_string())?.destroyed.unwrap();
                done.untidy.map_or(Ok(()), |error| Err(error.to_string()))
            }
            Self::Prune => {
                let export = yard.export();
                let removing = Removing { shard: "2026-1", export: &export, authorised_by: "T", backup_days: 30 };
                match prune_upon(stopped(yard, stores).await?, &yard.config, &removing).await {
                    Ok(removed) => removed.untidy.map_or(Ok(()), |error| Err(error.to_string())),
                    Err(PruneFault::Gone(_)) => Ok(()),
                    Err(fault) => Err(fault.to_string()),
                }
            }
        }
    }

    /// What it promised when it said that it was done, or before, as long as it did not.
    pub async fn stands<E: Stage>(self, yard: &Yard<E>, stores: &Stores, done: bool) -> Result<(), String> {
        let (log, keys) = (&stores.log, &stores.keys);
        let says = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
        match self {
            Self::Scrub | Self::Mend | Self::Late | Self::Turn if !done => Ok(()),
            Self::Scrub | Self::Mend | Self::Late => {
                says(pass(yard, stores, false).await == Ok(0), "the scrubber finds something")
            }
            Self::Turn => turned(yard, log).await,
            Self::Halt => {
                let flagged = yard.flag().read().unwrap().is_some();
                let held = log.halts().await.unwrap().iter().any(Halt::holds);
                says(held && flagged, "nothing says that it was halted")
            }
            Self::Lift => {
                let held = log.halts().await.unwrap().iter().any(Halt::holds);
                let flagged = yard.flag().read().unwrap().is_some();
                // Rows first, then the flag: in between the gateway stays stopped by what is left.
                says(if done { !held && !flagged } else { flagged || !held }, "the halt is half lifted")
            }
            Self::Erase if done => {
                let child = yard.ground().child();
                let key = keys.subject_key(child, 2026).await.unwrap();
                let left = log.entries_of(child).await.unwrap();
                let sealed = log.entry(20).await.unwrap().unwrap().payload;
                says(key.is_none() && sealed.is_none() && left.len() == 2, "something of the client is left")
            }
            Self::Retain if done => {
                let due = keys.due(i16::MAX, 9).await.unwrap();
                says(due.len() == 1 && due[0].subject != yard.ground().child(), "another key is left than who is held")
            }
            Self::Erase | Self::Retain => says(whole(yard, log).await, "an entry is gone"),
            Self::Prune => {
                let shards = log.shards().await.unwrap();
                let rows = log.leaf_rows(0, 9).await.unwrap().len();
                let whole = shards[0].pruned.is_some() || log.leaves(0, 99).await.unwrap().len() == 31;
                says(
                    if done { shards[0].pruned.is_some() && rows == 0 } else { whole },
                    "it is gone, and nothing says so",
                )
            }
        }
    }
}

/// Whether every entry of the ground is there.
async fn whole<E: Stage>(yard: &Yard<E>, log: &Arc<dyn LogUpkeep>) -> bool {
    yard.ground().anchored(log).await.is_ok()
}

async fn stopped<E: Stage>(yard: &Yard<E>, stores: &Stores) -> Result<Stopped, String> {
    let (log, keys) = (Arc::clone(&stores.log), Arc::clone(&stores.keys));
    let opened = Stopped::over(&yard.config, log, keys).await;
    opened.map_err(|fault: StartFault| fault.to_string())
}

async fn pass<E: Stage>(yard: &Yard<E>, stores: &Stores, mends: bool) -> Result<usize, StoreError> {
    let public = yard.engine().signer().public_key();
    let origin = if matches!(yard.world, World::One(_)) { ORIGIN } else { NEXT };
    let (log, keys) = (Arc::clone(&stores.log), Arc::clone(&stores.keys) as _);
    let stores =
        scrubber::Stores { log, keys, origin: origin.into(), verifier_key: verifier_key(origin, &public).into() };
    let scrubber = Scrubber { stores, within: Duration::from_secs(1), mends, progress: Arc::<Progress>::default() };
    scrubber.pass(Duration::ZERO, &Heard::default()).await
}

/// What could not be mended in one pass is mended in the next.
async fn mend<E: Stage>(yard: &Yard<E>, stores: &Stores) -> Result<(), String> {
    for _ in 0..3 {
        let found = pass(yard, stores, true).await.map_err(|error| error.to_string())?;
        // A tombstone explains it: it is no finding.
        let late = stores.log.entry(SIZE).await.map_err(|error| error.to_string())?;
        if found == 0 && late.is_none_or(|entry| entry.payload.is_none()) {
            return Ok(());
        }
    }
    Err("it is not mended".to_owned())
}

fn answer(origin: &str) -> Draft {
    Draft { origin: origin.into(), ..refusal(NUMBER.fetch_add(1, Ordering::SeqCst)) }
}

async fn recorder<E: Stage>(yard: &Yard<E>, stores: &Stores) -> Result<Recorder, String> {
    let (signer, clock) = yard.engine().outfit();
    let ledger: Arc<dyn Ledger> = Arc::clone(&stores.log) as _;
    Recorder::start(ledger, signer, clock).await.map_err(|error| error.to_string())
}

/// A question is asked in the old year and is answered in the new one.
async fn turn<E: Stage>(yard: &Yard<E>, stores: &Stores) -> Result<(), String> {
    let recorder = recorder(yard, stores).await?;
    yard.engine().clock().set(NEW_YEAR);
    for origin in [ORIGIN, NEXT] {
        match recorder.record(answer(origin)).await.map_err(|error| error.to_string())? {
            Verdict::Stale if origin == ORIGIN => {}
            Verdict::Recorded(receipt) if receipt.shard() == "2027-1" => return Ok(()),
            other => panic!("{other:?}"),
        }
    }
    Err("nothing was recorded".to_owned())
}

/// One shard was closed and one was opened, once, and the second continues the first.
async fn turned<E: Stage>(yard: &Yard<E>, log: &Arc<dyn LogUpkeep>) -> Result<(), String> {
    let shards = log.shards().await.unwrap();
    assert_eq!(shards.iter().map(|shard| shard.open).collect::<Vec<_>>(), [false, true]);
    Shards::of(&shards, &yard.engine().signer().public_key()).map_err(|error| error.to_string())?;
    yard.ground().anchored(log).await.map_err(|fault| fault.to_string())?;
    let ends = log.leaves_of(LeafKind::Epoch, 1, 9).await.unwrap();
    let ends: Vec<(u64, Leaf)> = ends.iter().map(|(at, text)| (*at, Leaf::decode(text).unwrap())).collect();
    match ends.iter().map(|(at, leaf)| (*at, boundary(leaf))).collect::<Vec<_>>().as_slice() {
        [(_, Some(Boundary::Closes)), (first, Some(Boundary::Opens { .. }))] if *first == position(1, 0) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// It stops at once; what could not be written down at first is written before it ends, whatever was silent meanwhile.
async fn halt<E: Stage>(yard: &Yard<E>, stores: &Stores, trip: &Trip) -> Result<(), String> {
    let recorder = recorder(yard, stores).await?;
    let conditions = Arc::<sluis::condition::Conditions>::default();
    let brake = Arc::new(Brake::new(
        Arc::clone(&stores.log) as _,
        Arc::new(yard.flag()),
        recorder.clone(),
        Arc::clone(&conditions),
        yard.engine().outfit().1,
        Arc::default(),
    ));
    brake.pull(&Found::open("state", 3, "the row is gone"));
    let (end, ending) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(brake.run(ending));
    let asked = recorder.record(answer(ORIGIN)).await;
    assert!(matches!(asked, Err(StoreError::Unavailable { state: "LOG_TAMPERED", .. })), "{asked:?}");
    assert!(conditions.holds(Condition::LogTampered));
    // The flag comes first; what is begun then is ended before the brake is.
    becomes(|| trip.tripped() || yard.flag().read().is_ok_and(|flag| flag.is_some()), "the flag of the halt").await;
    trip.clear();
    end.send_replace(true);
    tokio::time::timeout(PATIENCE, running).await.expect("the brake does not end").unwrap();
    Ok(())
}
