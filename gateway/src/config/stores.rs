//! The databases: the transfer log and, apart from it, the keys. One engine keeps both.

use super::address::Address;
use super::retention::Retention;
use serde::{Deserialize, Serialize};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The transfer log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// SQLite file, of one gateway process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<PathBuf>,
    /// Ed25519 key that signs checkpoints.
    pub signing_key: PathBuf,
    /// Where the newest checkpoint is kept outside the database; `log.anchor` beside the signing key when not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<PathBuf>,
    /// Year of the shard.
    pub year: i16,
    /// Epoch within the year, from 1.
    pub epoch: u32,
    /// PostgreSQL database, of one gateway process or many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<LogPostgres>,
    /// For how long closed shards are kept; five years when not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
}

/// A transfer log on PostgreSQL.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogPostgres {
    /// `postgres://user@host:5432/database`, with `?sslmode=verify-full&sslrootcert=file` where the server is on another
    /// machine. Holds no secret.
    pub address: String,
    /// Password of that user; absent where the server knows the gateway by its certificate or its account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The number of this gateway process, 1 to 32767: no two have the same.
    pub replica: i16,
    /// Nothing is released before a synchronous standby has its entry.
    #[serde(default = "required")]
    pub require_standby: bool,
}

impl Log {
    /// The file of the anchor.
    #[must_use]
    pub fn anchor(&self) -> PathBuf {
        self.anchor.clone().unwrap_or_else(|| self.signing_key.with_file_name("log.anchor"))
    }

    /// The term of closed shards.
    #[must_use]
    pub fn term(&self) -> Retention {
        self.retention.clone().unwrap_or_default()
    }
}

/// The key database, apart from the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// SQLite file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<PathBuf>,
    /// 32 bytes from which wrapping, lookup and state keys are derived; outside every database.
    pub master_key: PathBuf,
    /// Folder with the secrets of wrapping generations, outside every database; `wrapping` beside the master key when not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrapping: Option<PathBuf>,
    /// After how many days a wrapping generation should be followed by the next.
    #[serde(default = "month")]
    pub wrapping_days: u16,
    /// PostgreSQL database, of every gateway process of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<KeysPostgres>,
}

impl Keys {
    /// The folder of the secrets.
    #[must_use]
    pub fn wrapping(&self) -> PathBuf {
        self.wrapping.clone().unwrap_or_else(|| self.master_key.with_file_name("wrapping"))
    }
}

/// A key database on PostgreSQL.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysPostgres {
    /// As that of the log, and another database.
    pub address: String,
    /// Password of that user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// No key is used before a synchronous standby has it.
    #[serde(default = "required")]
    pub require_standby: bool,
}

const fn month() -> u16 {
    31
}

const fn required() -> bool {
    true
}

/// Where log and keys are kept.
#[derive(Debug, Clone, Copy)]
pub enum Engine<'a> {
    /// One file each, one gateway process.
    Sqlite {
        /// The log.
        log: &'a Path,
        /// The keys.
        keys: &'a Path,
    },
    /// One database each, many gateway processes.
    Postgres {
        /// The log.
        log: &'a LogPostgres,
        /// The keys.
        keys: &'a KeysPostgres,
    },
}

/// What keeps log and keys.
///
/// # Errors
/// What is missing, doubled or outside its bounds, and what to do.
pub(super) fn engine<'a>(log: &'a Log, keys: &'a Keys) -> Result<Engine<'a>, &'static str> {
    match (&log.database, &log.postgres) {
        (None, None) => return Err("`log` names no database: set `log.database` (SQLite) or `[log.postgres]`"),
        (Some(_), Some(_)) => return Err("`log` names two databases: remove `log.database` or `[log.postgres]`"),
        _ => {}
    }
    match (&keys.database, &keys.postgres) {
        (None, None) => return Err("`keys` names no database: set `keys.database` (SQLite) or `[keys.postgres]`"),
        (Some(_), Some(_)) => return Err("`keys` names two databases: remove `keys.database` or `[keys.postgres]`"),
        _ => {}
    }
    match (&log.database, &log.postgres, &keys.database, &keys.postgres) {
        (Some(log), _, Some(keys), _) => Ok(Engine::Sqlite { log, keys }),
        (_, Some(log), _, Some(keys)) if log.replica >= 1 => Ok(Engine::Postgres { log, keys }),
        (_, Some(_), _, Some(_)) => Err("`log.postgres.replica` must lie between 1 and 32767"),
        // Each gateway process would give a subject another pseudonym, and none would find what another recorded about it.
        (_, Some(_), _, None) => {
            Err("`keys.database` serves one gateway process: set `[keys.postgres]`, as for the log")
        }
        (_, None, _, _) => Err("`log.database` serves one gateway process: set `[log.postgres]`, as for the keys"),
    }
}

/// Whether the anchor may be lost or put back together with the database: both are on one file system, or one of them cannot
/// be looked at.
fn shares_storage(anchor: &Path, database: &Path) -> bool {
    let device = |path: &Path| {
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        std::fs::metadata(if path.exists() { path } else { folder }).map(|there| there.dev())
    };
    !matches!((device(anchor), device(database)), (Ok(one), Ok(other)) if one != other)
}

