//! The key database: pseudonyms by lookup tag, yearly keys wrapped under the key of a generation.
//!
//! Promises: a key is durable before anybody uses it; the same subject and year never have two; without the master key
//! nobody can be looked up, and without the secret of the generation nothing unwrapped. Its backups are kept apart from the log's, and shorter.

use super::errors::{at_commit, before_commit};
use super::open::{self, Exclusive, KEYS_KIND, Limits, engine};
use super::open_error::OpenError;
use super::pool::Readers;
use super::{keys_rotation as rotation, provision, statements};
use crate::master::STATE_LABEL;
use crate::store::{KEYS, Kek, KeyRing, WrappedKey, bucket_place, year_place};
use crate::wrapping::Wrapping;
use async_trait::async_trait;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};
use sluis_core::log::Millis;
use sluis_core::ports::{Entropy, KeyStore, StoreError, SubjectKey};
use sluis_core::subject::{SubjectId, SubjectRef};
use sluis_core::upkeep::{DueKey, KeyUpkeep};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The key database of one holder in one file.
pub struct SqliteKeys(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub readers: Readers,
    writer: Mutex<Connection>,
    /// Set when a commit ended in an unknown way: nothing is written from then on (A6).
    halted: AtomicBool,
    pub ring: KeyRing,
    _exclusive: Exclusive,
}

impl SqliteKeys {
    /// Makes a new, empty key database, which begins with the first generation; its secret is there.
    ///
    /// # Errors
    /// [`OpenError::Exists`] when there is a file; nothing is ever overwritten.
    pub fn create(file: &Path, wrapping: &Wrapping, now: Millis) -> Result<(), OpenError> {
        let sealed = open::seal_check(&wrapping.master().sealing(STATE_LABEL)?, &KEYS_KIND)?;
        let first = wrapping.beginning(1, now)?;
        open::create(file, &KEYS_KIND, |connection| {
            connection.execute(statements::WRITE_SEAL_CHECK, [sealed])?;
            rotation::insert(connection, &first).map(|_| ())
        })
    }

    /// Opens a key database for this process alone. Never creates or migrates.
    ///
    /// # Errors
    /// [`OpenError`] names the file and what to do; [`OpenError::MasterKey`] under another master key.
    /// [`OpenError::Wrapping`] when a secret of a generation in use is not here.
    pub fn open(
        file: &Path,
        wrapping: &Wrapping,
        entropy: Arc<dyn Entropy>,
        limits: Limits,
    ) -> Result<Self, OpenError> {
        let (connection, exclusive) = open::writer(file, &KEYS_KIND, limits)?;
        open::check_seal(&connection, file, &KEYS_KIND, &wrapping.master().sealing(STATE_LABEL)?)?;
        let ring = KeyRing::new(wrapping, entropy)?;
        let in_use = rotation::in_use(&connection).map_err(engine(file))?;
        if in_use.is_empty() {
            return Err(OpenError::Corrupt { file: file.to_owned(), table: "wrapping" });
        }
        for generation in &in_use {
            ring.keks.load(generation)?;
        }
        let readers = Readers::new(file.to_owned(), KEYS, limits);
        // Somebody who wrote that a generation ended would have its secret destroyed.
        rotation::generations(&readers, &ring.keks).map_err(|error| match error {
            StoreError::Corrupt { table, .. } => OpenError::Corrupt { file: file.to_owned(), table },
            _ => OpenError::WalBusy { file: file.to_owned() },
        })?;
        Ok(Self(Arc::new(Inner {
            readers,
            writer: Mutex::new(connection),
            halted: AtomicBool::new(false),
            ring,
            _exclusive: exclusive,
        })))
    }

    /// Runs a write away from the threads that answer calls.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or(Err(StoreError::Unknown { store: KEYS }))
    }
}

#[async_trait]
impl KeyStore for SqliteKeys {
    async fn find(&self, subject: &SubjectId) -> Result<Option<SubjectRef>, StoreError> {
        let tag = self.0.ring.tag(subject);
        if let Some(known) = self.0.ring.cache.subjects.get(&tag) {
            return Ok(Some(known));
        }
        let row = self.0.readers.read("subject_alias", |connection| provision::alias(connection, &tag))?;
        let found = row.map(|row| self.0.ring.owner(&tag, &row)).transpose()?;
        if let Some(subject) = found {
            self.0.ring.cache.subjects.insert(tag, subject);
        }
        Ok(found)
    }

    async fn provision(&self, subjects: &[Vec<SubjectId>], year: i16) -> Result<u64, StoreError> {
        let tags = subjects.iter().map(|ids| ids.iter().map(|id| self.0.ring.tag(id)).collect()).collect();
        self.write(move |inner| provision::provision(inner, tags, year)).await
    }

    async fn subject_key(&self, subject: SubjectRef, year: i16) -> Result<Option<SubjectKey>, StoreError> {
        if let Some(key) = self.0.ring.cache.keys.get(&(subject, year)) {
            return Ok(Some(key));
        }
        let row = self.0.readers.read("subject_key", |connection| {
            let mut statement = connection.prepare_cached(statements::SUBJECT_KEY)?;
            statement
                .query_row((subject.0, year), |row| wrapped(row, |id| Ok(year_place(id, subject.0, year))))
                .optional()
        })?;
        let key = row.map(|row| self.0.open(&row, "subject_key")).transpose()?;
        if let Some(key) = &key {
            self.0.ring.cache.keys.insert((subject, year), key.clone());
        }
        Ok(key)
    }

