//! Looks at a database on a server without changing it, beside gateways that may be serving from it: for `doctor`,
//! `migrate` and `init`.

use super::connect::{Kind, Place};
use super::keys::KIND as KEYS_KIND;
use super::open::LOG_KIND;
use super::open_error::OpenError;
use crate::master::{MasterKey, STATE_LABEL};
use crate::store::GuardRow;
use sluis_core::log::Millis;
use sluis_core::log::draft::{GuardKey, GuardState};
use sqlx::postgres::PgConnection;
use std::collections::BTreeMap;

/// Which of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// The log and its state.
    Log,
    /// The keys.
    Keys,
}

impl Database {
    const fn kind(self) -> &'static Kind {
        match self {
            Self::Log => &LOG_KIND,
            Self::Keys => &KEYS_KIND,
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.kind().name
    }

    /// The schema version that this program works with.
    #[must_use]
    pub const fn version(self) -> i32 {
        self.kind().version
    }
}

/// A standby as its primary sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standby {
    /// What it calls itself.
    pub name: String,
    /// `sync`, `quorum`, `potential` or `async`.
    pub sync_state: String,
    /// Bytes of the write-ahead log that it has not flushed yet.
    pub behind_bytes: i64,
}

/// What a server is set to, and who stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Its version, as it says it.
    pub server: String,
    /// What tells one cluster of databases from another; its standbys have the same.
    pub cluster: String,
    /// The settings in [`SETTINGS`], as they hold for a session of the gateway.
    pub settings: BTreeMap<String, String>,
    /// Whether this is a standby, which writes nothing.
    pub in_recovery: bool,
    /// Whether the gateway's user may see what standbys have (`pg_monitor`).
    pub sees_standbys: bool,
    /// Standbys that are connected; none where the user may not see them.
    pub standbys: Vec<Standby>,
    /// The replicas whose processes serve from this database now, by number.
    pub replicas: Vec<i32>,
    /// The server's clock.
    pub time: Millis,
}

/// The settings that safety rests on, and what explains them.
pub const SETTINGS: &[&str] = &[
    "data_checksums",
    "data_sync_retry",
    "fsync",
    "full_page_writes",
    "ignore_checksum_failure",
    "synchronous_commit",
    "synchronous_standby_names",
    "zero_damaged_pages",
];

const READ_SETTINGS: &str = "SELECT name, setting FROM pg_settings WHERE name = ANY ($1)";
const SERVER: &str =
    "SELECT current_setting('server_version'), (SELECT system_identifier::text FROM pg_control_system()),
    pg_is_in_recovery(),
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'),
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
const STANDBYS: &str = "SELECT coalesce(application_name, ''), coalesce(sync_state, ''),
    coalesce(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn), 0)::bigint
    FROM pg_stat_replication ORDER BY 1";
/// Who holds the advisory lock of a replica in this database.
const REPLICAS: &str = "SELECT objid::int FROM pg_locks WHERE locktype = 'advisory' AND classid = 1397508467
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted ORDER BY 1";
const POLICY: &str = "SELECT version, leaf_index, sealed FROM state WHERE kind = 1 AND key = ''::bytea";

/// The schema version of a database, which must be one of this kind; any version.
///
/// # Errors
/// [`OpenError`] names the place and what to do.
pub async fn version(place: &Place, database: Database) -> Result<i32, OpenError> {
    let mut session = place.connect().await.map_err(|source| place.unreachable(source))?;
    let (at, expected) = (place.name().to_owned(), database.name());
    match place.version(&mut session).await? {
        None => Err(OpenError::Missing { place: at, expected }),
        Some((found, _)) if found != expected => Err(OpenError::Foreign { place: at, expected }),
        Some((_, version)) => Ok(version),
    }
}

/// Whether a database is of this kind and version, and its rows were sealed under this master key.
///
/// # Errors
/// [`OpenError`] names the place and what to do.
pub async fn belongs(place: &Place, database: Database, master: &MasterKey) -> Result<(), OpenError> {
    place.open(database.kind(), master).await.map(drop)
}

/// Looks at the server of a database.
///
/// # Errors
/// [`OpenError`] when it does not answer.
pub async fn inspect(place: &Place) -> Result<Inspection, OpenError> {
    let mut session = place.connect().await.map_err(|source| place.unreachable(source))?;
    seen(&mut session).await.map_err(|source| place.engine(source))
}

async fn seen(session: &mut PgConnection) -> Result<Inspection, sqlx::Error> {
    let settings: Vec<(String, String)> = sqlx::query_as(READ_SETTINGS).bind(SETTINGS).fetch_all(&mut *session).await?;
    let (server, cluster, in_recovery, sees_standbys, time): (String, String, bool, bool, i64) =
        sqlx::query_as(SERVER).fetch_one(&mut *session).await?;
    let seen: Vec<(String, String, i64)> =
        if in_recovery { Vec::new() } else { sqlx::query_as(STANDBYS).fetch_all(&mut *session).await? };
    let standby = |(name, sync_state, behind_bytes)| Standby { name, sync_state, behind_bytes };
    let standbys = seen.into_iter().map(standby).collect();
    let replicas = sqlx::query_scalar(REPLICAS).fetch_all(session).await?;
    let (settings, time) = (settings.into_iter().collect(), u64::try_from(time).unwrap_or(0));
    Ok(Inspection { server, cluster, settings, in_recovery, sees_standbys, standbys, replicas, time })
}

/// The number of the policy that is active in a log; `None` before the first.
///
/// # Errors
/// [`OpenError`] when the row cannot be read or was sealed under another key.
pub async fn active_policy_number(place: &Place, master: &MasterKey) -> Result<Option<u64>, OpenError> {
    let mut session = place.open(&LOG_KIND, master).await?;
    let row: Option<(i64, i64, Vec<u8>)> =
        sqlx::query_as(POLICY).fetch_optional(&mut session).await.map_err(|source| place.engine(source))?;
    let Some((version, index, sealed)) = row else { return Ok(None) };
    let corrupt = || place.corrupt("state");
    let active = GuardRow(version, index, sealed).open(&master.sealing(STATE_LABEL)?, &GuardKey::Policy);
    match active.map_err(|_| corrupt())?.state {
        GuardState::Policy { number, .. } => Ok(Some(number)),
        _ => Err(corrupt()),
    }
}
