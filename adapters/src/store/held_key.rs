//! A key as a rotation reads it, of whichever of the three tables that hold one.

use super::{KEYS, Kek, bucket_place, transaction_place, year_place};
use sluis_core::ports::StoreError;

/// The columns that say which key it is, and the key as it is wrapped.
pub(crate) struct HeldKey {
    pub key_id: Option<[u8; 16]>,
    pub wrapped: Vec<u8>,
    pub subject: Option<[u8; 16]>,
    pub year: Option<i16>,
    pub day: Option<String>,
}

impl HeldKey {
    /// Where it is wrapped for; `None` of a row of no table.
    fn place(&self) -> Option<Vec<u8>> {
        match (self.key_id, self.subject, self.year, &self.day) {
            (Some(id), Some(subject), Some(year), None) => Some(year_place(id, subject, year)),
            (Some(id), None, None, Some(day)) => Some(bucket_place(id, day)),
            (None, None, None, Some(day)) => Some(transaction_place(day).into_bytes()),
            _ => None,
        }
    }

    /// Opens it, and says no more than that it opens.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it does not; our own log then names the key.
    pub fn prove(&self, under: &Kek, table: &'static str) -> Result<(), StoreError> {
        let place = self.place().ok_or(StoreError::Corrupt { store: KEYS, table })?;
        under.unwrap(&place, &self.wrapped, table).map(drop).inspect_err(|_| self.tell(table))
    }

    /// It as it stands under another generation.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it does not open; our own log then names the key.
    pub fn rewrapped(&self, from: &Kek, to: &Kek, table: &'static str) -> Result<Vec<u8>, StoreError> {
        let place = self.place().ok_or(StoreError::Corrupt { store: KEYS, table })?;
        from.rewrap(to, &place, &self.wrapped, table).inspect_err(|_| self.tell(table))
    }

    fn tell(&self, table: &'static str) {
        let key_id = self.key_id.map(|id| data_encoding::HEXLOWER.encode(&id));
        tracing::error!(
            table,
            key_id,
            day = self.day,
            "a key does not open: restore its row from a backup, or erase it"
        );
    }
}
