//! The holder's own SQLite database, read through a column map: facts without a permit, fields only with one.
//!
//! Promises: connections are read-only; a statement selects exactly the permit's fields and the identifier that is
//! compared with the permit's subject (A15); values are bound; engine texts stay here. It never writes, and it has no
//! method that takes a column name.

mod check;
mod fault;
mod map;
mod pool;
mod read;
mod statement;

#[cfg(test)]
mod fixture;

pub use check::{Mismatch, OpenFault};
pub use map::{HolderMap, MapFault};

use async_trait::async_trait;
use pool::Pool;
use rusqlite::params;
use sluis_core::claim::{ClaimLine, Comparison, compare};
use sluis_core::field::{Field, FieldSet};
use sluis_core::ports::{DossierError, DossierSource, FactSource, HolderFacts, StoreError};
use sluis_core::release::{Extract, Permit};
use sluis_core::subject::SubjectId;
use statement::{Identifier, Source, Statement};
use std::path::Path;
use std::sync::Arc;

/// Statements kept per combination of fields, source and identifier; beyond it the least used are built again.
const STATEMENTS_MAX: u64 = 1024;

/// Between the lines of a field that is made of several parents.
const LINE_GLUE: &str = "; ";

/// The holder's database behind its column map.
///
/// Reading is done inline on the calling thread: a point select takes microseconds, and a locked database is given
/// up after 200 ms.
pub struct HolderDatabase {
    map: HolderMap,
    pool: Pool,
    by_bsn: FactStatements,
    by_client_number: FactStatements,
    statements: moka::sync::Cache<(FieldSet, Source, Identifier), Option<Arc<Statement>>>,
}

/// The statements of facts by one identifier, made once.
struct FactStatements {
    facts: String,
    billing: String,
}

impl HolderDatabase {
    /// Opens `connections` read-only connections (at least one) and checks the map against the schema.
    ///
    /// # Errors
    /// [`OpenFault`]: the database does not open, or tables or columns of the map are not there.
    pub fn open(path: &Path, map: HolderMap, connections: usize) -> Result<Self, OpenFault> {
        let pool = Pool::open(path, connections)?;
        map.check(&pool.take())?;
        let by = |identifier| FactStatements {
            facts: statement::facts(&map, identifier),
            billing: statement::billing_records(&map, identifier),
        };
        let (by_bsn, by_client_number) = (by(Identifier::Bsn), by(Identifier::ClientNumber));
        let statements = moka::sync::Cache::new(STATEMENTS_MAX);
        Ok(Self { map, pool, by_bsn, by_client_number, statements })
    }

    const fn by(&self, subject: &SubjectId) -> &FactStatements {
        match Identifier::of(subject) {
            Identifier::Bsn => &self.by_bsn,
            Identifier::ClientNumber => &self.by_client_number,
        }
    }

    fn statement(&self, source: Source, by: Identifier, fields: FieldSet) -> Option<Arc<Statement>> {
        let build = || Statement::build(&self.map, source, by, fields).map(Arc::new);
        self.statements.get_with((fields, source, by), build)
    }

    /// The values of the permitted fields. Private: the only way in is a permit.
    fn values(
        &self,
        subject: &SubjectId,
        fields: FieldSet,
        record_id: Option<&str>,
    ) -> Result<Vec<(Field, String)>, DossierError> {
        let by = Identifier::of(subject);
        let connection = self.pool.take();
        let moment = connection.unchecked_transaction().map_err(fault::store_error)?;
        let mut values = Vec::new();
        if let Some(statement) = self.statement(Source::Client, by, fields) {
            values.extend(read::one_row(&moment, &statement, &subject.value(), subject, "client")?);
        }
        if let Some(statement) = self.statement(Source::Parents, by, fields) {
            values.extend(read::joined_rows(&moment, &statement, subject)?);
        }
        if let Some(record) = record_id
            && let Some(statement) = self.statement(Source::Billing, by, fields)
        {
            values.extend(read::one_row(&moment, &statement, record, subject, "billing")?);
        }
        values.sort_by_key(|(field, _)| *field);
        Ok(values)
    }
}

#[async_trait]
impl DossierSource for HolderDatabase {
    async fn fetch(&self, permit: Permit) -> Result<Extract, DossierError> {
        let values = self.values(permit.subject(), permit.fields(), permit.record_id())?;
        Ok(Extract::new(permit, values)?)
    }
}

#[async_trait]
impl FactSource for HolderDatabase {
    async fn facts(&self, subject: &SubjectId) -> Result<Option<HolderFacts>, StoreError> {
        read::facts(&self.pool.take(), &self.by(subject).facts, subject)
    }

    async fn claim(&self, subject: &SubjectId, line: &ClaimLine) -> Result<Comparison, StoreError> {
        let sql = &self.by(subject).billing;
        let (begin, end) = (line.begin.to_string(), line.end.to_string());
        let bound = params![subject.value(), line.provider_agb, line.allocation_number, begin, end];
        let records = read::billing_records(&self.pool.take(), sql, bound, subject)?;
        Ok(compare(line, &records))
    }

    async fn subjects(&self, after: Option<&str>, count: u32) -> Result<Vec<Vec<SubjectId>>, StoreError> {
        read::subjects(&self.pool.take(), &statement::subjects(&self.map), after.unwrap_or_default(), count)
    }
}

#[cfg(test)]
mod tests;
