//! A reply on its way out: it keeps its call's place until its last byte was taken, and notes while it waits for a reader.
//!
//! Of every shape of call the same: a stream holds its place as long as it lasts. Errors that end a call without an entry in
//! the log are counted here, whoever made them; what tonic says of unreadable messages gets our words and reason.

use super::door::Place;
use super::status;
use crate::in_flight::Delivery;
use crate::quota::Account;
use crate::quota::refused::Refused;
use crate::transport::unread::{Unread, Waiting};
use bytes::Bytes;
use http::{HeaderMap, Response};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use sluis_proto::v1::ErrorReason;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A release between the service that made it and the body that leaves, in the extensions of its response. Whatever drops
/// the response on the way, and a caller who never gives room for it, drops this too: then it was not delivered.
#[derive(Clone)]
pub(super) struct OnItsWay(Arc<Delivery>);

impl OnItsWay {
    pub(super) fn begin(delivery: Delivery) -> Self {
        Self(Arc::new(delivery))
    }

    /// HTTP/2 has the bytes of the reply. hyper takes a piece of a body at once, keeps it until the other end gave room for
    /// a byte, gives it to HTTP/2, and asks for the next piece at that moment. Nothing leaves earlier; and not later either:
    /// a caller who took every byte and then gave it up must not look like one who got nothing.
    fn taken(self) {
        // Extensions want a clone, nobody makes one; and one that is left over would say that nothing was delivered.
        if let Some(delivery) = Arc::into_inner(self.0) {
            delivery.handed_over();
        }
    }
}

/// What a reply holds while it leaves.
pub(super) struct Held {
    body: Body,
    release: Option<OnItsWay>,
    given: bool,
    account: Arc<Account>,
    unread: Arc<Unread>,
    waiting: Option<Waiting>,
    _place: Place,
}

/// A reply that holds what it must.
pub(super) fn hold(
    mut reply: Response<Body>,
    account: Arc<Account>,
    unread: Arc<Unread>,
    place: Place,
) -> Response<Body> {
    let release = reply.extensions_mut().remove::<OnItsWay>();
    let reply = match Status::from_header_map(reply.headers()) {
        Some(said) if said.code() != Code::Ok => {
            count(&said, &account);
            status::unreadable(&said).map_or(reply, Status::into_http)
        }
        _ => reply,
    };
    reply.map(|body| {
        if body.is_end_stream() {
            return body;
        }
        // It waits from now on: whoever asks for the next piece has sent the one before.
        let waiting = Some(unread.wait());
        Body::new(Held { body, release, given: false, account, unread, waiting, _place: place })
    })
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        this.waiting = None;
        if this.given {
            this.release.take().into_iter().for_each(OnItsWay::taken);
        }
        let mut frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        if let Some(Ok(frame)) = &mut frame {
            this.given |= frame.is_data();
            frame.trailers_mut().into_iter().for_each(|trailers| this.ended(trailers));
            this.waiting = Some(this.unread.wait());
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

impl Held {
    fn ended(&self, trailers: &mut HeaderMap) {
        let Some(said) = Status::from_header_map(trailers) else { return };
        count(&said, &self.account);
        let Some(better) = status::unreadable(&said) else { return };
        let (better, ()) = better.into_http::<()>().into_parts();
        for (name, value) in better.headers.iter().filter(|(name, _)| name.as_str().starts_with("grpc-")) {
            trailers.insert(name.clone(), value.clone());
        }
    }
}

/// Counts an error that says who may not call, or how much; questions that were answered have entries of their own.
fn count(said: &Status, account: &Account) {
    let of: fn(&'static str) -> Refused = match said.code() {
        Code::Unauthenticated => Refused::not_proven,
        Code::PermissionDenied => Refused::not_admitted,
        Code::ResourceExhausted => Refused::over,
        _ => return,
    };
    let named = said
        .get_details_error_info()
        .and_then(|info| ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason)).map(status::short));
    account.count(of(named.unwrap_or("UNSPECIFIED")));
}
