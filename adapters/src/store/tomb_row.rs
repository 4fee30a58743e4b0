//! A tombstone: that a key was destroyed, sealed under a key outside the database (A21).
//!
//! At every start the keys that these rows name are destroyed in the key database. A row that none of us wrote would destroy what
//! was never erased: it is believed by nobody, and nothing is done before a person has looked.

use super::corrupt;
use crate::master::RowKey;
use sluis_core::ports::StoreError;

/// The row as it stands: key id, seal.
pub(crate) type TombRow = (Vec<u8>, Vec<u8>);

/// What proves that a tombstone was written by us.
///
/// # Errors
/// [`StoreError::Corrupt`], which cannot happen for 16 bytes.
pub(crate) fn seal(with: &RowKey, key_id: &[u8; 16]) -> Result<Vec<u8>, StoreError> {
    with.seal(key_id, &[]).map_err(|_| corrupt("erased_key"))
}

/// The keys that were destroyed, by their rows.
///
/// # Errors
/// [`StoreError::Corrupt`] when one of them was not written by us: then none counts.
pub(crate) fn open(with: &RowKey, rows: Vec<TombRow>) -> Result<Vec<[u8; 16]>, StoreError> {
    let opened = rows.into_iter().map(|(key_id, sealed)| {
        let ours = with.open(&key_id, &sealed).and_then(|_| <[u8; 16]>::try_from(key_id.as_slice()).ok());
        ours.ok_or_else(|| {
            let key_id = data_encoding::HEXLOWER.encode(&key_id);
            tracing::error!(key_id, "a row of `erased_key` was written by somebody else");
            corrupt("erased_key")
        })
    });
    opened.collect()
}
