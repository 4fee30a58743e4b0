//! Closing a shard, opening the next, and following where another replica did (A8).
//!
//! The entry that ends a shard and the state of its row are one commit of [`super::append`], under the lock, so exactly one
//! replica writes it. The next shard, its partition, its first entry and the note of the one before are another, under the lock
//! of the closed one. If a process dies between the two, whoever appends next finds the shard closed and opens the next: the
//! head that is signed is the same, and so are the bytes of the note. If it dies in one of them, nothing of that one happened,
//! or all of it.

use super::append::write_opening;
use super::rows::{self, bound, refused};
use super::statements;
use super::writer::{Desk, PATIENCE, keep};
use crate::store::{LOG, corrupt, pruned};
use sluis_core::log::checkpoint::OpenedCheckpoint;
use sluis_core::log::finalise::Head;
use sluis_core::log::leaf::Leaf;
use sluis_core::log::shard::{Next, Shard, continues};
use sluis_core::log::tree::Frontier;
use sluis_core::ports::{SHARD_CLOSED, StoreError};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, PgExecutor};

/// Number, origin, whether it takes entries, the note of the one before it, the entry that announced its removal.
pub(super) type ShardRow = (i16, String, bool, Option<String>, Option<u64>);

/// The shards of a database, in order.
pub(super) async fn rows<'e>(from: impl PgExecutor<'e>) -> Result<Vec<ShardRow>, sqlx::Error> {
    let rows: Vec<(_, _, i16, _, _)> = sqlx::query_as(statements::SHARDS).fetch_all(from).await?;
    let row = |(log, origin, state, before, by)| (log, origin, state == 1, before, pruned(i64::from(state), by));
    Ok(rows.into_iter().map(row).collect())
}

/// The shards of a database with their heads, in order.
pub(super) async fn all(pool: &PgPool) -> Result<Vec<Shard>, StoreError> {
    let mut connection = pool.acquire().await.map_err(refused("log_shard"))?;
    let mut shards = Vec::new();
    for (log, origin, open, before, pruned) in rows(&mut *connection).await.map_err(refused("log_shard"))? {
        let (head, _) = rows::head(&mut connection, log, &origin).await?;
        shards.push(Shard { head, open, before, pruned });
    }
    if shards.is_empty() { Err(corrupt("log_shard")) } else { Ok(shards) }
}

/// The head of the newest shard.
pub(super) async fn newest(pool: &PgPool) -> Result<Head, StoreError> {
    let mut connection = pool.acquire().await.map_err(refused("log_shard"))?;
    newest_at(&mut connection).await.map(|(_, head)| head)
}

/// The number and the head of the newest shard.
pub(super) async fn newest_at(connection: &mut PgConnection) -> Result<(i16, Head), StoreError> {
    let newest = rows(&mut *connection).await.map_err(refused("log_shard"))?.pop();
    let (log, origin, ..) = newest.ok_or(corrupt("log_shard"))?;
    rows::head(connection, log, &origin).await.map(|(head, _)| (log, head))
}

impl Desk {
    /// The newest head, once it may be signed: a standby has it where one is required, and it extends our tree (A1, A5), also
    /// where another replica turned the year meanwhile.
    pub(super) async fn durable_head(&mut self) -> Result<Head, StoreError> {
        loop {
            let mut session = self.session().await?;
            let read = tokio::time::timeout(PATIENCE, newest_at(&mut session)).await;
            // A session on which reading failed is closed.
            let (log, head) = read.map_err(|_elapsed| StoreError::Unavailable { store: LOG, state: "SLOW" })??;
            self.session = Some(session);
            let ours = self.role.log;
            if log == ours {
                self.rests_on(&head).await?;
                return Ok(head);
            }
            match self.follow().await {
                Ok(()) | Err(StoreError::Unavailable { state: SHARD_CLOSED, .. }) => {}
                Err(error) => return Err(error),
            }
            // The year may have turned once more since we read: a head is compared with the tree of its own shard only.
            if self.role.log == ours {
                return Err(corrupt("log_shard"));
            }
        }
    }

    /// Marks the shard as closed, in the transaction that ends it.
    pub(super) async fn close(&self, session: &mut PgConnection, head: &Head) -> Result<(), sqlx::Error> {
        let close = sqlx::query(statements::CLOSE_SHARD).bind(self.role.log).bind(bound(head.last_time));
        match close.execute(session).await?.rows_affected() {
            1 => Ok(()),
            _ => Err(sqlx::Error::RowNotFound),
        }
    }

    /// Goes on to the newest shard, over every shard that was closed meanwhile.
    ///
    /// # Errors
    /// `SHARD_CLOSED` when the newest is closed too: the next must be opened.
    pub(super) async fn follow(&mut self) -> Result<(), StoreError> {
        loop {
            let mut session = self.session().await?;
            let next = tokio::time::timeout(PATIENCE, self.next(&mut session)).await;
            let next = next.unwrap_or(Err(StoreError::Unavailable { store: LOG, state: "SLOW" }));
            self.give_back(session).await;
            match next? {
                Step::Open => return Ok(()),
                Step::Closed => return Err(StoreError::Unavailable { store: LOG, state: SHARD_CLOSED }),
                Step::Next(log) => {
                    tracing::info!(log, "the log goes on in its next shard");
                    (self.role.log, self.anchor) = (log, Frontier::empty());
                }
            }
        }
    }

