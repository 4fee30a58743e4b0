//! The holder's own SQLite database, read through a column map: facts without a permit, fields only with one.
//!
//! Promises: connections are read-only; a statement selects exactly the permit's fields and the identifier that is
//! compared with the permit's subject (A15); values are bound; engine texts stay here. It never writes, and it has no
//! method that takes a column name.

mod bind;
mod check;
mod date;
mod dialect;
mod domain;
mod facts;
mod fault;
mod flag;
mod form;
mod identifier;
pub mod inspect;
mod join;
mod map;
mod name;
mod pool;
mod read;
mod resolve;
mod statement;
mod table;
mod value;
mod written;

#[cfg(test)]
mod fixture;

pub use check::{Mismatch, OpenFault};
pub use map::{HolderMap, MapFault};

use async_trait::async_trait;
use bind::Given;
use identifier::Kind;
use jiff::civil::Date;
use pool::Pool;
use sluis_core::claim::{ClaimLine, Comparison, compare};
use sluis_core::fact::Fact;
use sluis_core::field::{Field, FieldSet};
use sluis_core::ports::{Clock, DossierError, DossierSource, FactSource, HolderFacts, StoreError};
use sluis_core::release::{Extract, Permit};
use sluis_core::subject::{SubjectId, dutch_date};
use statement::{Source, Statement};
use std::path::Path;
use std::sync::Arc;

/// Statements kept per combination of fields, source and identifier; beyond it the least used are built again.
const STATEMENTS_MAX: u64 = 1024;

/// The holder's database behind its column map.
///
/// Reading is done inline on the calling thread: a point select takes microseconds, and a locked database is given
/// up after 200 ms.
pub struct HolderDatabase {
    map: HolderMap,
    pool: Pool,
    clock: Arc<dyn Clock>,
    by_bsn: FactStatements,
    by_client_number: FactStatements,
    subjects: Option<Statement>,
    statements: moka::sync::Cache<(FieldSet, Source, Kind), Option<Arc<Statement>>>,
}

/// The statements of facts by one identifier, made once; none when the holder does not keep that identifier.
struct FactStatements {
    facts: Option<Statement>,
    records: Option<Statement>,
}

impl HolderDatabase {
    /// Opens `connections` read-only connections (at least one) and checks the map against the schema. The clock says
    /// which day it is, for rows that hold for a time only.
    ///
    /// # Errors
    /// [`OpenFault`]: the database does not open, or tables or columns of the map are not there.
    pub fn open(path: &Path, map: HolderMap, connections: usize, clock: Arc<dyn Clock>) -> Result<Self, OpenFault> {
        let pool = Pool::open(path, connections)?;
        map.check(&pool.take())?;
        let by = |kind| FactStatements { facts: Statement::facts(&map, kind), records: Statement::records(&map, kind) };
        let (by_bsn, by_client_number) = (by(Kind::Bsn), by(Kind::ClientNumber));
        let subjects = Statement::subjects(&map);
        let statements = moka::sync::Cache::new(STATEMENTS_MAX);
        Ok(Self { map, pool, clock, by_bsn, by_client_number, subjects, statements })
    }

    const fn by(&self, subject: &SubjectId) -> &FactStatements {
        match Kind::of(subject) {
            Kind::Bsn => &self.by_bsn,
            Kind::ClientNumber => &self.by_client_number,
        }
    }

    fn today(&self) -> Date {
        dutch_date(self.clock.now())
    }

    fn statement(&self, source: Source, by: Kind, fields: FieldSet) -> Option<Arc<Statement>> {
        let build = || Statement::build(&self.map, source, by, fields).map(Arc::new);
        self.statements.get_with((fields, source, by), build)
    }

    /// The values of the permitted fields. Private: the only way in is a permit. `open` is whether it was decided on a
    /// residence that is not secret: if it is by now, in the moment of this reading, nothing is told.
    fn values(
        &self,
        subject: &SubjectId,
        fields: FieldSet,
        record_id: Option<&str>,
        open: bool,
    ) -> Result<Vec<(Field, String)>, DossierError> {
        let by = Kind::of(subject);
        let client = self.statement(Source::Client, by, fields).ok_or(DossierError::Absent)?;
        let key = subject.value();
        let given = Given { key: &key, today: self.today(), begin: None, count: 0 };
        let connection = self.pool.take();
        let moment = connection.unchecked_transaction().map_err(fault::store_error)?;
        let mut values = read::one_row(&moment, &client, &given, subject, "client")?;
        if open && let Some(statement) = &self.by(subject).facts {
            let facts = read::facts(&moment, statement, &self.map, &given, subject)?;
            if facts.is_none_or(|facts| facts.residence_secret) {
                return Err(DossierError::Changed);
            }
        }
        if let Some(statement) = self.statement(Source::Parents, by, fields) {
            values.extend(read::joined_rows(&moment, &statement, &given, subject)?);
        }
        if let Some(record) = record_id
            && let Some(statement) = self.statement(Source::Billing, by, fields)
        {
            let given = Given { key: record, ..given };
            values.extend(read::one_row(&moment, &statement, &given, subject, "billing")?);
        }
        values.sort_by_key(|(field, _)| *field);
        Ok(values)
    }
}

#[async_trait]
impl DossierSource for HolderDatabase {
    async fn fetch(&self, permit: Permit) -> Result<Extract, DossierError> {
        let open = permit.facts().value(Fact::ResidenceSecret) == Some("false");
        let values = self.values(permit.subject(), permit.fields(), permit.record_id(), open)?;
        Ok(Extract::new(permit, values)?)
    }
}

#[async_trait]
impl FactSource for HolderDatabase {
    async fn facts(&self, subject: &SubjectId) -> Result<Option<HolderFacts>, StoreError> {
        let Some(statement) = &self.by(subject).facts else { return Ok(None) };
        let key = subject.value();
        let given = Given { key: &key, today: self.today(), begin: None, count: 0 };
        read::facts(&self.pool.take(), statement, &self.map, &given, subject)
    }

    async fn claim(&self, subject: &SubjectId, line: &ClaimLine) -> Result<Comparison, StoreError> {
        let (Some(statement), Some(billing)) = (&self.by(subject).records, &self.map.billing) else {
            return Ok(Comparison::Absent);
        };
        let key = subject.value();
        let given = Given { key: &key, today: self.today(), begin: Some(line.begin), count: 0 };
        let records = read::billing_records(&self.pool.take(), statement, &billing.line, &given, subject)?;
        Ok(records.map_or(Comparison::Absent, |records| compare(line, &records)))
    }

    async fn subjects(&self, after: Option<&str>, count: u32) -> Result<Vec<Vec<SubjectId>>, StoreError> {
        let Some(statement) = &self.subjects else { return Ok(Vec::new()) };
        let given = Given { key: after.unwrap_or_default(), today: self.today(), begin: None, count };
        read::subjects(&self.pool.take(), statement, &self.map, &given)
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod schema_tests;

#[cfg(test)]
mod guide_tests;

#[cfg(test)]
mod domain_tests;
