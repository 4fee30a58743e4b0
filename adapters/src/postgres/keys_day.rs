//! Making the keys of one day: of subjects nobody knows (A11) and for digests of transactions (A13).
//!
//! The primary key decides between replicas that make the key of a day at the same time: the second insert waits for the
//! first, does nothing, and the statement after it reads what stands.

use super::keys_rows::{self as rows, WrappedDay, number_of};
use super::keys_statements as statements;
use super::keys_writer::{Writer, patient};
use crate::store::{KeyRing, WrappedKey, bucket_place};
use jiff::civil::Date;
use sluis_core::ports::StoreError;
use sqlx::Error;
use sqlx::postgres::PgConnection;

/// The bucket of a day, made where there is none.
pub(super) async fn make_bucket(writer: &Writer, ring: &KeyRing, day: Date) -> Result<WrappedKey, StoreError> {
    let mut writing = writer.begin("bucket_key").await?;
    let done = patient(insert_bucket(writing.session(), ring, day)).await;
    writing.end(done).await
}

async fn insert_bucket(session: &mut PgConnection, ring: &KeyRing, day: Date) -> Result<WrappedKey, Error> {
    let (id, kek) = (ring.random_id(), rows::newest(session, &ring.keks).await?);
    let wrapped = ring.wrap_new(&kek, &bucket_place(id, &day.to_string()));
    let wrapped = wrapped.map_err(|refused| Error::Encode(refused.into()))?;
    let insert = sqlx::query(statements::INSERT_BUCKET_KEY).bind(day.to_string()).bind(id);
    insert.bind(wrapped).bind(number_of(kek.generation)?).execute(&mut *session).await?;
    rows::bucket(session, day).await?.ok_or(Error::RowNotFound)
}

/// The transaction key of a day, made where there is none.
pub(super) async fn make_transaction(writer: &Writer, ring: &KeyRing, day: Date) -> Result<WrappedDay, StoreError> {
    let mut writing = writer.begin("transaction_key").await?;
    let done = patient(insert_transaction(writing.session(), ring, day)).await;
    writing.end(done).await
}

async fn insert_transaction(session: &mut PgConnection, ring: &KeyRing, day: Date) -> Result<WrappedDay, Error> {
    let place = KeyRing::transaction_place(day);
    let kek = rows::newest(session, &ring.keks).await?;
    let wrapped = ring.wrap_new(&kek, place.as_bytes()).map_err(|refused| Error::Encode(refused.into()))?;
    let insert = sqlx::query(statements::INSERT_TRANSACTION_KEY).bind(day.to_string());
    insert.bind(wrapped).bind(number_of(kek.generation)?).execute(&mut *session).await?;
    rows::transaction(session, day).await?.ok_or(Error::RowNotFound)
}
