//! Assembly of the gRPC server: limits, door, services, as one visible list.

use super::audit_service::Audits;
use super::deadline::Deadline;
use super::disclosure_service::Disclosures;
use super::door::{Door, DoorLimits};
use super::enrolment_service::Enrolments;
use super::log_service::Logs;
use super::observe::Observe;
use super::release_service::Releases;
use super::standing_service::Standings;
use crate::condition::{Condition, Conditions};
use crate::gateway::Gateway;
use crate::recorder::LogState;
use crate::token::verify::Verifier;
use crate::transport::connection::TlsConnection;
use sluis_proto::v1::disclosure_service_server::DisclosureServiceServer;
use sluis_proto::v1::enrolment_service_server::EnrolmentServiceServer;
use sluis_proto::v1::invoice_audit_service_server::InvoiceAuditServiceServer;
use sluis_proto::v1::log_service_server::LogServiceServer;
use sluis_proto::v1::release_service_server::ReleaseServiceServer;
use sluis_proto::v1::standing_service_server::StandingServiceServer;
use std::sync::Arc;
use std::time::Duration;
use tokio_stream::Stream;
use tonic::transport::Server;
use tonic::transport::server::Router;
use tower::layer::util::{Identity, Stack};

/// What a caller may send on one stream before we read it: one message fits.
const STREAM_WINDOW: u32 = 128 * 1024;
/// And on all streams of a connection together: this bounds what a connection makes us keep.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Largest frame, the smallest that HTTP/2 allows to ask for (RFC 9113, 6.5.2).
const FRAME_BYTES_MAX: u32 = 16 * 1024;
/// Streams reset by the caller before we looked at them (rapid reset); more end the connection.
const RESETS_PENDING_MAX: usize = 20;
/// Streams that we had to reset for errors of the caller, in the life of a connection; more end it. A caller that is refused
/// while it sends costs one too.
const RESETS_BY_US_MAX: usize = 1024;

/// Limits of the server.
#[derive(Debug, Clone, Copy)]
pub struct GrpcLimits {
    /// At the door.
    pub door: DoorLimits,
    /// Largest message received, bytes.
    pub message_bytes_max: usize,
    /// Streams on one connection.
    pub streams_max: u32,
    /// Longest a unary call may take.
    pub call: Duration,
    /// A connection is asked to end after this time, so that callers spread again over replicas and new certificates.
    pub connection_age: Duration,
    /// Largest header list, bytes.
    pub header_bytes_max: u32,
    /// Longest that nothing may move on a stream.
    pub idle: Duration,
}

impl Default for GrpcLimits {
    fn default() -> Self {
        Self {
            door: DoorLimits { calls_max: 512, transaction_id_required: false },
            message_bytes_max: 64 * 1024,
            streams_max: 128,
            call: Duration::from_secs(10),
            connection_age: Duration::from_secs(15 * 60),
            header_bytes_max: 32 * 1024,
            idle: Duration::from_secs(60),
        }
    }
}

/// What every call passes, from the outside in: counted, told when it is late, let in.
type Layers = Stack<Door, Stack<Deadline, Stack<Observe, Identity>>>;

/// Every service behind its limits, ready to be served: once, or in several lanes that share all of it.
#[derive(Clone)]
pub struct Services(Router<Layers>);

impl Services {
    /// Serves until `ended` resolves, in the runtime that this is called in. Connections come from our own acceptor, each
    /// with its peer.
    ///
    /// # Errors
    /// When the server breaks.
    pub async fn serve<I>(
        self,
        incoming: I,
        ended: impl Future<Output = ()> + Send,
    ) -> Result<(), tonic::transport::Error>
    where
        I: Stream<Item = Result<TlsConnection, std::io::Error>> + Send + 'static,
    {
        self.0.serve_with_incoming_shutdown(incoming, ended).await
    }
}

