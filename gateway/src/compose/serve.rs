//! Listens and serves: gRPC and the token endpoint, each behind mutual TLS, until told to end.

use super::assemble::open_at;
use super::operate::{self, Watchtower, counted};
use super::reload::{Asking, AtStart, Listeners, OwnTokens, Replaceable};
use super::replicas::Others;
use super::{Assembled, StartFault, servers};
use crate::anchor;
use crate::brake::Brake;
use crate::config::{Config, ConfigFault, Operation, TokenIssuer};
use crate::enrolment::grant_hash;
use crate::gateway::Gateway;
use crate::grpc::{DoorLimits, GrpcLimits, services};
use crate::quota::report::Report;
use crate::recorder::LogState;
use crate::scrubber::Acting;
use crate::token::endpoint::{Endpoint, Grant, GrantError, Grants};
use crate::token::issue::{Issuer, LIFETIME_S, Realm};
use crate::token::keys::{KeySet, SigningKey};
use crate::token::manager::signing_keys;
use crate::token::verify::{Expectation, IssuedBy, Verifier};
use crate::token::{endpoint, verify};
use crate::transport::acceptor::{Incoming, Limits, accept, accept_on};
use crate::transport::counters::Counters;
use crate::transport::lanes::Lanes;
use crate::transport::room::within;
use sluis_adapters::system::SystemClock;
use sluis_core::organisation::Oin;
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use sluis_core::upkeep::AnchorStore;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A gateway that listens.
pub struct Listening {
    /// Address of the gRPC listener.
    pub grpc: SocketAddr,
    /// Address of the token endpoint, where the gateway issues tokens itself.
    pub token: Option<SocketAddr>,
    /// Address of metrics and readiness, where they are served.
    pub metrics: Option<SocketAddr>,
    /// The gateway behind it.
    pub gateway: Arc<Gateway>,
    /// Subjects that were new to the register at start.
    pub provisioned: u64,
    /// Has changed files taken over at once, as SIGHUP does.
    pub reload: Asking,
    end: watch::Sender<bool>,
    server: tokio::task::JoinHandle<Result<(), StartFault>>,
    operation: Operation,
    report: Arc<Report>,
    anchor: Arc<dyn AnchorStore>,
    /// What stops it when the log is not what was written.
    pub brake: Arc<Brake>,
    /// Calls are served here until the end was written down.
    _lanes: Arc<Lanes>,
}

impl Listening {
    /// Waits until the server ends by itself: then something is wrong.
    ///
    /// # Errors
    /// [`StartFault::Halted`] when the outcome of an append is not known.
    pub async fn ended(&mut self) -> Result<(), StartFault> {
        let mut log = self.gateway.recorder.state();
        tokio::select! {
            halted = log.wait_for(|state| *state == LogState::Halted) => { drop(halted); Err(StartFault::Halted) }
            ended = &mut self.server => ended.unwrap_or_else(|e| Err(StartFault::Ended(e.to_string()))),
        }
    }

    /// Says that it ends, stops accepting, lets calls in progress finish within the configured bound, and waits for it.
    /// Then nothing is in flight.
    ///
    /// # Errors
    /// When the server broke before.
    pub async fn stop(self) -> Result<(), StartFault> {
        let ended = operate::stop(&self.gateway, &self.operation, &self.end, self.server).await;
        self.report.write().await?;
        // The last of all: nothing is recorded any more.
        anchor::keep(&self.gateway.recorder, &self.anchor, &self.gateway.conditions).await;
        ended
    }
}

/// Assembles a gateway and serves it in the background.
///
/// # Errors
/// [`StartFault`]; nothing is served.
pub async fn listen(config: &Config) -> Result<Listening, StartFault> {
    listen_at(config, Arc::new(SystemClock)).await
}

