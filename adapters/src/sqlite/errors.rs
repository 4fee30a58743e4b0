//! What SQLite's result codes mean for a caller. Engine texts end here; they go to our own log only.

use rusqlite::{Error, ErrorCode};
use sluis_core::ports::StoreError;

/// Whether the engine rejected the data of some entry, rather than failing itself (A4).
pub(super) fn is_data(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch)
    )
}

/// The error of a read, or of a write before its COMMIT: nothing was written.
pub(super) fn before_commit(store: &'static str, table: &'static str, error: &Error) -> StoreError {
    // What one of us refused in the midst of a transaction.
    if let Error::ToSqlConversionFailure(inner) = error
        && let Some(ours) = inner.downcast_ref::<StoreError>()
    {
        return ours.clone();
    }
    tracing::warn!(%error, store, table, "the engine refused");
    match named(error) {
        Some(state) => StoreError::Unavailable { store, state },
        None if is_contradiction(error) => StoreError::Corrupt { store, table },
        None => StoreError::Unavailable { store, state: "UNREACHABLE" },
    }
}

/// The error of a COMMIT: only what is known to have written nothing keeps its name (A6).
pub(super) fn at_commit(store: &'static str, error: &Error) -> StoreError {
    tracing::error!(%error, store, "the commit failed");
    named(error).map_or(StoreError::Unknown { store }, |state| StoreError::Unavailable { store, state })
}

fn named(error: &Error) -> Option<&'static str> {
    match error.sqlite_error_code()? {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Some("LOCKED"),
        ErrorCode::ReadOnly => Some("READ_ONLY"),
        ErrorCode::DiskFull => Some("DISK_FULL"),
        _ => None,
    }
}

fn is_contradiction(error: &Error) -> bool {
    let by_code = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation)
    );
    by_code
        || matches!(
            error,
            Error::InvalidColumnType(..)
                | Error::FromSqlConversionFailure(..)
                | Error::Utf8Error(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::QueryReturnedNoRows
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LOG;

    fn failure(code: i32) -> Error {
        Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)
    }

    #[test]
    fn a_commit_that_fails_in_an_unnamed_way_is_unknown_and_a_read_is_not() {
        use rusqlite::ffi::{SQLITE_BUSY, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_IOERR, SQLITE_READONLY};
        let unavailable = |state| StoreError::Unavailable { store: LOG, state };
        assert_eq!(at_commit(LOG, &failure(SQLITE_BUSY)), unavailable("LOCKED"));
        assert_eq!(at_commit(LOG, &failure(SQLITE_READONLY)), unavailable("READ_ONLY"));
        assert_eq!(at_commit(LOG, &failure(SQLITE_FULL)), unavailable("DISK_FULL"));
        assert_eq!(at_commit(LOG, &failure(SQLITE_IOERR)), StoreError::Unknown { store: LOG });
        assert_eq!(at_commit(LOG, &failure(SQLITE_CORRUPT)), StoreError::Unknown { store: LOG });
        assert_eq!(before_commit(LOG, "state", &failure(SQLITE_IOERR)), unavailable("UNREACHABLE"));
        assert_eq!(
            before_commit(LOG, "state", &failure(SQLITE_CORRUPT)),
            StoreError::Corrupt { store: LOG, table: "state" }
        );
    }
}
