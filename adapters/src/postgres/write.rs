//! What a batch writes: one statement per table, with an array per column.

use super::rows::bound;
use super::statements;
use super::writer::{Role, Seals};
use crate::store::{LOG, Learned, Mark, corrupt, kind_number, organisation_of};
use crate::{segment, state_row};
use sluis_core::log::finalise::{Entry, Finalised};
use sluis_core::ports::StoreError;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;
use std::sync::Arc;

/// Why an attempt wrote nothing.
pub(super) enum Failure {
    /// The engine rejects the row of the draft at this position.
    Draft(usize),
    /// The engine rejects the row of some draft.
    Some,
    /// The shard takes no entries any more.
    Closed,
    /// Everything else.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A statement that failed: the draft it stands for or the table, and the engine's error.
type Refused = (Result<Failure, &'static str>, sqlx::Error);

fn table(name: &'static str) -> impl Fn(sqlx::Error) -> Refused {
    move |error| (Err(name), error)
}

/// A batch on its way into the tables.
pub(super) struct Write<'w, 'd> {
    pub role: Role,
    pub seals: &'w Seals,
    pub finalised: &'w Finalised<'d>,
}

impl Write<'_, '_> {
    /// The rows of state with their sealed bytes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a state cannot be sealed.
    pub fn learned(&self) -> Result<Vec<Learned>, StoreError> {
        let seal = |row: &sluis_core::log::finalise::GuardRow| {
            let sealed = state_row::seal(&self.seals.state, &row.key, row.version, row.index, &row.state);
            let sealed = sealed.map_err(|_| corrupt("state"))?;
            let mark = Mark { version: row.version, index: row.index };
            Ok((row.key.clone(), mark, sealed, Arc::clone(&row.state)))
        };
        self.finalised.guards().iter().map(seal).collect()
    }

    /// Writes everything of the batch: leaves, pages, state, sub-trees, index, mark, and last the head, whose trigger counts
    /// the leaves.
    pub async fn all(
        &self,
        session: &mut PgConnection,
        states: &[Learned],
        low: Option<u64>,
        singly: bool,
    ) -> Result<(), Refused> {
        self.leaves(session, singly).await?;
        self.pages(session).await.map_err(table("page_blob"))?;
        self.states(session, states).await.map_err(table("state"))?;
        self.subtrees(session).await.map_err(table("log_subtree"))?;
        self.segment(session).await?;
        if let Some(low) = low {
            let mark = sqlx::query(statements::WRITE_LOW).bind(self.role.replica).bind(bound(low));
            mark.execute(&mut *session).await.map_err(table("replica_mark"))?;
        }
        let head = self.finalised.head();
        let insert = sqlx::query(statements::INSERT_HEAD).bind(self.role.log).bind(bound(head.size()));
        let insert = insert.bind(head.frontier.to_bytes()).bind(bound(head.last_time));
        insert.execute(session).await.map(|_| ()).map_err(table("log_head"))
    }

    async fn leaves(&self, session: &mut PgConnection, singly: bool) -> Result<(), Refused> {
        if !singly {
            let all = leaves(self.role, self.finalised.entries());
            return all.execute(session).await.map(|_| ()).map_err(table("log_leaf"));
        }
        for entry in self.finalised.entries() {
            let one = leaves(self.role, std::slice::from_ref(entry)).execute(&mut *session).await;
            one.map_err(|error| {
                let culprit =
                    if super::errors::is_data(&error) { Ok(Failure::Draft(entry.position)) } else { Err("log_leaf") };
                (culprit, error)
            })?;
        }
        Ok(())
    }

    async fn pages(&self, session: &mut PgConnection) -> Result<(), sqlx::Error> {
        let pages = self.finalised.entries().iter();
        let pages = pages.filter_map(|e| Some((bound(e.index), e.draft.page.as_ref()?.to_bytes())));
        let (indices, blobs): (Vec<i64>, Vec<Vec<u8>>) = pages.unzip();
        if indices.is_empty() {
            return Ok(());
        }
        let insert = sqlx::query(statements::INSERT_PAGES).bind(self.role.log).bind(indices).bind(blobs);
        insert.execute(session).await.map(|_| ())
    }

    async fn states(&self, session: &mut PgConnection, states: &[Learned]) -> Result<(), sqlx::Error> {
        if states.is_empty() {
            return Ok(());
        }
        let places = || states.iter().map(|(key, ..)| state_row::place(key));
        let kinds: Vec<i16> = places().map(|(kind, _)| i16::from(kind)).collect();
        let keys: Vec<&[u8]> = places().map(|(_, bytes)| bytes).collect();
        let versions: Vec<i64> = states.iter().map(|(_, mark, ..)| bound(mark.version)).collect();
        let indices: Vec<i64> = states.iter().map(|(_, mark, ..)| bound(mark.index)).collect();
        let sealed: Vec<&[u8]> = states.iter().map(|(_, _, sealed, _)| sealed.as_slice()).collect();
        let write = sqlx::query(statements::WRITE_STATES).bind(self.role.log).bind(kinds).bind(keys);
        write.bind(versions).bind(indices).bind(sealed).execute(session).await.map(|_| ())
    }

    async fn subtrees(&self, session: &mut PgConnection) -> Result<(), sqlx::Error> {
        let subtrees = self.finalised.subtrees();
        if subtrees.is_empty() {
            return Ok(());
        }
        let levels: Vec<i16> = subtrees.iter().map(|row| i16::from(row.level)).collect();
        let numbers: Vec<i64> = subtrees.iter().map(|row| bound(row.number)).collect();
        let hashes: Vec<&[u8]> = subtrees.iter().map(|row| row.hash.as_slice()).collect();
        let insert = sqlx::query(statements::INSERT_SUBTREES).bind(self.role.log).bind(levels);
        insert.bind(numbers).bind(hashes).execute(session).await.map(|_| ())
    }

    async fn segment(&self, session: &mut PgConnection) -> Result<(), Refused> {
        const TABLE: &str = "subject_segment";
        let Some((span, records)) = segment::of(i64::from(self.role.log), self.finalised.entries()) else {
            return Ok(());
        };
        let sealed = segment::seal(&self.seals.index, span, &records);
        let sealed = sealed.map_err(|e| table(TABLE)(sqlx::Error::Encode(format!("{LOG}: {e}").into())))?;
        let insert = sqlx::query(statements::INSERT_SEGMENT).bind(self.role.log).bind(i16::from(span.level));
        let insert = insert.bind(bound(span.first)).bind(bound(span.last)).bind(sealed);
        insert.execute(session).await.map(|_| ()).map_err(table(TABLE))
    }
}

/// The statement that writes these leaves.
fn leaves<'q>(role: Role, entries: &'q [Entry<'_>]) -> Query<'q, sqlx::Postgres, PgArguments> {
    let transaction = |e: &'q Entry<'_>| e.draft.transaction.as_ref();
    let payload = |e: &'q Entry<'_>| e.draft.payload.as_ref();
    let every = || entries.iter();
    sqlx::query(statements::INSERT_LEAVES)
        .bind(role.log)
        .bind(role.replica)
        .bind(every().map(|e| bound(e.index)).collect::<Vec<i64>>())
        .bind(every().map(|e| e.text.as_str()).collect::<Vec<&str>>())
        .bind(every().map(|e| e.hash.as_slice()).collect::<Vec<&[u8]>>())
        .bind(every().map(|e| i16::try_from(kind_number(e.kind)).unwrap_or(0)).collect::<Vec<i16>>())
        .bind(every().map(|e| bound(e.time)).collect::<Vec<i64>>())
        .bind(every().map(|e| e.draft.rid.0.as_bytes().as_slice()).collect::<Vec<&[u8]>>())
        .bind(every().map(|e| organisation_of(e.draft)).collect::<Vec<Option<&str>>>())
        .bind(every().map(|e| Some(transaction(e)?.id.as_bytes().as_slice())).collect::<Vec<Option<&[u8]>>>())
        .bind(every().map(|e| Some(transaction(e)?.digest.as_slice())).collect::<Vec<Option<&[u8]>>>())
        .bind(every().map(|e| Some(payload(e)?.key_id.as_slice())).collect::<Vec<Option<&[u8]>>>())
        .bind(every().map(|e| Some(payload(e)?.ciphertext.as_slice())).collect::<Vec<Option<&[u8]>>>())
}
