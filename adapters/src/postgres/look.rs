//! The first question of an append: the lock, and under it head, clock, guards and transactions, in one round trip.
//!
//! The function `log_look` of the schema asks them in statements of their own, so that each sees what the last holder of the
//! lock wrote (A2). What it answers is opened and compared here; the database is not believed.

use super::rows::{head_of, refused, unsigned};
use super::statements;
use super::writer::Role;
use crate::state_row;
use crate::store::{GuardRow, corrupt, kind_of};
use sluis_core::log::Millis;
use sluis_core::log::draft::GuardKey;
use sluis_core::log::finalise::{Head, Seen, Wanted};
use sluis_core::organisation::Oin;
use sluis_core::ports::StoreError;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Decode, Postgres, Row, Type};
use std::collections::HashMap;

/// What stood there under the lock: one row, with an array per column of the rows it found.
pub(super) struct Look(PgRow);

/// Where the rows of the guards stand that these entries rely on or change.
pub(super) fn places(wanted: &Wanted) -> impl Iterator<Item = (i16, &[u8], &GuardKey)> {
    wanted.guards.iter().map(|key| {
        let (kind, bytes) = state_row::place(key);
        (i16::from(kind), bytes, key)
    })
}

/// Takes the lock of the shard and looks.
pub(super) async fn look(session: &mut PgConnection, role: Role, wanted: &Wanted) -> Result<Look, sqlx::Error> {
    let (kinds, keys): (Vec<i16>, Vec<&[u8]>) = places(wanted).map(|(kind, bytes, _)| (kind, bytes)).unzip();
    let (oins, ids): (Vec<&str>, Vec<&[u8]>) =
        wanted.transactions.iter().map(|(oin, id)| (oin.as_str(), id.as_bytes().as_slice())).unzip();
    let asked =
        sqlx::query(statements::LOOK).bind(role.log).bind(role.replica).bind(kinds).bind(keys).bind(oins).bind(ids);
    asked.fetch_one(session).await.map(Look)
}

impl Look {
    /// A column; one that does not decode contradicts the schema.
    fn column<'r, T: Decode<'r, Postgres> + Type<Postgres>>(
        &'r self,
        name: &str,
        table: &'static str,
    ) -> Result<Option<T>, StoreError> {
        self.0.try_get(name).map_err(refused(table))
    }

    /// The head and the database's clock; `None` when the shard takes no entries.
    pub fn head(&self, log: i16) -> Result<Option<(Head, Millis)>, StoreError> {
        let Some(origin) = self.column::<&str>("origin", "log_shard")? else { return Ok(None) };
        let number = |name| self.column::<i64>(name, "log_head")?.ok_or(corrupt("log_head"));
        let frontier = self.column::<Vec<u8>>("frontier", "log_head")?.ok_or(corrupt("log_head"))?;
        head_of(log, origin, (number("size")?, frontier, number("last_t")?, number("clock")?)).map(Some)
    }

    /// Whether this replica, or two others, halted the log (A27).
    pub fn halted(&self) -> Result<bool, StoreError> {
        self.column::<bool>("halted", "log_halt")?.ok_or(corrupt("log_halt"))
    }

    /// The transactions that are in the log.
    pub fn transactions(&self) -> Result<HashMap<(Oin, uuid::Uuid), Seen>, StoreError> {
        const TABLE: &str = "log_leaf";
        let oins = self.column::<Vec<String>>("seen_oins", TABLE)?.unwrap_or_default();
        let ids = self.column::<Vec<[u8; 16]>>("seen_txns", TABLE)?.unwrap_or_default();
        let indexes = self.column::<Vec<i64>>("seen_indexes", TABLE)?.unwrap_or_default();
        let digests = self.column::<Vec<[u8; 32]>>("seen_digests", TABLE)?.unwrap_or_default();
        let kinds = self.column::<Vec<i16>>("seen_kinds", TABLE)?.unwrap_or_default();
        let rows = oins.iter().zip(ids).zip(indexes.into_iter().zip(digests).zip(kinds));
        let seen = rows.map(|((oin, id), ((index, digest), kind))| {
            let (oin, id) = (Oin::parse(oin).ok()?, uuid::Uuid::from_bytes(id));
            let (index, kind) = (unsigned(index, TABLE).ok()?, kind_of(i64::from(kind))?);
            Some(((oin, id), Seen { digest, index, kind }))
        });
        seen.map(|row| row.ok_or(corrupt(TABLE))).collect()
    }

    /// The rows of state: kind, key, and the row still sealed.
    pub fn states(&self) -> Result<Vec<(i16, Vec<u8>, GuardRow)>, StoreError> {
        const TABLE: &str = "state";
        let kinds = self.column::<Vec<i16>>("state_kinds", TABLE)?.unwrap_or_default();
        let keys = self.column::<Vec<Vec<u8>>>("state_keys", TABLE)?.unwrap_or_default();
        let versions = self.column::<Vec<i64>>("versions", TABLE)?.unwrap_or_default();
        let indexes = self.column::<Vec<i64>>("leaf_indexes", TABLE)?.unwrap_or_default();
        let sealed = self.column::<Vec<Vec<u8>>>("sealed", TABLE)?.unwrap_or_default();
        let rows = kinds.into_iter().zip(keys).zip(versions.into_iter().zip(indexes).zip(sealed));
        Ok(rows
            .map(|((kind, key), ((version, index), sealed))| (kind, key, GuardRow(version, index, sealed)))
            .collect())
    }
}
