//! What one entry costs the log: CPU of the whole process per entry, at 64 entries per commit, a leaf of about 600
//! bytes and a payload of 1 KiB, with one subject's standing, one organisation and the policy relied on.
//!
//! ```text
//! cargo run --release -p sluis-adapters --example append_cost [commits] [postgres://user@host/empty_database]
//! ```

use sluis_adapters::master::MasterKey;
use sluis_adapters::postgres::{Place, PostgresLog};
use sluis_adapters::sqlite::{Limits, SqliteKeys, SqliteLog};
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_adapters::wrapping::Wrapping;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::{Concerns, Draft, Effect, GuardKey, Outcome, RequestId, SealedPayload, Transaction};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::organisation::Oin;
use sluis_core::ports::{Clock, KeyStore, Ledger};
use sluis_core::release::PolicyDigest;
use sluis_core::standing::Change;
use sluis_core::subject::{Actor, SubjectId, SubjectRef};
use std::error::Error;
use std::sync::Arc;

const ORIGIN: &str = "sluis-log.example/00000099000000001000/2026-1";
const PER_COMMIT: u64 = 64;
const SUBJECTS: u64 = 9_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let commits: u64 = std::env::args().nth(1).map_or(Ok(1_500), |text| text.parse())?;
    let folder = std::env::temp_dir().join(format!("sluis-append-cost-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = match std::env::args().nth(2) {
        None => on_sqlite(&folder, commits).await,
        Some(address) => on_postgres(&address, commits).await,
    };
    std::fs::remove_dir_all(&folder)?;
    measured
}

/// A log that is made in an empty database; the processor time is that of this process, not of the server.
async fn on_postgres(address: &str, commits: u64) -> Result<(), Box<dyn Error>> {
    let (place, master) = (Place::parse(address, None)?, MasterKey::from_bytes([1; 32]));
    PostgresLog::create(&place, ORIGIN, &master, SystemClock.now(), 0).await?;
    let log = PostgresLog::open(&place, 1, false, &master, Arc::new(SystemClock)).await?;
    measure(&log, commits).await
}

async fn on_sqlite(folder: &std::path::Path, commits: u64) -> Result<(), Box<dyn Error>> {
    let master = MasterKey::generate(&folder.join("master.key"), &OsEntropy)?;
    provision(folder, &master).await?;
    let file = folder.join("log.db");
    SqliteLog::create(&file, ORIGIN, &master, SystemClock.now(), 0)?;
    let log = SqliteLog::open(&file, &master, Arc::new(SystemClock), Limits::default())?;
    measure(&log, commits).await?;
    drop(log);
    let entries = (commits * PER_COMMIT) as f64;
    println!("file {:.0} bytes per entry", std::fs::metadata(&file)?.len() as f64 / entries);
    Ok(())
}

async fn measure(log: &dyn Ledger, commits: u64) -> Result<(), Box<dyn Error>> {
    let oin = Oin::parse("00000099000000001000")?;
    prepare(log, &oin).await?;
    let stop = Stopwatch::start();
    let mut making = 0.0;
    for commit in 0..commits {
        let before = stop.cpu_ms();
        let drafts: Vec<Draft> = (0..PER_COMMIT).map(|n| release(&oin, commit * PER_COMMIT + n)).collect();
        making += stop.cpu_ms() - before;
        let committed = log.append(drafts).await?;
        if !committed.outcomes().iter().all(|outcome| matches!(outcome, Outcome::Recorded { .. })) {
            return Err(format!("not all recorded: {:?}", committed.outcomes().first()).into());
        }
    }
    let entries = (commits * PER_COMMIT) as f64;
    let (cpu, wall) = stop.read();
    println!("entries {entries}, {PER_COMMIT} per commit");
    println!(
        "cpu  {:.1} us per entry, checkpoints included (of which making drafts about {:.1})",
        cpu * 1e3 / entries,
        making * 1e3 / entries
    );
    println!("wall {:.1} us per entry", wall * 1e3 / entries);
    println!("{}", resident()?);
    Ok(())
}

async fn provision(folder: &std::path::Path, master: &MasterKey) -> Result<(), Box<dyn Error>> {
    let file = folder.join("keys.db");
    let wrapping = Wrapping::generate(master.clone(), folder.join("wrapping"), &OsEntropy)?;
    SqliteKeys::create(&file, &wrapping, 1)?;
    let keys = SqliteKeys::open(&file, &wrapping, Arc::new(OsEntropy), Limits::default())?;
    let subjects: Vec<_> =
        (0..SUBJECTS).filter_map(|n| SubjectId::client_number(&format!("K-{n}"))).map(|id| vec![id]).collect();
    let stop = Stopwatch::start();
    let new = keys.provision(&subjects, 2026).await?;
    println!("provisioned {new} subjects in {:.0} ms", stop.read().1);
    Ok(())
}

