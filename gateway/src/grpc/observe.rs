//! Every call is counted and gets one log line, whatever its shape and whatever became of it. Of those that the door turned
//! away, which it counts itself, the first of each code and every hundredth get one, so that nobody fills the log.
//!
//! A call ends when its last message was handed to the transport, when it failed, or when the caller went away. The line
//! says which method, how it ended, how long it took, under which transaction id and at which entry of the log; never who
//! asked about whom for what (docs/decisions/0016). When the gateway ends for good, what is still in progress ends here.

use crate::gateway::Gateway;
use crate::operation::ending::Stage;
use crate::operation::lines::CALL;
use crate::operation::metrics::Metrics;
use crate::operation::stopwatch::Stopwatch;
use crate::transport::connection::Link;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use prost::Message;
use prost_types::FileDescriptorSet;
use sluis_core::organisation::Oin;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

/// What a service says about its call, for the log line: left in the extensions of its response.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// `released`, or `answered` without a release.
    pub outcome: &'static str,
    /// The entry in the log. A call about a manual disclosure leaves nothing here: its method and moment with the index of
    /// its entry would tell readers of leaves when who was told.
    pub entry: u64,
    /// The transaction id, the client's or ours.
    pub transaction_id: uuid::Uuid,
}

/// What the door leaves in the extensions of its answer to a call that it turned away and counted.
#[derive(Debug, Clone, Copy)]
pub struct TurnedAway;

/// The layer around the door.
#[derive(Clone)]
pub struct Observe(Arc<Gateway>);

impl Observe {
    /// Counts for this gateway.
    #[must_use]
    pub fn new(gateway: &Arc<Gateway>) -> Self {
        Self(Arc::clone(gateway))
    }
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { inner, gateway: Arc::clone(&self.0) }
    }
}

/// A service whose calls are observed.
#[derive(Clone)]
pub struct Observed<S> {
    inner: S,
    gateway: Arc<Gateway>,
}

impl<S> Service<Request<Body>> for Observed<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut call = Call::begin(&request, Arc::clone(&self.gateway.metrics));
        let cut = self.gateway.ending.reached(Stage::AllEnds);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut cut = Box::pin(cut);
            let answer = tokio::select! {
                biased;
                answer = answer => answer?,
                () = &mut cut => super::status::ending().into_http(),
            };
            call.turned_away = answer.extensions().get::<TurnedAway>().is_some();
            call.said = answer.extensions().get::<Said>().copied();
            if let Some(code) = code_in(answer.headers()) {
                call.end(code);
                return Ok(answer);
            }
            let (head, body) = answer.into_parts();
            Ok(Response::from_parts(head, Body::new(Watched { inner: body, call, cut })))
        })
    }
}

/// The code in the headers of a call that failed at once, or in the trailers of any other.
fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()))
}

/// One call in progress. Dropped before its end, it was given up by its caller or ran out of time.
struct Call {
    metrics: Arc<Metrics>,
    stopwatch: Stopwatch,
    method: &'static Method,
    oin: Option<Oin>,
    transaction_id: Option<uuid::Uuid>,
    said: Option<Said>,
    turned_away: bool,
    ended: bool,
}

impl Call {
    fn begin(request: &Request<Body>, metrics: Arc<Metrics>) -> Self {
        let method = Method::of(request.uri().path());
        if method.is_ours {
            metrics.calls_open.fetch_add(1, Ordering::Relaxed);
        }
        let sent = request.headers().get("fsc-transaction-id").and_then(|id| id.to_str().ok());
        Self {
            metrics,
            stopwatch: Stopwatch::start(),
            method,
            oin: request.extensions().get::<Link>().map(|link| link.peer.oin.clone()),
            transaction_id: sent.and_then(|id| uuid::Uuid::try_parse(id).ok()),
            said: None,
            turned_away: false,
            ended: false,
        }
    }

    fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let Method { service, method, is_ours } = self.method;
        let (took, code) = (self.stopwatch.elapsed(), name(code));
        self.metrics.calls.count([service.as_str().into(), method.as_str().into(), code.into()]);
        self.metrics.call_seconds.with([service.as_str().into(), method.as_str().into()], |all| all.took(took));
        if !is_ours {
            return;
        }
        self.metrics.calls_open.fetch_sub(1, Ordering::Relaxed);
        if let Some(oin) = &self.oin {
            let result = if code == "OK" { "ok" } else { "error" };
            self.metrics.organisations.count([oin.to_string().into(), result.into()]);
        }
        if self.turned_away && !self.metrics.turned_away(code) {
            return;
        }
        let transaction_id = self.said.map(|said| said.transaction_id).or(self.transaction_id);
        tracing::info!(
            target: CALL,
            service,
            method,
            code,
            micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            outcome = self.said.map(|said| said.outcome),
            entry = self.said.map(|said| said.entry),
            transaction_id = transaction_id.map(tracing::field::display),
            "call"
        );
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

/// A body that says when its call ended.
struct Watched {
    inner: Body,
    call: Call,
    cut: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending if self.cut.as_mut().poll(cx).is_ready() => Some(Err(super::status::ending())),
            Poll::Pending => return Poll::Pending,
        };
        match &frame {
            Some(Ok(frame)) => {
                if let Some(code) = frame.trailers_ref().and_then(code_in) {
                    self.call.end(code);
                }
            }
            Some(Err(status)) => self.call.end(status.code()),
            None => self.call.end(Code::Unknown),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A method as it is counted: only those that exist, so that a caller cannot make labels of his own.
struct Method {
    service: String,
    method: String,
    /// Whether it is of `sluis.v1`, and not health or reflection.
    is_ours: bool,
}

impl Method {
    fn of(path: &str) -> &'static Self {
        static METHODS: OnceLock<(BTreeMap<String, Method>, Method)> = OnceLock::new();
        let (known, unknown) = METHODS.get_or_init(|| (methods(), Self::new("unknown", "unknown")));
        known.get(path).unwrap_or(unknown)
    }

    fn new(service: &str, method: &str) -> Self {
        Self { service: service.to_owned(), method: method.to_owned(), is_ours: service.starts_with("sluis.v1.") }
    }
}

/// Every method that is served, by its path.
fn methods() -> BTreeMap<String, Method> {
    let described = [sluis_proto::DESCRIPTORS, tonic_health::pb::FILE_DESCRIPTOR_SET];
    let files =
        described.into_iter().filter_map(|bytes| FileDescriptorSet::decode(bytes).ok()).flat_map(|set| set.file);
    let services = files.flat_map(|file| {
        let package = file.package().to_owned();
        file.service.into_iter().map(move |service| (format!("{package}.{}", service.name()), service))
    });
    let methods = services.flat_map(|(name, service)| {
        service.method.into_iter().map(move |m| (format!("/{name}/{}", m.name()), Method::new(&name, m.name())))
    });
    let reflection = ["v1", "v1alpha"].map(|version| {
        let service = format!("grpc.reflection.{version}.ServerReflection");
        (format!("/{service}/ServerReflectionInfo"), Method::new(&service, "ServerReflectionInfo"))
    });
    methods.chain(reflection).collect()
}

/// The name of a code as gRPC writes it.
const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_makes_no_labels() {
        let of = |path| Method::of(path).method.as_str();
        assert_eq!(of("/sluis.v1.ReleaseService/Release"), "Release");
        assert_eq!(of("/grpc.health.v1.Health/Watch"), "Watch");
        assert_eq!(of("/sluis.v1.ReleaseService/Jan-Jansen-999990019"), "unknown");
        assert!(methods().values().filter(|m| m.is_ours).count() > 8);
    }
}
