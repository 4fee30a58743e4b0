//! From the engine's errors to the port's: which state, and never the engine's words.

use rusqlite::ErrorCode;
use sluis_core::ports::StoreError;

/// The store's name, for people.
const STORE: &str = "holder database";

/// What a failed read means for the caller. The engine's result code goes to our own log, its text nowhere.
pub(super) fn store_error(fault: rusqlite::Error) -> StoreError {
    let code = fault.sqlite_error_code();
    tracing::warn!(code = fault.sqlite_error().map(|e| e.extended_code), "the holder database did not answer");
    let state = match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "LOCKED",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "CORRUPT",
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied) => "UNREACHABLE",
        // What is left at run time is a table or column that disappeared after the check at the start.
        Some(_) => "SCHEMA",
        None => return inconsistent("client"),
    };
    StoreError::Unavailable { store: STORE, state }
}

/// A row that contradicts the map.
pub(super) const fn inconsistent(table: &'static str) -> StoreError {
    StoreError::Corrupt { store: STORE, table }
}
