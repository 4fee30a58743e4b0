//! The key database of a gateway that another process serves, opened for reading only: to open payloads on the same machine.
//!
//! Takes no lock and writes nothing. Needs the master key and the secrets, like whoever serves.

use super::keys::wrapped_anywhere;
use super::open::{self, KEYS_KIND, Limits, OpenError, engine};
use super::pool::Readers;
use super::{keys_rotation as rotation, statements};
use crate::master::STATE_LABEL;
use crate::store::{KEYS, Keks};
use crate::wrapping::Wrapping;
use async_trait::async_trait;
use rusqlite::OptionalExtension;
use sluis_core::log::Millis;
use sluis_core::ports::{StoreError, SubjectKey};
use sluis_core::upkeep::{Generation, KeyGenerations, PayloadKeys};
use std::path::Path;

/// Keys of payloads by their id.
pub struct SqliteKeysReader {
    readers: Readers,
    keks: Keks,
}

impl SqliteKeysReader {
    /// Opens a key database for reading.
    ///
    /// # Errors
    /// [`OpenError`] names the file and what to do; [`OpenError::MasterKey`] under another master key.
    pub fn open(file: &Path, wrapping: &Wrapping) -> Result<Self, OpenError> {
        if !file.exists() {
            return Err(OpenError::Missing { file: file.to_owned() });
        }
        let connection = open::reader(file, Limits::default()).map_err(engine(file))?;
        open::identify(&connection, file, &KEYS_KIND)?;
        open::check_seal(&connection, file, &KEYS_KIND, &wrapping.master().sealing(STATE_LABEL)?)?;
        Ok(Self { readers: Readers::new(file.to_owned(), KEYS, Limits::default()), keks: Keks::new(wrapping)? })
    }
}

#[async_trait]
impl PayloadKeys for SqliteKeysReader {
    async fn wraps(&self) -> Result<Option<Millis>, StoreError> {
        rotation::wraps(&self.readers, &self.keks)
    }

    async fn key_by_id(&self, key_id: [u8; 16]) -> Result<Option<SubjectKey>, StoreError> {
        let row = self.readers.read("subject_key", |connection| {
            connection.prepare_cached(statements::KEY_BY_ID)?.query_row([key_id], wrapped_anywhere).optional()
        })?;
        let Some(row) = row else { return Ok(None) };
        let kek = match self.keks.known(row.generation) {
            Some(known) => known,
            None => self.keks.load(&rotation::generation(&self.readers, row.generation)?)?,
        };
        row.open(&kek, "subject_key").map(Some)
    }
}

#[async_trait]
impl KeyGenerations for SqliteKeysReader {
    async fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        rotation::generations(&self.readers, &self.keks)
    }
}
