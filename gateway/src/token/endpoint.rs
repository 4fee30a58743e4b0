//! The token endpoint: client credentials over mutual TLS (RFC 6749, 4.4; RFC 8705, 2), as FSC's Manager has it.
//!
//! `POST /token` with `grant_type=client_credentials`, `scope=<grant hash>`, `client_id=<OIN>`. The certificate of the
//! connection is the only credential; no secret in the form is ever read. Answers and errors are RFC 6749 JSON and are never
//! cached. A register that does not answer is 503: asking again may help.

use super::issue::Issuer;
use crate::quota::{Account, OverLimit, Quotas, refused};
use crate::transport::connection::TlsConnection;
use crate::transport::peer::Peer;
use async_trait::async_trait;
use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, FromRequest, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use sluis_core::organisation::Oin;
use sluis_core::ports::Clock;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_stream::{Stream, StreamExt};
use tower::ServiceExt;

/// The largest form, in bytes.
const FORM_SIZE_MAX: usize = 4 * 1024;
/// Time for the head of a request, and again for its body.
const REQUEST_MAX: Duration = Duration::from_secs(5);
/// Time for the register to say whether there is a grant.
const GRANT_MAX: Duration = Duration::from_secs(5);
/// Time for open requests to end at shutdown.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// What a caller may call under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its hash, which becomes the claim `gth`.
    pub hash: String,
}

/// Why there is no answer about a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The organisation is not admitted, or not any more.
    #[error("the organisation is not admitted")]
    NotAdmitted,
    /// The register did not answer.
    #[error("the register did not answer")]
    Unavailable,
}

/// Knows which organisation may ask for what.
#[async_trait]
pub trait Grants: Send + Sync {
    /// The grant that this organisation holds under this scope today, or `None`.
    async fn grant(&self, oin: &Oin, scope: &str) -> Result<Option<Grant>, GrantError>;
}

/// What the endpoint works with.
pub struct Endpoint {
    /// Makes the tokens.
    pub issuer: Issuer,
    /// Knows the grants.
    pub grants: Arc<dyn Grants>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// How many tokens each organisation may still ask for.
    pub quotas: Arc<Quotas>,
}

/// The form, all of it optional so that what is missing can be named. Unknown parameters are ignored (RFC 6749, 3.2).
#[derive(Debug, Deserialize)]
struct TokenRequest {
    grant_type: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct TokenReply {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
}

/// An error of RFC 6749, 5.2: status, code and what to do.
#[derive(Debug, Clone, Copy)]
struct Refused(StatusCode, &'static str, &'static str);

/// The routes. Every request must carry the peer as an extension, which [`serve`] sees to.
pub fn router(endpoint: Arc<Endpoint>) -> Router {
    Router::new()
        .route("/token", post(answer))
        .layer(DefaultBodyLimit::max(FORM_SIZE_MAX))
        .layer(axum::middleware::map_response(never_cached))
        .with_state(endpoint)
}

async fn never_cached(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

async fn answer(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(peer): Extension<Arc<Peer>>,
    request: Request,
) -> Response {
    // Before the form is read and long before anything is signed.
    let account = match endpoint.quotas.account(&peer.oin).and_then(|a| a.ask_token().map(|()| a)) {
        Ok(account) => account,
        Err(over) => return too_often(&over),
    };
    let outcome = match read_form(request).await {
        Ok(form) => grant(&endpoint, &peer, form).await,
        Err(refused) => Err(refused),
    };
    if let Err(refused) = &outcome {
        refused.count(&account);
    }
    outcome.map_or_else(IntoResponse::into_response, |reply| Json(reply).into_response())
}

/// 429 (RFC 6585) and when to ask again.
fn too_often(over: &OverLimit) -> Response {
    const TEXT: &str = "your organisation asks for tokens too often; use a token until it ends, then ask for one";
    let mut response = Refused(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", TEXT).into_response();
    let seconds = over.retry_after.as_secs().saturating_add(1);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

async fn read_form(request: Request) -> Result<TokenRequest, Refused> {
    let form = tokio::time::timeout(REQUEST_MAX, Form::<TokenRequest>::from_request(request, &())).await;
    match form {
        Ok(Ok(Form(form))) => Ok(form),
        Ok(Err(rejection)) => Err(Refused::from_rejection(&rejection)),
        Err(_) => Err(Refused(
            StatusCode::REQUEST_TIMEOUT,
            "invalid_request",
            "the form did not arrive in time; send it at once",
        )),
    }
}

async fn grant(endpoint: &Endpoint, peer: &Peer, form: TokenRequest) -> Result<TokenReply, Refused> {
    let now = endpoint.clock.now();
    let scope = permissible(peer, now, form)?;
    let asked = tokio::time::timeout(GRANT_MAX, endpoint.grants.grant(&peer.oin, &scope)).await;
    let grant = match asked {
        Ok(Ok(Some(grant))) => grant,
        Ok(Ok(None)) => {
            return Err(Refused::bad(
                "invalid_scope",
                "your organisation holds no valid grant with this hash; agree on a contract first",
            ));
        }
        Ok(Err(GrantError::NotAdmitted)) => {
            return Err(Refused::bad(
                "unauthorized_client",
                "your organisation is not enrolled here, is suspended, or its agreement has ended; ask the holder which",
            ));
        }
        Ok(Err(GrantError::Unavailable)) | Err(_) => {
            return Err(Refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "the register does not answer; ask again later",
            ));
        }
    };
    let issued = endpoint.issuer.issue(peer, &grant.hash, now);
    let issued = issued.map_err(|_| {
        Refused(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "no token could be signed; tell the holder of the gateway",
        )
    })?;
    Ok(TokenReply { access_token: issued.token, token_type: "Bearer", expires_in: issued.expires_in_s })
}

/// The scope, when the form is complete and the client is who the certificate says.
fn permissible(peer: &Peer, now: sluis_core::log::Millis, form: TokenRequest) -> Result<String, Refused> {
    match form.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            return Err(Refused::bad("unsupported_grant_type", "only `grant_type=client_credentials` is supported"));
        }
        None => return Err(Refused::bad("invalid_request", "send `grant_type=client_credentials` in the form")),
    }
    let Some(client) = form.client_id else {
        return Err(Refused::bad(
            "invalid_request",
            "send your organisation's number (OIN) as `client_id` in the form",
        ));
    };
    if client != peer.oin.as_str() || !peer.in_force(now) {
        return Err(Refused(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "`client_id` must be the OIN in the certificate you connect with, which must be valid",
        ));
    }
    // RFC 6749, 3.3: printable ASCII without quote and backslash; one grant at a time, so no space either.
    let legal = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    match form.scope {
        Some(scope) if !scope.is_empty() && scope.bytes().all(legal) => Ok(scope),
        _ => Err(Refused::bad("invalid_scope", "send the hash of one grant as `scope` in the form")),
    }
}

impl Refused {
    fn bad(code: &'static str, what_to_do: &'static str) -> Self {
        Self(StatusCode::BAD_REQUEST, code, what_to_do)
    }

