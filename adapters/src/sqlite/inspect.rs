//! Looks at a database file without changing it, beside a gateway that may be serving from it: for `doctor` and `migrate`.

use super::open::{self, KEYS_KIND, Kind, LOG_KIND, Limits, engine, in_use};
use super::open_error::OpenError;
use super::rows::guard_row;
use crate::master::{MasterKey, STATE_LABEL};
use rusqlite::{Connection, OpenFlags};
use sluis_core::log::draft::{GuardKey, GuardState};
use std::path::Path;

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

/// What stands in a database file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Schema version.
    pub version: i32,
    /// `wal` as a gateway leaves it.
    pub journal_mode: String,
    /// What SQLite's own quick check finds; empty when nothing.
    pub faults: Vec<String>,
    /// Bytes in the write-ahead log beside it.
    pub wal_bytes: u64,
    /// Whether a process serves from it now.
    pub in_use: bool,
}

fn connect(file: &Path) -> Result<Connection, OpenError> {
    if !file.exists() {
        return Err(OpenError::Missing { file: file.to_owned() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(engine(file))?;
    connection.busy_timeout(Limits::default().busy).map_err(engine(file))?;
    Ok(connection)
}

/// The schema version of a file, which must be a database of this kind; any version.
///
/// # Errors
/// [`OpenError`] names the file and what to do.
pub fn version(file: &Path, database: Database) -> Result<i32, OpenError> {
    let connection = connect(file)?;
    match open::identify(&connection, file, database.kind()) {
        Ok(()) => Ok(database.version()),
        Err(OpenError::Version { found, .. }) => Ok(found),
        Err(error) => Err(open::foreign_when_no_database(error, file, database.kind())),
    }
}

/// Looks at a database of ours.
///
/// # Errors
/// [`OpenError`] when it is not one, or cannot be read.
pub fn inspect(file: &Path, database: Database) -> Result<Inspection, OpenError> {
    let version = version(file, database)?;
    let connection = connect(file)?;
    let text = |name| connection.pragma_query_value(None, name, |row| row.get::<_, String>(0)).map_err(engine(file));
    let journal_mode = text("journal_mode")?;
    let mut check = connection.prepare("PRAGMA quick_check(20)").map_err(engine(file))?;
    let found = check.query_map([], |row| row.get::<_, String>(0)).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let faults = found.map_err(engine(file))?.into_iter().filter(|line| line != "ok").collect();
    let mut wal = file.as_os_str().to_owned();
    wal.push("-wal");
    let wal_bytes = std::fs::metadata(wal).map_or(0, |meta| meta.len());
    Ok(Inspection { version, journal_mode, faults, wal_bytes, in_use: in_use(file)? })
}

/// Whether the rows of a database were sealed under this master key.
///
/// # Errors
/// [`OpenError::MasterKey`] when they were not; another when it cannot be read.
pub fn belongs(file: &Path, database: Database, master: &MasterKey) -> Result<(), OpenError> {
    open::check_seal(&connect(file)?, file, database.kind(), &master.sealing(STATE_LABEL)?)
}

/// The number of the policy that is active in a log; `None` before the first.
///
/// # Errors
/// [`OpenError`] when the row cannot be read or was sealed under another key.
pub fn active_policy_number(file: &Path, master: &MasterKey) -> Result<Option<u64>, OpenError> {
    let key = GuardKey::Policy;
    let corrupt = || OpenError::Corrupt { file: file.to_owned(), table: "state" };
    let Some(row) = guard_row(&connect(file)?, &key).map_err(engine(file))? else { return Ok(None) };
    let active = row.open(&master.sealing(STATE_LABEL)?, &key).map_err(|_| corrupt())?;
    match active.state {
        GuardState::Policy { number, .. } => Ok(Some(number)),
        _ => Err(corrupt()),
    }
}
