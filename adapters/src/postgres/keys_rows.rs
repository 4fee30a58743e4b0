//! Reading rows of the key database, inside a transaction or outside.

use super::keys_statements as statements;
use crate::store::WrappedKey;
use jiff::civil::Date;
use sqlx::postgres::PgRow;
use sqlx::{Error, PgExecutor, Row};

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
    row.map(|row| wrapped(&row)).transpose()
}

/// The key with this id: of a year, or of a day for subjects nobody knows.
pub(super) async fn by_id(at: impl PgExecutor<'_>, key_id: [u8; 16]) -> Result<Option<WrappedKey>, Error> {
    let row = sqlx::query(statements::KEY_BY_ID).bind(key_id).fetch_optional(at).await?;
    row.map(|row| wrapped(&row)).transpose()
}

/// The bucket of a day.
pub(super) async fn bucket(at: impl PgExecutor<'_>, day: Date) -> Result<Option<WrappedKey>, Error> {
    let row = sqlx::query(statements::BUCKET_KEY).bind(day.to_string()).fetch_optional(at).await?;
    row.map(|row| wrapped(&row)).transpose()
}

/// The transaction key of a day.
pub(super) async fn transaction(at: impl PgExecutor<'_>, day: Date) -> Result<Option<WrappedDay>, Error> {
    let row = sqlx::query(statements::TRANSACTION_KEY).bind(day.to_string()).fetch_optional(at).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(WrappedDay { wrapped: row.try_get(0)?, generation: generation(&row, 1)? }))
}

fn wrapped(row: &PgRow) -> Result<WrappedKey, Error> {
    Ok(WrappedKey { key_id: row.try_get(0)?, wrapped: row.try_get(1)?, generation: generation(row, 2)? })
}

fn generation(row: &PgRow, column: usize) -> Result<u32, Error> {
    u32::try_from(row.try_get::<i32, _>(column)?).map_err(|beyond| Error::Decode(beyond.into()))
}
