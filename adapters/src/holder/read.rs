//! Running a statement and reading its rows: identifier first, then the values, absent where the column is NULL.

use super::LINE_GLUE;
use super::fault::{inconsistent, store_error};
use super::statement::{Selected, Statement};
use jiff::civil::Date;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use sluis_core::claim::BillingRecord;
use sluis_core::field::Field;
use sluis_core::ports::{DossierError, Financing, HolderFacts, StoreError};
use sluis_core::subject::{BirthDate, Bsn, SubjectId};

/// The values of the one row under `key`, after its identifier proved to be the subject's.
pub(super) fn one_row(
    connection: &Connection,
    statement: &Statement,
    key: &str,
    subject: &SubjectId,
    table: &'static str,
) -> Result<Vec<(Field, String)>, DossierError> {
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(store_error)?;
    let mut rows = prepared.query([key]).map_err(store_error)?;
    let row = rows.next().map_err(store_error)?.ok_or(DossierError::Absent)?;
    if !is_of(row, subject) {
        return Err(DossierError::OtherSubject);
    }
    let mut values = Vec::with_capacity(statement.selected.len());
    for selected in &statement.selected {
        if let Some(text) = value(row, selected, table)? {
            values.push((selected.field, text));
        }
    }
    match rows.next().map_err(store_error)? {
        Some(_) => Err(inconsistent(table).into()),
        None => Ok(values),
    }
}

/// The values of all rows, each field's lines joined: what a field that is made of parents says.
pub(super) fn joined_rows(
    connection: &Connection,
    statement: &Statement,
    subject: &SubjectId,
) -> Result<Vec<(Field, String)>, DossierError> {
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(store_error)?;
    let mut rows = prepared.query([subject.value()]).map_err(store_error)?;
    let mut lines: Vec<(Field, Vec<String>)> = statement.selected.iter().map(|s| (s.field, Vec::new())).collect();
    while let Some(row) = rows.next().map_err(store_error)? {
        if !is_of(row, subject) {
            return Err(DossierError::OtherSubject);
        }
        for (selected, (_, texts)) in statement.selected.iter().zip(&mut lines) {
            texts.extend(value(row, selected, "parent")?);
        }
    }
    let present = lines.into_iter().filter(|(_, texts)| !texts.is_empty());
    Ok(present.map(|(field, texts)| (field, texts.join(LINE_GLUE))).collect())
}

/// The facts of one subject. An unknown or unreadable secret counts as secret, such a case as no case, such a birth
/// date as none; what else is unknown or unreadable stays unknown.
pub(super) fn facts(
    connection: &Connection,
    sql: &str,
    subject: &SubjectId,
) -> Result<Option<HolderFacts>, StoreError> {
    let mut prepared = connection.prepare_cached(sql).map_err(store_error)?;
    let mut rows = prepared.query([subject.value()]).map_err(store_error)?;
    let Some(row) = rows.next().map_err(store_error)? else { return Ok(None) };
    let mut identifiers: Vec<SubjectId> = Vec::with_capacity(2);
    identifiers.extend(text(row, 5, "client")?.and_then(|t| SubjectId::client_number(&t)));
    identifiers.extend(text(row, 6, "client")?.and_then(|t| Bsn::parse(&t).ok()).map(SubjectId::Bsn));
    let facts = HolderFacts {
        identifiers,
        birth_date: text(row, 1, "client")?.and_then(|t| BirthDate::parse(&t)),
        municipality_code: text(row, 2, "client")?,
        active_case: flag(row, 3).unwrap_or(None).unwrap_or(false),
        residence_secret: flag(row, 4).unwrap_or(None).unwrap_or(true),
        financing: text(row, 7, "client")?.and_then(|t| Financing::from_code(&t.to_ascii_lowercase())),
        insurer: text(row, 8, "client")?,
        privacy_statement: flag(row, 9).unwrap_or(None),
        gp: text(row, 10, "client")?,
        referrer: text(row, 11, "client")?,
    };
    let same = is_of(row, subject);
    let more = rows.next().map_err(store_error)?.is_some();
    if !same {
        return Err(inconsistent("client"));
    }
    // An answer that differed from an unknown client's would tell who is known: an ambiguous match is none (B8).
    if more {
        tracing::warn!("the holder has one identifier on more than one row: a human must look");
    }
    Ok((!more).then_some(facts))
}

