//! How many releases per second one gateway makes, against the barest server that could answer.
//!
//! Gateway and floor are processes of their own, loaded in turn, several times, by the same callers; the middle round
//! counts. The token is cached after the first call; the log is SQLite with synchronous FULL, or PostgreSQL on a server of its
//! own without a standby.

use super::Fault;
use super::ground::{Ground, Process, on_server, prepare, serve, spread};
use super::load::{CALLERS, CONNECTIONS, load};
use super::report::{Line, cpu_us, median, micros, peak_rss_mib};
use super::world::postgres::Cluster;
use serde_json::json;
use sluis::transport::install_cryptography;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_secs(3);
const ROUND: Duration = Duration::from_secs(10);

/// Measures and prints one line. `rest` may name a folder of the demo, else one is made and removed; and, after `--runtimes`,
/// over how many runtimes the gateway spreads its connections (`operation.runtimes`); and, last, `--engine postgres`.
pub fn run(rest: &[&str]) -> Result<(), Fault> {
    install_cryptography();
    let (rest, cluster) = match rest {
        [rest @ .., "--engine", "postgres"] => (rest, Some(Cluster::start())),
        [rest @ .., "--engine", "sqlite"] | rest => (rest, None),
    };
    let (rest, runtimes) = match rest {
        [rest @ .., "--runtimes", count] => (rest, count.parse()?),
        rest => (rest, 0),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let [dir, ..] = rest {
        return runtime.block_on(measure(Path::new(dir), runtimes, cluster.as_ref()));
    }
    let dir = std::env::current_exe()?.with_file_name(format!("bench-{}", std::process::id()));
    let measured = runtime.block_on(measure(&dir, runtimes, cluster.as_ref()));
    // What is left behind is only a demo.
    let _ = std::fs::remove_dir_all(&dir);
    measured
}

async fn measure(dir: &Path, runtimes: u8, cluster: Option<&Cluster>) -> Result<(), Fault> {
    let config = spread(&prepare(dir)?, runtimes)?;
    let (engine, log) = match cluster {
        None => ("sqlite", json!("wal, synchronous full")),
        Some(cluster) => ("postgres", cluster.settings()),
    };
    cluster.map_or(Ok(()), |cluster| on_server(&config, cluster))?;
    let gateway = serve(&config).await?;
    let ground = Arc::new(Ground::lay(dir, &config).await?);
    let (floor_process, port) = start_floor(&ground)?;
    let (gateway_id, floor_id) = (gateway.0.id().to_string(), floor_process.0.id().to_string());
    let mut floor_profile = ground.profile.clone();
    let host = floor_profile.endpoint.rsplit_once(':').map_or("localhost", |(host, _)| host);
    floor_profile.endpoint = format!("{host}:{port}");

    load(&ground, &floor_profile, WARM_UP).await?;
    load(&ground, &ground.profile, WARM_UP).await?;
    let (mut floors, mut values, mut p50s, mut p99s) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (cpu_before, floor_cpu_before) = (cpu_us(&gateway_id), cpu_us(&floor_id));
    for round in 1..=ROUNDS {
        let floor = load(&ground, &floor_profile, ROUND).await?;
        let release = load(&ground, &ground.profile, ROUND).await?;
        eprintln!("round {round} of {ROUNDS}: {:.0}/s, floor {:.0}/s", release.per_second, floor.per_second);
        if release.others + floor.others > 0 {
            return Err(format!("{} replies were no release: not a measurement", release.others + floor.others).into());
        }
        floors.push(floor.per_second);
        values.push(release.per_second);
        p50s.push(micros(&release.latency, 50.0));
        p99s.push(micros(&release.latency, 99.0));
    }
    let calls = |rates: &[f64]| rates.iter().sum::<f64>() * ROUND.as_secs_f64();
    let cpu_per_call = (cpu_us(&gateway_id) - cpu_before) / calls(&values);
    let floor_cpu_per_call = (cpu_us(&floor_id) - floor_cpu_before) / calls(&floors);
    Line {
        bench: "release",
        engine,
        value: median(&values),
        unit: "releases/s",
        floor: median(&floors),
        floor_name: "tonic server behind the same acceptor, reply of the same size",
        p50_us: median(&p50s),
        p99_us: median(&p99s),
        peak_rss_mib: peak_rss_mib(&gateway_id),
        settings: json!({ "callers": CALLERS, "connections": CONNECTIONS, "rounds": ROUNDS, "round_s": ROUND.as_secs(),
            "runtimes": runtimes, "clients": ground.clients.len(), "reply_bytes": ground.reply_bytes, "token": "cached", "tls": "1.3, mutual", "log": log, "holder": "sqlite, wal",
            "cpu_us": cpu_per_call.round(), "floor_cpu_us": floor_cpu_per_call.round(),
            "cores": std::thread::available_parallelism().map_or(0, usize::from), "bound_ratio": 0.15, "bound_rss_mib": 96 }),
    }
    .print();
    Ok(())
}

fn start_floor(ground: &Ground) -> Result<(Process, u16), Fault> {
    let own: PathBuf = std::env::current_exe()?;
    let mut command = Command::new(own);
    command.arg("floor").arg(&ground.config).arg(ground.reply_bytes.to_string()).stdout(Stdio::piped());
    let mut process = Process(command.spawn()?);
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().ok_or("the floor has no output")?).read_line(&mut line)?;
    let port = line.trim().parse().map_err(|_| "the floor did not start")?;
    Ok((process, port))
}
