//! The door: every call of every shape passes here, in this order: room in the house, room of the organisation, token,
//! transaction id.
//!
//! Load is shed before a signature is checked, so that nobody can spend our processor; whose load it is, the certificate
//! says. Health and reflection need the certificate only. What is turned away is counted and never logged by itself (A25).

use super::held::hold;
use super::observe::TurnedAway;
use super::status::{self, Invalid};
use crate::fsc::connection::ServiceConnection;
use crate::gather::Caller;
use crate::quota::refused::Refused;
use crate::quota::{Account, CallPlace, Quotas};
use crate::token::verify::Verifier;
use crate::transport::connection::Link;
use crate::transport::peer::Peer;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use sluis_core::ports::Clock;
use sluis_proto::v1::ErrorReason;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

/// How far the time inside a transaction id may lie from now (A13).
const TRANSACTION_AGE_MS_MAX: u64 = 72 * 3600 * 1000;

/// How long, and how much, is read of a call that is refused.
const READ_ON_MAX: Duration = Duration::from_millis(250);
const READ_ON_BYTES_MAX: usize = 64 * 1024;

/// Limits at the door.
#[derive(Debug, Clone, Copy)]
pub struct DoorLimits {
    /// Calls in progress over all connections.
    pub calls_max: usize,
    /// Whether a call without `fsc-transaction-id` is refused; otherwise the gateway makes one.
    pub transaction_id_required: bool,
}

/// The transaction id of a call: the client's, or ours when it sent none and may.
#[derive(Debug, Clone, Copy)]
pub struct TransactionId(pub Option<uuid::Uuid>);

/// A call's place among all calls and among those of its organisation; free again when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Place(
    #[expect(dead_code, reason = "holding it is what counts")] Arc<(Option<OwnedSemaphorePermit>, CallPlace)>,
);

/// The layer around all services.
#[derive(Clone)]
pub struct Door {
    shared: Arc<Shared>,
}

struct Shared {
    verifier: Arc<Verifier>,
    clock: Arc<dyn Clock>,
    quotas: Arc<Quotas>,
    room: Arc<Semaphore>,
    limits: DoorLimits,
}

impl Door {
    /// A door with its limits, for all and for each organisation.
    #[must_use]
    pub fn new(verifier: Arc<Verifier>, clock: Arc<dyn Clock>, quotas: Arc<Quotas>, limits: DoorLimits) -> Self {
        let room = Arc::new(Semaphore::new(limits.calls_max));
        Self { shared: Arc::new(Shared { verifier, clock, quotas, room, limits }) }
    }
}

impl<S> Layer<S> for Door {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, shared: Arc::clone(&self.shared) }
    }
}

/// A service behind the door.
#[derive(Clone)]
pub struct Guarded<S> {
    inner: S,
    shared: Arc<Shared>,
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answer<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The clone takes the place of the service that was polled ready (tower's rule).
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        match self.shared.admit(&mut request) {
            Err(status) => Box::pin(async move {
                finish_reading(request.into_body()).await;
                // A malformed transaction id and a defect of ours are no refusal that was counted: they keep their line.
                let counted = !matches!(status.code(), Code::InvalidArgument | Code::Internal);
                let mut answer = status.into_http();
                if counted {
                    answer.extensions_mut().insert(TurnedAway);
                }
                Ok(answer)
            }),
            Ok(Admission { account, link, place }) => {
                request.extensions_mut().insert(place.clone());
                Box::pin(async move {
                    let reply = inner.call(request).await?;
                    Ok(hold(reply, account, link.unread, place))
                })
            }
        }
    }
}

