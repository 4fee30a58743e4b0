//! Fault pairs of what is done beside answering: every store call of every deed goes wrong once in each of five ways, on both
//! engines. What the deed promised does not half hold: it did not begin, or the same command, pass or start completes it.
//!
//! A read that is made hundreds of times goes wrong at its first and its last time, by a command that recomputes the log first
//! at its last. Who waits for a silent call leaves, as a
//! process does that is killed.

use super::WAITS;
use super::coverage::{By, Told};
use super::deeds::Deed;
use super::trip::{How, Trip};
use super::yard::{At, World, Yard, at_files, becomes};
use crate::contract::postgres::Postgres;
use crate::contract::sqlite::Sqlite;
use crate::tamper::stage::Stage;
use crate::world::PATIENCE;
use std::collections::BTreeMap;
use std::sync::Arc;

pub fn files(engine: &Sqlite) -> At {
    at_files(&engine.folder)
}

fn server(engine: &Postgres) -> At {
    let urls = [engine.database.log_url.clone(), engine.database.keys_url.clone()];
    At { folder: engine.folder.clone(), urls: Some(urls) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_of_upkeep_that_fails_on_sqlite_leaves_nothing_half_done() {
    let told = enumerated(&Yard::<Sqlite>::one(&files).await, &[Deed::Scrub, Deed::Mend, Deed::Late, Deed::Turn]).await;
    told.covers(By::Deeds);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_of_the_scrubber_that_fails_on_postgres_leaves_nothing_half_done() {
    enumerated(&Yard::<Postgres>::one(&server).await, &[Deed::Scrub, Deed::Mend, Deed::Late]).await;
}

/// What is not seen to hold yet: after a turn the ground of this test is not put back as it was, and the last of a halt is
/// looked at too early.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "written, and not yet seen to hold: run it with --ignored, mend what it finds, then take this away"]
async fn every_call_of_a_turn_or_halt_that_fails_leaves_nothing_half_done() {
    enumerated(&Yard::<Postgres>::one(&server).await, &[Deed::Turn, Deed::Halt]).await;
    enumerated(&Yard::<Sqlite>::one(&files).await, &[Deed::Halt]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "written, and not yet seen to hold: run it with --ignored, mend what it finds, then take this away"]
async fn every_call_of_a_command_that_fails_leaves_nothing_half_done() {
    commanded(files).await;
    commanded(server).await;
}

/// What operators command.
async fn commanded<E: Stage>(at: impl Fn(&E) -> At) {
    let mut told = enumerated(&Yard::<E>::aged(&at).await, &[Deed::Prune]).await;
    told.and(enumerated(&Yard::<E>::one(&at).await, &[Deed::Lift, Deed::Erase, Deed::Retain]).await);
    told.covers(By::Commands);
}

/// Every call of these deeds, every way; nothing may come of one that was not promised.
async fn enumerated<E: Stage>(yard: &Yard<E>, deeds: &[Deed]) -> Told {
    let (mut told, mut surprises) = (Told::default(), Vec::new());
    for deed in deeds {
        enumerate(yard, *deed, &mut told, &mut surprises).await;
    }
    assert!(surprises.is_empty(), "{} rounds:\n{}", surprises.len(), surprises.join("\n"));
    told
}

/// A call: its name, and which of that name.
type Call = (&'static str, usize);

/// The calls of a deed that go wrong: writes all, reads the first, where it does not only recompute, and the last of a name.
fn chosen(deed: Deed, calls: &[(Call, bool)]) -> Vec<Call> {
    let mut last = BTreeMap::new();
    calls.iter().for_each(|((name, nth), _)| _ = last.insert(*name, *nth));
    let goes = |(name, nth): &Call, writes: bool| {
        writes || (deed.reads() && (*nth == 0 && !deed.recomputes() || *nth == last[name]))
    };
    calls.iter().filter(|(call, writes)| goes(call, *writes)).map(|(call, _)| *call).collect()
}

/// Every call of one deed, every way.
async fn enumerate<E: Stage>(yard: &Yard<E>, deed: Deed, told: &mut Told, surprises: &mut Vec<String>) {
    let trip = Arc::new(Trip::idle());
    yard.fresh(deed).await;
    let stores = yard.open(&trip).await;
    trip.arm(None);
    deed.perform(yard, &stores, &trip).await.unwrap();
    let calls = chosen(deed, &trip.numbered_with());
    deed.stands(yard, &stores, true).await.unwrap();
    drop(stores);
    assert!(!calls.is_empty(), "{deed:?}");
    println!("{deed:?}: {calls:?}");
    let (mut rounds, mut dirty) = (0, true);
    for (name, nth) in calls {
        for how in How::ALL {
            if dirty {
                yard.fresh(deed).await;
            }
            dirty = match round(yard, deed, (name, nth, how), &trip).await {
                Ok(changed) => changed,
                Err(wrong) => {
                    surprises.push(format!("{deed:?}, call {nth} of `{name}`, {how:?}: {wrong}"));
                    true
                }
            };
            told.tripped(name, how);
            rounds += 1;
        }
    }
    println!("{deed:?}: {rounds} rounds");
}

/// One call goes wrong in one way; then the fault clears and the deed is done again by the next process. Whether anything was
/// changed.
async fn round<E: Stage>(
    yard: &Yard<E>,
    deed: Deed,
    fault: (&'static str, usize, How),
    trip: &Arc<Trip>,
) -> Result<bool, String> {
    let stores = yard.open(trip).await;
    trip.arm(Some(fault));
    let answer = tokio::select! {
        biased;
        answer = deed.perform(yard, &stores, trip) => Some(answer),
        () = gives_up(trip, fault.2) => None,
    };
    let went_well = match &answer {
        _ if !trip.tripped() => return Err(format!("it did not come: {answer:?}")),
        None if !fault.2.is_silent() => return Err("no answer".to_owned()),
        Some(Ok(())) if !tolerated(deed, fault, trip) => return Err("it went well".to_owned()),
        answer => matches!(answer, Some(Ok(()))),
    };
    let writes = trip.numbered_with().iter().any(|(_, writes)| *writes);
    trip.clear();
    drop(stores);
    if !writes {
        return Ok(false);
    }
    let idle = Arc::new(Trip::idle());
    let stores = yard.open(&idle).await;
    if matches!(yard.world, World::One(_)) && yard.ground().anchored(&stores.log).await.is_err() {
        return Err("the log is not what it was".to_owned());
    }
    deed.stands(yard, &stores, went_well).await?;
    deed.perform(yard, &stores, &idle).await.map_err(|error| format!("it is not completed: {error}"))?;
    deed.stands(yard, &stores, true).await?;
    Ok(true)
}

/// Ends when somebody leaves who waits for a silent call.
async fn gives_up(trip: &Trip, how: How) {
    if !how.is_silent() {
        return tokio::time::sleep(PATIENCE).await;
    }
    becomes(|| trip.tripped(), "the silent call").await;
    tokio::time::sleep(WAITS).await;
}

/// Calls whose failure does not fail the deed: because it is tried again by itself.
fn tolerated(deed: Deed, (name, nth, how): (&str, usize, How), trip: &Trip) -> bool {
    let again = trip.numbered().iter().any(|(passed, at)| *passed == name && *at > nth);
    match deed {
        // What contradicts itself counts when it is read twice. Whose the key of an entry is only says where else to look: that it
        // cannot be read is found where it opens a payload.
        Deed::Scrub => how == How::Lost && (again || name == "subject_key"),
        Deed::Mend | Deed::Late | Deed::Halt => again || how == How::Persisted || name == "halts",
        // The note of a turn or of an answer is kept after who asked was answered.
        Deed::Turn => name == "keep_checkpoint",
        _ => false,
    }
}