/// As [`listen`], by another clock than that of the machine: what the log, decisions and limits go by.
///
/// # Errors
/// [`StartFault`]; nothing is served.
pub async fn listen_at(config: &Config, clock: Arc<dyn Clock>) -> Result<Listening, StartFault> {
    let at_start = AtStart::remember(config);
    let opened = open_at(config, clock).await?;
    let realm = realm(config);
    let (verifier, key) = issuing(config, &realm)?;
    let verifier = Arc::new(verifier);
    let listeners = Arc::new(Listeners::begin(&config.tls)?);
    let grpc = bind(config.listen.grpc).await?;
    let token = match config.listen.token {
        Some(at) => Some(bind(at).await?),
        None => None,
    };
    let watchtower = Watchtower::bind(config).await?;
    let lanes = lanes(config)?;
    let (grpc_at, token_at) = (address(&grpc)?, token.as_ref().map(address).transpose()?);
    // Everything that can be missing or in use was looked at: only now are entries written.
    let Assembled { gateway, anchor, provisioned, housekeeper, scrubber, brake } = opened.begin().await?;
    let kept = (gateway.recorder.clone(), Arc::clone(&anchor), Arc::clone(&gateway.conditions));
    let counters = Arc::new(Counters::default());
    let limits = bounds(config);
    let quotas = &gateway.quotas;
    let calls = accept_on(lanes.runtimes(), grpc, Arc::clone(&listeners.grpc), limits, Arc::clone(&counters));
    let (end, ending) = watch::channel(false);
    let metrics = watchtower.address();
    watchtower.begin(&gateway, Arc::clone(&counters), Arc::clone(&verifier), ending.clone()).await;
    tokio::spawn(anchor::follow(kept.0, kept.1, kept.2, ending.clone()));
    servers::follow(config, &gateway, ending.clone())?;
    let others = Others { log: Arc::clone(&housekeeper.log), gateway: Arc::clone(&gateway) };
    tokio::spawn(others.run(ending.clone()));
    tokio::spawn(housekeeper.run(ending.clone()));
    let acting = Acting { gateway: Arc::clone(&gateway), brake: Arc::clone(&brake) };
    tokio::spawn(scrubber.run(acting, ending.clone()));
    tokio::spawn(Arc::clone(&brake).run(ending.clone()));
    let report = Arc::new(Report::new(Arc::clone(&gateway), Arc::clone(&counters)));
    tokio::spawn(Arc::clone(&report).run(ending.clone()));
    let own_tokens = token.zip(key).map(|(token, key)| {
        let requests = accept(token, Arc::clone(&listeners.token), limits, Arc::clone(&counters));
        let endpoint = Arc::new(Endpoint {
            issuer: Issuer::new(Arc::clone(&key), realm),
            grants: Arc::new(RegisterGrants { gateway: Arc::clone(&gateway), service: config.token.service.clone() }),
            clock: Arc::clone(&gateway.clock),
            quotas: Arc::clone(quotas),
        });
        let router = counted(endpoint::router(Arc::clone(&endpoint)), &gateway.metrics);
        tokio::spawn(endpoint::serve(within(requests, Arc::clone(quotas)), router, told(ending.clone())));
        OwnTokens { endpoint, key }
    });
    let replaceable =
        Replaceable { gateway: Arc::clone(&gateway), listeners, verifier: Arc::clone(&verifier), own_tokens };
    let reload = at_start.follow(config, replaceable, &ending);
    let server =
        tokio::spawn(run(Arc::clone(&gateway), verifier, grpc_limits(config), Arc::clone(&lanes), calls, ending));
    Ok(Listening {
        grpc: grpc_at,
        token: token_at,
        metrics,
        gateway,
        provisioned,
        reload,
        end,
        server,
        operation: config.operation.clone(),
        report,
        anchor,
        brake,
        _lanes: lanes,
    })
}

/// Whose tokens count, and for what.
fn realm(config: &Config) -> Realm {
    Realm {
        issuer: config.organisation.oin.to_string(),
        audience: config.token.audience.clone(),
        group: config.token.group.clone(),
        service: config.token.service.clone(),
    }
}

/// The bounds of connections.
fn bounds(config: &Config) -> Limits {
    Limits {
        connections_max: config.listen.connections_max,
        connection_age_max: Some(config.listen.connection_age_max()),
        writing_max: idle(config),
        // Later than a stream is ended for being idle, which is the milder end.
        reply_max: idle(config) * 5 / 4,
        ..Limits::default()
    }
}

