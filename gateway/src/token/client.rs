//! The calling side of a token endpoint: fetch a token over mutual TLS, keep it fresh.

use crate::transport::MaterialError;
use crate::transport::connector::{Address, ConnectError, dial};
use crate::transport::profile::Profile;
use crate::transport::trust::Protocol;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use sluis_core::log::Millis;
use sluis_core::ports::Clock;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Time for the request and the answer.
const EXCHANGE_MAX: Duration = Duration::from_secs(10);
/// The largest answer, in bytes.
const ANSWER_SIZE_MAX: usize = 64 * 1024;
/// The part of its life, in percent, after which a token is renewed.
const RENEW_AT_PERCENT: u64 = 80;

/// An access token and its end.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// What goes into the header, after `Bearer `.
    pub access_token: Arc<str>,
    /// When it is renewed.
    pub renew_at: Millis,
    /// When it ends.
    pub expires_at: Millis,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No connection, or the profile does not serve.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection broke; with TLS 1.3 this is also how a refused client certificate looks.
    #[error("the token endpoint broke off; check that `cert` in the profile is valid and from an authority it accepts")]
    BrokenOff,
    /// Not within the time.
    #[error("the token endpoint did not answer within {seconds} s; try again later", seconds = EXCHANGE_MAX.as_secs())]
    Deadline,
    /// It said no.
    #[error("the token endpoint refused ({code}): {description}")]
    Refused {
        /// The error of RFC 6749, 5.2.
        code: String,
        /// What to do, in its words.
        description: String,
    },
    /// Asking again may help.
    #[error("the token endpoint is not available now; try again later")]
    Unavailable,
    /// The answer is no token.
    #[error(
        "the token endpoint answered something else than a token (status {0}); check `token_endpoint` in the profile"
    )]
    Unintelligible(u16),
}

impl From<MaterialError> for FetchError {
    fn from(error: MaterialError) -> Self {
        Self::Connect(error.into())
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    token_type: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Fetches a token for the scope of the profile. `now` is the moment of asking, from which the life is counted.
///
/// # Errors
/// [`FetchError`] says who is at fault and what to do.
pub async fn fetch_token(profile: &Profile, now: Millis) -> Result<Token, FetchError> {
    let request = token_request(profile)?;
    let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let stream = dial(&Address::parse(&authority)?, &profile.tls(Protocol::Token)?).await?;
    let (status, body) =
        tokio::time::timeout(EXCHANGE_MAX, exchange(stream, request)).await.map_err(|_| FetchError::Deadline)??;
    read_answer(status, &body, now)
}

fn token_request(profile: &Profile) -> Result<Request<Full<Bytes>>, FetchError> {
    let wrong = || ConnectError::Address(profile.token_endpoint.clone());
    let uri: http::Uri = profile.token_endpoint.parse().map_err(|_| wrong())?;
    let host = uri.authority().map(ToString::to_string).ok_or_else(wrong)?;
    if uri.scheme_str() != Some("https") {
        return Err(wrong().into());
    }
    let form = format!(
        "grant_type=client_credentials&scope={}&client_id={}",
        form_encoded(&profile.scope),
        form_encoded(profile.oin.as_str())
    );
    let request = Request::post(uri)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(Full::new(Bytes::from(form)));
    Ok(request.map_err(|_| wrong())?)
}

/// Everything but letters and digits as percent and two hexadecimal digits, which every form parser reads.
fn form_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

type Stream = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;

async fn exchange(stream: Stream, mut request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), FetchError> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| FetchError::BrokenOff)?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|_| FetchError::BrokenOff)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|_| FetchError::BrokenOff)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_SIZE_MAX).collect().await;
        let body = body.map_err(|_| FetchError::Unintelligible(status.as_u16()))?;
        Ok((status, body.to_bytes()))
    };
    tokio::pin!(answer);
    tokio::select! {
        outcome = &mut answer => outcome,
        // The connection ended by itself: what it had to say has been handed to the answer.
        _ = connection => answer.await,
    }
}

fn read_answer(status: StatusCode, body: &[u8], now: Millis) -> Result<Token, FetchError> {
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(FetchError::Unavailable);
    }
    if !status.is_success() {
        return Err(match serde_json::from_slice::<ErrorAnswer>(body) {
            Ok(answer) => FetchError::Refused { code: answer.error, description: answer.error_description },
            Err(_) => FetchError::Unintelligible(status.as_u16()),
        });
    }
    match serde_json::from_slice::<TokenAnswer>(body) {
        Ok(answer) if answer.token_type.eq_ignore_ascii_case("bearer") => {
            let life = answer.expires_in.saturating_mul(1000);
            Ok(Token {
                access_token: answer.access_token.into(),
                renew_at: now.saturating_add(life / 100 * RENEW_AT_PERCENT),
                expires_at: now.saturating_add(life),
            })
        }
        _ => Err(FetchError::Unintelligible(status.as_u16())),
    }
}

/// Keeps one token fresh for many callers: fetched when first asked for, renewed at 80 % of its life.
pub struct TokenKeeper {
    profile: Profile,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Token>>,
}

impl TokenKeeper {
    /// Keeps tokens for this profile; nothing is fetched yet.
    #[must_use]
    pub fn new(profile: Profile, clock: Arc<dyn Clock>) -> Self {
        Self { profile, clock, kept: Mutex::new(None) }
    }

    /// A token that holds now. When renewal fails, the old one serves until its end.
    ///
    /// # Errors
    /// [`FetchError`] when there is no token that holds.
    pub async fn token(&self) -> Result<Token, FetchError> {
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        if let Some(token) = kept.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.clone());
        }
        match (fetch_token(&self.profile, now).await, kept.as_ref()) {
            (Ok(token), _) => {
                *kept = Some(token.clone());
                Ok(token)
            }
            (Err(_), Some(old)) if now < old.expires_at => Ok(old.clone()),
            (Err(error), _) => Err(error),
        }
    }
}
