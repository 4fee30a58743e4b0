//! Halts of a log in a file (A27): written by the writer, read inside its lock and past every cache.

use super::append::REPLICA;
use super::errors::before_commit;
use super::writer::{Command, Desk};
use super::{SqliteLog, statements};
use crate::store::{HaltRow, LOG, halt, seal_halt, signed};
use async_trait::async_trait;
use rusqlite::Connection;
use sluis_core::log::Millis;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{Halt, LogHalts};

const TABLE: &str = "log_halt";
/// The only replica of a file, as halts name it.
const ONLY: i16 = REPLICA as i16;

fn refused(error: rusqlite::Error) -> StoreError {
    before_commit(LOG, TABLE, &error)
}

#[async_trait]
impl LogHalts for SqliteLog {
    fn replica(&self) -> i16 {
        ONLY
    }

    async fn halts(&self) -> Result<Vec<Halt>, StoreError> {
        let rows = self.readers.read(TABLE, rows)?;
        rows.into_iter().map(|row| halt(&self.seals.halt, row)).collect()
    }

    async fn halt(&self, time: Millis, found: &str) -> Result<(), StoreError> {
        let found = found.to_owned();
        self.ask(|answer| Command::Halt { time, found, answer }).await
    }

    async fn lift_halts(&self, these: &[(i16, Millis)], entry: &str) -> Result<u64, StoreError> {
        let (these, entry) = (these.to_vec(), entry.to_owned());
        self.ask(|answer| Command::LiftHalts { these, entry, answer }).await
    }
}

/// What was found of every halt that nobody lifted.
pub(super) fn in_force(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let held = rows(connection)?.into_iter().filter(|(.., lifted, _)| lifted.is_none());
    Ok(held.map(|(_, _, found, ..)| found).collect())
}

fn rows(connection: &Connection) -> Result<Vec<HaltRow>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(statements::HALTS)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?;
    rows.collect()
}

impl Desk {
    /// Whether the log is halted.
    pub(super) fn is_halted_by_row(&self) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(statements::HALTED).map_err(refused)?;
        statement.query_row([], |row| row.get(0)).map_err(refused)
    }

    pub(super) fn write_halt(&mut self, time: Millis, found: &str) -> Result<(), StoreError> {
        let time = signed(time)?;
        let sealed = seal_halt(&self.seals.halt, ONLY, time, found, None)?;
        let mut insert = self.connection.prepare_cached(statements::INSERT_HALT).map_err(refused)?;
        insert.execute((ONLY, time, found, sealed)).map(drop).map_err(refused)
    }

    pub(super) fn lift_halts(&mut self, these: &[(i16, Millis)], entry: &str) -> Result<u64, StoreError> {
        let mut lifted = 0;
        for row in rows(&self.connection).map_err(refused)? {
            let (replica, time, found) = (row.0, row.1, row.2.clone());
            let halt = halt(&self.seals.halt, row)?;
            if !halt.holds() || !these.contains(&(halt.replica, halt.time)) {
                continue;
            }
            let sealed = seal_halt(&self.seals.halt, replica, time, &found, Some(entry))?;
            let mut lift = self.connection.prepare_cached(statements::LIFT_HALT).map_err(refused)?;
            lifted += lift.execute((replica, time, entry, sealed)).map_err(refused)? as u64;
        }
        Ok(lifted)
    }
}
