//! Halts of a log on a server (A27): each replica writes its own, and every append reads all of them inside the lock.

use super::errors::before_commit;
use super::rows::bound;
use super::writer::Command;
use super::{PostgresLog, statements};
use crate::master::RowKey;
use crate::store::{HaltRow, LOG, halt, seal_halt};
use async_trait::async_trait;
use sluis_core::log::Millis;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{Halt, LogHalts};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgExecutor};

const TABLE: &str = "log_halt";

#[async_trait]
impl LogHalts for PostgresLog {
    fn replica(&self) -> i16 {
        self.replica
    }

    async fn halts(&self) -> Result<Vec<Halt>, StoreError> {
        let rows = rows(&self.pool).await.map_err(|error| before_commit(LOG, TABLE, &error))?;
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
pub(super) async fn in_force(at: impl PgExecutor<'_>) -> Result<Vec<String>, sqlx::Error> {
    let held = rows(at).await?.into_iter().filter(|(.., lifted, _)| lifted.is_none());
    Ok(held.map(|(_, _, found, ..)| found).collect())
}

async fn rows(at: impl PgExecutor<'_>) -> Result<Vec<HaltRow>, sqlx::Error> {
    sqlx::query_as(statements::HALTS).fetch_all(at).await
}

/// Writes that a replica halts.
pub(super) async fn write(
    c: &mut PgConnection,
    with: &RowKey,
    replica: i16,
    time: Millis,
    found: &str,
) -> Result<(), sqlx::Error> {
    let time = bound(time);
    let sealed = seal_halt(with, replica, time, found, None).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let insert = sqlx::query(statements::INSERT_HALT).bind(replica).bind(time).bind(found).bind(sealed);
    insert.execute(c).await.map(drop)
}

/// Lifts these halts, in one transaction.
pub(super) async fn lift(
    c: &mut PgConnection,
    with: &RowKey,
    these: &[(i16, Millis)],
    entry: &str,
) -> Result<u64, sqlx::Error> {
    let mut transaction = c.begin().await?;
    let mut count = 0;
    for row in rows(&mut *transaction).await? {
        let (replica, time, found) = (row.0, row.1, row.2.clone());
        let refused = |error: StoreError| sqlx::Error::Decode(error.into());
        let halt = halt(with, row).map_err(refused)?;
        if !halt.holds() || !these.contains(&(halt.replica, halt.time)) {
            continue;
        }
        let sealed = seal_halt(with, replica, time, &found, Some(entry)).map_err(refused)?;
        let lift = sqlx::query(statements::LIFT_HALT).bind(replica).bind(time).bind(entry).bind(sealed);
        count += lift.execute(&mut *transaction).await?.rows_affected();
    }
    transaction.commit().await.map(|()| count)
}
