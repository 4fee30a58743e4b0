//! Making keys: insert or read, wrapped before they are written, durable before they are used (A11, A21).

use super::keys::{Inner, wrapped};
use super::statements;
use crate::master::CryptoRefused;
use crate::store::{AliasRow, KEYS, Kek, KeyRing, Meant, WrappedKey, bucket_place, meant, year_place};
use jiff::civil::Date;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension};
use sluis_core::ports::StoreError;
use sluis_core::subject::SubjectRef;
use zeroize::Zeroizing;

/// What a lookup tag leads to, as its row says.
pub(super) fn alias(connection: &Connection, tag: &[u8; 32]) -> Result<Option<AliasRow>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(statements::FIND)?;
    let row = |row: &rusqlite::Row<'_>| Ok(AliasRow { subject: SubjectRef(row.get(0)?), sealed: row.get(1)? });
    statement.query_row([tag], row).optional()
}

/// The subject a tag leads to. An alias that is not ours ends the whole page: a child must not get a second pseudonym.
fn owner(inner: &Inner, connection: &Connection, tag: &[u8; 32]) -> Result<Option<SubjectRef>, rusqlite::Error> {
    let bent = |error: StoreError| rusqlite::Error::FromSqlConversionFailure(1, Type::Blob, error.into());
    alias(connection, tag)?.map(|row| inner.ring.owner(tag, &row)).transpose().map_err(bent)
}

/// Registers subjects by their tags, and makes their keys of a year, all in one transaction.
pub(super) fn provision(inner: &Inner, subjects: Vec<Vec<[u8; 32]>>, year: i16) -> Result<u64, StoreError> {
    inner.transact("subject_alias", |connection| {
        let mut new = 0;
        for tags in &subjects {
            let owners: Vec<Option<SubjectRef>> =
                tags.iter().map(|tag| owner(inner, connection, tag)).collect::<Result<_, _>>()?;
            let subject = match meant(&owners) {
                Meant::Nobody => continue,
                Meant::Unclear(known) => {
                    for subject in known {
                        make_key(inner, connection, subject, year)?;
                    }
                    continue;
                }
                Meant::Known(subject) => subject,
                Meant::New => {
                    new += 1;
                    insert_subject(inner, connection)?
                }
            };
            for tag in tags {
                let sealed = inner.ring.seal_alias(tag, subject).map_err(refused)?;
                connection.prepare_cached(statements::INSERT_ALIAS)?.execute((tag, subject.0, sealed))?;
            }
            make_key(inner, connection, subject, year)?;
        }
        Ok(new)
    })
}

fn insert_subject(inner: &Inner, connection: &Connection) -> Result<SubjectRef, rusqlite::Error> {
    let subject = inner.ring.random_id();
    connection.prepare_cached(statements::INSERT_SUBJECT)?.execute([subject])?;
    Ok(SubjectRef(subject))
}

fn make_key(inner: &Inner, connection: &Connection, subject: SubjectRef, year: i16) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached(statements::HAS_SUBJECT_KEY)?;
    if statement.exists((subject.0, year))? {
        return Ok(());
    }
    let key_id = inner.ring.random_id();
    let kek = inner.newest(connection)?;
    let wrapped = wrap_new(inner, &kek, &year_place(key_id, subject.0, year))?;
    let mut statement = connection.prepare_cached(statements::INSERT_SUBJECT_KEY)?;
    statement.execute((key_id, subject.0, year, wrapped, kek.generation)).map(|_| ())
}

/// The key of a day for subjects nobody knows: the one there is, or a new one.
pub(super) fn bucket_row(inner: &Inner, day: Date) -> Result<WrappedKey, StoreError> {
    let day = day.to_string();
    inner.transact("bucket_key", |connection| {
        let mut existing = connection.prepare_cached(statements::BUCKET_KEY)?;
        let place = |id| Ok(bucket_place(id, &day));
        if let Some(row) = existing.query_row([&day], |row| wrapped(row, place)).optional()? {
            return Ok(row);
        }
        let key_id = inner.ring.random_id();
        let place = bucket_place(key_id, &day);
        let kek = inner.newest(connection)?;
        let wrapped = wrap_new(inner, &kek, &place)?;
        let row = WrappedKey { key_id, place, wrapped, generation: kek.generation };
        let mut insert = connection.prepare_cached(statements::INSERT_BUCKET_KEY)?;
        insert.execute((&day, row.key_id, &row.wrapped, row.generation))?;
        Ok(row)
    })
}

/// The key of a day for digests of transactions: the one there is, or a new one.
pub(super) fn transaction_key(inner: &Inner, day: Date) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let place = KeyRing::transaction_place(day);
    let day = day.to_string();
    let (wrapped, generation) = inner.transact("transaction_key", |connection| {
        let mut existing = connection.prepare_cached(statements::TRANSACTION_KEY)?;
        let found = existing.query_row([&day], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, u32>(1)?)));
        if let Some(row) = found.optional()? {
            return Ok(row);
        }
        let kek = inner.newest(connection)?;
        let wrapped = wrap_new(inner, &kek, place.as_bytes())?;
        let mut insert = connection.prepare_cached(statements::INSERT_TRANSACTION_KEY)?;
        insert.execute((&day, &wrapped, kek.generation))?;
        Ok((wrapped, kek.generation))
    })?;
    inner.kek(generation)?.unwrap(place.as_bytes(), &wrapped, "transaction_key")
}

fn wrap_new(inner: &Inner, kek: &Kek, place: &[u8]) -> Result<Vec<u8>, rusqlite::Error> {
    inner.ring.wrap_new(kek, place).map_err(refused)
}

fn refused(refused: CryptoRefused) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(format!("{KEYS}: {refused}").into())
}
