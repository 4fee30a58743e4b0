//! Rebuilding what follows from the leaves, by the writer (A27).

use super::errors::before_commit;
use super::rows::{log_of, row_of};
use super::writer::{Command, Desk};
use super::{SqliteLog, erase, segments, statements};
use crate::segment::{self, Span};
use crate::store::{LOG, corrupt, kind_number, signed};
use async_trait::async_trait;
use sluis_core::log::shard::index_of;
use sluis_core::ports::StoreError;
use sluis_core::subject::SubjectRef;
use sluis_core::upkeep::{LeafColumns, LogMending};

/// What is rebuilt.
pub(super) enum Mend {
    Columns(u64, LeafColumns),
    Index { lacking: Vec<(u64, SubjectRef, u32)>, kept: Vec<u64> },
    Checkpoint(u64),
    Late(Vec<u64>),
}

#[async_trait]
impl LogMending for SqliteLog {
    async fn mend_columns(&self, at: u64, columns: &LeafColumns) -> Result<(), StoreError> {
        let mend = Mend::Columns(at, columns.clone());
        self.ask(|answer| Command::Mend { mend, answer }).await
    }

    async fn mend_index(&self, lacking: Vec<(u64, SubjectRef, u32)>, kept: Vec<u64>) -> Result<(), StoreError> {
        let mend = Mend::Index { lacking, kept };
        self.ask(|answer| Command::Mend { mend, answer }).await
    }

    async fn erase_late(&self, entries: Vec<u64>) -> Result<(), StoreError> {
        self.ask(|answer| Command::Mend { mend: Mend::Late(entries), answer }).await
    }

    async fn drop_checkpoint(&self, size: u64) -> Result<(), StoreError> {
        self.ask(|answer| Command::Mend { mend: Mend::Checkpoint(size), answer }).await
    }
}

impl Desk {
    pub(super) fn mend(&mut self, mend: Mend) -> Result<(), StoreError> {
        match mend {
            Mend::Columns(at, columns) => self.set_columns(at, &columns),
            Mend::Index { lacking, kept } => self.rebuild_index(&lacking, &kept),
            Mend::Late(entries) => erase::erase_late(self, &entries),
            Mend::Checkpoint(size) => {
                let refused = |error: rusqlite::Error| before_commit(LOG, "log_checkpoint", &error);
                let mut drop = self.connection.prepare_cached(statements::DROP_CHECKPOINT).map_err(refused)?;
                drop.execute((log_of(size), signed(index_of(size))?)).map(|_| ()).map_err(refused)
            }
        }
    }

    fn set_columns(&self, at: u64, columns: &LeafColumns) -> Result<(), StoreError> {
        let refused = |error: rusqlite::Error| before_commit(LOG, "log_leaf", &error);
        let LeafColumns { kind, time, rid, oin, transaction } = columns;
        let mut set = self.connection.prepare_cached(statements::SET_COLUMNS).map_err(refused)?;
        let columns = (row_of(at), kind_number(*kind), signed(*time)?, rid, oin, transaction);
        set.execute(columns).map(|_| ()).map_err(refused)
    }

    /// Process dies here: the index is as it was.
    fn rebuild_index(&mut self, lacking: &[(u64, SubjectRef, u32)], kept: &[u64]) -> Result<(), StoreError> {
        let refused = |error: rusqlite::Error| before_commit(LOG, "subject_segment", &error);
        let (mut bent, mut stay) = (Vec::new(), Vec::new());
        let key = &self.seals.index;
        let each = |span: Span, sealed: &[u8]| {
            if segment::open(key, span, sealed).is_none() {
                if segment::covers(span, kept) { stay.push(span) } else { bent.push(span) }
            }
        };
        segments::scan(&self.connection, each).map_err(refused)?;
        for span in bent {
            let mut drop = self.connection.prepare_cached(statements::DROP_SEGMENT).map_err(refused)?;
            drop.execute((span.log, span.level, signed(span.first)?)).map_err(refused)?;
        }
        let absent = segment::single(lacking).filter(|(span, _)| !stay.iter().any(|bent| bent.has(*span)));
        for (span, records) in absent {
            let sealed = segment::seal(key, span, &records).map_err(|_| corrupt("subject_segment"))?;
            let mut add = self.connection.prepare_cached(statements::ADD_SEGMENT).map_err(refused)?;
            let row = (span.log, span.level, signed(span.first)?, signed(span.last)?, sealed);
            add.execute(row).map_err(refused)?;
        }
        Ok(())
    }
}
