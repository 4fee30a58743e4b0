//! Reading rows of the key database, inside a transaction or outside.

use super::connect::READERS_MAX;
use super::errors::{before_commit, code};
use super::keys_statements as statements;
use super::keys_writer::patient;
use crate::store::{AliasRow, KEYS, Kek, Keks, WrappedKey, bucket_place, year_place};
use crate::wrapping::GenerationRow;
use jiff::civil::Date;
use sluis_core::log::Millis;
use sluis_core::ports::{StoreError, SubjectKey};
use sluis_core::subject::SubjectRef;
use sqlx::postgres::{PgConnection, PgPool, PgRow};
use sqlx::{Error, PgExecutor, Row};
use std::future::Future;

/// Runs a read outside a transaction, again on another session when the one it got was ended since: after a restart of the
/// server every session that was kept is of no use. `table` names in errors what was read.
pub(super) async fn read<T, F>(table: &'static str, attempt: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, Error>>,
{
    let answer = patient(async {
        for _ in 0..READERS_MAX {
            match attempt().await {
                Err(error) if is_ended(&error) => {}
                known => return known,
            }
        }
        attempt().await
    });
    answer.await.map_err(|error| before_commit(KEYS, table, &error))
}

/// Whether the session was ended, by the server or on the way, before it answered.
fn is_ended(error: &Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        Error::Io(io) => matches!(io.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof),
        // admin_shutdown, crash_shutdown
        _ => code(error).is_some_and(|code| code == "57P01" || code == "57P02"),
    }
}

/// The wrapping key of a generation in use, from its secret where it is not known.
pub(super) async fn kek(pool: &PgPool, keks: &Keks, generation: u32) -> Result<Kek, StoreError> {
    if let Some(known) = keks.known(generation) {
        return Ok(known);
    }
    let row = read("wrapping", || one_generation(pool, generation)).await?;
    Ok(keks.load(&row.ok_or(StoreError::Corrupt { store: KEYS, table: "wrapping" })?)?)
}

/// The key in a row. Between the read of a row and that of its generation, a rotation may have ended this one: then the row stands
/// under the next, and is read again.
pub(super) async fn opened<F>(
    pool: &PgPool,
    keks: &Keks,
    table: &'static str,
    row: impl Fn() -> F,
) -> Result<Option<SubjectKey>, StoreError>
where
    F: Future<Output = Result<Option<WrappedKey>, Error>>,
{
    let Some(first) = read(table, &row).await? else { return Ok(None) };
    if let Ok(kek) = kek(pool, keks, first.generation).await {
        return first.open(&kek, table).map(Some);
    }
    let Some(second) = read(table, &row).await? else { return Ok(None) };
    second.open(&kek(pool, keks, second.generation).await?, table).map(Some)
}

/// What a lookup tag leads to, as its row says.
pub(super) async fn alias(at: impl PgExecutor<'_>, tag: [u8; 32]) -> Result<Option<AliasRow>, Error> {
    let found = sqlx::query_as::<_, ([u8; 16], Vec<u8>)>(statements::FIND).bind(tag).fetch_optional(at).await?;
    Ok(found.map(|(subject, sealed)| AliasRow { subject: SubjectRef(subject), sealed }))
}

/// The transaction key of a day as it stands in its row; the day is its name.
pub(super) struct WrappedDay {
    pub wrapped: Vec<u8>,
    pub generation: u32,
}

/// The key of a subject for a year.
pub(super) async fn of_year(
    at: impl PgExecutor<'_>,
    subject: [u8; 16],
    year: i16,
) -> Result<Option<WrappedKey>, Error> {
    let row = sqlx::query(statements::SUBJECT_KEY).bind(subject).bind(year).fetch_optional(at).await?;
    row.map(|row| wrapped(&row, |id| Ok(year_place(id, subject, year)))).transpose()
}