    /// Looks under the lock, which waits for a session that is just opening the next shard and may never say so: afterwards
    /// that shard is there or will not be by it.
    async fn next(&mut self, session: &mut PgConnection) -> Result<Step, StoreError> {
        let refused = refused("log_shard");
        sqlx::query("BEGIN").execute(&mut *session).await.map_err(&refused)?;
        let shard = sqlx::query_as(statements::SHARD).bind(self.role.log).fetch_one(&mut *session).await;
        let (origin, open): (String, bool) = shard.map_err(&refused)?;
        if open {
            return Ok(Step::Open);
        }
        let after = sqlx::query_scalar(statements::SHARD_AFTER).bind(self.role.log).fetch_optional(&mut *session).await;
        let Some(after) = after.map_err(&refused)? else { return Ok(Step::Closed) };
        // A failover may still lose what no standby has: whoever had followed would contradict the log that is left (A1).
        let durable = self.until_durable(session).await;
        durable.map_err(|_unknown| StoreError::Unavailable { store: LOG, state: "NO_STANDBY" })?;
        let (closed, _) = rows::head(session, self.role.log, &origin).await?;
        self.fold(session, &closed).await?;
        let first =
            sqlx::query_scalar(statements::LEAVES).bind(after).bind(0i64).bind(1i64).fetch_optional(session).await;
        let first: Option<String> = first.map_err(&refused)?;
        let first = first.and_then(|text| Leaf::decode(&text).ok());
        let before = OpenedCheckpoint { origin, size: closed.size(), root: closed.root() };
        if !first.is_some_and(|first| continues(&first, &before)) {
            return Err(self.halt("log_shard"));
        }
        Ok(Step::Next(after))
    }

    /// Opens the next shard, unless somebody did; then follows.
    pub(super) async fn open_shard(&mut self, next: &Next) -> Result<(), StoreError> {
        self.settle().await?;
        match self.follow().await {
            Err(StoreError::Unavailable { state: SHARD_CLOSED, .. }) => {}
            followed => return followed,
        }
        let mut session = self.session().await?;
        match tokio::time::timeout(PATIENCE, self.begin_shard(&mut session, next)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.give_back(session).await;
                // Somebody was faster.
                return if matches!(error, StoreError::Unavailable { state: SHARD_CLOSED, .. }) {
                    self.follow().await
                } else {
                    Err(error)
                };
            }
            Err(_elapsed) => return Err(StoreError::Unavailable { store: LOG, state: "SLOW" }),
        }
        // Process dies here, or no answer comes: the shard is there whole or not at all, which the lock tells the next time.
        let unresolved = StoreError::Unavailable { store: LOG, state: "UNRESOLVED" };
        match tokio::time::timeout(PATIENCE, sqlx::query("COMMIT").execute(&mut session)).await {
            Ok(Ok(_)) => self.until_durable(&mut session).await.map_err(|_| unresolved)?,
            Ok(Err(_)) | Err(_) => return Err(unresolved),
        }
        self.session = Some(session);
        self.follow().await
    }

    async fn begin_shard(&self, session: &mut PgConnection, next: &Next) -> Result<(), StoreError> {
        let refused = refused("log_shard");
        sqlx::query("BEGIN").execute(&mut *session).await.map_err(&refused)?;
        let before = self.role.log;
        let shard = sqlx::query_as(statements::SHARD).bind(before).fetch_one(&mut *session).await;
        let (origin, open): (String, bool) = shard.map_err(&refused)?;
        let after = sqlx::query_scalar(statements::SHARD_AFTER).bind(before).fetch_optional(&mut *session).await;
        let after: Option<i16> = after.map_err(&refused)?;
        if open || after.is_some() {
            return Err(StoreError::Unavailable { store: LOG, state: SHARD_CLOSED });
        }
        let (closed, clock) = rows::head(session, before, &origin).await?;
        if !next.is_after(&closed) {
            return Err(StoreError::Unavailable { store: LOG, state: SHARD_CLOSED });
        }
        // The first entry takes the time of this machine, and every other replica must wait until then. What was made a moment ago
        // may be late, not early: it named the year.
        self.check_clock(self.clock.now(), clock)?;
        self.check_clock(next.now.max(clock), clock)?;
        keep(session, before, closed.size(), &next.before, next.now).await.map_err(&refused)?;
        let log = before.checked_add(1).ok_or(corrupt("log_shard"))?;
        let row = sqlx::query(statements::NEXT_SHARD).bind(log).bind(&next.origin).bind(before);
        row.bind(&next.before).bind(bound(next.now)).execute(&mut *session).await.map_err(&refused)?;
        partition(session, log).await.map_err(&refused)?;
        let head = sqlx::query(statements::INSERT_HEAD).bind(log).bind(0i64).bind(&[][..] as &[u8]);
        head.bind(bound(closed.last_time)).execute(&mut *session).await.map_err(&refused)?;
        let shard = u16::try_from(before).map_err(|_| corrupt("log_shard"))?;
        let empty =
            Head { origin: next.origin.clone(), shard, frontier: Frontier::empty(), last_time: closed.last_time };
        write_opening(self, session, log, &empty, &next.opening).await
    }
}

/// What comes after the shard we are in.
enum Step {
    /// It takes entries.
    Open,
    /// It is closed and the last there is.
    Closed,
    /// The shard with this number continues it.
    Next(i16),
}

/// Makes the partition of a shard apart and attaches it: made in its place, it would wait for every reader of the log, a dump
/// included, and every writer would wait behind it.
async fn partition(session: &mut PgConnection, log: i16) -> Result<(), sqlx::Error> {
    for sql in [
        format!(
            "CREATE TABLE log_leaf_{log} (LIKE log_leaf INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)"
        ),
        format!("ALTER TABLE log_leaf ATTACH PARTITION log_leaf_{log} FOR VALUES IN ({log})"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *session).await?;
    }
    Ok(())
}
