//! The load: callers in a closed loop on a few connections. Each asks, waits for the reply, and asks again.

use super::Fault;
use super::ground::Ground;
use hdrhistogram::Histogram;
use sluis::client::ask::by_client_number;
use sluis::client::connection::{Connection, with_metadata};
use sluis::transport::profile::Profile;
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use sluis_proto::v1;
use sluis_proto::v1::release_response::Outcome;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Callers, over all connections.
pub const CALLERS: usize = 64;
/// Connections.
pub const CONNECTIONS: usize = 4;

/// What came of a load.
pub struct Outcomes {
    /// Releases per second.
    pub per_second: f64,
    /// Time of each call, nanoseconds.
    pub latency: Histogram<u64>,
    /// Replies that were no release, and errors.
    pub others: u64,
}

/// Transaction ids as a client makes them: UUIDv7, none twice.
pub fn transactions() -> Arc<dyn Fn() -> uuid::Uuid + Send + Sync> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let process = u64::from(std::process::id()) << 32;
    Arc::new(move || {
        let number = process + NEXT.fetch_add(1, Ordering::Relaxed);
        let mut random = [0; 10];
        random.iter_mut().skip(2).zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        uuid::Builder::from_unix_timestamp_millis(SystemClock.now(), &random).into_uuid()
    })
}

/// A connection with its token kept fresh.
pub async fn open(profile: &Profile) -> Result<Connection, Fault> {
    Ok(Connection::open(profile, Arc::new(SystemClock), transactions()).await?)
}

/// The question of the bench about one client.
pub fn question(ground: &Ground, client: &str) -> v1::ReleaseRequest {
    v1::ReleaseRequest {
        subject: Some(by_client_number(client)),
        purpose: ground.purpose as i32,
        fields: Vec::new(),
        actor: ground.actor.clone(),
    }
}

/// Loads the endpoint of this profile for so long. The floor gets the same requests, token included.
pub async fn load(ground: &Arc<Ground>, profile: &Profile, time: Duration) -> Result<Outcomes, Fault> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(open(profile).await?);
    }
    let start = now();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let connection = connections.get(caller % CONNECTIONS).ok_or("no connection")?.clone();
        callers.spawn(call_until(Arc::clone(ground), connection, caller, start + time));
    }
    let mut all = Outcomes { per_second: 0.0, latency: times()?, others: 0 };
    while let Some(one) = callers.join_next().await {
        let one = one??;
        all.latency.add(&one.latency)?;
        all.others += one.others;
    }
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 calls")]
    let released = all.latency.len() as f64;
    all.per_second = released / start.elapsed().as_secs_f64();
    Ok(all)
}

/// Room for times up to a minute; longer ones count as one.
fn times() -> Result<Histogram<u64>, Fault> {
    Ok(Histogram::new_with_max(60_000_000_000, 3)?)
}

async fn call_until(
    ground: Arc<Ground>,
    connection: Connection,
    first: usize,
    end: Instant,
) -> Result<Outcomes, Fault> {
    let mut outcomes = Outcomes { per_second: 0.0, latency: times()?, others: 0 };
    let mut releases = connection.releases();
    let mut clients = ground.clients.iter().cycle().skip(first * 7);
    while now() < end {
        let client = clients.next().ok_or("no client to ask about")?;
        let token = connection.token().await?;
        let request = with_metadata(question(&ground, client), &token, connection.transaction())?;
        let asked = now();
        let reply = releases.release(request).await;
        let nanoseconds = u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX);
        match reply.map(|reply| reply.into_inner().outcome) {
            Ok(Some(Outcome::Released(_))) => outcomes.latency.saturating_record(nanoseconds),
            _ => outcomes.others += 1,
        }
    }
    Ok(outcomes)
}

#[expect(clippy::disallowed_methods, reason = "a bench measures durations")]
fn now() -> Instant {
    Instant::now()
}