/// The key with this id: of a year, or of a day for subjects nobody knows.
pub(super) async fn by_id(at: impl PgExecutor<'_>, key_id: [u8; 16]) -> Result<Option<WrappedKey>, Error> {
    let row = sqlx::query(statements::KEY_BY_ID).bind(key_id).fetch_optional(at).await?;
    let place = |row: &PgRow, id| match row.try_get::<Option<String>, _>(5)? {
        Some(day) => Ok(bucket_place(id, &day)),
        None => Ok(year_place(id, row.try_get(3)?, row.try_get(4)?)),
    };
    row.map(|row| wrapped(&row, |id| place(&row, id))).transpose()
}

/// The bucket of a day.
pub(super) async fn bucket(at: impl PgExecutor<'_>, day: Date) -> Result<Option<WrappedKey>, Error> {
    let day = day.to_string();
    let row = sqlx::query(statements::BUCKET_KEY).bind(&day).fetch_optional(at).await?;
    row.map(|row| wrapped(&row, |id| Ok(bucket_place(id, &day)))).transpose()
}

/// The transaction key of a day.
pub(super) async fn transaction(at: impl PgExecutor<'_>, day: Date) -> Result<Option<WrappedDay>, Error> {
    let row = sqlx::query(statements::TRANSACTION_KEY).bind(day.to_string()).fetch_optional(at).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(WrappedDay { wrapped: row.try_get(0)?, generation: generation(&row, 1)? }))
}

fn wrapped(row: &PgRow, place: impl FnOnce([u8; 16]) -> Result<Vec<u8>, Error>) -> Result<WrappedKey, Error> {
    let key_id = row.try_get(0)?;
    Ok(WrappedKey { key_id, place: place(key_id)?, wrapped: row.try_get(1)?, generation: generation(row, 2)? })
}

/// A generation in use, from its row.
pub(super) fn generation_row(row: &PgRow) -> Result<GenerationRow, Error> {
    let made_at = u64::try_from(row.try_get::<i64, _>(1)?).map_err(|beyond| Error::Decode(beyond.into()))?;
    Ok(GenerationRow { number: generation(row, 0)?, made_at, proof: row.try_get(2)? })
}

/// One generation in use.
pub(super) async fn one_generation(at: impl PgExecutor<'_>, number: u32) -> Result<Option<GenerationRow>, Error> {
    let row = sqlx::query(statements::GENERATION_IN_USE).bind(number_of(number)?).fetch_optional(at).await?;
    row.map(|row| generation_row(&row)).transpose()
}

/// The generations in use, oldest first.
pub(super) async fn generations_in_use(at: impl PgExecutor<'_>) -> Result<Vec<GenerationRow>, Error> {
    let rows = sqlx::query(statements::GENERATIONS_IN_USE).fetch_all(at).await?;
    rows.iter().map(generation_row).collect()
}

/// Tries the wrapping key of every generation in use; when the newest was made.
pub(super) async fn wraps(pool: &PgPool, keks: &Keks) -> Result<Option<Millis>, StoreError> {
    let in_use = read("wrapping", || generations_in_use(pool)).await?;
    in_use.iter().try_for_each(|generation| keks.load(generation).map(drop))?;
    let newest = in_use.last().ok_or(StoreError::Corrupt { store: KEYS, table: "wrapping" })?;
    Ok(Some(newest.made_at))
}

/// The wrapping key for new keys, for whoever is about to write one in this transaction.
pub(super) async fn newest(session: &mut PgConnection, keks: &Keks) -> Result<Kek, Error> {
    let newest = generation_row(&sqlx::query(statements::NEWEST_GENERATION).fetch_one(session).await?)?;
    keks.load(&newest).map_err(|fault| Error::Encode(StoreError::from(fault).into()))
}

/// The number of a generation as the engine takes it.
pub(super) fn number_of(generation: u32) -> Result<i32, Error> {
    i32::try_from(generation).map_err(|beyond| Error::Encode(beyond.into()))
}

fn generation(row: &PgRow, column: usize) -> Result<u32, Error> {
    u32::try_from(row.try_get::<i32, _>(column)?).map_err(|beyond| Error::Decode(beyond.into()))
}