    async fn bucket_key(&self, day: Date) -> Result<SubjectKey, StoreError> {
        if let Some(key) = self.0.ring.cache.buckets.get(&day) {
            return Ok(key);
        }
        let row = self.write(move |inner| provision::bucket_row(inner, day)).await?;
        let key = self.0.open(&row, "bucket_key")?;
        self.0.ring.cache.buckets.insert(day, key.clone());
        Ok(key)
    }

    async fn transaction_key(&self, day: Date) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        if let Some(key) = self.0.ring.cache.transactions.get(&day) {
            return Ok(key);
        }
        let key = self.write(move |inner| provision::transaction_key(inner, day)).await?;
        self.0.ring.cache.transactions.insert(day, key.clone());
        Ok(key)
    }

    async fn key_by_id(&self, key_id: [u8; 16]) -> Result<Option<SubjectKey>, StoreError> {
        let row = self.0.readers.read("subject_key", |connection| {
            connection.prepare_cached(statements::KEY_BY_ID)?.query_row([key_id], wrapped_anywhere).optional()
        })?;
        row.map(|row| self.0.open(&row, "subject_key")).transpose()
    }

    async fn wraps(&self) -> Result<Option<Millis>, StoreError> {
        rotation::wraps(&self.0.readers, &self.0.ring.keks)
    }
}

#[async_trait]
impl KeyUpkeep for SqliteKeys {
    async fn destroy(&self, key_ids: Vec<[u8; 16]>) -> Result<u64, StoreError> {
        self.write(move |inner| {
            let destroyed = inner.transact("subject_key", |connection| {
                let mut destroyed = 0;
                for id in &key_ids {
                    destroyed += connection.prepare_cached(statements::DESTROY_SUBJECT_KEY)?.execute([id])?;
                    destroyed += connection.prepare_cached(statements::DESTROY_BUCKET_KEY)?.execute([id])?;
                }
                Ok(destroyed as u64)
            })?;
            inner.ring.cache.forget();
            Ok(destroyed)
        })
        .await
    }

    async fn due(&self, before: i16, count: u32) -> Result<Vec<DueKey>, StoreError> {
        self.0.readers.read("subject_key", |connection| {
            let mut statement = connection.prepare_cached(statements::DUE_KEYS)?;
            let due =
                |row: &Row<'_>| Ok(DueKey { subject: SubjectRef(row.get(0)?), year: row.get(1)?, key_id: row.get(2)? });
            statement.query_map((before, count), due)?.collect()
        })
    }

    async fn destroy_transaction_keys(&self, before: Date) -> Result<u64, StoreError> {
        self.write(move |inner| {
            let destroyed = inner.transact("transaction_key", |connection| {
                connection.prepare_cached(statements::DESTROY_TRANSACTION_KEYS)?.execute([before.to_string()])
            })?;
            inner.ring.cache.transactions.invalidate_all();
            Ok(destroyed as u64)
        })
        .await
    }
}

/// Reads a key from its row, with the place that its id gives.
pub(super) fn wrapped(
    row: &Row<'_>,
    place: impl FnOnce([u8; 16]) -> Result<Vec<u8>, rusqlite::Error>,
) -> Result<WrappedKey, rusqlite::Error> {
    let key_id = row.get(0)?;
    Ok(WrappedKey { key_id, place: place(key_id)?, wrapped: row.get(1)?, generation: row.get(2)? })
}

/// Reads a key from its row, of a subject and year or of a day, by what the row says.
pub(super) fn wrapped_anywhere(row: &Row<'_>) -> Result<WrappedKey, rusqlite::Error> {
    let day: Option<String> = row.get(5)?;
    wrapped(row, |id| match day {
        Some(day) => Ok(bucket_place(id, &day)),
        None => Ok(year_place(id, row.get(3)?, row.get(4)?)),
    })
}

impl Inner {
    /// The wrapping key of a generation in use.
    pub fn kek(&self, generation: u32) -> Result<Kek, StoreError> {
        if let Some(known) = self.ring.keks.known(generation) {
            return Ok(known);
        }
        Ok(self.ring.keks.load(&rotation::generation(&self.readers, generation)?)?)
    }

    fn open(&self, row: &WrappedKey, table: &'static str) -> Result<SubjectKey, StoreError> {
        row.open(&self.kek(row.generation)?, table)
    }

    /// The wrapping key for new keys, for whoever is about to write one.
    pub fn newest(&self, connection: &Connection) -> Result<Kek, rusqlite::Error> {
        let newest = connection.prepare_cached(statements::NEWEST_GENERATION)?.query_row([], rotation::row)?;
        let refused = |fault| rusqlite::Error::ToSqlConversionFailure(StoreError::from(fault).into());
        self.ring.keks.load(&newest).map_err(refused)
    }

    /// One write transaction, durable when it returns `Ok`.
    pub fn transact<T>(
        &self,
        table: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        let refused = |error: rusqlite::Error| before_commit(KEYS, table, &error);
        let mut connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.halted.load(Ordering::Acquire) {
            return Err(StoreError::Unknown { store: KEYS });
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
        let done = work(&transaction).map_err(refused)?;
        transaction.commit().map_err(|error| {
            let error = at_commit(KEYS, &error);
            self.halted.fetch_or(matches!(error, StoreError::Unknown { .. }), Ordering::AcqRel);
            error
        })?;
        Ok(done)
    }
}
