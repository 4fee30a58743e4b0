//! One level: so many callers on one engine, the recorder and both floors in turn, and the proof of what they wrote.

use super::door::{Door, Measured, Recorded, number};
use super::drafts::Drafts;
use super::place::{Place, Which};
use super::queue::Queue;
use super::{Fault, median};
use crate::report::micros;
use serde_json::{Value, json};
use sluis::recorder::Recorder;
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_core::ports::Ledger;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long and how often.
pub struct Plan {
    /// Rounds of each of the three.
    pub rounds: usize,
    /// How long one takes.
    pub round: Duration,
    /// How long each is loaded before the first round.
    pub warm_up: Duration,
    /// Subjects with a standing.
    pub subjects: u64,
}

/// Where a level is measured.
pub struct Ground<'g> {
    /// `sqlite` or `postgres`.
    pub engine: &'static str,
    /// A folder for keys.
    pub folder: &'g Path,
    /// The three logs.
    pub place: &'g dyn Place,
    /// Processor time of a server so far, microseconds.
    pub server: &'g (dyn Fn() -> Result<f64, Fault> + Sync),
}

/// The recorder on a ledger, with a signing key of its own.
pub async fn recorder(ledger: Arc<dyn Ledger>, folder: &Path) -> Result<Recorder, Fault> {
    let key = folder.join("log.key");
    // Every level has a key of its own.
    let _ = std::fs::remove_file(&key);
    let signer = Arc::new(Ed25519Signer::generate(&key, &OsEntropy)?);
    Ok(Recorder::start(ledger, signer, Arc::new(SystemClock)).await?)
}

/// Measures, checks and prints one level.
///
/// # Errors
/// When an entry is not recorded, or something else stands in a log than its callers were told.
pub async fn run(plan: &Plan, ground: &Ground<'_>, callers: usize, settings: &Value) -> Result<(), Fault> {
    let (place, drafts) = (ground.place, Arc::new(Drafts::about(plan.subjects)?));
    let ledger = place.ledger().await?;
    let first = drafts.prepare(ledger.as_ref()).await?;
    let recorder = recorder(ledger, ground.folder).await?;
    let product: Arc<dyn Door> = Arc::new(Recorded { recorder, drafts: Arc::clone(&drafts) });
    // The entry that the floors write too.
    product.enter(drafts.number()).await?;
    let template = Arc::new(place.template(first).await?);
    let mut doors = vec![(Which::Product, product)];
    for which in [Which::Floor, Which::Unindexed] {
        doors.push((which, Queue::start(&template, place.writer(which, &template, first).await?)));
    }
    let mut all = Vec::new();
    for (which, door) in doors {
        let mut warm_up = Measured::nothing()?;
        warm_up.round(std::slice::from_ref(&door), callers, &drafts, plan.warm_up, ground.server).await?;
        let alone = u64::from(which == Which::Product);
        all.push((which, door, alone + warm_up.entries, Measured::nothing()?));
    }
    for round in 1..=plan.rounds {
        for (which, door, _, measured) in &mut all {
            measured.round(std::slice::from_ref(door), callers, &drafts, plan.round, ground.server).await?;
            let rate = measured.rates.last().copied().unwrap_or_default();
            let (engine, rounds) = (ground.engine, plan.rounds);
            eprintln!("{engine}, {callers} callers, round {round} of {rounds}: {which:?} {rate:.0}/s");
        }
    }
    let mut row_bytes = 0.0;
    let mut results = Vec::new();
    for (which, door, before, measured) in all {
        let tally = place.tally(which, first).await?;
        tally.check(which, before + measured.entries, first, &template)?;
        if which == Which::Product {
            row_bytes = tally.row_bytes();
        }
        drop(door);
        results.push(measured);
    }
    let [product, floor, unindexed] = results.as_slice() else { return Err("three were measured".into()) };
    let mut line = line(product, floor, unindexed);
    let more = json!({ "bench": "commit", "engine": ground.engine, "callers": callers, "row_bytes": rounded(row_bytes),
        "floor_name": "same rows, tables, indexes, group commit; no hash, guard, lock, head, signature, receipt",
        "bound_ratio": (callers == 256).then_some(0.6), "settings": settings });
    merge(&mut line, more);
    println!("{line}");
    Ok(())
}

fn line(product: &Measured, floor: &Measured, unindexed: &Measured) -> Value {
    let rate = |of: &Measured| median(&of.rates);
    let milliseconds = |of: &Measured, percentile| rounded(micros(&of.latency, percentile) / 1000.0);
    json!({
        "entries_per_s": rate(product).round(), "floor_per_s": rate(floor).round(), "ratio": ratio(product, floor),
        "unindexed_per_s": rate(unindexed).round(), "ratio_unindexed": ratio(product, unindexed),
        "p50_ms": milliseconds(product, 50.0), "p99_ms": milliseconds(product, 99.0),
        "floor_p50_ms": milliseconds(floor, 50.0), "floor_p99_ms": milliseconds(floor, 99.0),
        "cpu_us": per_entry(product.cpu_us, product), "floor_cpu_us": per_entry(floor.cpu_us, floor),
        "server_cpu_us": per_entry(product.server_cpu_us, product),
        "floor_server_cpu_us": per_entry(floor.server_cpu_us, floor),
        "batch": batch(product), "floor_batch": batch(floor), "entries": product.entries,
    })
}

/// Of the middle rounds.
pub fn ratio(of: &Measured, to: &Measured) -> f64 {
    rounded(median(&of.rates) / median(&to.rates))
}

/// Processor time of one entry, microseconds.
pub fn per_entry(us: f64, of: &Measured) -> f64 {
    rounded(us / number(of.entries.max(1)))
}

/// Mean entries of a commit.
pub fn batch(of: &Measured) -> f64 {
    rounded(number(of.entries) / number(of.commits.max(1)))
}

/// Adds the members of one object to another.
pub fn merge(line: &mut Value, more: Value) {
    if let (Value::Object(line), Value::Object(more)) = (line, more) {
        line.extend(more);
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
