//! Replicas of this log that have ended, and what they left in flight (A9).
//!
//! A replica is its number for as long as its session lasts: a number that nobody holds is of a process that ended, or that
//! the server has given up; one that is frozen keeps its session, and is not judged. Whoever judges what was left holds the
//! number meanwhile, so that it cannot come back in between. Dies he, the server lets the number go, and the next one finds
//! the entries that he named already.

use super::connect::Place;
use super::open::{PostgresLog, in_flight};
use super::rows::{bound, refused, unsigned};
use super::writer::be_replica;
use super::{shards, statements};
use async_trait::async_trait;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{Ended, LeftBehind};
use sqlx::Connection;
use sqlx::postgres::PgConnection;

/// The number of a replica that ended, held on a session of its own.
struct Held {
    session: PgConnection,
    replica: i16,
    left: Vec<u64>,
    /// The position after the log when the number was taken: the replica wrote nothing from there on.
    end: u64,
}

#[async_trait]
impl LeftBehind for Held {
    fn entries(&self) -> &[u64] {
        &self.left
    }

    async fn judged(mut self: Box<Self>) -> Result<u64, StoreError> {
        let mark = sqlx::query(statements::WRITE_LOW).bind(self.replica).bind(bound(self.end));
        mark.execute(&mut self.session).await.map_err(refused("replica_mark"))?;
        // Without a farewell the server finds the end of the session by itself; the number comes free a little later.
        let _farewell = self.session.close().await;
        Ok(self.end)
    }
}

impl PostgresLog {
    /// Numbers that nobody holds, with the mark of each.
    pub(super) async fn ended(&self) -> Result<Vec<Ended>, StoreError> {
        let refused = refused("replica_mark");
        let rows: Vec<(i16, i64)> =
            sqlx::query_as(statements::ENDED).bind(self.replica).fetch_all(&self.pool).await.map_err(refused)?;
        let ended = |(replica, low)| Ok(Ended { replica, low: unsigned(low, "replica_mark")? });
        rows.into_iter().map(ended).collect()
    }

    /// Takes the number of a replica that ended; `None` when it is back, or another one judges it.
    pub(super) async fn hold(&self, place: &Place, replica: i16) -> Result<Option<Box<dyn LeftBehind>>, StoreError> {
        let mut session = place.connect().await.map_err(refused("replica_mark"))?;
        if !be_replica(&mut session, replica).await.map_err(refused("replica_mark"))? {
            return Ok(None);
        }
        let (_, head) = shards::newest_at(&mut session).await?;
        let end = head.end();
        let (_, left) = in_flight(&mut session, replica, end).await.map_err(refused("log_leaf"))?;
        Ok(Some(Box::new(Held { session, replica, left, end })))
    }
}
