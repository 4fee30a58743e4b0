//! What PostgreSQL's error codes mean for a caller. Engine texts end here; they go to our own log only.
//!
//! Codes: PostgreSQL, appendix A (SQLSTATE).

use sluis_core::ports::StoreError;
use sqlx::Error;

/// The SQLSTATE of an error that the server reported.
pub(super) fn code(error: &Error) -> Option<String> {
    error.as_database_error().and_then(|e| e.code()).map(std::borrow::Cow::into_owned)
}

/// Whether the engine rejected the data of some entry, rather than failing itself (A4): classes 21, 22, 23 and 54.
pub(super) fn is_data(error: &Error) -> bool {
    code(error).is_some_and(|code| ["21", "22", "23", "54"].iter().any(|class| code.starts_with(class)))
}

/// The error of a read, or of a write before its COMMIT: nothing was written.
pub(super) fn before_commit(store: &'static str, table: &'static str, error: &Error) -> StoreError {
    // What one of us refused in the midst of a transaction.
    if let Error::Encode(inner) = error
        && let Some(ours) = inner.downcast_ref::<StoreError>()
    {
        return ours.clone();
    }
    tracing::warn!(%error, store, table, "the engine refused");
    if is_contradiction(error) {
        return StoreError::Corrupt { store, table };
    }
    StoreError::Unavailable { store, state: named(error) }
}

/// The named state of an error.
pub(super) fn named(error: &Error) -> &'static str {
    match code(error).as_deref() {
        // lock_not_available, deadlock_detected, serialization_failure
        Some("55P03" | "40P01" | "40001") => "LOCKED",
        // read_only_sql_transaction; cannot_execute during recovery (object_not_in_prerequisite_state)
        Some("25006" | "55000") => "READ_ONLY",
        // disk_full
        Some("53100") => "DISK_FULL",
        // query_canceled by `statement_timeout`
        Some("57014") => "SLOW",
        _ => "UNREACHABLE",
    }
}

/// Whether rows are not what this program writes: data_corrupted, index_corrupted, a constraint on what is stored, or a
/// column that does not decode.
fn is_contradiction(error: &Error) -> bool {
    matches!(error, Error::ColumnDecode { .. } | Error::Decode(_) | Error::RowNotFound)
        || code(error).is_some_and(|code| code == "XX001" || code == "XX002" || code.starts_with("23"))
}

/// Whether the connection may still be used after this error: the server answered, and did not end the session.
pub(super) fn is_usable(error: &Error) -> bool {
    code(error).is_some_and(|code| !code.starts_with("57P") && !code.starts_with("08") && code != "25P03")
}
