//! A row of a halt, sealed for all its columns under a key outside the database (A27).

use super::corrupt;
use crate::master::RowKey;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::Halt;

/// The row as it stands: replica, time, what was found, the entry that lifted it, seal.
pub(crate) type HaltRow = (i16, i64, String, Option<String>, Vec<u8>);

/// What proves that a halt, or its end, was written by us.
///
/// # Errors
/// [`StoreError::Corrupt`], which cannot happen for texts of this length.
pub(crate) fn seal(
    with: &RowKey,
    replica: i16,
    time: i64,
    found: &str,
    lifted: Option<&str>,
) -> Result<Vec<u8>, StoreError> {
    with.seal(&place(replica, time, found, lifted), &[]).map_err(|_| corrupt("log_halt"))
}

/// A halt by its row.
///
/// # Errors
/// [`StoreError::Corrupt`] for a time that no row of ours has.
pub(crate) fn halt(with: &RowKey, row: HaltRow) -> Result<Halt, StoreError> {
    let (replica, at, found, lifted, sealed) = row;
    let ours = with.open(&place(replica, at, &found, lifted.as_deref()), &sealed).is_some();
    let time = u64::try_from(at).map_err(|_| corrupt("log_halt"))?;
    Ok(Halt { replica, time, found, lifted, ours })
}

/// The columns, each behind its length, so that no two rows share these bytes.
fn place(replica: i16, time: i64, found: &str, lifted: Option<&str>) -> Vec<u8> {
    let lifted = lifted.map_or(&[][..], str::as_bytes);
    let length = |bytes: &[u8]| (bytes.len() as u64).to_be_bytes();
    let (replica, time) = (replica.to_be_bytes(), time.to_be_bytes());
    [&replica[..], &time, &length(found.as_bytes()), found.as_bytes(), &length(lifted), lifted].concat()
}
