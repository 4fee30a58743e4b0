//! A gateway process: a single-threaded runtime of its own with a clock of its own, and in it the production code from
//! the driver of PostgreSQL to the sweeper. To die, it is dropped; to freeze, it is not driven.

use super::defect::Defect;
use super::nobody::{Counted, Nobody};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use sluis::anchor;
use sluis::compose::Others;
use sluis::gateway::{ActivePolicy, Gateway};
use sluis::recorder::Recorder;
use sluis::slot::Slots;
use sluis::sweeper;
use sluis_adapters::master::MasterKey;
use sluis_adapters::postgres::{Place, PostgresLog};
use sluis_core::log::checkpoint::verifier_key;
use sluis_core::policy::{self, Policy, Sources};
use sluis_core::ports::{Clock, Ledger, Signer};
use sluis_core::upkeep::{AnchorStore, LogUpkeep};
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::yield_now;

pub use crate::contract::draft::ORIGIN;

/// The clock of one machine: that of the server, and what it is off by.
#[derive(Default)]
pub struct Machine {
    pub now: AtomicU64,
    pub off: AtomicI64,
}

impl Clock for Machine {
    fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed).saturating_add_signed(self.off.load(Ordering::Relaxed))
    }

    fn leaps(&self) -> bool {
        true
    }
}

/// The key of the log.
pub struct Key(Ed25519KeyPair);

impl Key {
    pub fn new() -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap())
    }

    pub fn verifier() -> &'static str {
        static KEY: LazyLock<String> = LazyLock::new(|| verifier_key(ORIGIN, &Key::new().public_key()));
        &KEY
    }
}

impl Signer for Key {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().unwrap()
    }
}

/// The file outside the database. It outlives the process.
#[derive(Default)]
pub struct Outside(pub Mutex<Option<String>>);

impl AnchorStore for Outside {
    fn read(&self) -> std::io::Result<Option<String>> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn keep(&self, note: &str) -> std::io::Result<()> {
        *self.0.lock().unwrap() = Some(note.to_owned());
        Ok(())
    }

    fn name(&self) -> String {
        "outside".to_owned()
    }
}

/// How far a start has come.
#[derive(Clone)]
pub enum Started {
    Opening,
    Serving(Arc<Gateway>, Arc<PostgresLog>),
    Refused(String),
}

/// One process, running or not.
pub struct Process {
    pub number: usize,
    pub machine: Arc<Machine>,
    pub outside: Arc<Outside>,
    pub started: Arc<Mutex<Started>>,
    pub runtime: Option<Runtime>,
    pub frozen: bool,
    /// How often it was started.
    pub starts: u64,
    /// How much time passed while it stood still.
    missed: u64,
}

impl Process {
    pub fn new(number: usize) -> Self {
        Self {
            number,
            machine: Arc::default(),
            outside: Arc::default(),
            started: Arc::new(Mutex::new(Started::Opening)),
            runtime: None,
            frozen: false,
            starts: 0,
            missed: 0,
        }
    }

    /// Starts it on a server, as `compose` does.
    pub fn start(&mut self, folder: &Path, standby: bool, defect: Option<Defect>) {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        self.started = Arc::new(Mutex::new(Started::Opening));
        self.starts += 1;
        let (place, who, machine) = (place(folder), (self.number, self.starts), Arc::clone(&self.machine));
        let (outside, started) = (Arc::clone(&self.outside), Arc::clone(&self.started));
        runtime.spawn(async move {
            let opened = open(&place, who, standby, machine, &outside, defect).await;
            let serving = |(gateway, log)| Started::Serving(gateway, log);
            *started.lock().unwrap() = opened.map_or_else(Started::Refused, serving);
        });
        (self.runtime, self.frozen, self.missed) = (Some(runtime), false, 0);
    }

    /// Dies as by `kill -9`: every task of it is gone, and its connections with them.
    pub fn kill(&mut self) {
        *self.started.lock().unwrap() = Started::Refused("killed".to_owned());
        self.runtime = None;
    }

    /// Everything in it runs that can run.
    pub fn drive(&mut self) {
        let Some(runtime) = self.runtime.as_ref().filter(|_| !self.frozen) else { return };
        // The first lets tasks run that were woken, the second lets them see what arrived, the third what came of it.
        runtime.block_on(async {
            for _ in 0..3 {
                yield_now().await;
            }
        });
    }

    /// Time passes for it, or will have passed when it goes on.
    pub fn pass(&mut self, milliseconds: u64) {
        self.missed += milliseconds;
        let Some(runtime) = self.runtime.as_ref().filter(|_| !self.frozen) else { return };
        let missed = Duration::from_millis(std::mem::take(&mut self.missed));
        runtime.block_on(tokio::time::advance(missed));
    }

