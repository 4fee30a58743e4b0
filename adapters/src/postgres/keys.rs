//! The key database of a holder on PostgreSQL: pseudonyms by lookup tag, yearly keys wrapped under the key of a generation. Any
//! number of gateway processes use it at once, also while keys go over to another generation.
//!
//! Promises: a key is committed durably before anybody uses it, and where a standby is required it is flushed there: also a key
//! that another replica made, whose commit shows it before a standby has it where the wait was cancelled or the server was
//! started again. The same subject and year, or day, never have two, whichever replicas ask at once; without the master key nobody
//! can be looked up, and without the secret of the generation nothing unwrapped. What another replica destroyed is forgotten
//! within 60 seconds (A21).

use super::connect::{Kind, Place};
use super::errors::before_commit;
use super::keys_day;
use super::keys_provision as provision;
use super::keys_rotation as rotation;
use super::keys_rows::{self as rows, read};
use super::keys_statements as statements;
use super::keys_writer::{Writer, patient, settle};
use super::open_error::OpenError;
use super::settle::on_standby;
use crate::store::{KEYS, Kek, KeyRing, WrappedKey};
use crate::wrapping::Wrapping;
use async_trait::async_trait;
use jiff::civil::Date;
use sluis_core::log::Millis;
use sluis_core::ports::{Entropy, KeyStore, StoreError, SubjectKey};
use sluis_core::subject::{SubjectId, SubjectRef};
use sluis_core::upkeep::{DueKey, KeyUpkeep};
use sqlx::Error;
use sqlx::postgres::{PgConnection, PgPool};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// What the key database is and holds.
pub(super) const KIND: Kind =
    Kind { name: KEYS, version: 1, schema: include_str!("../../migrations/postgres/keys_0001.sql") };

/// How long a row that was read may wait for its standby: shorter than its caller waits, who is then told what does not answer.
const ON_STANDBY: Duration = Duration::from_secs(2);

/// The key database of one holder, as one gateway process sees it.
pub struct PostgresKeys {
    pub(super) readers: PgPool,
    pub(super) writer: Writer,
    /// Whether nothing is used before a synchronous standby has it.
    standby: bool,
    pub(super) ring: KeyRing,
}

impl PostgresKeys {
    /// Makes the tables in an empty database, which begins with the first generation; its secret is there.
    ///
    /// # Errors
    /// [`OpenError::Exists`] when there are tables of Sluis; nothing is ever overwritten.
    pub async fn create(place: &Place, wrapping: &Wrapping, now: Millis) -> Result<(), OpenError> {
        let row = wrapping.beginning(1, now)?;
        let first = async |session: &mut PgConnection| rotation::insert(session, &row).await;
        place.create(&KIND, wrapping.master(), first).await
    }

    /// Opens a key database, beside other processes. Never creates or migrates.
    ///
    /// With `standby`, no key is used before a synchronous standby has it (A1).
    ///
    /// # Errors
    /// [`OpenError`] names the place and what to do; [`OpenError::MasterKey`] under another master key,
    /// [`OpenError::Wrapping`] when a secret of a generation in use is not here.
    pub async fn open(
        place: &Place,
        standby: bool,
        wrapping: &Wrapping,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        let mut session = place.open(&KIND, wrapping.master()).await?;
        let ring = KeyRing::new(wrapping, entropy)?;
        let in_use = rows::generations_in_use(&mut session).await.map_err(|error| place.engine(error))?;
        if in_use.is_empty() {
            return Err(place.corrupt("wrapping"));
        }
        for generation in &in_use {
            ring.keks.load(generation)?;
        }
        let readers = place.readers();
        // Somebody who wrote that a generation ended would have its secret destroyed.
        match rotation::generations(&readers, &ring.keks).await {
            Err(StoreError::Corrupt { table, .. }) => return Err(place.corrupt(table)),
            Err(_) => return Err(place.unreachable(sqlx::Error::PoolTimedOut)),
            Ok(_) => {}
        }
        // What replicas committed before and no standby has is found here; what they commit later they wait for.
        if standby && patient(on_standby(&mut session)).await.is_err() {
            return Err(OpenError::NoStandby { place: place.name().to_owned() });
        }
        Ok(Self { readers, writer: Writer::new(place.clone(), standby, session), standby, ring })
    }
}