/// Assembles the services, and has health follow the conditions from now on.
///
/// # Errors
/// When the description of the services cannot be read, which is a defect.
pub fn services(
    gateway: Arc<Gateway>,
    verifier: Arc<Verifier>,
    limits: GrpcLimits,
) -> Result<Services, Box<dyn std::error::Error + Send + Sync>> {
    let (reporter, health) = tonic_health::server::health_reporter();
    tokio::spawn(name_log_state(Arc::clone(&gateway.conditions), gateway.recorder.state()));
    tokio::spawn(report_health(reporter, Arc::clone(&gateway.conditions)));
    let door = Door::new(verifier, Arc::clone(&gateway.clock), Arc::clone(&gateway.quotas), limits.door);
    let most = limits.message_bytes_max;
    let router = Server::builder()
        .timeout(limits.call)
        .max_concurrent_streams(limits.streams_max)
        .http2_max_header_list_size(limits.header_bytes_max)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME_BYTES_MAX)
        .http2_max_pending_accept_reset_streams(Some(RESETS_PENDING_MAX))
        .http2_max_local_error_reset_streams(Some(RESETS_BY_US_MAX))
        .max_connection_age(limits.connection_age)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .layer(Observe::new(&gateway))
        .layer(Deadline::new(limits.call))
        .layer(door)
        .add_service(health)
        .add_service(described().build_v1()?)
        .add_service(described().build_v1alpha()?)
        .add_service(ReleaseServiceServer::new(Releases(Arc::clone(&gateway))).max_decoding_message_size(most))
        .add_service(StandingServiceServer::new(Standings(Arc::clone(&gateway))).max_decoding_message_size(most))
        .add_service(
            InvoiceAuditServiceServer::new(Audits { gateway: Arc::clone(&gateway), idle: limits.idle })
                .max_decoding_message_size(most),
        )
        .add_service(DisclosureServiceServer::new(Disclosures(Arc::clone(&gateway))).max_decoding_message_size(most))
        .add_service(EnrolmentServiceServer::new(Enrolments(Arc::clone(&gateway))).max_decoding_message_size(most))
        .add_service(LogServiceServer::new(Logs(gateway)).max_decoding_message_size(most));
    Ok(Services(router))
}

/// What is served, for clients that ask; served in today's version and in the one that Python and older tools speak.
fn described() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(sluis_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// The state of the log as a condition.
async fn name_log_state(conditions: Arc<Conditions>, mut state: tokio::sync::watch::Receiver<LogState>) {
    const BEHIND: LogState = LogState::Failing("CLOCK_BEHIND");
    let mut before = LogState::Writing;
    loop {
        let now = state.borrow_and_update().clone();
        // What was written after a refusal for the clock proves the clock, without waiting for the next look at it.
        if before == BEHIND && now != BEHIND {
            conditions.clear(Condition::ClockBehind);
        }
        match now {
            LogState::Writing => conditions.clear(Condition::LogFailing),
            BEHIND => conditions.raise(Condition::ClockBehind, "set the clock right"),
            LogState::Failing(name) => conditions.raise(Condition::LogFailing, name),
            LogState::Halted => conditions.raise(Condition::LogHalted, "start the gateway again"),
        }
        before = now;
        if state.changed().await.is_err() {
            return;
        }
    }
}

/// Health follows the conditions: when the log cannot be written, nothing may be released.
async fn report_health(reporter: tonic_health::server::HealthReporter, conditions: Arc<Conditions>) {
    const SERVICES: [&str; 5] = [
        "",
        "sluis.v1.ReleaseService",
        "sluis.v1.StandingService",
        "sluis.v1.InvoiceAuditService",
        "sluis.v1.DisclosureService",
    ];
    let mut changes = conditions.watch();
    loop {
        changes.borrow_and_update();
        let serving = if conditions.ready() {
            tonic_health::ServingStatus::Serving
        } else {
            tonic_health::ServingStatus::NotServing
        };
        for service in SERVICES {
            reporter.set_service_status(service, serving).await;
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}
