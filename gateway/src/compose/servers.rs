//! In production: whether the servers of log and keys are set as safety needs, at start and every minute (core-design 1.8).
//!
//! Every entry is also asked for on a standby before anything is released on it; this finds what that cannot tell, such as a
//! server that no longer flushes.

use super::StartFault;
use super::engine::{place_of_keys, place_of_log};
use crate::condition::Condition;
use crate::config::{Config, Engine, Mode};
use crate::gateway::Gateway;
use sluis_adapters::postgres::inspect::inspect;
use sluis_adapters::postgres::safety::{checksums, unsafe_settings};
use sluis_adapters::postgres::{OpenError, Place};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(60);

/// A server that production relies on, and whether a standby must hold what it has.
struct Relied {
    place: Place,
    standby: bool,
}

/// The servers of a configuration; none outside production, or where files keep log and keys.
fn relied_on(config: &Config) -> Result<Vec<Relied>, StartFault> {
    match config.engine()? {
        Engine::Postgres { log, keys } if config.mode == Mode::Production => Ok(vec![
            Relied { place: place_of_log(log)?, standby: log.require_standby },
            Relied { place: place_of_keys(keys)?, standby: keys.require_standby },
        ]),
        _ => Ok(Vec::new()),
    }
}

impl Relied {
    /// What is wrong, each with what to do.
    async fn wrong(&self) -> Result<Vec<String>, OpenError> {
        let seen = inspect(&self.place).await?;
        let found = unsafe_settings(&seen, self.standby).into_iter().chain(checksums(&seen));
        Ok(found.map(|found| format!("{}: {}", found.wrong, found.to_do)).collect())
    }
}

/// Refuses servers that are not safe to rely on.
///
/// # Errors
/// [`StartFault::UnsafeServer`] with everything that is wrong; [`StartFault::Server`] when one does not answer.
pub(super) async fn refuse_unsafe(config: &Config) -> Result<(), StartFault> {
    for server in relied_on(config)? {
        let wrong = server.wrong().await?;
        if !wrong.is_empty() {
            return Err(StartFault::UnsafeServer { place: server.place.name().to_owned(), wrong });
        }
    }
    Ok(())
}

/// Looks every minute until the gateway ends. While a server is not safe nothing is released; withdrawals still go in.
///
/// # Errors
/// [`StartFault`] when the configuration does not say where the servers are.
pub(super) fn follow(
    config: &Config,
    gateway: &Arc<Gateway>,
    mut ending: watch::Receiver<bool>,
) -> Result<(), StartFault> {
    let (servers, gateway) = (relied_on(config)?, Arc::clone(gateway));
    if servers.is_empty() {
        return Ok(());
    }
    tokio::spawn(async move {
        let mut looks = Looks::default();
        loop {
            tokio::select! {
                _ = ending.wait_for(|end| *end) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            looks.look(&servers, &gateway).await;
        }
    });
    Ok(())
}

/// What the looks found so far.
#[derive(Default)]
struct Looks {
    /// Looks in a row of which one server did not tell how it is set.
    untold: u32,
}

/// Most looks in a row that may tell nothing: a server that answers appends and hides its settings is not relied on.
const UNTOLD_MAX: u32 = 3;

impl Looks {
    async fn look(&mut self, servers: &[Relied], gateway: &Gateway) {
        let (mut wrong, mut untold) = (Vec::new(), Vec::new());
        for server in servers {
            let name = server.place.name();
            match server.wrong().await {
                Ok(found) => wrong.extend(found.into_iter().map(|found| format!("`{name}`: {found}"))),
                Err(error) => untold.push(format!("`{name}`: its settings could not be looked at: {error}")),
            }
        }
        self.untold = if untold.is_empty() { 0 } else { self.untold.saturating_add(1) };
        for text in &untold {
            tracing::warn!(text, "a server does not tell how it is set");
        }
        if self.untold >= UNTOLD_MAX {
            wrong.append(&mut untold);
        }
        let unsafe_server = Condition::ServerUnsafe;
        if !wrong.is_empty() {
            gateway.recorder.close_to_answers(unsafe_server.code(), true);
            gateway.conditions.raise(unsafe_server, wrong.join("; "));
        } else if self.untold == 0 {
            // While a server tells nothing, what was found before stays.
            gateway.recorder.close_to_answers(unsafe_server.code(), false);
            gateway.conditions.clear(unsafe_server);
        }
    }
}
