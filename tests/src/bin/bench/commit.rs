//! How many entries per second become durable: the gateway's recorder, and two floors in the same minutes.
//!
//! The recorder stands as in production: one append for up to 256 entries, the hash tree, guards, head, signature,
//! receipts. The floor writes the same rows into the same tables and indexes with the same durability and group commit,
//! without hashing, guards, lock, head, signature and receipts; the second floor writes the leaves alone into one table
//! without secondary indexes. Rounds take turns. At the end of a level the rows and bytes of all three are counted: what
//! is not there was not measured.

mod door;
pub mod drafts;
mod level;
pub mod place;
pub mod postgres;
mod queue;
mod replicas;
pub mod sqlite;
mod wal;

use super::Fault;
use super::report::{cpu_us, median};
use super::world::postgres::Cluster;
use drafts::Drafts;
use level::{Ground, Plan};
use postgres::Databases;
use serde_json::{Value, json};
use sluis::operation::stopwatch::Stopwatch;
use sqlite::Files;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

const CALLERS: [usize; 4] = [1, 16, 64, 256];
const FULL: Plan =
    Plan { rounds: 3, round: Duration::from_secs(2), warm_up: Duration::from_millis(500), subjects: 9_000 };
const QUICK: Plan =
    Plan { rounds: 1, round: Duration::from_millis(300), warm_up: Duration::from_millis(100), subjects: 500 };

/// Measures and prints a line per engine and number of callers, and one about three replicas. `rest` may hold `--quick`,
/// for a look at whether it works, and `--engine sqlite` or `--engine postgres`.
pub fn run(rest: &[&str]) -> Result<(), Fault> {
    let (rest, plan) = match rest {
        ["--quick", rest @ ..] => (rest, QUICK),
        rest => (rest, FULL),
    };
    let engines: &[&str] = match rest {
        [] => &["sqlite", "postgres"],
        ["--engine", "sqlite"] => &["sqlite"],
        ["--engine", "postgres"] => &["postgres"],
        _ => return Err("give nothing, `--quick`, or `--engine sqlite|postgres` after it".into()),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let temporary = std::env::temp_dir().join(format!("sluis-bench-{}", std::process::id()));
    std::fs::create_dir_all(&temporary)?;
    let measured = engines.iter().try_for_each(|engine| match *engine {
        "sqlite" => runtime.block_on(on_sqlite(&plan, &temporary)),
        _ => runtime.block_on(on_postgres(&plan, &temporary)),
    });
    // What is left behind is only a measurement.
    let _ = std::fs::remove_dir_all(&temporary);
    measured
}

async fn on_sqlite(plan: &Plan, temporary: &Path) -> Result<(), Fault> {
    let log =
        json!({ "journal_mode": "wal", "synchronous": "full", "wal_checkpoint": "own thread, passive every 4 MiB" });
    let settings = settings(plan, temporary, &log)?;
    for callers in CALLERS {
        let place = Files::make(temporary.join(format!("sqlite-{callers}")))?;
        let ground = Ground { engine: "sqlite", folder: temporary, place: &place, server: &|| Ok(0.0) };
        level::run(plan, &ground, callers, &settings).await?;
    }
    Ok(())
}

async fn on_postgres(plan: &Plan, temporary: &Path) -> Result<(), Fault> {
    let cluster = Cluster::start();
    let settings = settings(plan, temporary, &cluster.settings())?;
    let server = || cluster.cpu_us();
    for callers in CALLERS {
        cluster.settle();
        let place = Databases::make(&cluster);
        let ground = Ground { engine: "postgres", folder: temporary, place: &place, server: &server };
        level::run(plan, &ground, callers, &settings).await?;
    }
    cluster.settle();
    replicas::run(plan, &cluster, temporary, &settings).await
}

/// What the numbers depend on.
fn settings(plan: &Plan, temporary: &Path, log: &Value) -> Result<Value, Fault> {
    Ok(json!({ "rounds": plan.rounds, "round_s": plan.round.as_secs_f64(), "entries_per_commit_max": 256, "log": log,
        "flush_us": flush_us(temporary)?.round(), "draft_us": draft_us(plan)?, "subjects": plan.subjects,
        "cores": std::thread::available_parallelism().map_or(0, usize::from) }))
}

/// What the disk answers: the middle of some appends of one page that are flushed, microseconds.
fn flush_us(folder: &Path) -> Result<f64, Fault> {
    const APPENDS: usize = 201;
    let path = folder.join("flush");
    let mut file = std::fs::File::create(&path)?;
    let mut times = Vec::with_capacity(APPENDS);
    for _ in 0..APPENDS {
        let start = Stopwatch::start();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    std::fs::remove_file(path)?;
    Ok(median(&times))
}

/// What making one draft costs the caller of the recorder, microseconds of processor time: in its numbers, not in a floor's.
fn draft_us(plan: &Plan) -> Result<f64, Fault> {
    const DRAFTS: u32 = 50_000;
    let (drafts, before) = (Drafts::about(plan.subjects)?, cpu_us("self"));
    for _ in 0..DRAFTS {
        std::hint::black_box(drafts.release(drafts.number()));
    }
    Ok((cpu_us("self") - before) / f64::from(DRAFTS))
}

/// A statement of the gateway by its name.
fn statement(all: &'static [(&'static str, &'static str)], name: &str) -> Result<&'static str, Fault> {
    let found = all.iter().find(|(known, _)| *known == name).map(|(_, sql)| *sql);
    found.ok_or_else(|| format!("the gateway has no statement {name}").into())
}
