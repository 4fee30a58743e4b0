//! Running a statement and reading its rows: identifier first, then the values, withheld where they do not read.

use super::bind::Given;
use super::date::DateForm;
use super::domain::{MUNICIPALITY_CODE, beside, of_field, of_held};
use super::facts::{FactMap, Held};
use super::fault::{inconsistent, store_error};
use super::form::{Cell, Told};
use super::identifier::{IdForm, Kind};
use super::map::{HolderMap, Line};
use super::statement::Statement;
use super::value::{LINE_GLUE, together};
use jiff::civil::Date;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params_from_iter};
use sluis_core::claim::BillingRecord;
use sluis_core::field::Field;
use sluis_core::holder_fact::HeldFacts;
use sluis_core::ports::{DossierError, HolderFacts, StoreError};
use sluis_core::subject::{BirthDate, SubjectId};
use std::collections::BTreeMap;

/// The values of the one row, after its identifier proved to be the subject's.
pub(super) fn one_row(
    connection: &Connection,
    statement: &Statement,
    given: &Given<'_>,
    subject: &SubjectId,
    table: &'static str,
) -> Result<Vec<(Field, String)>, DossierError> {
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(store_error)?;
    let mut rows = prepared.query(params_from_iter(statement.binds.values(given))).map_err(store_error)?;
    let row = rows.next().map_err(store_error)?.ok_or(DossierError::Absent)?;
    let mut cells = Cells::of(row);
    if !is_of(&mut cells, statement.identifier, subject) {
        return Err(DossierError::OtherSubject);
    }
    let mut values = Vec::with_capacity(statement.selected.len());
    for (field, value) in &statement.selected {
        values.extend(told(*field, value.read(&mut cells)));
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
    given: &Given<'_>,
    subject: &SubjectId,
) -> Result<Vec<(Field, String)>, DossierError> {
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(store_error)?;
    let mut rows = prepared.query(params_from_iter(statement.binds.values(given))).map_err(store_error)?;
    let mut lines: Vec<Vec<Told>> = statement.selected.iter().map(|_| Vec::new()).collect();
    while let Some(row) = rows.next().map_err(store_error)? {
        let mut cells = Cells::of(row);
        if !is_of(&mut cells, statement.identifier, subject) {
            return Err(DossierError::OtherSubject);
        }
        for ((_, value), told) in statement.selected.iter().zip(&mut lines) {
            told.push(value.read(&mut cells));
        }
    }
    let fields = statement.selected.iter().map(|(field, _)| *field).zip(lines);
    Ok(fields.filter_map(|(field, lines)| told(field, together(lines, LINE_GLUE))).collect())
}

/// The facts of one subject. An unknown or unreadable secret counts as secret, such a case as no case, such a birth
/// date as none.
pub(super) fn facts(
    connection: &Connection,
    statement: &Statement,
    map: &HolderMap,
    given: &Given<'_>,
    subject: &SubjectId,
) -> Result<Option<HolderFacts>, StoreError> {
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(store_error)?;
    let mut rows = prepared.query(params_from_iter(statement.binds.values(given))).map_err(store_error)?;
    let Some(row) = rows.next().map_err(store_error)? else { return Ok(None) };
    let mut cells = Cells::of(row);
    let same = is_of(&mut cells, statement.identifier, subject);
    let identifiers = identifiers(map, &mut cells);
    let facts = fact_values(&map.facts, identifiers, &mut cells, given.today, map.head.dates);
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

/// Client number, and BSN where it is kept.
fn identifiers(map: &HolderMap, cells: &mut Cells<'_>) -> Vec<SubjectId> {
    let number = IdForm { kind: Kind::ClientNumber, kept: map.client.client_number.kept };
    let bsn = map.client.bsn.as_ref().map(|bsn| IdForm { kind: Kind::Bsn, kept: bsn.kept });
    std::iter::once(number).chain(bsn).filter_map(|form| form.read(cells.next()?)).collect()
}

/// In the order of [`FactMap::references`].
fn fact_values(
    map: &FactMap,
    identifiers: Vec<SubjectId>,
    cells: &mut Cells<'_>,
    today: Date,
    dates: DateForm,
) -> HolderFacts {
    let birth_date = map.birth_date.as_ref().and_then(|part| part.read(cells).value());
    let municipality_code =
        map.municipality_code.as_ref().map(|value| value.read(cells).of_shape(MUNICIPALITY_CODE.shape));
    let active_case = map.active_case.as_ref().and_then(|flag| flag.read(cells, today, dates));
    let secrets: Vec<_> = map.residence_secret.iter().map(|flag| flag.read(cells, today, dates)).collect();
    let mut held = HeldFacts::default();
    let mut texts = BTreeMap::new();
    for (fact, how) in &map.held {
        match how {
            Held::Flag(flag) => held.set_flag(*fact, flag.read(cells, today, dates)),
            Held::Text(value) => {
                texts.insert(*fact, value.read(cells).of_shape(of_held(*fact).shape));
            }
        }
    }
    for (fact, told) in &texts {
        // It could have been the number of somebody else: what stands beside it proves nothing alone.
        let is_alone = beside(*fact).is_none_or(|other| texts.get(&other) != Some(&Told::Unreadable));
        held.set_text(*fact, known(fact.code(), told.clone()).filter(|_| is_alone));
    }
    HolderFacts {
        identifiers,
        birth_date: birth_date.and_then(|text| BirthDate::parse(&text)),
        municipality_code: municipality_code.and_then(|told| known("municipality_code", told)),
        active_case: active_case.unwrap_or(false),
        residence_secret: secrets.is_empty() || secrets.iter().any(|secret| *secret != Some(false)),
        held,
    }
}

/// The billing records that a claim line may be compared with; `None` when one of them does not read, and then a line
/// cannot be confirmed, nor said to differ.
pub(super) fn billing_records(
    connection: &Connection,
    statement: &Statement,
    line: &Line,
    given: &Given<'_>,
    subject: &SubjectId,
) -> Result<Option<Vec<BillingRecord>>, StoreError> {
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(store_error)?;
    let mut rows = prepared.query(params_from_iter(statement.binds.values(given))).map_err(store_error)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        let mut cells = Cells::of(row);
        if !is_of(&mut cells, statement.identifier, subject) {
            return Err(inconsistent("billing"));
        }
        let Some(record) = billing_record(line, &mut cells) else {
            tracing::warn!("a billing record of the holder does not read: its lines are not confirmed");
            return Ok(None);
        };
        records.push(record);
    }
    Ok(Some(records))
}

/// A page of clients: each with its client number, and its BSN where it has one.
pub(super) fn subjects(
    connection: &Connection,
    statement: &Statement,
    map: &HolderMap,
    given: &Given<'_>,
) -> Result<Vec<Vec<SubjectId>>, StoreError> {
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(store_error)?;
    let mut rows = prepared.query(params_from_iter(statement.binds.values(given))).map_err(store_error)?;
    let mut page = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        let mut cells = Cells::of(row);
        let number = cells.next().and_then(|cell| statement.identifier.read(cell));
        let mut identifiers = vec![number.ok_or(inconsistent("client"))?];
        if let Some(bsn) = &map.client.bsn
            && let Some(cell) = cells.next().filter(|cell| cell.text().is_none_or(|text| !text.is_empty()))
        {
            match (IdForm { kind: Kind::Bsn, kept: bsn.kept }).read(cell) {
                Some(bsn) => identifiers.push(bsn),
                None => tracing::warn!("a client of the holder has a BSN that is none: known by client number only"),
            }
        }
        page.push(identifiers);
    }
    Ok(page)
}

