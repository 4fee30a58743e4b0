//! A few connections that only read, used inline: a point select takes microseconds, less than handing it over.

use super::errors::before_commit;
use super::open::{self, Limits};
use rusqlite::Connection;
use sluis_core::ports::StoreError;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Connections kept; more are opened when needed and closed afterwards.
const KEPT_MAX: usize = 4;

/// Read-only connections to one file. No read transaction outlives one call.
pub(super) struct Readers {
    file: PathBuf,
    store: &'static str,
    limits: Limits,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub fn new(file: PathBuf, store: &'static str, limits: Limits) -> Self {
        Self { file, store, limits, idle: Mutex::new(Vec::new()) }
    }

    /// Runs one read. `table` names in errors what was read.
    pub fn read<T>(
        &self,
        table: &'static str,
        query: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let refused = |error: rusqlite::Error| before_commit(self.store, table, &error);
        let connection = match idle {
            Some(connection) => connection,
            None => open::reader(&self.file, self.limits).map_err(refused)?,
        };
        let answer = query(&connection).map_err(refused)?; // a connection that failed is not kept
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT_MAX {
            idle.push(connection);
        }
        Ok(answer)
    }
}
