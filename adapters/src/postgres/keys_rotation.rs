//! Generations of the wrapping key on a server: what there is, and the acts of a rotation, beside gateways that serve.
//!
//! Whoever makes a key holds the row of the newest generation until it commits, and every key names the row of its generation:
//! a generation ends when nobody holds it and no key names it, and then nobody can name it any more.

use super::keys::PostgresKeys;
use super::keys_rows::{number_of, read};
use super::keys_statements as statements;
use super::keys_writer::{patient, settle};
use crate::store::{EndedRow, HeldKey, KEYS, Kek, Keks};
use crate::wrapping::GenerationRow;
use async_trait::async_trait;
use sluis_core::log::Millis;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{Alone, Generation, GenerationEnd, KeyGenerations, KeyRotation};
use sqlx::postgres::{PgConnection, PgPool, PgRow};
use sqlx::{Error, Row};
use std::sync::Mutex;

const WRAPPING: &str = "wrapping";
const ENDED: &str = "wrapping_ended";

/// A table of wrapped keys: its pages under a generation, and how a page goes over to another.
struct Table {
    name: &'static str,
    page: &'static str,
    hold: &'static str,
    rewrap: &'static str,
    /// Below every name in it.
    first: &'static str,
}

const TABLES: [Table; 3] = [
    Table {
        name: "subject_key",
        page: statements::SUBJECT_KEYS_UNDER,
        hold: statements::HOLD_SUBJECT_KEYS,
        rewrap: statements::REWRAP_SUBJECT_KEYS,
        first: "",
    },
    Table {
        name: "bucket_key",
        page: statements::BUCKET_KEYS_UNDER,
        hold: statements::HOLD_BUCKET_KEYS,
        rewrap: statements::REWRAP_BUCKET_KEYS,
        first: "-infinity",
    },
    Table {
        name: "transaction_key",
        page: statements::TRANSACTION_KEYS_UNDER,
        hold: statements::HOLD_TRANSACTION_KEYS,
        rewrap: statements::REWRAP_TRANSACTION_KEYS,
        first: "-infinity",
    },
];

/// The name of a row in its table: its day, or its key id in hex.
fn name(key: &HeldKey) -> String {
    key.day.clone().unwrap_or_else(|| data_encoding::HEXLOWER.encode(&key.key_id.unwrap_or_default()))
}

fn held(row: &PgRow) -> Result<HeldKey, Error> {
    let key_id = row.try_get::<Option<Vec<u8>>, _>(0)?.and_then(|id| id.try_into().ok());
    let subject = row.try_get::<Option<Vec<u8>>, _>(2)?.and_then(|subject| subject.try_into().ok());
    let year = row.try_get_unchecked(3)?;
    Ok(HeldKey { key_id, wrapped: row.try_get(1)?, subject, year, day: row.try_get(4)? })
}

fn ours(refused: StoreError) -> Error {
    Error::Encode(refused.into())
}

/// A time as the engine takes it.
fn time(at: Millis) -> Result<i64, Error> {
    i64::try_from(at).map_err(|beyond| Error::Encode(beyond.into()))
}

impl Table {
    async fn rewrap(&self, session: &mut PgConnection, from: &Kek, to: &Kek, count: u32) -> Result<u64, Error> {
        let page = sqlx::query(self.hold).bind(number_of(from.generation)?).bind(i64::from(count));
        let page: Vec<HeldKey> = page.fetch_all(&mut *session).await?.iter().map(held).collect::<Result<_, _>>()?;
        if page.is_empty() {
            return Ok(0);
        }
        let anew: Result<Vec<Vec<u8>>, _> = page.iter().map(|key| key.rewrapped(from, to, self.name)).collect();
        let names: Vec<String> = page.iter().map(name).collect();
        let update = sqlx::query(self.rewrap).bind(number_of(to.generation)?).bind(names).bind(anew.map_err(ours)?);
        update.execute(session).await?;
        Ok(page.len() as u64)
    }

    async fn page(&self, pool: &PgPool, generation: u32, after: &str, count: u32) -> Result<Vec<HeldKey>, Error> {
        let page = sqlx::query(self.page).bind(number_of(generation)?).bind(after).bind(i64::from(count));
        page.fetch_all(pool).await?.iter().map(held).collect()
    }
}

/// Writes that a generation begins, where none of this number did.
pub(super) async fn insert(session: &mut PgConnection, row: &GenerationRow) -> Result<(), Error> {
    let insert = sqlx::query(statements::INSERT_GENERATION).bind(number_of(row.number)?);
    insert.bind(time(row.made_at)?).bind(&row.proof).execute(session).await.map(|_| ())
}

/// Every generation there ever was.
pub(super) async fn generations(pool: &PgPool, keks: &Keks) -> Result<Vec<Generation>, StoreError> {
    type Read = (i32, i64, Option<i64>, Option<i64>, Option<Vec<u8>>);
    let rows = read(WRAPPING, || async { sqlx::query_as::<_, Read>(statements::GENERATIONS).fetch_all(pool).await });
    let corrupt = StoreError::Corrupt { store: KEYS, table: WRAPPING };
    let generation = |(number, made_at, at, destroyed_at, sealed): Read| {
        let number = u32::try_from(number).map_err(|_| corrupt.clone())?;
        let time = |at: i64| u64::try_from(at).map_err(|_| corrupt.clone());
        let (made_at, destroyed_at) = (time(made_at)?, destroyed_at.map(time).transpose()?);
        let Some(at) = at.map(time).transpose()? else { return Ok(Generation { number, made_at, ended: None }) };
        let (ended, sealed) = (GenerationEnd { at, destroyed_at }, sealed.unwrap_or_default());
        keks.open_ended(&EndedRow { number, made_at, ended, sealed })
    };
    rows.await?.into_iter().map(generation).collect()
}

