//! Wires what the operator sees, and ends a gateway in order: told first, then no new calls, then no calls.

use super::StartFault;
use super::serve::bind;
use crate::condition::Condition;
use crate::config::{Config, Operation};
use crate::gateway::Gateway;
use crate::operation::ending::Stage;
use crate::operation::listener;
use crate::operation::metrics::Metrics;
use crate::operation::page::{Page, Steps};
use crate::operation::watch::{Disk, Expiry, Surroundings, Usage, Watch};
use crate::sweeper;
use crate::token::verify::Verifier;
use crate::transport::counters::Counters;
use crate::transport::expiry::expiries;
use crate::transport::trust::Files;
use axum::Router;
use axum::http::Request;
use axum::middleware::{Next, from_fn};
use sluis_adapters::{disk, process};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Time that calls get to be given up once everything ends, and streams to close what they opened.
const CLOSING: Duration = Duration::from_secs(5);
/// Between two looks at whether calls are still in progress.
const LOOK: Duration = Duration::from_millis(20);
/// Nothing was in progress for this long after accepting ended: what a caller sent before he was told has arrived.
const QUIET: Duration = Duration::from_millis(300);

/// The listener of metrics, bound before anything is written, and its address.
pub(super) struct Watchtower {
    listener: Option<TcpListener>,
    surroundings: Arc<dyn Surroundings>,
    settings: Operation,
}

impl Watchtower {
    /// Binds the address of metrics, where there is one.
    ///
    /// # Errors
    /// [`StartFault::Io`] when it is in use.
    pub(super) async fn bind(config: &Config) -> Result<Self, StartFault> {
        let listener = match config.operation.metrics {
            Some(at) => Some(bind(at).await?),
            None => None,
        };
        let surroundings = Arc::new(Machine { log: config.log.database.clone(), files: files(config) });
        Ok(Self { listener, surroundings, settings: config.operation.clone() })
    }

    /// Where metrics are served.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Looks once, then watches and serves the page until told to end. The page outlives the calls: what happens while
    /// the gateway ends is seen too.
    pub(super) async fn begin(
        self,
        gateway: &Arc<Gateway>,
        connections: Arc<Counters>,
        verifier: Arc<Verifier>,
        ending: watch::Receiver<bool>,
    ) {
        let Self { listener, surroundings, settings } = self;
        let watch = Watch::new(Arc::clone(gateway), Arc::clone(&surroundings), settings.disk_free_min_percent);
        watch.look().await;
        tokio::spawn(watch.run(ending));
        let Some(listener) = listener else { return };
        let started = gateway.clock.now();
        let steps = Mutex::new(Steps::new(started));
        let all_ends = gateway.ending.reached(Stage::AllEnds);
        let page = Page { gateway: Arc::clone(gateway), connections, verifier, surroundings, started, steps };
        tokio::spawn(listener::serve(listener, listener::router(Arc::new(page)), all_ends));
    }
}

/// Counts the answers of the token endpoint by status.
pub(super) fn counted(router: Router, metrics: &Arc<Metrics>) -> Router {
    let metrics = Arc::clone(metrics);
    router.layer(from_fn(move |request: Request<axum::body::Body>, next: Next| {
        let metrics = Arc::clone(&metrics);
        async move {
            let response = next.run(request).await;
            metrics.token_requests.count([response.status().as_str().to_owned().into()]);
            response
        }
    }))
}

/// Ends a gateway: readiness turns red, then nothing is accepted any more, then calls finish within the bound; streams
/// close what they opened, what is left is given up, and every release that was given up gets its outcome.
///
/// # Errors
/// When the server broke before, or an outcome cannot be recorded: the next start then calls it unknown.
pub(super) async fn stop(
    gateway: &Gateway,
    settings: &Operation,
    end: &watch::Sender<bool>,
    mut server: JoinHandle<Result<(), StartFault>>,
) -> Result<(), StartFault> {
    gateway.conditions.raise(Condition::Ending, "calls in progress finish, new ones go elsewhere");
    tokio::time::sleep(Duration::from_secs(settings.stop_delay_s)).await;
    end.send_replace(true);
    let (within, calls) = (Duration::from_secs(settings.stop_within_s), &gateway.metrics.calls_open);
    let mut ended = None;
    for (stage, patience) in [(Stage::Serving, within), (Stage::StreamsEnd, CLOSING), (Stage::AllEnds, CLOSING)] {
        gateway.ending.reach(stage);
        tokio::select! {
            biased;
            server = &mut server => { ended = Some(server); break }
            () = quiet(|| calls.load(Ordering::Relaxed) == 0) => break,
            () = tokio::time::sleep(patience) => {}
        }
    }
    gateway.ending.reach(Stage::AllEnds);
    // What is left are connections without calls. What was given up while ending gets its outcome now.
    sweeper::record_aborted(gateway).await?;
    match ended {
        Some(ended) => ended.unwrap_or_else(|e| Err(StartFault::Ended(e.to_string()))),
        None => {
            server.abort();
            Ok(())
        }
    }
}

/// Waits until nothing was in progress for a while.
async fn quiet(is_quiet: impl Fn() -> bool) {
    let mut since = Duration::ZERO;
    while since < QUIET {
        tokio::time::sleep(LOOK).await;
        since = if is_quiet() { since + LOOK } else { Duration::ZERO };
    }
}

/// The files of our trust.
pub(super) fn files(config: &Config) -> Files {
    Files {
        authorities: config.tls.authorities.clone(),
        revocation: config.tls.revocation.clone(),
        certificate: config.tls.certificate.clone(),
        key: config.tls.key.clone(),
    }
}

/// The machine around the gateway.
struct Machine {
    /// The file of the log; `None` when it is on a server, whose disk this machine does not see.
    log: Option<PathBuf>,
    files: Files,
}

impl Surroundings for Machine {
    fn disk(&self) -> Option<Disk> {
        let disk::Room { free, total } = disk::room(self.log.as_ref()?).ok()?;
        Some(Disk { free, total })
    }

    fn usage(&self) -> Option<Usage> {
        let process::Usage { resident, files, files_max } = process::usage()?;
        Some(Usage { resident, files, files_max })
    }

    fn expiries(&self) -> Vec<Expiry> {
        expiries(&self.files)
    }
}