/// What production refuses of log and keys, each with the setting and why.
pub(super) fn refused_in_production(engine: Engine<'_>, anchor: &Path) -> Vec<String> {
    let (log, keys) = match engine {
        Engine::Sqlite { log, .. } if shares_storage(anchor, log) => {
            let text = "log.anchor: SQLite needs its anchor on other storage, which a restored disk does not take along: \
                        name a file on another file system, or use `[log.postgres]`";
            return vec![text.to_owned()];
        }
        Engine::Sqlite { .. } => return Vec::new(),
        Engine::Postgres { log, keys } => (log, keys),
    };
    let mut refused = Vec::new();
    if !log.require_standby {
        let text =
            "log.postgres.require_standby: must be true, or the loss of one disk loses entries of what was released";
        refused.push(text.to_owned());
    }
    if !keys.require_standby {
        let text =
            "keys.postgres.require_standby: must be true, or the loss of one disk loses keys of what was written";
        refused.push(text.to_owned());
    }
    let addresses = [("log.postgres.address", &log.address), ("keys.postgres.address", &keys.address)];
    for (setting, address) in addresses {
        if !Address::read(address).is_protected() {
            let text =
                "needs `sslmode=verify-full` (and `sslrootcert`), or a socket on this machine (`host=/run/postgresql`)";
            refused.push(format!("{setting}: {text}"));
        }
    }
    if Address::read(&log.address).is_same_database(&Address::read(&keys.address)) {
        let text = "keys.postgres.address: the database of the log: keys need one of their own, with other backups";
        refused.push(text.to_owned());
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: (&str, &str) = ("database = \"log.db\"\n", "database = \"keys.db\"\n");
    const SERVER: (&str, &str) = (
        "[postgres]\naddress = \"postgres://sluis@db:5432/sluis_log?sslmode=verify-full\"\nreplica = 1\n",
        "[postgres]\naddress = \"postgres://sluis@db:5432/sluis_keys?sslmode=verify-full\"\n",
    );

    fn read(log: &str, keys: &str) -> (Log, Keys) {
        let log = format!("signing_key = \"k\"\nyear = 2026\nepoch = 1\n{log}");
        (toml::from_str(&log).unwrap(), toml::from_str(&format!("master_key = \"m\"\n{keys}")).unwrap())
    }

    #[test]
    fn one_engine_keeps_both() {
        let says = |log: &str, keys: &str| {
            let (log, keys) = read(log, keys);
            engine(&log, &keys).map(|engine| matches!(engine, Engine::Postgres { .. }))
        };
        assert_eq!(says(FILES.0, FILES.1), Ok(false));
        assert_eq!(says(SERVER.0, SERVER.1), Ok(true));
        let (both_logs, both_keys) = ([FILES.0, SERVER.0].concat(), [FILES.1, SERVER.1].concat());
        let (zero, below) = (SERVER.0.replace("= 1", "= 0"), SERVER.0.replace("= 1", "= -1"));
        for (log, keys, words) in [
            ("", FILES.1, "set `log.database` (SQLite) or `[log.postgres]`"),
            (&both_logs, FILES.1, "remove `log.database` or `[log.postgres]`"),
            (FILES.0, "", "set `keys.database` (SQLite) or `[keys.postgres]`"),
            (SERVER.0, &both_keys, "remove `keys.database` or `[keys.postgres]`"),
            (SERVER.0, FILES.1, "set `[keys.postgres]`"),
            (FILES.0, SERVER.1, "set `[log.postgres]`"),
            (&zero, SERVER.1, "`log.postgres.replica` must lie between 1 and 32767"),
            (&below, SERVER.1, "`log.postgres.replica` must lie between 1 and 32767"),
        ] {
            let fault = says(log, keys).expect_err(words);
            assert!(fault.contains(words), "{fault}");
        }
    }

    #[test]
    fn production_names_what_is_not_safe_on_postgresql() {
        let refused = |log: &str, keys: &str| {
            let (log, keys) = read(log, keys);
            refused_in_production(engine(&log, &keys).unwrap(), &log.anchor()).join("\n")
        };
        assert_eq!(refused(SERVER.0, SERVER.1), "");
        let local = |text: &str| text.replace("db:5432", "").replace("sslmode=verify-full", "host=/run/postgresql");
        assert_eq!(refused(&local(SERVER.0), &local(SERVER.1)), "");
        assert!(refused(FILES.0, FILES.1).contains("log.anchor: SQLite needs its anchor on other storage"));
        let alone = format!("{}require_standby = false\n", SERVER.0);
        assert!(refused(&alone, SERVER.1).starts_with("log.postgres.require_standby: must be true"));
        let alone = format!("{}require_standby = false\n", SERVER.1);
        assert!(refused(SERVER.0, &alone).starts_with("keys.postgres.require_standby: must be true"));
        let plain = |text: &str| text.replace("verify-full", "require");
        assert!(refused(&plain(SERVER.0), SERVER.1).starts_with("log.postgres.address: needs `sslmode=verify-full`"));
        assert!(refused(SERVER.0, &plain(SERVER.1)).starts_with("keys.postgres.address: needs `sslmode=verify-full`"));
        let same = SERVER.1.replace("sluis_keys", "sluis_log");
        assert!(refused(SERVER.0, &same).starts_with("keys.postgres.address: the database of the log"));
    }
}