/// The session that holds the lock; it goes with this.
struct BySession(#[expect(dead_code, reason = "the session is the lock")] Mutex<PgConnection>);

impl Alone for BySession {}

#[async_trait]
impl KeyGenerations for PostgresKeys {
    async fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        generations(&self.readers, &self.ring.keks).await
    }
}

#[async_trait]
impl KeyRotation for PostgresKeys {
    async fn alone(&self) -> Result<Option<Box<dyn Alone>>, StoreError> {
        let got = patient(async {
            let mut session = self.writer.place().connect().await?;
            let got: bool = sqlx::query_scalar(statements::BE_ALONE).fetch_one(&mut session).await?;
            Ok(got.then_some(session))
        });
        let session = got.await.map_err(|error| super::errors::before_commit(KEYS, WRAPPING, &error))?;
        Ok(session.map(|session| Box::new(BySession(Mutex::new(session))) as Box<dyn Alone>))
    }

    async fn begin(&self, number: u32, now: Millis) -> Result<(), StoreError> {
        let row = &self.ring.keks.beginning(number, now)?;
        settle(|| async {
            let mut writing = self.writer.begin(WRAPPING).await?;
            let done = patient(insert(writing.session(), row)).await;
            writing.end(done).await
        })
        .await?;
        // Another rotation may have begun it with another secret.
        self.kek(number).await.map(|_| ())
    }

    async fn rewrap(&self, from: u32, to: u32, count: u32) -> Result<u64, StoreError> {
        let (from, to) = (&self.kek(from).await?, &self.kek(to).await?);
        for table in &TABLES {
            let done = settle(|| async {
                let mut writing = self.writer.begin(table.name).await?;
                let done = patient(table.rewrap(writing.session(), from, to, count)).await;
                writing.end(done).await
            });
            let done = done.await?;
            if done > 0 {
                return Ok(done);
            }
        }
        Ok(0)
    }

    async fn prove(&self, generation: u32, count: u32) -> Result<u64, StoreError> {
        let (kek, mut proven) = (self.kek(generation).await?, 0);
        for table in &TABLES {
            let mut after = table.first.to_owned();
            loop {
                let page = read(table.name, || table.page(&self.readers, generation, &after, count)).await?;
                let Some(last) = page.last() else { break };
                after = name(last);
                page.iter().try_for_each(|key| key.prove(&kek, table.name))?;
                proven += page.len() as u64;
            }
        }
        Ok(proven)
    }

    async fn end(&self, number: u32, now: Millis) -> Result<bool, StoreError> {
        settle(|| async {
            let mut writing = self.writer.begin(WRAPPING).await?;
            let done = patient(end(writing.session(), &self.ring.keks, number, now)).await;
            writing.end(done).await
        })
        .await
    }

    async fn destroyed(&self, number: u32, now: Millis) -> Result<(), StoreError> {
        let ended = self.generations().await?.into_iter().find(|one| one.number == number && one.ended.is_some());
        let corrupt = StoreError::Corrupt { store: KEYS, table: ENDED };
        let Some((made_at, ended)) = ended.and_then(|one| Some((one.made_at, one.ended?))) else {
            return Err(corrupt);
        };
        let end = GenerationEnd { destroyed_at: Some(now), ..ended };
        let sealed = self.ring.keks.seal_ended(number, made_at, end).map_err(|_| corrupt)?;
        settle(|| async {
            let mut writing = self.writer.begin(ENDED).await?;
            let update = async |session: &mut PgConnection| {
                let update = sqlx::query(statements::DESTROYED_GENERATION).bind(number_of(number)?);
                update.bind(time(now)?).bind(&sealed).execute(session).await.map(|_| ())
            };
            let done = patient(update(writing.session())).await;
            writing.end(done).await
        })
        .await
    }
}

/// The row goes in the same transaction that says so. Holding it waits for whoever is just wrapping a key under it.
async fn end(session: &mut PgConnection, keks: &Keks, number: u32, now: Millis) -> Result<bool, Error> {
    let row = number_of(number)?;
    let made_at: Option<i64> =
        sqlx::query_scalar(statements::HOLD_GENERATION).bind(row).fetch_optional(&mut *session).await?;
    // It ended before.
    let Some(made_at) = made_at else { return Ok(true) };
    // A statement of its own: it sees what those who were waited for wrote.
    if sqlx::query_scalar(statements::WRAPPED_UNDER).bind(row).fetch_one(&mut *session).await? {
        return Ok(false);
    }
    let made = u64::try_from(made_at).map_err(|beyond| Error::Decode(beyond.into()))?;
    let sealed = keks.seal_ended(number, made, GenerationEnd { at: now, destroyed_at: None });
    let sealed = sealed.map_err(|refused| Error::Encode(refused.into()))?;
    sqlx::query(statements::DELETE_GENERATION).bind(row).execute(&mut *session).await?;
    let insert = sqlx::query(statements::INSERT_ENDED).bind(row).bind(made_at).bind(time(now)?).bind(sealed);
    insert.execute(session).await.map(|_| true)
}
