//! The key database of a gateway that other processes serve, opened for reading only: to open payloads.
//!
//! Takes no lock and writes nothing; a role that may only read suffices. Needs the master key and the secrets, as
//! whoever serves.

use super::connect::Place;
use super::keys::KIND;
use super::keys_rotation as rotation;
use super::keys_rows as rows;
use super::open_error::OpenError;
use crate::store::Keks;
use crate::wrapping::Wrapping;
use async_trait::async_trait;
use sluis_core::log::Millis;
use sluis_core::ports::{StoreError, SubjectKey};
use sluis_core::upkeep::{Generation, KeyGenerations, PayloadKeys};
use sqlx::postgres::PgPool;

/// Keys of payloads by their id.
pub struct PostgresKeysReader {
    readers: PgPool,
    keks: Keks,
}

impl PostgresKeysReader {
    /// Opens a key database for reading.
    ///
    /// # Errors
    /// [`OpenError`] names the place and what to do; [`OpenError::MasterKey`] under another master key.
    pub async fn open(place: &Place, wrapping: &Wrapping) -> Result<Self, OpenError> {
        place.open(&KIND, wrapping.master()).await?;
        Ok(Self { readers: place.readers(), keks: Keks::new(wrapping)? })
    }
}

#[async_trait]
impl PayloadKeys for PostgresKeysReader {
    async fn wraps(&self) -> Result<Option<Millis>, StoreError> {
        rows::wraps(&self.readers, &self.keks).await
    }

    async fn key_by_id(&self, key_id: [u8; 16]) -> Result<Option<SubjectKey>, StoreError> {
        rows::opened(&self.readers, &self.keks, "subject_key", || rows::by_id(&self.readers, key_id)).await
    }
}

#[async_trait]
impl KeyGenerations for PostgresKeysReader {
    async fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        rotation::generations(&self.readers, &self.keks).await
    }
}
