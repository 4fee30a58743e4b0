//! The session that writes keys: one transaction at a time per process.
//!
//! Promises: a transaction that ended well is durable; a session whose transaction ended in no known way is closed, which
//! rolls back what was not committed, and is never used again.
//!
//! An unknown outcome does not stop this store as it stops the log (1.8): every write is insert-or-read or delete, so that
//! doing it again settles it. What was committed after all is read, what was not is made. An earlier attempt that still
//! waits, for a standby for instance, holds the rows or the lock that the second needs: that one then fails as LOCKED.

use super::connect::Place;
use super::errors::{before_commit, code, is_usable};
use crate::store::KEYS;
use sluis_core::ports::StoreError;
use sqlx::Error;
use sqlx::postgres::PgConnection;
use std::future::Future;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// How long statements may take, and how long a COMMIT. The server gives up on statements earlier, but never on a COMMIT.
const PATIENCE: Duration = Duration::from_secs(7);

/// Writes for one process.
pub(super) struct Writer {
    place: Place,
    session: Mutex<Option<PgConnection>>,
}

/// A transaction of the writer. Dropping it closes the session, which rolls back.
pub(super) struct Writing<'a> {
    kept: MutexGuard<'a, Option<PgConnection>>,
    session: PgConnection,
    table: &'static str,
}

impl Writer {
    pub fn new(place: Place, session: PgConnection) -> Self {
        Self { place, session: Mutex::new(Some(session)) }
    }

    /// Begins a transaction, in a new session when the one before was closed. `table` names in errors what is written.
    pub async fn begin(&self, table: &'static str) -> Result<Writing<'_>, StoreError> {
        let mut kept = self.session.lock().await;
        let mut writing = match kept.take() {
            Some(session) => Writing { kept, session, table },
            None => Writing { session: self.connect(table).await?, kept, table },
        };
        match writing.run("BEGIN").await {
            Ok(()) => Ok(writing),
            // The server was restarted since, or ended the session.
            Err(error) if !is_usable(&error) => {
                writing.session = self.connect(table).await?;
                writing.run("BEGIN").await.map_err(|error| before_commit(KEYS, table, &error))?;
                Ok(writing)
            }
            Err(error) => Err(before_commit(KEYS, table, &error)),
        }
    }

    async fn connect(&self, table: &'static str) -> Result<PgConnection, StoreError> {
        self.place.connect().await.map_err(|error| before_commit(KEYS, table, &error))
    }
}

impl Writing<'_> {
    /// The session, for statements.
    pub fn session(&mut self) -> &mut PgConnection {
        &mut self.session
    }

    /// Commits what was done, or rolls back what was not.
    ///
    /// If the process dies before COMMIT arrives, nothing was written; after it, keys stand that nobody used yet.
    pub async fn end<T>(mut self, done: Result<T, Error>) -> Result<T, StoreError> {
        let error = match done {
            Ok(done) => match self.run("COMMIT").await {
                Ok(()) => {
                    *self.kept = Some(self.session);
                    return Ok(done);
                }
                Err(error) if code(&error).is_none() || !is_usable(&error) => {
                    tracing::error!(%error, store = KEYS, "the commit gave no clear answer");
                    return Err(StoreError::Unknown { store: KEYS });
                }
                Err(error) => error,
            },
            Err(error) => error,
        };
        let refused = before_commit(KEYS, self.table, &error);
        if is_usable(&error) && self.run("ROLLBACK").await.is_ok() {
            *self.kept = Some(self.session);
        }
        Err(refused)
    }

    async fn run(&mut self, statement: &'static str) -> Result<(), Error> {
        patient(async { sqlx::raw_sql(statement).execute(&mut self.session).await.map(|_| ()) }).await
    }
}

/// Makes an attempt, and a second one when the outcome of the first is not known.
pub(super) async fn settle<T, F>(attempt: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    match attempt().await {
        Err(StoreError::Unknown { .. }) => attempt().await,
        known => known,
    }
}

/// Waits for the server, but not for ever: a network that swallows packets never answers.
pub(super) async fn patient<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    answer.unwrap_or_else(|_| Err(Error::Io(std::io::ErrorKind::TimedOut.into())))
}