#[async_trait]
impl KeyStore for PostgresKeys {
    async fn find(&self, subject: &SubjectId) -> Result<Option<SubjectRef>, StoreError> {
        let tag = self.ring.tag(subject);
        if let Some(known) = self.ring.cache.subjects.get(&tag) {
            return Ok(Some(known));
        }
        let row = read("subject_alias", || rows::alias(&self.readers, tag)).await?;
        let found = row.map(|row| self.ring.owner(&tag, &row)).transpose()?;
        if let Some(subject) = found {
            self.outlives_failover("subject_alias").await?;
            self.ring.cache.subjects.insert(tag, subject);
        }
        Ok(found)
    }

    /// After an outcome that was unknown at first, subjects that the first attempt registered do not count as new.
    async fn provision(&self, subjects: &[Vec<SubjectId>], year: i16) -> Result<u64, StoreError> {
        let page: Vec<Vec<[u8; 32]>> =
            subjects.iter().map(|ids| ids.iter().map(|id| self.ring.tag(id)).collect()).collect();
        if read("subject", || provision::is_known(&self.readers, &page, &self.ring, year)).await? {
            return Ok(0);
        }
        settle(|| provision::provision(&self.writer, &page, &self.ring, year)).await
    }

    async fn subject_key(&self, subject: SubjectRef, year: i16) -> Result<Option<SubjectKey>, StoreError> {
        if let Some(key) = self.ring.cache.keys.get(&(subject, year)) {
            return Ok(Some(key));
        }
        let key = self.opened("subject_key", || rows::of_year(&self.readers, subject.0, year)).await?;
        if let Some(key) = &key {
            self.outlives_failover("subject_key").await?;
            self.ring.cache.keys.insert((subject, year), key.clone());
        }
        Ok(key)
    }

    async fn bucket_key(&self, day: Date) -> Result<SubjectKey, StoreError> {
        if let Some(key) = self.ring.cache.buckets.get(&day) {
            return Ok(key);
        }
        let key = match self.opened("bucket_key", || rows::bucket(&self.readers, day)).await? {
            Some(key) => self.outlives_failover("bucket_key").await.map(|()| key)?,
            None => {
                let row = settle(|| keys_day::make_bucket(&self.writer, &self.ring, day)).await?;
                row.open(&self.kek(row.generation).await?, "bucket_key")?
            }
        };
        self.ring.cache.buckets.insert(day, key.clone());
        Ok(key)
    }

    async fn transaction_key(&self, day: Date) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        if let Some(key) = self.ring.cache.transactions.get(&day) {
            return Ok(key);
        }
        let row = match read("transaction_key", || rows::transaction(&self.readers, day)).await? {
            Some(row) => self.outlives_failover("transaction_key").await.map(|()| row)?,
            None => settle(|| keys_day::make_transaction(&self.writer, &self.ring, day)).await?,
        };
        let place = KeyRing::transaction_place(day);
        let kek = self.kek(row.generation).await?;
        let key = kek.unwrap(place.as_bytes(), &row.wrapped, "transaction_key")?;
        self.ring.cache.transactions.insert(day, key.clone());
        Ok(key)
    }

    async fn key_by_id(&self, key_id: [u8; 16]) -> Result<Option<SubjectKey>, StoreError> {
        // It opens what is in the log already, and makes nothing that a failover could take its key from.
        self.opened("subject_key", || rows::by_id(&self.readers, key_id)).await
    }

    async fn wraps(&self) -> Result<Option<Millis>, StoreError> {
        rows::wraps(&self.readers, &self.ring.keks).await
    }

    async fn answers(&self) -> Result<(), StoreError> {
        self.key_by_id([0; 16]).await?;
        self.outlives_failover("subject_key").await
    }
}

