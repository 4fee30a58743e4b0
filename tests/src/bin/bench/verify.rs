//! How fast an auditor verifies an export of a million entries, how much memory that takes, and how long the gateway's store
//! takes for an inclusion proof.
//!
//! The entries are appended as the gateway appends them and exported as `sluis log export` does. Verifier and floor are
//! processes of their own that take turns on the same files; the floor reads them and computes SHA-256 over their bytes, and
//! nothing else. An export of a tenth is verified too: memory must not grow with the log.

mod ground;
pub mod pass;
mod proofs;

use super::Fault;
use super::commit::place::Place;
use super::commit::postgres::Databases;
use super::commit::sqlite::Files;
use super::report::{Line, median, micros, peak_rss_mib};
use super::world::postgres::Cluster;
use ground::Ground;
use pass::Pass;
use serde_json::json;
use std::path::Path;

/// How much is verified, and how often.
#[derive(Debug, Clone, Copy)]
struct Plan {
    entries: u64,
    rounds: usize,
    proofs: u64,
}

const FULL: Plan = Plan { entries: 1_000_000, rounds: 5, proofs: 10_000 };
const QUICK: Plan = Plan { entries: 20_000, rounds: 1, proofs: 500 };

/// Measures and prints a line about verification and one about proofs. `rest` may hold `--quick`, and `--engine postgres`.
pub fn run(rest: &[&str]) -> Result<(), Fault> {
    let (rest, plan) = match rest {
        ["--quick", rest @ ..] => (rest, QUICK),
        rest => (rest, FULL),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let temporary = std::env::temp_dir().join(format!("sluis-bench-{}", std::process::id()));
    std::fs::create_dir_all(&temporary)?;
    let measured = match rest {
        [] | ["--engine", "sqlite"] => Files::make(temporary.join("log"))
            .and_then(|files| runtime.block_on(measure("sqlite", plan, &temporary, &files))),
        ["--engine", "postgres"] => {
            let cluster = Cluster::start();
            runtime.block_on(measure("postgres", plan, &temporary, &Databases::make(&cluster)))
        }
        _ => Err("give nothing, `--quick`, or `--engine sqlite|postgres` after it".into()),
    };
    // What is left behind is only a measurement.
    let _ = std::fs::remove_dir_all(&temporary);
    measured
}

async fn measure(engine: &'static str, plan: Plan, temporary: &Path, place: &dyn Place) -> Result<(), Fault> {
    let ground = Ground::lay(place, temporary, plan.entries).await?;
    let (whole, tenth) = (temporary.join("whole"), temporary.join("tenth"));
    let notes = ground.export(&whole, plan.entries).await?;
    ground.export(&tenth, plan.entries / 10).await?;
    verification(plan, &whole, &tenth, notes)?;
    let times = proofs::run(ground.ledger.as_ref(), plan.entries, plan.proofs).await?;
    Line {
        bench: "proof",
        engine,
        value: micros(&times, 99.0) / 1000.0,
        unit: "ms, p99 of an inclusion proof",
        floor: 10.0,
        floor_name: "bound",
        p50_us: micros(&times, 50.0),
        p99_us: micros(&times, 99.0),
        peak_rss_mib: peak_rss_mib("self"),
        settings: json!({ "entries": plan.entries, "proofs": plan.proofs, "each": "hashes of the proof and of the entry",
            "callers": 1 }),
    }
    .print();
    Ok(())
}

/// Verifier and floor in turn; the first turn of each only brings the files into memory.
fn verification(plan: Plan, whole: &Path, tenth: &Path, notes: usize) -> Result<(), Fault> {
    let (mut floors, mut values, mut peak) = (Vec::new(), Vec::new(), 0.0f64);
    for round in 0..=plan.rounds {
        let floor = Pass::start("hash", whole)?;
        let verified = Pass::start("verify", whole)?;
        eprintln!("round {round} of {}: {:.3} s, floor {:.3} s", plan.rounds, verified.seconds, floor.seconds);
        if verified.entries != plan.entries || floor.bytes != verified.bytes {
            return Err("verifier and floor did not go through the same export: not a measurement".into());
        }
        if round > 0 {
            floors.push(floor.megabytes_per_second());
            values.push(verified.megabytes_per_second());
            peak = peak.max(verified.peak_rss_mib);
        }
    }
    let small = Pass::start("verify", tenth)?;
    let last = Pass::start("verify", whole)?;
    let per_entry = last.seconds / f64::from(u32::try_from(plan.entries)?) * 1e6;
    Line {
        bench: "verify",
        engine: "none",
        value: median(&values),
        unit: "MB/s of entries",
        floor: median(&floors),
        floor_name: "SHA-256 of the same files, one thread",
        p50_us: per_entry,
        p99_us: per_entry,
        peak_rss_mib: peak,
        settings: json!({ "entries": plan.entries, "rounds": plan.rounds, "checkpoints": notes, "bound_ratio": 0.2,
            "bytes_per_entry": last.bytes / last.entries.max(1), "peak_rss_mib_at_a_tenth": small.peak_rss_mib,
            "files": "in the page cache", "cores": std::thread::available_parallelism().map_or(0, usize::from) }),
    }
    .print();
    Ok(())
}