/// The billing records that a claim line may be compared with.
pub(super) fn billing_records(
    connection: &Connection,
    sql: &str,
    bound: &[&dyn rusqlite::ToSql],
    subject: &SubjectId,
) -> Result<Vec<BillingRecord>, StoreError> {
    let mut prepared = connection.prepare_cached(sql).map_err(store_error)?;
    let mut rows = prepared.query(bound).map_err(store_error)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        if !is_of(row, subject) {
            return Err(inconsistent("billing"));
        }
        records.push(billing_record(row).ok_or(inconsistent("billing"))?);
    }
    Ok(records)
}

/// A page of clients: each with its client number, and its BSN where it has one.
pub(super) fn subjects(
    connection: &Connection,
    sql: &str,
    after: &str,
    count: u32,
) -> Result<Vec<Vec<SubjectId>>, StoreError> {
    let mut prepared = connection.prepare_cached(sql).map_err(store_error)?;
    let mut rows = prepared.query((after, count)).map_err(store_error)?;
    let mut page = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        let number = text(row, 0, "client")?.and_then(|t| SubjectId::client_number(&t));
        let mut identifiers = vec![number.ok_or(inconsistent("client"))?];
        match text(row, 1, "client")?.map(|digits| Bsn::parse(&digits)) {
            Some(Ok(bsn)) => identifiers.push(SubjectId::Bsn(bsn)),
            Some(Err(_)) => {
                tracing::warn!("a client of the holder has a BSN that is none: known by client number only")
            }
            None => {}
        }
        page.push(identifiers);
    }
    Ok(page)
}

/// Whether the row carries the identifier that was decided on, byte for byte: a case-blind collation or a number
/// without its leading zero is another identifier.
fn is_of(row: &Row<'_>, subject: &SubjectId) -> bool {
    matches!(row.get_ref(0), Ok(ValueRef::Text(found)) if found == subject.value().as_bytes())
}

fn value(row: &Row<'_>, selected: &Selected, table: &'static str) -> Result<Option<String>, StoreError> {
    let mut parts = Vec::with_capacity(selected.columns.len());
    for column in selected.columns.clone() {
        parts.extend(text(row, column, table)?);
    }
    let complete = if selected.whole { parts.len() == selected.columns.len() } else { !parts.is_empty() };
    Ok(complete.then(|| parts.join(selected.glue)))
}

/// A column as text; NULL and empty text are no value. Fractions and blobs have no place in a dossier's fields.
fn text(row: &Row<'_>, column: usize, table: &'static str) -> Result<Option<String>, StoreError> {
    match row.get_ref(column).map_err(store_error)? {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(number) => Ok(Some(number.to_string())),
        ValueRef::Text(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| inconsistent(table))?;
            Ok((!text.is_empty()).then(|| text.to_owned()))
        }
        ValueRef::Real(_) | ValueRef::Blob(_) => Err(inconsistent(table)),
    }
}

fn flag(row: &Row<'_>, column: usize) -> Result<Option<bool>, StoreError> {
    match row.get_ref(column).map_err(store_error)? {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(0) => Ok(Some(false)),
        ValueRef::Integer(1) => Ok(Some(true)),
        _ => Err(inconsistent("client")),
    }
}

/// The columns after the identifier, in the order of `statement::billing_records`; `None` when one is not of its kind.
fn billing_record(row: &Row<'_>) -> Option<BillingRecord> {
    let words = |column| text(row, column, "billing").ok().flatten();
    let number = |column| words(column).and_then(|t| t.parse::<u32>().ok());
    let day = |column| words(column).and_then(|t| t.parse::<Date>().ok());
    let tariff = match row.get_ref(10).ok()? {
        ValueRef::Null => None,
        _ => Some(number(10)?),
    };
    Some(BillingRecord {
        record_id: words(1)?,
        provider_agb: words(2)?,
        allocation_number: number(3)?,
        product_category: words(4)?,
        product_code: words(5)?,
        begin: day(6)?,
        end: day(7)?,
        volume: number(8)?,
        unit: words(9)?,
        tariff,
        amount: number(11)?,
    })
}