/// The columns of a row in order.
struct Cells<'r> {
    row: &'r Row<'r>,
    at: usize,
}

impl<'r> Cells<'r> {
    const fn of(row: &'r Row<'r>) -> Self {
        Self { row, at: 0 }
    }
}

impl<'r> Iterator for Cells<'r> {
    type Item = Cell<'r>;

    fn next(&mut self) -> Option<Cell<'r>> {
        let found = self.row.get_ref(self.at).ok()?;
        self.at += 1;
        Some(cell(found))
    }
}

/// What the engine has in a column, for all engines.
pub(super) fn cell(found: ValueRef<'_>) -> Cell<'_> {
    match found {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_or(Cell::Other, Cell::Text),
        ValueRef::Blob(_) => Cell::Other,
    }
}

/// Whether the row carries the identifier that was decided on: one that differs in a letter's case or a leading zero
/// is another, unless the map says how the holder keeps it.
fn is_of(cells: &mut Cells<'_>, form: IdForm, subject: &SubjectId) -> bool {
    cells.next().and_then(|cell| form.read(cell)).as_ref() == Some(subject)
}

/// A value that reads; one that does not is withheld, and our own log says of which field.
fn told(field: Field, told: Told) -> Option<(Field, String)> {
    if told == Told::Unreadable {
        tracing::warn!(field = field.code(), "a value of the holder does not read as the column map says: withheld");
    }
    told.value().map(|text| (field, text))
}

/// A fact that reads and has its shape; one that has not is unknown, and our own log says which.
fn known(fact: &'static str, told: Told) -> Option<String> {
    if told == Told::Unreadable {
        tracing::warn!(fact, "a fact of the holder has no value it may have: unknown");
    }
    told.value()
}

/// What a claim line is compared with, when it has its shape: a word in place of a code would say that a line differs.
fn compared(field: Field, told: Told) -> Option<String> {
    told.of_shape(of_field(field).shape).value()
}

/// In the order of [`Line::parts`], after the key.
fn billing_record(line: &Line, cells: &mut Cells<'_>) -> Option<BillingRecord> {
    let record_id = cells.next()?.text().filter(|key| !key.is_empty())?;
    let provider_agb = compared(Field::ProviderAgb, line.provider_agb.read(cells))?;
    let allocation_number = line.allocation_number.read(cells).value()?.parse().ok()?;
    let product_category = compared(Field::ProductCategory, line.product_category.read(cells))?;
    let product_code = compared(Field::ProductCode, line.product_code.read(cells))?;
    let begin = line.begin.read(cells).value()?.parse().ok()?;
    let end = line.end.read(cells).value()?.parse().ok()?;
    let volume = line.volume.read(cells).value()?.parse().ok()?;
    let unit = compared(Field::Unit, line.unit.read(cells))?;
    let tariff = match line.tariff.read(cells) {
        Told::Absent => None,
        Told::Value(text) => Some(text.parse().ok()?),
        Told::Unreadable => return None,
    };
    let amount = line.amount.read(cells).value()?.parse().ok()?;
    Some(BillingRecord {
        record_id,
        provider_agb,
        allocation_number,
        product_category,
        product_code,
        begin,
        end,
        volume,
        unit,
        tariff,
        amount,
    })
}