/// What judges tokens, and the key that signs them where the gateway issues them itself.
fn issuing(config: &Config, realm: &Realm) -> Result<(verify::Verifier, Option<Arc<SigningKey>>), StartFault> {
    let expect = |lifetime_max_s, issued_by| Expectation { realm: realm.clone(), lifetime_max_s, issued_by };
    let issuer = config.token.issuer(config.listen.token.is_some());
    match issuer.map_err(ConfigFault::Contradiction)? {
        TokenIssuer::Endpoint(file) => {
            let key = Arc::new(SigningKey::load(file)?);
            let expectation = expect(LIFETIME_S, IssuedBy::Endpoint);
            Ok((verify::Verifier::new(expectation, KeySet::new().with_own(&key)), Some(key)))
        }
        TokenIssuer::Manager(external) => {
            let keys = signing_keys(&external.certificates, &config.organisation.oin, &external.algorithms)?;
            let expectation = expect(external.lifetime_max_s, IssuedBy::Manager);
            Ok((verify::Verifier::new(expectation, keys), None))
        }
    }
}

fn lanes(config: &Config) -> Result<Arc<Lanes>, StartFault> {
    let (count, what) = (config.operation.runtimes, "cannot start the threads of `operation.runtimes`: lower it");
    let lanes = Lanes::begin(count).map_err(|source| StartFault::Io { what: what.to_owned(), source });
    lanes.map(Arc::new)
}

/// Serves the connections of each lane there, until all have ended or one broke.
async fn run(
    gateway: Arc<Gateway>,
    verifier: Arc<Verifier>,
    limits: GrpcLimits,
    lanes: Arc<Lanes>,
    calls: Vec<Incoming>,
    ending: watch::Receiver<bool>,
) -> Result<(), StartFault> {
    let services = services(Arc::clone(&gateway), verifier, limits);
    let services = services.map_err(|e| StartFault::Ended(e.to_string()))?;
    let mut serving = JoinSet::new();
    for (runtime, calls) in lanes.runtimes().iter().zip(calls) {
        let calls = within(calls, Arc::clone(&gateway.quotas));
        serving.spawn_on(services.clone().serve(calls, told(ending.clone())), runtime);
    }
    while let Some(ended) = serving.join_next().await {
        let served = ended.map_err(|e| StartFault::Ended(e.to_string()))?;
        served.map_err(|e| StartFault::Ended(e.to_string()))?;
    }
    Ok(())
}

fn grpc_limits(config: &Config) -> GrpcLimits {
    let listen = &config.listen;
    let door = DoorLimits { calls_max: listen.calls_max, transaction_id_required: listen.transaction_id_required };
    GrpcLimits { door, connection_age: listen.connection_age(), idle: idle(config), ..GrpcLimits::default() }
}

fn idle(config: &Config) -> Duration {
    Duration::from_secs(config.limits.idle_seconds.get().into())
}

async fn told(mut ending: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is also an end.
    let _ = ending.wait_for(|end| *end).await;
}

pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener, StartFault> {
    let what = || format!("cannot listen on {address}: is another gateway running?");
    TcpListener::bind(address).await.map_err(|source| StartFault::Io { what: what(), source })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, StartFault> {
    listener.local_addr().map_err(|source| StartFault::Io { what: "the listener has no address".to_owned(), source })
}

/// Grants out of the register: the scope is the service, or the current grant hash itself.
struct RegisterGrants {
    gateway: Arc<Gateway>,
    service: String,
}

#[async_trait::async_trait]
impl Grants for RegisterGrants {
    async fn grant(&self, oin: &Oin, scope: &str) -> Result<Option<Grant>, GrantError> {
        let row = self.gateway.register.enrolments(oin).await.map_err(|_| GrantError::Unavailable)?;
        let today = dutch_date(self.gateway.clock.now());
        if !row.state.iter().any(|e| e.in_force(today)) {
            // The holder may always come to its own enrolments, also when nobody is enrolled yet.
            let own = self.gateway.enrolling.grant_of_holder(oin).ok_or(GrantError::NotAdmitted)?;
            return Ok((scope == self.service || scope == own).then_some(Grant { hash: own }));
        }
        let hash = grant_hash(oin, &row.state);
        Ok((scope == self.service || scope == hash).then_some(Grant { hash }))
    }
}
