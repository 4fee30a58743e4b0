//! Steps of the service: clocks, token, health, and a call that only reads the head of the log.

use super::Failed;
use crate::client::connection::{CallError, with_metadata};
use crate::token::client::{FetchError, fetch_token};
use crate::transport::connector::connect_lazily;
use crate::transport::profile::Profile;
use sluis_core::log::{Millis, checkpoint};
use sluis_core::organisation::Oin;
use sluis_proto::v1;
use std::sync::Arc;
use std::time::Duration;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt;

/// Time for a call.
const CALL_MAX: Duration = Duration::from_secs(10);
/// How far two clocks may lie apart before tokens and certificates begin to fail.
const APART_MAX_S: u64 = 30;

/// Compares our clock with the `Date` header (RFC 9110, 6.6.1) of the gateway, which has whole seconds.
pub fn clocks(date: Option<&str>, now: Millis) -> Result<((), String), Failed> {
    let Some(theirs) = date.and_then(|text| jiff::fmt::rfc2822::parse(text).ok()) else {
        return Ok(((), "the gateway does not tell its time".to_owned()));
    };
    let theirs = u64::try_from(theirs.timestamp().as_second()).unwrap_or_default();
    let apart = theirs.abs_diff(now / 1000);
    let which = if theirs > now / 1000 { "behind" } else { "ahead of" };
    if apart > APART_MAX_S {
        let why = format!("the clock of this machine is {apart} s {which} that of the gateway");
        return Err(Failed::new(why, "let this machine keep time by NTP; if it does, tell the holder"));
    }
    Ok(((), if apart <= 1 { "the clocks agree".to_owned() } else { format!("{apart} s {which} the gateway") }))
}

/// Fetches a token.
pub async fn token(profile: &Profile, now: Millis) -> Result<(Arc<str>, String), Failed> {
    let token = fetch_token(profile, now).await.map_err(|error| no_token(&error, profile))?;
    let life = token.expires_at.saturating_sub(now) / 1000;
    Ok((token.access_token, format!("issued for {life} s")))
}

fn no_token(error: &FetchError, profile: &Profile) -> Failed {
    let url = &profile.token_endpoint;
    match error {
        FetchError::Refused { code, description } => {
            Failed::new(format!("`{url}` refuses ({code}): {description}"), what_to_do(code, &profile.oin))
        }
        FetchError::Unintelligible(404) => Failed::new(
            format!("there is no token endpoint at `{url}` (status 404)"),
            "check the path of `token_endpoint`; at a Sluis it is `/token`",
        ),
        FetchError::Unintelligible(status) => Failed::new(
            format!("`{url}` answers no token (status {status})"),
            "check `token_endpoint`: host, port and path",
        ),
        other => Failed::new(other.to_string(), "try again; tell the holder if it stays"),
    }
}

/// By the error of RFC 6749, 5.2.
fn what_to_do(code: &str, oin: &Oin) -> String {
    match code {
        "invalid_client" => "set `oin` in the profile to the number in the certificate".to_owned(),
        "unauthorized_client" => ask_the_holder(oin),
        "invalid_scope" => "set `scope` in the profile to what the holder gave you at enrolment".to_owned(),
        _ => "show this line to the holder of the gateway".to_owned(),
    }
}

/// A gateway answers whoever is not enrolled, suspended or past his agreement alike: a stranger with a good certificate
/// must not find out who is enrolled. So neither can we tell, and the question goes to somebody who may know.
fn ask_the_holder(oin: &Oin) -> String {
    format!(
        "a gateway does not tell these three apart, not even to you. ask the holder: is {oin} enrolled, is it suspended \
         and why, until which day does its agreement run"
    )
}

/// What to do when the call itself is refused, by its reason.
fn what_to_do_about(status: &Status, oin: &Oin) -> String {
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    match reason.as_str() {
        "CALLER_NOT_ENROLLED" => ask_the_holder(oin),
        "TOKEN_GRANT" => {
            "your enrolment changed just now, or the contract of the token is not in it: try again; if it stays, ask the \
             holder which grant your enrolment has"
                .to_owned()
        }
        "CERTIFICATE_NOT_ENROLLED" => {
            "tell the holder the certificate that you use now, or use the one that he knows".to_owned()
        }
        _ => "the partner guide says what to do about each reason".to_owned(),
    }
}

fn channel(profile: &Profile) -> Result<Channel, Failed> {
    connect_lazily(profile).map_err(|e| Failed::new(e.to_string(), "check the profile"))
}

fn within<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_MAX);
    request
}

/// Asks for health (grpc.health.v1), which needs the certificate only.
pub async fn health(profile: &Profile) -> Result<((), String), Failed> {
    let mut client = HealthClient::new(channel(profile)?);
    let later = "nothing is wrong on your side; try again later, and tell the holder if it stays";
    let reply = client.check(within(HealthCheckRequest::default())).await;
    let reply = reply.map_err(|status| refused(status, later))?.into_inner();
    match reply.status() {
        ServingStatus::Serving => Ok(((), "SERVING".to_owned())),
        other => {
            Err(Failed::new(format!("the gateway says {}: it answers no questions now", other.as_str_name()), later))
        }
    }
}

/// Reads the newest checkpoint with the token, and verifies it. Leaves no entry but that of a first use.
pub async fn call(profile: &Profile, token: &str, transaction: uuid::Uuid) -> Result<((), String), Failed> {
    let mut client = v1::log_service_client::LogServiceClient::new(channel(profile)?);
    let unusable = |e: CallError| Failed::new(e.to_string(), "tell the holder of the gateway");
    let mut request = with_metadata(v1::ReadCheckpointRequest {}, token, transaction).map_err(unusable)?;
    request.set_timeout(CALL_MAX);
    let by_reason = |status: Status| {
        let to_do = what_to_do_about(&status, &profile.oin);
        refused(status, &to_do)
    };
    let reply = client.read_checkpoint(request).await.map_err(by_reason)?.into_inner();
    let opened = checkpoint::open(&reply.note, &reply.verifier_key).map_err(|e| {
        Failed::new(format!("the checkpoint of the log does not verify: {e}"), "tell the holder of the gateway")
    })?;
    Ok(((), format!("accepted; the log has {} entries, verifier key {}", opened.size, reply.verifier_key)))
}

fn refused(status: Status, to_do: &str) -> Failed {
    Failed::new(CallError::from(status).to_string(), to_do)
}