/// Reads and forgets what the caller of a refused call still sends, for a moment and no more than one message.
///
/// A stream that is answered while its caller still sends must be reset, and HTTP/2 ends a connection on which that happens
/// too often: an honest caller at his limit would lose his good calls with it.
async fn finish_reading(mut body: Body) {
    let rest = async {
        let mut left = READ_ON_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    // Who is slower is reset.
    let _ = tokio::time::timeout(READ_ON_MAX, rest).await;
}

/// What an admitted call has.
struct Admission {
    account: Arc<Account>,
    link: Link,
    place: Place,
}

impl Shared {
    /// Admits a call, or says why not; what is refused here is counted here.
    fn admit(&self, request: &mut Request<Body>) -> Result<Admission, Status> {
        let ours = request.uri().path().starts_with("/sluis.v1.");
        let link = request.extensions_mut().remove::<Link>();
        let link = link.ok_or_else(|| status::defect("a call without a certificate passed the acceptor"))?;
        let account = self.quotas.account(&link.peer.oin).map_err(|over| status::over_limit(&over))?;
        let own = account.enter().map_err(|over| status::over_limit(&over))?;
        // A stream takes its place along: it keeps it until its last message, not only until its first answer.
        let house = if ours { Some(self.house_place(&account)?) } else { None };
        request.extensions_mut().insert(Arc::clone(&link.peer));
        if ours {
            self.identify(request, &link.peer, &account)?;
        }
        Ok(Admission { account, link, place: Place(Arc::new((house, own))) })
    }

    fn house_place(&self, account: &Account) -> Result<OwnedSemaphorePermit, Status> {
        Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            account.count(Refused::HOUSE_FULL);
            status::limit_reached("too many calls at once: retry after a moment")
        })
    }

    /// Token and transaction id of a call, for those who answer it.
    fn identify(&self, request: &mut Request<Body>, peer: &Peer, account: &Account) -> Result<(), Status> {
        let token = bearer(request.headers());
        let now = self.clock.now();
        let (claims, signer) = self.verifier.prove(token.unwrap_or_default(), peer, now).map_err(|error| {
            let (status, reason) = status::token(&error);
            account.count(Refused::not_proven(status::short(reason)));
            status
        })?;
        let connection = ServiceConnection::of_claims(&claims, self.verifier.issued_by()).map_err(|error| {
            let (status, reason) = status::token(&error);
            account.count(Refused::not_proven(status::short(reason)));
            status
        })?;
        let transaction = self.transaction_id(request.headers(), now).map_err(|e| status::invalid(&e))?;
        let caller = Caller {
            oin: peer.oin.clone(),
            thumbprint: peer.thumbprint_text.as_str().into(),
            connection,
            certified_until: peer.not_after,
            signer,
        };
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(TransactionId(transaction));
        Ok(())
    }

    fn transaction_id(&self, headers: &HeaderMap, now: u64) -> Result<Option<uuid::Uuid>, Invalid> {
        let field = "fsc-transaction-id";
        let Some(value) = headers.get(field) else {
            if self.limits.transaction_id_required {
                let text = "send a UUIDv7 as metadata `fsc-transaction-id`; repeat it when you repeat the call";
                return Err(Invalid::new(field, ErrorReason::TransactionIdMissing, text));
            }
            return Ok(None);
        };
        let malformed = || {
            let text = "must be a UUIDv7 whose time lies within 72 hours of now";
            Invalid::new(field, ErrorReason::TransactionIdMalformed, text)
        };
        let id = value.to_str().ok().and_then(|v| uuid::Uuid::try_parse(v).ok()).ok_or_else(malformed)?;
        if id.get_version_num() != 7 {
            return Err(malformed());
        }
        let (seconds, nanos) = id.get_timestamp().ok_or_else(malformed)?.to_unix();
        let made = seconds.saturating_mul(1000).saturating_add(u64::from(nanos / 1_000_000));
        if made.abs_diff(now) > TRANSACTION_AGE_MS_MAX { Err(malformed()) } else { Ok(Some(id)) }
    }
}

/// The token: `fsc-authorization` goes before `authorization`, each as `Bearer <token>`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get("fsc-authorization").or_else(|| headers.get("authorization"))?;
    let text = header.to_str().ok()?;
    text.strip_prefix("Bearer ").or_else(|| text.strip_prefix("bearer "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::issue::Realm;
    use crate::token::keys::KeySet;
    use crate::token::verify::{Expectation, IssuedBy};
    use crate::transport::rehearsal::{self, GOOD};
    use tower::ServiceExt;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> u64 {
            0
        }
    }

    /// The statuses of so many calls through a door with these limits, from an organisation that sends no token.
    async fn statuses(calls_max: usize, limits: &str, calls: usize) -> Vec<String> {
        let text = String::new;
        let realm = Realm { issuer: text(), audience: text(), group: text(), service: text() };
        let expectation = Expectation { realm, lifetime_max_s: 300, issued_by: IssuedBy::Endpoint };
        let verifier = Arc::new(Verifier::new(expectation, KeySet::new()));
        let quotas = Arc::new(Quotas::new(&toml::from_str(limits).unwrap()));
        let limits = DoorLimits { calls_max, transaction_id_required: false };
        let door = Door::new(verifier, Arc::new(Still), quotas, limits);
        let peer = Arc::new(rehearsal::peer(&rehearsal::authority().issue(&rehearsal::subject(&[GOOD])).unwrap()));
        let mut statuses = Vec::new();
        for _ in 0..calls {
            let inner = tower::service_fn(|_: Request<Body>| async {
                Ok::<_, std::convert::Infallible>(Response::new(Body::empty()))
            });
            let link = Link { peer: Arc::clone(&peer), unread: Arc::default() };
            let request = Request::builder().uri("/sluis.v1.ReleaseService/Release").extension(link);
            let reply = door.clone().layer(inner).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert!(reply.extensions().get::<TurnedAway>().is_some());
            statuses.push(reply.headers().get("grpc-status").unwrap().to_str().unwrap().to_owned());
        }
        statuses
    }

    /// A call without a token is not proven (16); a full house or a spent allowance ends it before (8).
    #[tokio::test]
    async fn load_is_shed_before_a_token_is_looked_at() {
        assert_eq!(statuses(0, "", 1).await, ["8"]);
        assert_eq!(statuses(1, "", 2).await, ["16", "16"]);
        assert_eq!(statuses(1, "calls_per_second = 1\ncalls_burst = 2", 3).await, ["16", "16", "8"]);
    }
}