    /// The gateway, when it serves.
    pub fn serving(&self) -> Option<Arc<Gateway>> {
        match &*self.started.lock().unwrap() {
            Started::Serving(gateway, _) if self.runtime.is_some() => Some(Arc::clone(gateway)),
            _ => None,
        }
    }

    /// Its log, when it serves.
    pub fn log(&self) -> Option<Arc<PostgresLog>> {
        match &*self.started.lock().unwrap() {
            Started::Serving(_, log) if self.runtime.is_some() => Some(Arc::clone(log)),
            _ => None,
        }
    }

    /// Whether a start ended without serving.
    pub fn refused(&self) -> Option<String> {
        match &*self.started.lock().unwrap() {
            Started::Refused(why) => Some(why.clone()),
            _ => None,
        }
    }
}

/// Whether a start was refused because of what stands in the log.
pub fn is_alarm(why: &str) -> bool {
    ["contradicts itself", "a backup was put back", "was written anew"].iter().any(|alarm| why.contains(alarm))
}

/// Where the simulated server listens.
pub fn place(folder: &Path) -> Place {
    let address = format!("postgres://sluis@localhost:5432/log?host={}&sslmode=disable", folder.display());
    Place::parse(&address, None).unwrap()
}

/// The master key of every process.
pub fn master() -> MasterKey {
    MasterKey::from_bytes([9; 32])
}

static POLICY: LazyLock<Arc<Policy>> = LazyLock::new(|| {
    let sources = Sources {
        catalog: include_str!("../../../gateway/policy/catalog.toml"),
        ceiling: include_str!("../../../gateway/policy/ceiling.toml"),
        policy: include_str!("../../../gateway/policy/kracht.toml"),
    };
    Arc::new(policy::load(&sources).unwrap())
});

async fn open(
    place: &Place,
    who: (usize, u64),
    standby: bool,
    machine: Arc<Machine>,
    outside: &Outside,
    defect: Option<Defect>,
) -> Result<(Arc<Gateway>, Arc<PostgresLog>), String> {
    let clock: Arc<dyn Clock> = machine;
    let replica = i16::try_from(who.0).unwrap();
    let log = PostgresLog::open(place, replica, standby, &master(), Arc::clone(&clock)).await;
    let log = Arc::new(log.map_err(|error| error.to_string())?);
    let left = log.left_in_flight().await.map_err(|error| error.to_string())?;
    let ledger: Arc<dyn Ledger> = match defect {
        Some(Defect::UnsettledForgotten) => Arc::new(super::nobody::Forgetful(Arc::clone(&log) as _)),
        _ => Arc::clone(&log) as _,
    };
    anchor::check(ledger.as_ref(), outside, Key::verifier()).await.map_err(|fault| fault.to_string())?;
    let recorder = Recorder::start(Arc::clone(&ledger), Arc::new(Key::new()), Arc::clone(&clock)).await;
    let recorder = recorder.map_err(|error| error.to_string())?;
    if let Some(first) = left.first() {
        recorder.in_flight().hold(*first);
    }
    let gateway = Arc::new(assembled(ledger, Arc::clone(&log), recorder, clock, who));
    sweeper::sweep(&gateway, &left).await.map_err(|fault| fault.to_string())?;
    sweeper::follow(&gateway);
    let others = Others { log: Arc::<PostgresLog>::clone(&log), gateway: Arc::clone(&gateway) };
    let (end, ending) = watch::channel(false);
    tokio::spawn(async move {
        others.run(ending).await;
        drop(end);
    });
    Ok((gateway, log))
}

fn assembled(
    ledger: Arc<dyn Ledger>,
    log: Arc<PostgresLog>,
    recorder: Recorder,
    clock: Arc<dyn Clock>,
    (number, start): (usize, u64),
) -> Gateway {
    let active = ActivePolicy { policy: Arc::clone(&POLICY), version: 0 };
    Gateway {
        ledger,
        register: log,
        keys: Arc::new(Nobody),
        facts: Arc::new(Nobody),
        dossier: Arc::new(Nobody),
        recorder,
        active: arc_swap::ArcSwap::from_pointee(active),
        clock,
        entropy: Arc::new(Counted::new(number, start)),
        test_numbers: true,
        grants: sluis::enrolment::GrantCache::default(),
        slots: Slots::begin(),
        activating: tokio::sync::Mutex::default(),
        enrolling: sluis::enrolling::Enrolling::default(),
        conditions: Arc::default(),
        metrics: Arc::default(),
        ending: sluis::operation::ending::Ending::default(),
        quotas: Arc::default(),
    }
}
