//! Log and keys on a PostgreSQL server: it answers, the databases are ours, and what safety rests on is so.

use super::Findings;
use crate::compose::StartFault;
use crate::compose::engine::{place_of_keys, place_of_log};
use crate::config::{KeysPostgres, LogPostgres, Mode};
use sluis_adapters::master::MasterKey;
use sluis_adapters::postgres::inspect::{Database, Inspection, active_policy_number, belongs, inspect, version};
use sluis_adapters::postgres::safety::{checksums, unsafe_settings};
use sluis_adapters::postgres::{OpenError, Place};
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;

/// A gateway this far from its database refuses to write (A7).
const CLOCK_MS_MAX: u64 = 2000;
/// Somebody should see to it before it comes to that.
const CLOCK_MS_NOTICE: u64 = 500;

/// Whether this replica's process serves from the log now.
pub(super) async fn is_served(log: &LogPostgres) -> bool {
    let Ok(place) = place_of_log(log) else { return false };
    inspect(&place).await.is_ok_and(|seen| seen.replicas.contains(&i32::from(log.replica)))
}

/// The databases answer, are ours, of the version of this program and under our master key, on servers that keep what they
/// are given.
pub(super) async fn present(
    mode: Mode,
    log: &LogPostgres,
    keys: &KeysPostgres,
    master: Option<&MasterKey>,
    found: &mut Findings,
) {
    let log_at = one(Database::Log, place_of_log(log), master, found).await;
    let keys_at = one(Database::Keys, place_of_keys(keys), master, found).await;
    for (database, place, standby) in
        [(Database::Log, &log_at, log.require_standby), (Database::Keys, &keys_at, keys.require_standby)]
    {
        let Some((name, seen)) = place else { continue };
        settings(database.name(), name, seen, standby, mode, found);
    }
    if let (Some((_, log)), Some((_, keys))) = (&log_at, &keys_at)
        && log.cluster == keys.cluster
        && mode == Mode::Production
    {
        let advice = "put the key database on a server of its own, with backups that are kept for 30 days at most";
        found.warning("key database", "is on the server of the log: one backup takes both", advice);
    }
}

/// Looks at one database. Gives its name and what its server is set to, when that could be seen.
async fn one(
    database: Database,
    place: Result<Place, StartFault>,
    master: Option<&MasterKey>,
    found: &mut Findings,
) -> Option<(String, Inspection)> {
    let subject = database.name();
    let place = match place {
        Ok(place) => place,
        Err(error) => {
            found.error(subject, &error);
            return None;
        }
    };
    match ours(database, &place, master).await {
        Ok(()) => found.ok(subject, format!("`{}` has schema version {}", place.name(), database.version())),
        Err(error @ OpenError::Unreachable { .. }) => {
            found.error(subject, &error);
            return None;
        }
        Err(error) => found.error(subject, &error),
    }
    match inspect(&place).await {
        Ok(seen) => Some((place.name().to_owned(), seen)),
        Err(error) => {
            found.error(subject, &error);
            None
        }
    }
}

async fn ours(database: Database, place: &Place, master: Option<&MasterKey>) -> Result<(), OpenError> {
    let (found, expected) = (version(place, database).await?, database.version());
    if found != expected {
        return Err(OpenError::Version { place: place.name().to_owned(), expected, found });
    }
    match master {
        Some(master) => belongs(place, database, master).await,
        None => Ok(()),
    }
}

fn settings(subject: &'static str, name: &str, seen: &Inspection, standby: bool, mode: Mode, found: &mut Findings) {
    let wrong = unsafe_settings(seen, standby);
    for finding in &wrong {
        found.fault(subject, format!("the server of `{name}`: {}", finding.wrong), finding.to_do);
    }
    match checksums(seen) {
        Some(finding) if mode == Mode::Production => {
            found.fault(subject, format!("the server of `{name}`: {}", finding.wrong), finding.to_do);
        }
        Some(finding) => found.warning(subject, format!("the server of `{name}`: {}", finding.wrong), finding.to_do),
        None => {}
    }
    if wrong.is_empty() {
        let held = if standby { ", and a synchronous standby is connected" } else { "" };
        let text = "flushes before it answers (fsync, full_page_writes, synchronous_commit)";
        found.ok(subject, format!("PostgreSQL {} {text}{held}", seen.server));
    }
}

/// Who serves from the log, what its standbys have, and its clock.
pub(super) async fn look_inside(log: &LogPostgres, found: &mut Findings) {
    const SUBJECT: &str = "log database";
    let Ok(place) = place_of_log(log) else { return };
    let before = SystemClock.now();
    // What does not answer was said before.
    let Ok(seen) = inspect(&place).await else { return };
    for standby in &seen.standbys {
        let text =
            format!("standby `{}` is {}, {} bytes behind", standby.name, standby.sync_state, standby.behind_bytes);
        found.ok(SUBJECT, text);
    }
    let replicas: Vec<String> = seen.replicas.iter().map(ToString::to_string).collect();
    let text = if replicas.is_empty() { "nobody".to_owned() } else { format!("replica {}", replicas.join(", ")) };
    found.ok(SUBJECT, format!("{text} serves from it now; this configuration is replica {}", log.replica));
    // The server looked at its clock between these two.
    let (early, late) = (seen.time.saturating_sub(SystemClock.now()), before.saturating_sub(seen.time));
    let apart = early.max(late);
    let text = format!("the clock of the server and that of this machine are {apart} ms apart");
    if apart > CLOCK_MS_MAX {
        found.fault("clock", text, "set both right by NTP; until then nothing is written");
    } else if apart > CLOCK_MS_NOTICE {
        found.warning("clock", text, "see that both follow NTP; beyond 2000 ms nothing is written");
    } else {
        found.ok("clock", text);
    }
}

/// The number of the active policy; `None` when it cannot be read.
pub(super) async fn active_policy(log: &LogPostgres, master: &MasterKey) -> Option<Option<u64>> {
    active_policy_number(&place_of_log(log).ok()?, master).await.ok()
}
