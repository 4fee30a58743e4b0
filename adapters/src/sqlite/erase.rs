//! Taking away what may not be kept: payloads of an erased subject-year, transactions after 96 hours.
//!
//! The tombstone is written before the key database destroys the key, so a copy of that database put back revives
//! nothing (A21). The tree never changes: leaves, hashes and proofs stay.

use super::errors::before_commit;
use super::rows::row_of;
use super::writer::Desk;
use super::{segments, statements};
use crate::store::{LOG, TombRow, open_tombs, seal_tomb, signed};
use rusqlite::{Connection, OptionalExtension};
use sluis_core::log::Millis;
use sluis_core::ports::StoreError;
use sluis_core::subject::SubjectRef;
use std::collections::BTreeSet;

/// Removes transaction ids and digests of entries before a moment (A13). Gives how many.
pub(super) fn forget_transactions(desk: &mut Desk, before: Millis) -> Result<u64, StoreError> {
    let refused = |error: rusqlite::Error| before_commit(LOG, "log_leaf", &error);
    let mut statement = desk.connection.prepare_cached(statements::FORGET_TRANSACTIONS).map_err(refused)?;
    statement.execute([signed(before)?]).map(|n| n as u64).map_err(refused)
}

/// Buries keys, removes the payloads they opened and takes those entries out of the subject index. Gives the number of
/// payloads removed.
pub(super) fn erase(desk: &mut Desk, subject: SubjectRef, keys: &[[u8; 16]]) -> Result<u64, StoreError> {
    let refused = |table| move |error: rusqlite::Error| before_commit(LOG, table, &error);
    for key in keys {
        let mut bury = desk.connection.prepare_cached(statements::BURY).map_err(refused("erased_key"))?;
        bury.execute((key, seal_tomb(&desk.seals.tomb, key)?)).map_err(refused("erased_key"))?;
    }
    let entries = segments::entries_of(&desk.connection, &desk.seals.index, subject);
    let mut gone = BTreeSet::new();
    for (index, _) in entries.map_err(refused("subject_segment"))?? {
        for key in keys {
            let mut statement =
                desk.connection.prepare_cached(statements::ERASE_PAYLOAD).map_err(refused("log_leaf"))?;
            if statement.execute((row_of(index), key)).map_err(refused("log_leaf"))? > 0 {
                gone.insert(index);
            }
        }
    }
    segments::forget(desk, Some(subject), &gone)?;
    Ok(gone.len() as u64)
}

/// Every tombstone as it stands.
pub(super) fn tombs(connection: &Connection) -> Result<Vec<TombRow>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(statements::ERASED)?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Removes those of these payloads of which the key has a tombstone, and takes their entries out of the index.
pub(super) fn erase_late(desk: &mut Desk, entries: &[u64]) -> Result<(), StoreError> {
    let refused = |table| move |error: rusqlite::Error| before_commit(LOG, table, &error);
    let keys = open_tombs(&desk.seals.tomb, tombs(&desk.connection).map_err(refused("erased_key"))?)?;
    let mut gone = BTreeSet::new();
    for at in entries {
        let mut key = desk.connection.prepare_cached(statements::KEY_ID).map_err(refused("log_leaf"))?;
        let key: Option<Option<[u8; 16]>> =
            key.query_row([row_of(*at)], |row| row.get(0)).optional().map_err(refused("log_leaf"))?;
        let Some(key) = key.flatten().filter(|key| keys.contains(key)) else { continue };
        let mut erase = desk.connection.prepare_cached(statements::ERASE_PAYLOAD).map_err(refused("log_leaf"))?;
        erase.execute((row_of(*at), key)).map_err(refused("log_leaf"))?;
        gone.insert(*at);
    }
    segments::forget(desk, None, &gone)
}