#[async_trait]
impl KeyUpkeep for PostgresKeys {
    async fn destroy(&self, key_ids: Vec<[u8; 16]>) -> Result<u64, StoreError> {
        let destroyed = settle(|| self.delete_keys(&key_ids)).await;
        // Also after a failure: what is destroyed and not known to be must not be used.
        self.ring.cache.forget();
        destroyed
    }

    async fn due(&self, before: i16, count: u32) -> Result<Vec<DueKey>, StoreError> {
        let due = sqlx::query_as(statements::DUE_KEYS).bind(before).bind(i64::from(count));
        let due: Result<Vec<([u8; 16], i16, [u8; 16])>, _> = due.fetch_all(&self.readers).await;
        let due = due.map_err(|error| before_commit(KEYS, "subject_key", &error))?;
        Ok(due
            .into_iter()
            .map(|(subject, year, key_id)| DueKey { subject: SubjectRef(subject), year, key_id })
            .collect())
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        let vacuumed = self.writer.place().vacuum(&["VACUUM subject_key", "VACUUM bucket_key"]).await;
        vacuumed.map_err(|error| before_commit(KEYS, "subject_key", &error))
    }

    async fn destroy_transaction_keys(&self, before: Date) -> Result<u64, StoreError> {
        let destroyed = settle(|| self.delete_transaction_keys(before)).await;
        self.ring.cache.transactions.invalidate_all();
        destroyed
    }
}

impl PostgresKeys {
    /// Returns when a synchronous standby has everything that was read so far; at once where none is required.
    ///
    /// A row that is visible was flushed on its server; no more is known of it. One that a failover loses would come back as
    /// another pseudonym, of whom no restriction is known, or its key would be gone with the payloads that it opens.
    async fn outlives_failover(&self, table: &'static str) -> Result<(), StoreError> {
        if !self.standby {
            return Ok(());
        }
        let there = read(table, async || on_standby(&mut *self.readers.acquire().await?).await);
        match tokio::time::timeout(ON_STANDBY, there).await {
            Ok(there) => there,
            Err(_elapsed) => {
                tracing::warn!(table, "no synchronous standby has the newest keys: none of them is used");
                Err(StoreError::Unavailable { store: KEYS, state: "NO_STANDBY" })
            }
        }
    }

    /// The wrapping key of a generation in use.
    pub(super) async fn kek(&self, generation: u32) -> Result<Kek, StoreError> {
        rows::kek(&self.readers, &self.ring.keks, generation).await
    }

    async fn opened<F>(&self, table: &'static str, row: impl Fn() -> F) -> Result<Option<SubjectKey>, StoreError>
    where
        F: Future<Output = Result<Option<WrappedKey>, Error>>,
    {
        rows::opened(&self.readers, &self.ring.keks, table, row).await
    }

    async fn delete_keys(&self, key_ids: &[[u8; 16]]) -> Result<u64, StoreError> {
        let mut writing = self.writer.begin("subject_key").await?;
        let destroyed = patient(delete_keys(writing.session(), key_ids)).await;
        writing.end(destroyed).await
    }

    async fn delete_transaction_keys(&self, before: Date) -> Result<u64, StoreError> {
        let mut writing = self.writer.begin("transaction_key").await?;
        let delete = sqlx::query(statements::DESTROY_TRANSACTION_KEYS).bind(before.to_string());
        let destroyed = patient(delete.execute(writing.session())).await.map(|gone| gone.rows_affected());
        writing.end(destroyed).await
    }
}

async fn delete_keys(session: &mut PgConnection, key_ids: &[[u8; 16]]) -> Result<u64, Error> {
    let years = sqlx::query(statements::DESTROY_SUBJECT_KEYS).bind(key_ids).execute(&mut *session).await?;
    let days = sqlx::query(statements::DESTROY_BUCKET_KEYS).bind(key_ids).execute(session).await?;
    Ok(years.rows_affected() + days.rows_affected())
}
