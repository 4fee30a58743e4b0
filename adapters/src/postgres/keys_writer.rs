//! The session that writes keys: one transaction at a time per process.
//!
//! Promises: a transaction that ended well is durable, and flushed on a synchronous standby where one is required (A1): a
//! pseudonym that a failover loses would come back as another one, of whom no restriction is known. A session whose
//! transaction ended in no known way is closed, which rolls back what was not committed, and is never used again.
//!
//! An unknown outcome does not stop this store as it stops the log (1.8): every write is insert-or-read or delete, so that
//! doing it again settles it. What was committed after all is read, what was not is made. An earlier attempt that still
//! waits, for a standby for instance, holds the rows or the lock that the second needs: that one then fails as LOCKED.

use super::connect::Place;
use super::errors::{before_commit, code, is_usable};
use super::settle::on_standby;
use crate::store::KEYS;
use sluis_core::ports::StoreError;
use sqlx::Error;
use sqlx::postgres::PgConnection;
use std::future::Future;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// How long statements may take, and how long a COMMIT. The server gives up on statements earlier, but never on a COMMIT.
pub(super) const PATIENCE: Duration = Duration::from_secs(7);

/// Writes for one process.
pub(super) struct Writer {
    place: Place,
    /// Whether nothing counts before a synchronous standby has it.
    standby: bool,
    session: Mutex<Option<PgConnection>>,
}

/// A transaction of the writer. Dropping it closes the session, which rolls back.
pub(super) struct Writing<'a> {
    standby: bool,
    kept: MutexGuard<'a, Option<PgConnection>>,
    session: PgConnection,
    table: &'static str,
}

impl Writer {
    pub fn new(place: Place, standby: bool, session: PgConnection) -> Self {
        Self { place, standby, session: Mutex::new(Some(session)) }
    }

    /// Where it writes.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Begins a transaction, in a new session when the one before was closed. `table` names in errors what is written.
    pub async fn begin(&self, table: &'static str) -> Result<Writing<'_>, StoreError> {
        let refused = |error| before_commit(KEYS, table, &error);
        let mut kept = self.session.lock().await;
        let session = match kept.take() {
            Some(session) => session,
            None => self.place.connect().await.map_err(refused)?,
        };
        let mut writing = Writing { standby: self.standby, kept, session, table };
        match writing.run("BEGIN").await {
            // The server was restarted since, or ended the session.
            Err(error) if !is_usable(&error) => {
                writing.session = self.place.connect().await.map_err(refused)?;
                writing.run("BEGIN").await.map_err(refused)?;
            }
            begun => begun.map_err(refused)?,
        }
        Ok(writing)
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
        let done = match done {
            Ok(done) => done,
            Err(error) => return Err(self.fail(error).await),
        };
        if let Err(error) = self.run("COMMIT").await {
            // Only a server that answers and keeps the session says that nothing was written.
            if code(&error).is_some() && is_usable(&error) {
                return Err(self.fail(error).await);
            }
            return Err(unknown(&error));
        }
        if self.standby {
            patient(on_standby(&mut self.session)).await.map_err(|error| unknown(&error))?;
        }
        *self.kept = Some(self.session);
        Ok(done)
    }

    /// Rolls back, and keeps the session where it may be used again.
    async fn fail(mut self, error: Error) -> StoreError {
        if is_usable(&error) && self.run("ROLLBACK").await.is_ok() {
            *self.kept = Some(self.session);
        }
        before_commit(KEYS, self.table, &error)
    }

    async fn run(&mut self, statement: &'static str) -> Result<(), Error> {
        patient(async { sqlx::raw_sql(statement).execute(&mut self.session).await.map(|_| ()) }).await
    }
}

fn unknown(error: &Error) -> StoreError {
    tracing::error!(%error, store = KEYS, "a commit gave no clear answer, or no standby has it");
    StoreError::Unknown { store: KEYS }
}

/// Makes an attempt, and a second one when the outcome of the first is not known. When that of the second is not known either,
/// nobody used what it was to write, and whoever asks again finds what stands: the store does not answer, and will again.
pub(super) async fn settle<T, F>(attempt: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    match attempt().await {
        Err(StoreError::Unknown { .. }) => attempt().await.map_err(|error| match error {
            StoreError::Unknown { store } => StoreError::Unavailable { store, state: "UNRESOLVED" },
            known => known,
        }),
        known => known,
    }
}

/// Waits for the server, but not for ever: a network that swallows packets never answers.
pub(super) async fn patient<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    answer.unwrap_or_else(|_| Err(Error::Io(std::io::ErrorKind::TimedOut.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const UNKNOWN: StoreError = StoreError::Unknown { store: KEYS };

    #[test]
    fn an_outcome_that_stays_unknown_is_a_store_that_does_not_answer() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let attempts = Cell::new(0);
        let counted = |error: Option<StoreError>| {
            attempts.set(attempts.get() + 1);
            async move { error.map_or(Ok(()), Err) }
        };
        let unresolved = StoreError::Unavailable { store: KEYS, state: "UNRESOLVED" };
        assert_eq!(runtime.block_on(settle(|| counted(Some(UNKNOWN)))), Err(unresolved));
        assert_eq!(attempts.replace(0), 2);
        let second_knows = || counted((attempts.get() == 0).then_some(UNKNOWN));
        assert_eq!(runtime.block_on(settle(second_knows)), Ok(()));
        assert_eq!(attempts.replace(0), 2);
        assert_eq!(runtime.block_on(settle(|| counted(None))), Ok(()));
        assert_eq!(attempts.get(), 1);
    }
}
