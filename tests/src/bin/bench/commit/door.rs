//! A way into a log, and callers in a closed loop before it: each waits until its entry is durable, then brings the next.

use super::Fault;
use super::drafts::Drafts;
use crate::report::cpu_us;
use async_trait::async_trait;
use hdrhistogram::Histogram;
use sluis::operation::stopwatch::Stopwatch;
use sluis::recorder::{Recorder, Verdict};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// What makes an entry durable.
#[async_trait]
pub trait Door: Send + Sync {
    /// Returns when the entry of this number is durable.
    async fn enter(&self, number: u64) -> Result<(), Fault>;

    /// Commits so far.
    fn commits(&self) -> u64;
}

/// The gateway's own way into the log.
pub struct Recorded {
    /// Queue, group commit, signature, receipts.
    pub recorder: Recorder,
    /// What is recorded.
    pub drafts: Arc<Drafts>,
}

#[async_trait]
impl Door for Recorded {
    async fn enter(&self, number: u64) -> Result<(), Fault> {
        match self.recorder.record(self.drafts.release(number)).await? {
            Verdict::Released(_receipt, delivery) => {
                delivery.handed_over();
                Ok(())
            }
            other => Err(format!("an entry was not recorded: {other:?}").into()),
        }
    }

    fn commits(&self) -> u64 {
        self.recorder.counts().append_seconds.shot().count
    }
}

/// What came of one or more rounds.
pub struct Measured {
    /// Entries per second of each round.
    pub rates: Vec<f64>,
    /// Entries of all rounds.
    pub entries: u64,
    /// Time of each call, nanoseconds.
    pub latency: Histogram<u64>,
    /// Commits of all rounds.
    pub commits: u64,
    /// Processor time of this process, microseconds.
    pub cpu_us: f64,
    /// Processor time of the server, microseconds.
    pub server_cpu_us: f64,
}

impl Measured {
    /// Nothing yet.
    ///
    /// # Errors
    /// None that can happen.
    pub fn nothing() -> Result<Self, Fault> {
        let latency = times()?;
        Ok(Self { rates: Vec::new(), entries: 0, latency, commits: 0, cpu_us: 0.0, server_cpu_us: 0.0 })
    }

    /// Has so many callers at each door for so long, and adds what came of it. `server` gives the processor time of a server.
    ///
    /// # Errors
    /// When one entry is not recorded: then nothing was measured.
    pub async fn round(
        &mut self,
        doors: &[Arc<dyn Door>],
        callers: usize,
        drafts: &Arc<Drafts>,
        time: Duration,
        server: impl Fn() -> Result<f64, Fault>,
    ) -> Result<(), Fault> {
        let commits = || doors.iter().map(|door| door.commits()).sum::<u64>();
        let (commits_before, cpu_before, server_before) = (commits(), cpu_us("self"), server()?);
        let (start, mut calling, mut entries) = (Stopwatch::start(), JoinSet::new(), 0);
        for door in doors.iter().flat_map(|door| std::iter::repeat_n(door, callers)) {
            calling.spawn(call(Arc::clone(door), Arc::clone(drafts), start, time));
        }
        while let Some(times) = calling.join_next().await {
            let times = times??;
            entries += times.len();
            self.latency.add(&times)?;
        }
        self.rates.push(number(entries) / start.elapsed().as_secs_f64());
        self.entries += entries;
        self.commits += commits() - commits_before;
        self.cpu_us += cpu_us("self") - cpu_before;
        self.server_cpu_us += server()? - server_before;
        Ok(())
    }
}

async fn call(
    door: Arc<dyn Door>,
    drafts: Arc<Drafts>,
    start: Stopwatch,
    time: Duration,
) -> Result<Histogram<u64>, Fault> {
    let mut times = times()?;
    while start.elapsed() < time {
        let asked = Stopwatch::start();
        door.enter(drafts.number()).await?;
        times.saturating_record(u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Ok(times)
}

/// Room for times up to a minute, to one per cent: one for each of hundreds of callers.
fn times() -> Result<Histogram<u64>, Fault> {
    Ok(Histogram::new_with_max(60_000_000_000, 2)?)
}

/// A count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 entries")]
pub fn number(count: u64) -> f64 {
    count as f64
}
