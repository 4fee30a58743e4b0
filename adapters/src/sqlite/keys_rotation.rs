//! Generations of the wrapping key in a file: what there is, and the acts of a rotation. The lock of the file keeps gateways
//! and other rotations away, so that nothing changes between two of them.

use super::SqliteKeys;
use super::keys::Inner;
use super::pool::Readers;
use super::statements;
use crate::store::{EndedRow, HeldKey, KEYS, Kek, Keks};
use crate::wrapping::GenerationRow;
use async_trait::async_trait;
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, OptionalExtension, Row};
use sluis_core::log::Millis;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{Alone, Generation, GenerationEnd, KeyGenerations, KeyRotation};

const WRAPPING: &str = "wrapping";
const ENDED: &str = "wrapping_ended";

/// A table of wrapped keys: its page under a generation from a place on, and how one row goes over to another.
struct Table {
    name: &'static str,
    page: &'static str,
    rewrap: &'static str,
    /// Below every name in it.
    first: fn() -> Value,
}

const TABLES: [Table; 3] = [
    Table {
        name: "subject_key",
        page: statements::SUBJECT_KEYS_UNDER,
        rewrap: statements::REWRAP_SUBJECT_KEY,
        first: || Value::Blob(Vec::new()),
    },
    Table {
        name: "bucket_key",
        page: statements::BUCKET_KEYS_UNDER,
        rewrap: statements::REWRAP_BUCKET_KEY,
        first: || Value::Text(String::new()),
    },
    Table {
        name: "transaction_key",
        page: statements::TRANSACTION_KEYS_UNDER,
        rewrap: statements::REWRAP_TRANSACTION_KEY,
        first: || Value::Text(String::new()),
    },
];

/// The name of a row in its table.
fn name(key: &HeldKey) -> Value {
    match (&key.day, key.key_id) {
        (Some(day), _) => Value::Text(day.clone()),
        (None, id) => Value::Blob(id.unwrap_or_default().to_vec()),
    }
}

impl Table {
    fn page(
        &self,
        connection: &Connection,
        generation: u32,
        after: &Value,
        count: u32,
    ) -> Result<Vec<HeldKey>, rusqlite::Error> {
        let held = |row: &Row<'_>| {
            let (key_id, wrapped, subject) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(HeldKey { key_id, wrapped, subject, year: row.get(3)?, day: row.get(4)? })
        };
        connection.prepare_cached(self.page)?.query_map((generation, after, count), held)?.collect()
    }

    fn rewrap(&self, connection: &Connection, from: &Kek, to: &Kek, count: u32) -> Result<u64, rusqlite::Error> {
        let page = self.page(connection, from.generation, &(self.first)(), count)?;
        for key in &page {
            let anew = key.rewrapped(from, to, self.name).map_err(ours)?;
            let mut update = connection.prepare_cached(self.rewrap)?;
            update.execute((from.generation, name(key), anew, to.generation))?;
        }
        Ok(page.len() as u64)
    }
}

fn ours(refused: StoreError) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(refused.into())
}

/// A time from its column.
fn time(row: &Row<'_>, column: usize) -> Result<Millis, rusqlite::Error> {
    let at: i64 = row.get(column)?;
    Millis::try_from(at).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, at))
}

/// A time as the engine takes it.
fn at(time: Millis) -> Result<i64, rusqlite::Error> {
    i64::try_from(time).map_err(|beyond| rusqlite::Error::ToSqlConversionFailure(beyond.into()))
}

/// A generation in use, from its row.
pub(super) fn row(row: &Row<'_>) -> Result<GenerationRow, rusqlite::Error> {
    Ok(GenerationRow { number: row.get(0)?, made_at: time(row, 1)?, proof: row.get(2)? })
}

/// The generations in use, oldest first.
pub(super) fn in_use(connection: &Connection) -> Result<Vec<GenerationRow>, rusqlite::Error> {
    connection.prepare_cached(statements::GENERATIONS_IN_USE)?.query_map([], row)?.collect()
}

/// One generation in use.
pub(super) fn generation(readers: &Readers, number: u32) -> Result<GenerationRow, StoreError> {
    let found = readers.read(WRAPPING, |connection| {
        connection.prepare_cached(statements::GENERATION_IN_USE)?.query_row([number], row).optional()
    })?;
    found.ok_or(StoreError::Corrupt { store: KEYS, table: WRAPPING })
}

/// Tries the wrapping key of every generation in use; when the newest was made.
pub(super) fn wraps(readers: &Readers, keks: &Keks) -> Result<Option<Millis>, StoreError> {
    let in_use = readers.read(WRAPPING, in_use)?;
    in_use.iter().try_for_each(|generation| keks.load(generation).map(drop))?;
    let newest = in_use.last().ok_or(StoreError::Corrupt { store: KEYS, table: WRAPPING })?;
    Ok(Some(newest.made_at))
}

/// Writes that a generation begins.
pub(super) fn insert(connection: &Connection, row: &GenerationRow) -> Result<usize, rusqlite::Error> {
    connection.execute(statements::INSERT_GENERATION, (row.number, at(row.made_at)?, &row.proof))
}

