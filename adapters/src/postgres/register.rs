//! The register port: guards as this process learned them within the last second, or read and authenticated (A14).
//!
//! Other replicas change them too. What a decision relied on is compared with its row again inside the append.

use super::rows::{self, guard_row, log_of, refused, stored_entry};
use super::{PostgresLog, statements};
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
impl Register for PostgresLog {
    async fn standing(&self, subject: SubjectRef) -> Result<Versioned<Standing>, StoreError> {
        standing_of(self.guard(&GuardKey::Subject(subject)).await?)
    }

    async fn enrolments(&self, oin: &Oin) -> Result<Versioned<Vec<Enrolment>>, StoreError> {
        enrolments_of(self.guard(&GuardKey::Organisation(oin.clone())).await?)
    }

    async fn organisations(&self, after: Option<&Oin>, count: u32) -> Result<Vec<Oin>, StoreError> {
        let after = after.map_or(&[][..], |oin| oin.as_str().as_bytes());
        let keys = sqlx::query_scalar(statements::ORGANISATIONS).bind(i16::from(state_row::ORGANISATION));
        let keys: Vec<Vec<u8>> =
            keys.bind(after).bind(i64::from(count)).fetch_all(&self.pool).await.map_err(refused("state"))?;
        let oin = |key: Vec<u8>| String::from_utf8(key).ok().and_then(|text| Oin::parse(&text).ok());
        keys.into_iter().map(|key| oin(key).ok_or(corrupt("state"))).collect()
    }

    /// The index is authenticated with the row that names it.
    async fn enrolled_by(&self, oin: &Oin) -> Result<Option<StoredEntry>, StoreError> {
        let key = GuardKey::Organisation(oin.clone());
        let (known, (kind, bytes)) = (self.guards.mark(&key), state_row::place(&key));
        let row = guard_row(&self.pool, kind, bytes).await?;
        let set = row.as_ref().and_then(GuardRow::mark);
        if self.guards.read(&key, known, row, &self.seals.state)?.is_none() {
            return Ok(None);
        }
        let index = set.ok_or(corrupt("state"))?.index;
        Ok(Some(self.entry(index).await?.ok_or(corrupt("log_leaf"))?))
    }

    async fn recipient_entry_after(&self, oin: &Oin, index: u64) -> Result<Option<StoredEntry>, StoreError> {
        let kind = i16::try_from(kind_number(LeafKind::Recipient)).map_err(|_| corrupt("log_leaf"))?;
        let found = sqlx::query_as(statements::ENTRY_OF_KIND_AFTER).bind(log_of(index)).bind(oin.as_str()).bind(kind);
        let found = found.bind(rows::index(index)).fetch_optional(&self.pool).await.map_err(refused("log_leaf"))?;
        found.map(stored_entry).transpose()
    }

    async fn active_policy(&self) -> Result<Option<Versioned<GuardState>>, StoreError> {
        Ok(policy_of(self.guard(&GuardKey::Policy).await?))
    }
}

impl PostgresLog {
    async fn guard(&self, key: &GuardKey) -> Result<Option<Versioned<Arc<GuardState>>>, StoreError> {
        if let Some(known) = self.guards.known(key) {
            return Ok(Some(known));
        }
        let (kind, bytes) = state_row::place(key);
        let mark = self.guards.mark(key);
        let row = guard_row(&self.pool, kind, bytes).await?;
        self.guards.read(key, mark, row, &self.seals.state)
    }
}
