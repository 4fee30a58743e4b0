//! The register port: guards as this process knows them, or read inline and authenticated (A14).
//!
//! What a decision relied on is compared with its row again inside the append, byte for byte; see [`super::guard_cache`].

use super::SqliteLog;
use super::rows::{corrupt, guard_row};
use async_trait::async_trait;
use sluis_core::enrolment::Enrolment;
use sluis_core::log::draft::{GuardKey, GuardState, Versioned};
use sluis_core::organisation::Oin;
use sluis_core::ports::{Register, StoreError};
use sluis_core::standing::Standing;
use sluis_core::subject::SubjectRef;
use std::sync::Arc;

#[async_trait]
impl Register for SqliteLog {
    async fn standing(&self, subject: SubjectRef) -> Result<Versioned<Standing>, StoreError> {
        match self.guard(&GuardKey::Subject(subject))? {
            None => Ok(Versioned { version: 0, state: Standing::default() }),
            Some(Versioned { version, state }) => match &*state {
                GuardState::Subject(state) => Ok(Versioned { version, state: state.clone() }),
                _ => Err(corrupt("state")),
            },
        }
    }

    async fn enrolments(&self, oin: &Oin) -> Result<Versioned<Vec<Enrolment>>, StoreError> {
        match self.guard(&GuardKey::Organisation(oin.clone()))? {
            None => Ok(Versioned { version: 0, state: Vec::new() }),
            Some(Versioned { version, state }) => match &*state {
                GuardState::Organisation(state) => Ok(Versioned { version, state: state.clone() }),
                _ => Err(corrupt("state")),
            },
        }
    }

    async fn active_policy(&self) -> Result<Option<Versioned<GuardState>>, StoreError> {
        let guard = self.guard(&GuardKey::Policy)?;
        Ok(guard.map(|Versioned { version, state }| Versioned { version, state: (*state).clone() }))
    }
}

impl SqliteLog {
    fn guard(&self, key: &GuardKey) -> Result<Option<Versioned<Arc<GuardState>>>, StoreError> {
        if let Some(known) = self.guards.known(key) {
            return Ok(Some(known));
        }
        let row = self.readers.read("state", |connection| guard_row(connection, key))?;
        row.map(|row| self.guards.open(key, row, &self.seals.state)).transpose()
    }
}
