//! Making and opening database files: explicit, exclusive, and never migrating on the way.
//!
//! The first act after opening is a checkpoint that truncates the WAL: after a failed flush SQLite continues from
//! its page cache, and only what reached the file may be trusted (A6).

use super::errors::is_data;
pub(super) use super::open_error::OpenError;
use crate::master::{CryptoRefused, RowKey};
use crate::store::SEAL_CHECK_TEXT;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

/// Bounds of one open database.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a write waits for a lock before it answers LOCKED.
    pub busy: Duration,
    /// The most pages of 4 KiB the file may have; a full file answers DISK_FULL and keeps serving proofs.
    pub pages_max: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { busy: Duration::from_millis(2000), pages_max: None }
    }
}

/// What is expected in a file.
pub(super) struct Kind {
    pub name: &'static str,
    pub application: i32,
    pub version: i32,
    pub schema: &'static str,
}

/// `SLlg`, version 1.
pub(super) const LOG_KIND: Kind = Kind {
    name: crate::store::LOG,
    application: 0x534c_6c67,
    version: 1,
    schema: include_str!("../../migrations/sqlite/log_0001.sql"),
};

/// `SLky`, version 1.
pub(super) const KEYS_KIND: Kind = Kind {
    name: crate::store::KEYS,
    application: 0x534c_6b79,
    version: 1,
    schema: include_str!("../../migrations/sqlite/keys_0001.sql"),
};

/// Holds the lock file for as long as the database is open.
#[derive(Debug)]
pub(super) struct Exclusive(#[expect(dead_code, reason = "the open file is the lock")] File);

/// KiB of page cache of the connection that writes, and of one that reads.
const WRITER_CACHE_KIB: i32 = 8192;
const READER_CACHE_KIB: i32 = 2048;
/// Statements a connection keeps prepared: all there are, with room.
const STATEMENTS_MAX: usize = 64;

/// Names the file in an engine error.
pub(super) fn engine(file: &Path) -> impl Fn(rusqlite::Error) -> OpenError + '_ {
    move |source| match source.sqlite_error_code() {
        Some(ErrorCode::ReadOnly) => OpenError::ReadOnly { file: file.to_owned() },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::WalBusy { file: file.to_owned() },
        _ => OpenError::Engine { file: file.to_owned(), source },
    }
}

/// Makes a new file with its schema and first rows, in one transaction.
///
/// If the process dies here, the file has no application number and is refused at opening: remove it and create again.
pub(super) fn create(
    file: &Path,
    kind: &Kind,
    first_rows: impl FnOnce(&Connection) -> Result<(), rusqlite::Error>,
) -> Result<(), OpenError> {
    let made = OpenOptions::new().write(true).create_new(true).open(file);
    made.map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => OpenError::Exists { file: file.to_owned() },
        _ => OpenError::Io { file: file.to_owned(), source },
    })?;
    let _exclusive = lock(file)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags).map_err(engine(file))?;
    write_schema(&mut connection, kind, first_rows).map_err(engine(file))?;
    truncate_wal(&connection, file)?;
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = File::open(folder).and_then(|folder| folder.sync_all());
    named.map_err(|source| OpenError::Io { file: file.to_owned(), source })
}

fn write_schema(
    connection: &mut Connection,
    kind: &Kind,
    first_rows: impl FnOnce(&Connection) -> Result<(), rusqlite::Error>,
) -> Result<(), rusqlite::Error> {
    configure(connection, Limits::default(), WRITER_CACHE_KIB)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(kind.schema)?;
    first_rows(&transaction)?;
    transaction.pragma_update(None, "application_id", kind.application)?;
    transaction.pragma_update(None, "user_version", kind.version)?;
    transaction.commit()
}