/// Every generation there ever was.
pub(super) fn generations(readers: &Readers, keks: &Keks) -> Result<Vec<Generation>, StoreError> {
    type Read = (u32, Millis, Option<Millis>, Option<Millis>, Option<Vec<u8>>);
    let rows: Vec<Read> = readers.read(WRAPPING, |connection| {
        let maybe = |row: &Row<'_>, column| match row.get_ref(column)?.data_type() {
            Type::Null => Ok(None),
            _ => time(row, column).map(Some),
        };
        let read = |row: &Row<'_>| Ok((row.get(0)?, time(row, 1)?, maybe(row, 2)?, maybe(row, 3)?, row.get(4)?));
        connection.prepare_cached(statements::GENERATIONS)?.query_map([], read)?.collect()
    })?;
    let generation = |(number, made_at, ended, destroyed_at, sealed): Read| match ended {
        None => Ok(Generation { number, made_at, ended: None }),
        Some(at) => {
            let (ended, sealed) = (GenerationEnd { at, destroyed_at }, sealed.unwrap_or_default());
            keks.open_ended(&EndedRow { number, made_at, ended, sealed })
        }
    };
    rows.into_iter().map(generation).collect()
}

/// The lock of the file is held by whoever has the database open.
struct ByTheFile;

impl Alone for ByTheFile {}

#[async_trait]
impl KeyGenerations for SqliteKeys {
    async fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        generations(&self.0.readers, &self.0.ring.keks)
    }
}

#[async_trait]
impl KeyRotation for SqliteKeys {
    async fn alone(&self) -> Result<Option<Box<dyn Alone>>, StoreError> {
        Ok(Some(Box::new(ByTheFile)))
    }

    async fn begin(&self, number: u32, now: Millis) -> Result<(), StoreError> {
        let row = self.0.ring.keks.beginning(number, now)?;
        self.write(move |inner| inner.transact(WRAPPING, |connection| insert(connection, &row).map(|_| ()))).await
    }

    async fn rewrap(&self, from: u32, to: u32, count: u32) -> Result<u64, StoreError> {
        self.write(move |inner| {
            let (from, to) = (inner.kek(from)?, inner.kek(to)?);
            for table in &TABLES {
                let done = inner.transact(table.name, |connection| table.rewrap(connection, &from, &to, count))?;
                if done > 0 {
                    return Ok(done);
                }
            }
            Ok(0)
        })
        .await
    }

    async fn prove(&self, generation: u32, count: u32) -> Result<u64, StoreError> {
        self.write(move |inner| prove(inner, &inner.kek(generation)?, count)).await
    }

    async fn end(&self, number: u32, now: Millis) -> Result<bool, StoreError> {
        self.write(move |inner| end(inner, number, now)).await
    }

    async fn destroyed(&self, number: u32, now: Millis) -> Result<(), StoreError> {
        let ended = self.generations().await?.into_iter().find(|one| one.number == number && one.ended.is_some());
        let Some((made_at, ended)) = ended.and_then(|one| Some((one.made_at, one.ended?))) else {
            return Err(StoreError::Corrupt { store: KEYS, table: ENDED });
        };
        let end = GenerationEnd { destroyed_at: Some(now), ..ended };
        self.write(move |inner| {
            inner.transact(ENDED, |connection| {
                let sealed = inner.ring.keks.seal_ended(number, made_at, end);
                let sealed = sealed.map_err(|_| ours(StoreError::Corrupt { store: KEYS, table: ENDED }))?;
                connection.execute(statements::DESTROYED_GENERATION, (number, at(now)?, sealed)).map(|_| ())
            })
        })
        .await
    }
}

fn prove(inner: &Inner, kek: &Kek, count: u32) -> Result<u64, StoreError> {
    let mut proven = 0;
    for table in &TABLES {
        let mut after = (table.first)();
        loop {
            let page = inner.readers.read(table.name, |c| table.page(c, kek.generation, &after, count))?;
            let Some(last) = page.last() else { break };
            after = name(last);
            page.iter().try_for_each(|key| key.prove(kek, table.name))?;
            proven += page.len() as u64;
        }
    }
    Ok(proven)
}

/// The row goes in the same transaction that says so. If the process dies before, nothing happened; after, its secret is to be
/// destroyed.
fn end(inner: &Inner, number: u32, now: Millis) -> Result<bool, StoreError> {
    inner.transact(WRAPPING, |connection| {
        let found = connection.query_row(statements::GENERATION_IN_USE, [number], row).optional()?;
        // It ended before.
        let Some(found) = found else { return Ok(true) };
        if connection.query_row(statements::WRAPPED_UNDER, [number], |row| row.get(0))? {
            return Ok(false);
        }
        let end = GenerationEnd { at: now, destroyed_at: None };
        let sealed = inner.ring.keks.seal_ended(number, found.made_at, end);
        let sealed = sealed.map_err(|_| ours(StoreError::Corrupt { store: KEYS, table: ENDED }))?;
        connection.execute(statements::DELETE_GENERATION, [number])?;
        connection.execute(statements::INSERT_ENDED, (number, at(found.made_at)?, at(now)?, sealed))?;
        Ok(true)
    })
}
