//! The key database of a gateway that other processes serve, opened for reading only: to open payloads.
//!
//! Takes no lock and writes nothing; a role that may only read suffices. Needs the master key, like whoever serves.

use super::connect::Place;
use super::keys::KIND;
use super::keys_rows::{self as rows, read};
use super::open_error::OpenError;
use crate::master::MasterKey;
use async_trait::async_trait;
use sluis_core::ports::{StoreError, SubjectKey};
use sluis_core::upkeep::PayloadKeys;
use sqlx::postgres::PgPool;

/// Keys of payloads by their id.
pub struct PostgresKeysReader {
    readers: PgPool,
    master: MasterKey,
}

impl PostgresKeysReader {
    /// Opens a key database for reading.
    ///
    /// # Errors
    /// [`OpenError`] names the place and what to do; [`OpenError::MasterKey`] under another master key.
    pub async fn open(place: &Place, master: &MasterKey) -> Result<Self, OpenError> {
        place.open(&KIND, master).await?;
        Ok(Self { readers: place.readers(), master: master.clone() })
    }
}

#[async_trait]
impl PayloadKeys for PostgresKeysReader {
    async fn key_by_id(&self, key_id: [u8; 16]) -> Result<Option<SubjectKey>, StoreError> {
        let row = read("subject_key", || rows::by_id(&self.readers, key_id)).await?;
        row.map(|row| row.open(&self.master, "subject_key")).transpose()
    }
}