/// The policy, and one standing per subject.
async fn prepare(log: &dyn Ledger, oin: &Oin) -> Result<(), Box<dyn Error>> {
    let digest = PolicyDigest([5; 32]);
    let leaf = LeafDraft::new(LeafKind::Policy).with(Key::Po, digest.to_hex()).with(Key::N, 1).with(Key::Ca, 1);
    log.append(vec![Draft { effects: vec![Effect::Policy { digest, number: 1 }], ..bare(1 << 40, leaf) }]).await?;
    let worker = Actor::parse("worker-1").ok_or("no actor")?;
    let change = Change::Caseload { partner: oin.clone(), worker, on: true };
    for chunk in (0..SUBJECTS).collect::<Vec<_>>().chunks(500) {
        let draft = |n: &u64| {
            let leaf = LeafDraft::new(LeafKind::Standing)
                .with(Key::Rp, oin.as_str())
                .with(Key::St, format!("{n:032x}"))
                .with(Key::Pc, "ab".repeat(32));
            Draft {
                effects: vec![Effect::Standing { subject: subject(*n), change: change.clone() }],
                ..bare((2 << 40) + n, leaf)
            }
        };
        log.append(chunk.iter().map(draft).collect()).await?;
    }
    Ok(())
}

/// Spread over the subjects as requests are, not in the order of their keys.
fn subject(number: u64) -> SubjectRef {
    let mixed = (number % SUBJECTS).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    SubjectRef(u128::from(mixed).wrapping_mul(0x1_0000_0001_0000_0001).to_be_bytes())
}

fn release(oin: &Oin, number: u64) -> Draft {
    let id = uuid(number);
    let subject = subject(number.wrapping_mul(7919));
    let leaf = LeafDraft::new(LeafKind::Release)
        .with(Key::Rt, "MUNICIPALITY")
        .with(Key::Rp, oin.as_str())
        .with(Key::Pu, "INVOICE_FORMAL")
        .with(Key::Ba, "JW-7.4.0/RJW-6a.1")
        .with(Key::Ru, "muni-invoice")
        .with(Key::Po, "cd".repeat(32))
        .with(Key::Ca, 1)
        .with(Key::Fs, "00000000001f8041")
        .with(Key::Ob, Vec::<String>::new())
        .with(Key::Rs, "OK")
        .with(Key::St, format!("{number:032x}"))
        .with(Key::Pc, "ab".repeat(32))
        .with(Key::Bc, "ef".repeat(32))
        .with(Key::X5, "BimEMugGayniIjvMI6qVBLVq5Qj6vzQ1UIhpucMZDiI")
        .with(Key::Txn, id.simple().to_string());
    Draft {
        payload: Some(SealedPayload { key_id: subject.0, ciphertext: vec![number.to_le_bytes()[0]; 1024 + 28] }),
        transaction: Some(Transaction { oin: oin.clone(), id, digest: [1; 32] }),
        relies_on: vec![
            (GuardKey::Policy, 1),
            (GuardKey::Organisation(oin.clone()), 0),
            (GuardKey::Subject(subject), 1),
        ],
        concerns: vec![Concerns { subject, item: 0 }],
        ..bare(number, leaf)
    }
}

fn bare(number: u64, leaf: LeafDraft) -> Draft {
    Draft::new(RequestId(uuid(number)), ORIGIN.into(), leaf)
}

/// UUIDv7 in order of time with random tails, as clients make them.
fn uuid(number: u64) -> uuid::Uuid {
    let tail = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2;
    uuid::Uuid::from_u128((0x019a_a5b2_0000 + u128::from(number)) << 80 | 0x7000_8000_0000_0000_0000 | u128::from(tail))
}

/// CPU of this process and time on the wall, in milliseconds.
struct Stopwatch {
    cpu: f64,
    wall: u64,
}

impl Stopwatch {
    fn start() -> Self {
        let mut stop = Self { cpu: 0.0, wall: SystemClock.now() };
        stop.cpu = stop.cpu_ms();
        stop
    }

    fn read(&self) -> (f64, f64) {
        (self.cpu_ms() - self.cpu, (SystemClock.now() - self.wall) as f64)
    }

    /// User and system time of all threads, in ticks of 10 ms.
    fn cpu_ms(&self) -> f64 {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) * 10.0
    }
}

fn resident() -> Result<String, std::io::Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let lines = status.lines().filter(|line| line.starts_with("VmHWM"));
    Ok(lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect())
}
