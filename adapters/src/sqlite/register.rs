//! The register port: guards as this process knows them, or read inline and authenticated (A14).
//!
//! What a decision relied on is compared with its row again inside the append, byte for byte; see [`super::guard_cache`].

use super::rows::{guard_row, row_of};
use super::{SqliteLog, statements};
use crate::state_row;
use crate::store::{GuardRow, corrupt, enrolments_of, kind_number, policy_of, standing_of};
use async_trait::async_trait;
use sluis_core::enrolment::Enrolment;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::{GuardKey, GuardState, Versioned};
use sluis_core::organisation::Oin;
use sluis_core::ports::{Ledger, Register, StoreError, StoredEntry};
use sluis_core::standing::Standing;
use sluis_core::subject::SubjectRef;
use std::sync::Arc;

#[async_trait]
impl Register for SqliteLog {
    async fn standing(&self, subject: SubjectRef) -> Result<Versioned<Standing>, StoreError> {
        standing_of(self.guard(&GuardKey::Subject(subject))?)
    }

    async fn enrolments(&self, oin: &Oin) -> Result<Versioned<Vec<Enrolment>>, StoreError> {
        enrolments_of(self.guard(&GuardKey::Organisation(oin.clone()))?)
    }

    async fn organisations(&self, after: Option<&Oin>, count: u32) -> Result<Vec<Oin>, StoreError> {
        let after = after.map_or(&[][..], |oin| oin.as_str().as_bytes());
        let keys: Vec<Vec<u8>> = self.readers.read("state", |connection| {
            let mut statement = connection.prepare_cached(statements::ORGANISATIONS)?;
            statement.query_map((state_row::ORGANISATION, after, count), |row| row.get(0))?.collect()
        })?;
        let oin = |key: Vec<u8>| String::from_utf8(key).ok().and_then(|text| Oin::parse(&text).ok());
        keys.into_iter().map(|key| oin(key).ok_or(corrupt("state"))).collect()
    }

    /// The index is authenticated with the row that names it.
    async fn enrolled_by(&self, oin: &Oin) -> Result<Option<StoredEntry>, StoreError> {
        let key = GuardKey::Organisation(oin.clone());
        let known = self.guards.mark(&key);
        let row = self.readers.read("state", |connection| guard_row(connection, &key))?;
        let set = row.as_ref().and_then(GuardRow::mark);
        if self.guards.read(&key, known, row, &self.seals.state)?.is_none() {
            return Ok(None);
        }
        let index = set.ok_or(corrupt("state"))?.index;
        Ok(Some(self.entry(index).await?.ok_or(corrupt("log_leaf"))?))
    }

    async fn recipient_entry_after(&self, oin: &Oin, index: u64) -> Result<Option<StoredEntry>, StoreError> {
        let keys = (oin.as_str(), kind_number(LeafKind::Recipient), row_of(index));
        self.stored(statements::ENTRY_OF_KIND_AFTER, keys)
    }

    async fn active_policy(&self) -> Result<Option<Versioned<GuardState>>, StoreError> {
        Ok(policy_of(self.guard(&GuardKey::Policy)?))
    }
}

impl SqliteLog {
    fn guard(&self, key: &GuardKey) -> Result<Option<Versioned<Arc<GuardState>>>, StoreError> {
        if let Some(known) = self.guards.known(key) {
            return Ok(Some(known));
        }
        let mark = self.guards.mark(key);
        let row = self.readers.read("state", |connection| guard_row(connection, key))?;
        self.guards.read(key, mark, row, &self.seals.state)
    }
}
