//! A few read-only connections, each used by one caller at a time.

use super::check::OpenFault;
use super::fault::store_error;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a reader waits for a lock of the holder's own programs.
const BUSY_TIMEOUT: Duration = Duration::from_millis(200);

/// Prepared statements kept per connection.
const PREPARED_MAX: usize = 128;

pub(super) struct Pool {
    first: Mutex<Connection>,
    others: Vec<Mutex<Connection>>,
    next: AtomicUsize,
}

impl Pool {
    /// Opens `connections` connections, at least one.
    pub(super) fn open(path: &Path, connections: usize) -> Result<Self, OpenFault> {
        let first = Mutex::new(open_read_only(path)?);
        let others = (1..connections).map(|_| open_read_only(path).map(Mutex::new)).collect::<Result<_, _>>()?;
        Ok(Self { first, others, next: AtomicUsize::new(0) })
    }

    /// A connection that is free, or the wait for one of them in turn.
    pub(super) fn take(&self) -> MutexGuard<'_, Connection> {
        let free = std::iter::once(&self.first).chain(&self.others).find_map(|c| c.try_lock().ok());
        free.unwrap_or_else(|| {
            let turn = self.next.fetch_add(1, Ordering::Relaxed) % (self.others.len() + 1);
            let connection = turn.checked_sub(1).and_then(|n| self.others.get(n)).unwrap_or(&self.first);
            // A connection has no state that a panic could leave half changed: it only reads.
            connection.lock().unwrap_or_else(PoisonError::into_inner)
        })
    }
}

/// Opens for reading: whatever happens later, this connection cannot write.
pub(super) fn open_read_only(path: &Path) -> Result<Connection, OpenFault> {
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.set_prepared_statement_cache_capacity(PREPARED_MAX);
        Ok(connection)
    };
    open().map_err(|fault| OpenFault::Store(store_error(fault)))
}
