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

    /// Writes everything of the batch: pages and state where there are any, then the rest in one round trip; `singly` the
    /// leaves one by one before it.
    pub async fn all(
        &self,
        session: &mut PgConnection,
        states: &[Learned],
        low: Option<u64>,
        singly: bool,
    ) -> Result<(), Refused> {
        self.pages(session).await.map_err(table("page_blob"))?;
        self.states(session, states).await.map_err(table("state"))?;
        let together = if singly { &[] } else { self.finalised.entries() };
        if singly {
            self.leaves_singly(session).await?;
        }
        self.rest(session, together, low).await
    }

    async fn leaves_singly(&self, session: &mut PgConnection) -> Result<(), Refused> {
        for entry in self.finalised.entries() {
            let one = leaves(sqlx::query(statements::INSERT_LEAVES), self.role, std::slice::from_ref(entry));
            one.execute(&mut *session).await.map_err(|error| {
                let culprit =
                    if super::errors::is_data(&error) { Ok(Failure::Draft(entry.position)) } else { Err("log_leaf") };
                (culprit, error)
            })?;
        }
        Ok(())
    }

    /// These leaves, then sub-trees, index, mark, and last the head, whose trigger counts the leaves.
    async fn rest(&self, session: &mut PgConnection, entries: &[Entry<'_>], low: Option<u64>) -> Result<(), Refused> {
        let (subtrees, head) = (self.finalised.subtrees(), self.finalised.head());
        let segment = self.segment()?;
        let span = segment.as_ref().map(|(span, _)| *span);
        let write = leaves(sqlx::query(statements::WRITE), self.role, entries)
            .bind(subtrees.iter().map(|row| i16::from(row.level)).collect::<Vec<i16>>())
            .bind(subtrees.iter().map(|row| bound(row.number)).collect::<Vec<i64>>())
            .bind(subtrees.iter().map(|row| row.hash.as_slice()).collect::<Vec<&[u8]>>())
            .bind(span.map(|span| bound(span.first)))
            .bind(span.map(|span| bound(span.last)))
            .bind(segment.map(|(_, sealed)| sealed))
            .bind(low.map(bound))
            .bind(bound(head.size()))
            .bind(head.frontier.to_bytes())
            .bind(bound(head.last_time));
        write.execute(session).await.map(|_| ()).map_err(|error| (Err(refused_by(&error)), error))
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

    /// Whom the batch concerns, sealed; `None` when nobody.
    fn segment(&self) -> Result<Option<(segment::Span, Vec<u8>)>, Refused> {
        let Some((span, records)) = segment::of(i64::from(self.role.log), self.finalised.entries()) else {
            return Ok(None);
        };
        let sealed = segment::seal(&self.seals.index, span, &records);
        let sealed = sealed.map_err(|e| table("subject_segment")(sqlx::Error::Encode(format!("{LOG}: {e}").into())))?;
        Ok(Some((span, sealed)))
    }
}

/// The table whose constraint refused a row of the one statement that writes several.
fn refused_by(error: &sqlx::Error) -> &'static str {
    let said = error.as_database_error().and_then(|e| e.table()).unwrap_or_default();
    let tables = ["log_subtree", "subject_segment", "replica_mark", "log_head"];
    tables.into_iter().find(|table| *table == said).unwrap_or("log_leaf")
}

/// A statement that begins with the columns of these leaves, and its first 13 values.
fn leaves<'q>(
    statement: Query<'q, sqlx::Postgres, PgArguments>,
    role: Role,
    entries: &'q [Entry<'_>],
) -> Query<'q, sqlx::Postgres, PgArguments> {
    let transaction = |e: &'q Entry<'_>| e.draft.transaction.as_ref();
    let payload = |e: &'q Entry<'_>| e.draft.payload.as_ref();
    let every = || entries.iter();
    statement
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
