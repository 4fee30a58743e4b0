//! The upkeep of a log in a file: what a start must know, what time takes away. One process is its only replica.

use super::rows::row_of;
use super::writer::Command;
use super::{SqliteLog, erase, segments, statements};
use crate::store::open_tombs;
use async_trait::async_trait;
use rusqlite::OptionalExtension;
use sluis_core::log::Millis;
use sluis_core::ports::StoreError;
use sluis_core::subject::SubjectRef;
use sluis_core::upkeep::LogUpkeep;

#[async_trait]
impl LogUpkeep for SqliteLog {
    async fn left_in_flight(&self) -> Result<Vec<u64>, StoreError> {
        Ok(self.in_flight.clone())
    }

    async fn erased_keys(&self) -> Result<Vec<[u8; 16]>, StoreError> {
        open_tombs(&self.seals.tomb, self.readers.read("erased_key", erase::tombs)?)
    }

    /// On `Unknown` the process must end.
    async fn erase(&self, subject: SubjectRef, keys: Vec<[u8; 16]>) -> Result<u64, StoreError> {
        self.ask(|answer| Command::Erase { subject, keys, answer }).await
    }

    /// On `Unknown` the process must end.
    async fn forget_transactions(&self, before: Millis) -> Result<u64, StoreError> {
        self.ask(|answer| Command::ForgetTransactions { before, answer }).await
    }

    async fn entries_of(&self, subject: SubjectRef) -> Result<Vec<(u64, u32)>, StoreError> {
        self.readers.read("subject_segment", |c| segments::entries_of(c, &self.seals.index, subject))?
    }

    async fn page(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.readers.read("page_blob", |connection| {
            connection.prepare_cached(statements::PAGE)?.query_row([row_of(index)], |row| row.get(0)).optional()
        })
    }
}
