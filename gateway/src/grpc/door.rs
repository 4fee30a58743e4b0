//! The door: every call of every shape passes here, in this order: room for it, token, transaction id.
//!
//! Load is shed before a signature is checked, so that strangers cannot spend our processor. Health and
//! reflection need the certificate only.

use super::status::{self, Invalid};
use crate::fsc::connection::ServiceConnection;
use crate::gather::Caller;
use crate::token::verify::Verifier;
use crate::transport::peer::Peer;
use http::{HeaderMap, Request, Response};
use sluis_core::ports::Clock;
use sluis_proto::v1::ErrorReason;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

/// How far the time inside a transaction id may lie from now (A13).
const TRANSACTION_AGE_MS_MAX: u64 = 72 * 3600 * 1000;

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

/// A call's place among those in progress; free again when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Place(#[expect(dead_code, reason = "holding it is what counts")] Arc<OwnedSemaphorePermit>);

/// The layer around all services.
#[derive(Clone)]
pub struct Door {
    shared: Arc<Shared>,
}

struct Shared {
    verifier: Arc<Verifier>,
    clock: Arc<dyn Clock>,
    room: Arc<Semaphore>,
    limits: DoorLimits,
}

impl Door {
    /// A door with its limits.
    #[must_use]
    pub fn new(verifier: Arc<Verifier>, clock: Arc<dyn Clock>, limits: DoorLimits) -> Self {
        let room = Arc::new(Semaphore::new(limits.calls_max));
        Self { shared: Arc::new(Shared { verifier, clock, room, limits }) }
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
        if !request.uri().path().starts_with("/sluis.v1.") {
            return Box::pin(inner.call(request));
        }
        // A stream takes its place along: it keeps it until its last message, not only until its first answer.
        let Ok(permit) = Arc::clone(&self.shared.room).try_acquire_owned() else {
            let full = status::limit_reached("too many calls at once: retry after a moment");
            return Box::pin(async move { Ok(full.into_http()) });
        };
        match self.shared.admit(&mut request) {
            Err(status) => Box::pin(async move { Ok(status.into_http()) }),
            Ok(()) => {
                let place = Place(Arc::new(permit));
                request.extensions_mut().insert(place.clone());
                Box::pin(async move {
                    let answer = inner.call(request).await;
                    drop(place);
                    answer
                })
            }
        }
    }
}

impl Shared {
    fn admit(&self, request: &mut Request<Body>) -> Result<(), Status> {
        let peer = request.extensions().get::<Arc<Peer>>().cloned();
        let peer = peer.ok_or_else(|| status::defect("a call without a certificate passed the acceptor"))?;
        let token = bearer(request.headers());
        let now = self.clock.now();
        let claims = self.verifier.verify(token.unwrap_or_default(), &peer, now).map_err(|e| status::token(&e))?;
        let connection = ServiceConnection::of_claims(&claims, self.verifier.issued_by());
        let connection = connection.map_err(|e| status::token(&e))?;
        let transaction = self.transaction_id(request.headers(), now).map_err(|e| status::invalid(&e))?;
        let caller = Caller {
            oin: peer.oin.clone(),
            thumbprint: peer.thumbprint_text.as_str().into(),
            connection,
            certified_until: peer.not_after,
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
    use tower::ServiceExt;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> u64 {
            0
        }
    }

    async fn status_with_room_for(calls_max: usize) -> String {
        let text = String::new;
        let realm = Realm { issuer: text(), audience: text(), group: text(), service: text() };
        let expectation = Expectation { realm, lifetime_max_s: 300, issued_by: IssuedBy::Endpoint };
        let verifier = Arc::new(Verifier::new(expectation, KeySet::new()));
        let limits = DoorLimits { calls_max, transaction_id_required: false };
        let inner = tower::service_fn(|_: Request<Body>| async {
            Ok::<_, std::convert::Infallible>(Response::new(Body::empty()))
        });
        let request = Request::builder().uri("/sluis.v1.ReleaseService/Release").body(Body::empty()).unwrap();
        let reply = Door::new(verifier, Arc::new(Still), limits).layer(inner).oneshot(request).await.unwrap();
        reply.headers().get("grpc-status").unwrap().to_str().unwrap().to_owned()
    }

    /// Without a certificate the next check would end the call as a defect (13); a full house ends it before (8).
    #[tokio::test]
    async fn a_full_house_sheds_before_anything_is_looked_at() {
        assert_eq!(status_with_room_for(0).await, "8");
        assert_eq!(status_with_room_for(1).await, "13");
    }
}