/// Opens the connection that writes: lock, checkpoint, identity, version, pragmas, in this order.
pub(super) fn writer(file: &Path, kind: &Kind, limits: Limits) -> Result<(Connection, Exclusive), OpenError> {
    let meta = std::fs::metadata(file).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => OpenError::Missing { file: file.to_owned() },
        _ => OpenError::Io { file: file.to_owned(), source },
    })?;
    if meta.permissions().readonly() {
        return Err(OpenError::ReadOnly { file: file.to_owned() });
    }
    let exclusive = lock(file)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(engine(file))?;
    if connection.is_readonly("main").map_err(engine(file))? {
        return Err(OpenError::ReadOnly { file: file.to_owned() });
    }
    connection.busy_timeout(limits.busy).map_err(engine(file))?;
    truncate_wal(&connection, file).map_err(|error| foreign_when_no_database(error, file, kind))?;
    identify(&connection, file, kind)?;
    configure(&connection, limits, WRITER_CACHE_KIB).map_err(engine(file))?;
    Ok((connection, exclusive))
}

/// Opens a connection that only reads.
pub(super) fn reader(file: &Path, limits: Limits) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    configure(&connection, limits, READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", "ON")?;
    Ok(connection)
}

/// Opens a connection that moves pages from the WAL into the file.
pub(super) fn mover(file: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    configure(&connection, Limits::default(), READER_CACHE_KIB)?;
    Ok(connection)
}

/// Whether a process serves from this file now.
///
/// # Errors
/// [`OpenError::Io`] when the lock cannot be looked at.
pub fn in_use(file: &Path) -> Result<bool, OpenError> {
    match lock(file) {
        Ok(_released_at_once) => Ok(false),
        Err(OpenError::InUse { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

fn lock(file: &Path) -> Result<Exclusive, OpenError> {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    let io = |source| OpenError::Io { file: file.to_owned(), source };
    let handle = OpenOptions::new().write(true).create(true).truncate(false).open(&name).map_err(io)?;
    match handle.try_lock() {
        Ok(()) => Ok(Exclusive(handle)),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { file: file.to_owned() }),
        Err(TryLockError::Error(source)) => Err(OpenError::Io { file: file.to_owned(), source }),
    }
}

fn truncate_wal(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(engine(file))?;
    if busy == 0 { Ok(()) } else { Err(OpenError::WalBusy { file: file.to_owned() }) }
}

pub(super) fn foreign_when_no_database(error: OpenError, file: &Path, kind: &Kind) -> OpenError {
    match &error {
        OpenError::Engine { source, .. } if source.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            OpenError::Foreign { file: file.to_owned(), expected: kind.name }
        }
        _ => error,
    }
}

pub(super) fn identify(connection: &Connection, file: &Path, kind: &Kind) -> Result<(), OpenError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(engine(file));
    if number("application_id")? != kind.application {
        return Err(OpenError::Foreign { file: file.to_owned(), expected: kind.name });
    }
    let found = number("user_version")?;
    if found != kind.version {
        return Err(OpenError::Version { file: file.to_owned(), expected: kind.version, found });
    }
    Ok(())
}

/// The pragmas of every connection. `synchronous=NORMAL` would lose committed rows at a power cut.
fn configure(connection: &Connection, limits: Limits, cache_kib: i32) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(limits.busy)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.query_row("PRAGMA wal_autocheckpoint = 0", [], |_| Ok(()))?;
    if let Some(pages) = limits.pages_max {
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}

/// The row that tells a wrong master key.
pub(super) fn seal_check(key: &RowKey, kind: &Kind) -> Result<Vec<u8>, CryptoRefused> {
    key.seal(kind.name.as_bytes(), SEAL_CHECK_TEXT)
}

/// Refuses a database whose rows this master key does not open.
pub(super) fn check_seal(connection: &Connection, file: &Path, kind: &Kind, key: &RowKey) -> Result<(), OpenError> {
    let row = connection.query_row(super::statements::SEAL_CHECK, [], |row| row.get::<_, Vec<u8>>(0));
    let sealed = row.map_err(|error| {
        if is_data(&error) || matches!(error, rusqlite::Error::QueryReturnedNoRows) {
            return OpenError::Corrupt { file: file.to_owned(), table: "seal_check" };
        }
        engine(file)(error)
    })?;
    let opened = key.open(kind.name.as_bytes(), &sealed);
    let right = opened.is_some_and(|plain| plain.as_slice() == SEAL_CHECK_TEXT);
    if right { Ok(()) } else { Err(OpenError::MasterKey { file: file.to_owned() }) }
}