    /// Counts a caller that is not who the form says, or not admitted (A25).
    fn count(&self, account: &Account) {
        match self.1 {
            "invalid_client" => account.count(refused::Refused::not_proven("INVALID_CLIENT")),
            "unauthorized_client" => account.count(refused::Refused::not_admitted("CALLER_NOT_ENROLLED")),
            "invalid_scope" => account.count(refused::Refused::not_admitted("TOKEN_GRANT")),
            _ => {}
        }
    }

    fn from_rejection(rejection: &FormRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self(
                StatusCode::PAYLOAD_TOO_LARGE,
                "invalid_request",
                "the form is larger than 4 KiB; send only the three parameters",
            ),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Self::bad("invalid_request", "send the form as `application/x-www-form-urlencoded`")
            }
            _ => Self::bad(
                "invalid_request",
                "the form cannot be read; send each of `grant_type`, `scope` and `client_id` once",
            ),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, code, what_to_do) = self;
        let body = Json(serde_json::json!({ "error": code, "error_description": what_to_do }));
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Serves the routes on the proven connections until `shutdown` completes; open requests then get 5 s to end.
pub async fn serve<I>(incoming: I, router: Router, shutdown: impl Future<Output = ()>)
where
    I: Stream<Item = io::Result<TlsConnection>>,
{
    let mut incoming = Box::pin(incoming);
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            next = incoming.next() => match next {
                Some(Ok(connection)) => { connections.spawn(converse(connection, router.clone(), stopping.clone())); }
                Some(Err(_)) => {}
                None => break,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(incoming);
    let _ = stop.send(true);
    let farewell = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(FAREWELL_MAX, farewell).await;
}

/// One connection, with its peer in every request.
async fn converse(connection: TlsConnection, router: Router, mut stopping: watch::Receiver<bool>) {
    let peer = Arc::clone(connection.peer());
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Arc::clone(&peer));
        router.clone().oneshot(request)
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(REQUEST_MAX);
    let conversation = http.serve_connection(TokioIo::new(connection), service);
    tokio::pin!(conversation);
    tokio::select! {
        // However it ends, only this caller is concerned.
        _ = conversation.as_mut() => return,
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    conversation.as_mut().graceful_shutdown();
    let _ = conversation.await;
}

#[cfg(test)]
mod tests;
