//! The register port: guards, read inline and authenticated at every read (A14).
//!
//! The row is what counts; one whose bytes were authenticated before is not opened a second time.

use super::SqliteLog;
use super::rows::{corrupt, guard_row};
use async_trait::async_trait;
use sluis_core::enrolment::Enrolment;
use sluis_core::log::draft::{GuardKey, GuardState, Versioned};
use sluis_core::organisation::Oin;
use sluis_core::ports::{Register, StoreError};
use sluis_core::standing::Standing;
use sluis_core::subject::SubjectRef;

#[async_trait]
impl Register for SqliteLog {
    async fn standing(&self, subject: SubjectRef) -> Result<Versioned<Standing>, StoreError> {
        match self.guard(&GuardKey::Subject(subject))? {
            None => Ok(Versioned { version: 0, state: Standing::default() }),
            Some(Versioned { version, state: GuardState::Subject(state) }) => Ok(Versioned { version, state }),
            Some(_) => Err(corrupt("state")),
        }
    }

    async fn enrolments(&self, oin: &Oin) -> Result<Versioned<Vec<Enrolment>>, StoreError> {
        match self.guard(&GuardKey::Organisation(oin.clone()))? {
            None => Ok(Versioned { version: 0, state: Vec::new() }),
            Some(Versioned { version, state: GuardState::Organisation(state) }) => Ok(Versioned { version, state }),
            Some(_) => Err(corrupt("state")),
        }
    }

    async fn active_policy(&self) -> Result<Option<Versioned<GuardState>>, StoreError> {
        self.guard(&GuardKey::Policy)
    }
}

impl SqliteLog {
    fn guard(&self, key: &GuardKey) -> Result<Option<Versioned<GuardState>>, StoreError> {
        let row = self.readers.read("state", |connection| guard_row(connection, key))?;
        row.map(|row| self.guards.open(key, row, &self.seals.state)).transpose()
    }
}
