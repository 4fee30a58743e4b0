//! Rebuilding what follows from the leaves, each in a transaction of its own (A27).

use super::rows::{bound, index, log_of, refused};
use super::upkeep::{SEGMENTS_READ, span};
use super::{PostgresLog, shards, statements, upkeep};
use crate::segment::{self, Span};
use crate::store::{corrupt, kind_number};
use async_trait::async_trait;
use sluis_core::ports::StoreError;
use sluis_core::subject::SubjectRef;
use sluis_core::upkeep::{LeafColumns, LogMending};
use sqlx::PgTransaction;

/// What stands in a row of a segment: level, first, last, sealed bytes.
type Row = (i16, i64, i64, Vec<u8>);

#[async_trait]
impl LogMending for PostgresLog {
    async fn mend_columns(&self, at: u64, columns: &LeafColumns) -> Result<(), StoreError> {
        let LeafColumns { kind, time, rid, oin, transaction } = columns;
        let kind = i16::try_from(kind_number(*kind)).map_err(|_| corrupt("log_leaf"))?;
        let set = sqlx::query(statements::SET_COLUMNS).bind(log_of(at)).bind(index(at)).bind(kind).bind(bound(*time));
        let set = set.bind(rid.as_slice()).bind(oin.as_deref()).bind(transaction.as_ref().map(<[u8; 16]>::as_slice));
        set.execute(&self.pool).await.map(drop).map_err(refused("log_leaf"))
    }

    async fn mend_index(&self, lacking: Vec<(u64, SubjectRef, u32)>, kept: Vec<u64>) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await.map_err(refused("subject_segment"))?;
        self.rebuild(&mut transaction, &lacking, &kept).await.map_err(refused("subject_segment"))?;
        transaction.commit().await.map_err(refused("subject_segment"))
    }

    async fn erase_late(&self, entries: Vec<u64>) -> Result<(), StoreError> {
        let refused = refused("log_leaf");
        let mut session = self.pool.acquire().await.map_err(&refused)?;
        upkeep::erase_late(&mut session, &self.seals, &entries).await.map_err(refused)
    }

    async fn drop_checkpoint(&self, size: u64) -> Result<(), StoreError> {
        let dropped = sqlx::query(statements::DROP_CHECKPOINT).bind(log_of(size)).bind(index(size));
        dropped.execute(&self.pool).await.map(drop).map_err(refused("log_checkpoint"))
    }
}

impl PostgresLog {
    /// While no replica merges segments. Process dies here: the index is as it was.
    async fn rebuild(
        &self,
        t: &mut PgTransaction<'_>,
        lacking: &[(u64, SubjectRef, u32)],
        kept: &[u64],
    ) -> Result<(), sqlx::Error> {
        let mut stay = Vec::new();
        for (log, ..) in shards::rows(&mut **t).await? {
            sqlx::query(statements::NOT_MERGING).bind(i32::from(log)).execute(&mut **t).await?;
            stay.extend(self.drop_bent(t, log, kept).await?);
        }
        let absent = segment::single(lacking).filter(|(span, _)| !stay.iter().any(|bent: &Span| bent.has(*span)));
        for (span, records) in absent {
            let (log, row) = (i16::try_from(span.log).unwrap_or(i16::MAX), bound(span.first));
            let sealed = segment::seal(&self.seals.index, span, &records)
                .map_err(|e| sqlx::Error::Encode(e.to_string().into()))?;
            let add = sqlx::query(statements::ADD_SEGMENT).bind(log).bind(row).bind(sealed);
            add.execute(&mut **t).await?;
        }
        Ok(())
    }

    /// Drops the segments of one shard that do not open and cover none of these positions. Gives those that do.
    async fn drop_bent(&self, t: &mut PgTransaction<'_>, log: i16, kept: &[u64]) -> Result<Vec<Span>, sqlx::Error> {
        let (mut from, mut stay) = (0i64, Vec::new());
        loop {
            let page = sqlx::query_as(statements::SEGMENTS).bind(log).bind(from).bind(SEGMENTS_READ);
            let page: Vec<Row> = page.fetch_all(&mut **t).await?;
            for (level, first, last, sealed) in &page {
                let at = span(log, u8::try_from(*level).unwrap_or(u8::MAX), *first, *last);
                if segment::open(&self.seals.index, at, sealed).is_some() {
                    continue;
                }
                if segment::covers(at, kept) {
                    stay.push(at);
                    continue;
                }
                let gone = sqlx::query(statements::DROP_SEGMENT).bind(log).bind(level).bind(first);
                gone.execute(&mut **t).await?;
            }
            let Some(next) = page.last().and_then(|last| last.1.checked_add(1)) else { return Ok(stay) };
            from = next;
        }
    }
}
