//! When a COMMIT gave no clear answer: whether the entry stands, and whether it will stay (core-design 1.8, A1).
//!
//! Taking the lock waits until the session that wrote has ended, for it held the lock. Under it the entry stands at its
//! index, with exactly our bytes, or it never will. One that stands counts only when a synchronous standby has it, where
//! one is required: after a restart PostgreSQL shows rows that no standby has, and a failover loses them.

use super::rows::{bound, refused};
use super::statements;
use super::writer::{Desk, PATIENCE};
use crate::store::LOG;
use sluis_core::log::finalise::Entry;
use sluis_core::ports::StoreError;
use sqlx::postgres::PgConnection;
use std::time::Duration;

/// How often a standby, or the end of our last session, is asked for.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How long one look for the entry may take, connecting and waiting for the lock included.
const LOOK: Duration = Duration::from_secs(4);
const UNKNOWN: StoreError = StoreError::Unknown { store: LOG };

/// The first entry of a batch of which the outcome is not known yet.
pub(super) struct Pending {
    index: u64,
    text: String,
}

impl Pending {
    pub fn of(entry: &Entry<'_>) -> Self {
        Self { index: entry.index, text: entry.text.clone() }
    }
}

impl Desk {
    /// Settles what an earlier append left unknown. Its callers have their answer already: nothing of it is released, and
    /// whoever asks again finds the entry as a duplicate, or asks anew.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with `UNRESOLVED` while it cannot be told: nothing is written until then.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        if self.pending.is_none() {
            return Ok(());
        }
        match self.stands().await {
            Ok(session) => self.session = Some(session),
            Err(StoreError::Unavailable { state: "LOST", .. }) => {}
            Err(error @ StoreError::Corrupt { .. }) => return Err(error),
            Err(_) => return Err(StoreError::Unavailable { store: LOG, state: "UNRESOLVED" }),
        }
        self.pending = None;
        Ok(())
    }

    /// The session on which the pending entry was found to stand, durably.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] while it cannot be told, [`StoreError::Unavailable`] with `LOST` when it does not stand
    /// and never will; then it is no longer pending.
    pub(super) async fn stands(&mut self) -> Result<PgConnection, StoreError> {
        let looked = tokio::time::timeout(LOOK, self.look()).await;
        let (mut session, stands) = looked.map_err(|_| UNKNOWN)?.map_err(|error| {
            tracing::warn!(%error, "an entry of which the outcome is unknown could not be looked for");
            UNKNOWN
        })?;
        if stands {
            self.until_durable(&mut session).await?;
            return Ok(session);
        }
        self.pending = None;
        self.session = Some(session);
        Err(StoreError::Unavailable { store: LOG, state: "LOST" })
    }

    async fn look(&mut self) -> Result<(PgConnection, bool), StoreError> {
        let mut session = self.session().await?;
        let (log, pending) = (self.role.log, self.pending.as_ref());
        let refused = refused("log_leaf");
        sqlx::query("BEGIN").execute(&mut session).await.map_err(&refused)?;
        let locked: Result<Option<String>, _> =
            sqlx::query_scalar(statements::LOCK).bind(log).fetch_optional(&mut session).await;
        locked.map_err(&refused)?;
        let mut stands = false;
        if let Some(pending) = pending {
            let found: Option<String> = sqlx::query_scalar(statements::STANDS)
                .bind(log)
                .bind(bound(pending.index))
                .fetch_optional(&mut session)
                .await
                .map_err(&refused)?;
            stands = found.as_deref() == Some(pending.text.as_str());
        }
        sqlx::query("ROLLBACK").execute(&mut session).await.map_err(&refused)?;
        Ok((session, stands))
    }

    /// Returns when everything that was flushed on this session's server is flushed on a synchronous standby too; at once
    /// where none is required.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] when that is not so in time: nothing may be released on it.
    pub(super) async fn until_durable(&self, session: &mut PgConnection) -> Result<(), StoreError> {
        if !self.role.standby {
            return Ok(());
        }
        match tokio::time::timeout(PATIENCE, on_standby(session)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "whether a standby has the newest entries could not be told");
                Err(UNKNOWN)
            }
            Err(_elapsed) => {
                tracing::warn!("no synchronous standby has the newest entries: nothing of them is released");
                Err(UNKNOWN)
            }
        }
    }
}

/// Waits for a synchronous standby that has flushed what this server has flushed now.
pub(super) async fn on_standby(session: &mut PgConnection) -> Result<(), sqlx::Error> {
    let flushed: String = sqlx::query_scalar(statements::FLUSHED).fetch_one(&mut *session).await?;
    loop {
        let there: bool = sqlx::query_scalar(statements::ON_STANDBY).bind(&flushed).fetch_one(&mut *session).await?;
        if there {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
