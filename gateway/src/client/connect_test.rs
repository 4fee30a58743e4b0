//! Tries each step between a profile and an accepted call by itself, and says which fails, why, and what to do.
//!
//! Promises: every step is tried that does not need a failed one; the two listeners are tried apart; nothing is asked
//! that leaves an entry in the log; what is printed names files, addresses and numbers of organisations, never a key.

mod local;
mod reach;
mod service;
mod tls;

use crate::transport::profile::Profile;
use serde::Serialize;
use sluis_core::ports::Clock;
use std::path::Path;
use std::sync::Arc;

/// A step, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The profile reads.
    Profile,
    /// `ca`, `cert` and `key` hold what they must.
    Files,
    /// Key and certificate belong together.
    Key,
    /// The certificate is valid today.
    Dates,
    /// The certificate names the organisation of the profile, and is for calling.
    Oin,
    /// The name of the token endpoint has an address.
    TokenName,
    /// Something listens there.
    TokenTcp,
    /// Both sides trust each other there.
    TokenTls,
    /// The clocks agree.
    Clock,
    /// A token is issued.
    Token,
    /// The name of the gateway has an address.
    GatewayName,
    /// Something listens there.
    GatewayTcp,
    /// Both sides trust each other there.
    GatewayTls,
    /// The gateway says that it serves.
    Health,
    /// A call with the token is accepted.
    Call,
}

impl Step {
    /// Its name in the report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Files => "files",
            Self::Key => "key",
            Self::Dates => "dates",
            Self::Oin => "oin",
            Self::TokenName => "token-name",
            Self::TokenTcp => "token-tcp",
            Self::TokenTls => "token-tls",
            Self::Clock => "clock",
            Self::Token => "token",
            Self::GatewayName => "gateway-name",
            Self::GatewayTcp => "gateway-tcp",
            Self::GatewayTls => "gateway-tls",
            Self::Health => "health",
            Self::Call => "call",
        }
    }
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What is wrong.
    pub why: String,
    /// What to do about it.
    pub to_do: String,
}

impl Failed {
    fn new(why: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { why: why.into(), to_do: to_do.into() }
    }
}

/// How a step went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// As it must.
    Ok {
        /// What was found.
        found: String,
    },
    /// Not as it must.
    Failed {
        /// What is wrong.
        why: String,
        /// What to do about it.
        to_do: String,
    },
    /// Not tried, because an earlier step failed.
    NotTried {
        /// Which.
        needs: Step,
    },
}

/// A step and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// Which.
    pub step: Step,
    /// How it went.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Every step so far, told to somebody as it is tried.
struct Trial<'a> {
    tried: Vec<Tried>,
    tell: &'a mut dyn FnMut(&Tried),
}

impl Trial<'_> {
    fn note(&mut self, step: Step, outcome: Outcome) {
        let tried = Tried { step, outcome };
        (self.tell)(&tried);
        self.tried.push(tried);
    }

    /// Notes how a step went, and gives what later steps work with.
    fn take<T>(&mut self, step: Step, result: Result<(T, String), Failed>) -> Result<T, Step> {
        match result {
            Ok((value, found)) => {
                self.note(step, Outcome::Ok { found });
                Ok(value)
            }
            Err(Failed { why, to_do }) => {
                self.note(step, Outcome::Failed { why, to_do });
                Err(step)
            }
        }
    }

    /// Notes every step of a side that was not tried, and the failed one that it needs.
    fn not_tried(&mut self, side: &[Step], needs: Step) {
        for step in side {
            if !self.tried.iter().any(|tried| tried.step == *step) {
                self.note(*step, Outcome::NotTried { needs });
            }
        }
    }
}

/// Steps that need our own files only.
const OWN_SIDE: &[Step] = &[Step::Profile, Step::Files, Step::Key, Step::Dates, Step::Oin];
/// Steps of the token endpoint.
const TOKEN_SIDE: &[Step] = &[Step::TokenName, Step::TokenTcp, Step::TokenTls, Step::Clock, Step::Token];
/// Steps of the gateway itself.
const GATEWAY_SIDE: &[Step] = &[Step::GatewayName, Step::GatewayTcp, Step::GatewayTls, Step::Health, Step::Call];

/// Tries every step. `tell` hears of each when it was tried; `transaction` is the id of the one call.
pub async fn run(
    profile: &Path,
    clock: Arc<dyn Clock>,
    transaction: uuid::Uuid,
    tell: &mut dyn FnMut(&Tried),
) -> Vec<Tried> {
    let mut trial = Trial { tried: Vec::new(), tell };
    match own_side(&mut trial, profile, clock.as_ref()) {
        Err(needs) => [OWN_SIDE, TOKEN_SIDE, GATEWAY_SIDE].iter().for_each(|side| trial.not_tried(side, needs)),
        Ok((profile, key)) => {
            let token = token_side(&mut trial, &profile, key, clock.as_ref()).await;
            if let Err(needs) = &token {
                trial.not_tried(TOKEN_SIDE, *needs);
            }
            if let Err(needs) = gateway_side(&mut trial, &profile, key, token, transaction).await {
                trial.not_tried(GATEWAY_SIDE, needs);
            }
        }
    }
    trial.tried
}

/// A key that serves, or the step that failed.
type Key = Result<(), Step>;

/// The profile when it can be tried, and whether its key serves; else the step that failed. A certificate that the
/// gateway will refuse is shown to it all the same: what it says is worth knowing.
fn own_side(trial: &mut Trial<'_>, file: &Path, clock: &dyn Clock) -> Result<(Profile, Key), Step> {
    let profile = trial.take(Step::Profile, local::profile(file))?;
    let files = trial.take(Step::Files, local::files(&profile))?;
    let key = trial.take(Step::Key, local::key(&profile, &files));
    let _ = trial.take(Step::Dates, local::dates(&profile, &files, clock.now()));
    let _ = trial.take(Step::Oin, local::oin(&profile, &files));
    Ok((profile, key))
}

/// The token, or the step for want of which there is none.
async fn token_side(trial: &mut Trial<'_>, profile: &Profile, key: Key, clock: &dyn Clock) -> Result<Arc<str>, Step> {
    let (address, at) = trial.take(Step::TokenName, reach::token_address(profile).await)?;
    let tcp = trial.take(Step::TokenTcp, reach::tcp(&address, &at, "token_endpoint").await)?;
    key?;
    let date = trial.take(Step::TokenTls, tls::token(profile, &address, tcp).await)?;
    let _ = trial.take(Step::Clock, service::clocks(date.as_deref(), clock.now()));
    trial.take(Step::Token, service::token(profile, clock.now()).await)
}

/// Health needs the certificate only, a call the token too.
async fn gateway_side(
    trial: &mut Trial<'_>,
    profile: &Profile,
    key: Key,
    token: Result<Arc<str>, Step>,
    transaction: uuid::Uuid,
) -> Result<(), Step> {
    let (address, at) = trial.take(Step::GatewayName, reach::gateway_address(profile).await)?;
    let tcp = trial.take(Step::GatewayTcp, reach::tcp(&address, &at, "endpoint").await)?;
    key?;
    trial.take(Step::GatewayTls, tls::gateway(profile, &address, tcp).await)?;
    let _ = trial.take(Step::Health, service::health(profile).await);
    trial.take(Step::Call, service::call(profile, &token?, transaction).await)
}
