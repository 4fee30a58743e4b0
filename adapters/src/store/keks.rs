//! The wrapping keys that this process has loaded, each for 60 seconds at most (A21).
//!
//! After that the folder is read again: a secret that was taken away is missed within a minute, and a destroyed one is not in
//! memory for longer. A generation that was never met here is read when its first row is.

use super::KEYS;
use crate::master::{CryptoRefused, ENDED_LABEL, RowKey};
use crate::wrapping::{GenerationRow, Wrapping, WrappingFault};
use moka::sync::Cache;
use sluis_core::ports::StoreError;
use sluis_core::upkeep::{Generation, GenerationEnd};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest life of a wrapping key in memory.
const LIFE: Duration = Duration::from_secs(60);
/// One serves, and a second one while keys go over to it.
const GENERATIONS_MAX: u64 = 16;

/// The key of one generation.
#[derive(Clone)]
pub(crate) struct Kek {
    pub generation: u32,
    key: Arc<RowKey>,
}

impl Kek {
    /// Wraps 32 bytes for a place.
    ///
    /// # Errors
    /// [`CryptoRefused`], which cannot happen for 32 bytes.
    pub fn wrap(&self, place: &[u8], plain: &[u8; 32]) -> Result<Vec<u8>, CryptoRefused> {
        self.key.seal(place, plain)
    }

    /// Unwraps 32 bytes that were wrapped for a place.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when they do not open there.
    pub fn unwrap(&self, place: &[u8], wrapped: &[u8], table: &'static str) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        let corrupt = StoreError::Corrupt { store: KEYS, table };
        let plain = self.key.open(place, wrapped).ok_or(corrupt.clone())?;
        <[u8; 32]>::try_from(plain.as_slice()).map(Zeroizing::new).map_err(|_| corrupt)
    }

    /// What this key wrapped for a place, wrapped under another; opened once more before it is given.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it does not open there.
    pub fn rewrap(&self, to: &Self, place: &[u8], wrapped: &[u8], table: &'static str) -> Result<Vec<u8>, StoreError> {
        let plain = self.unwrap(place, wrapped, table)?;
        let corrupt = StoreError::Corrupt { store: KEYS, table };
        let anew = to.wrap(place, &plain).map_err(|_| corrupt.clone())?;
        if to.unwrap(place, &anew, table)? == plain { Ok(anew) } else { Err(corrupt) }
    }
}

/// The wrapping keys of a key database.
pub(crate) struct Keks {
    wrapping: Wrapping,
    ended: RowKey,
    loaded: Cache<u32, Kek>,
}

/// What the row of a generation that ended says.
pub(crate) struct EndedRow {
    pub number: u32,
    pub made_at: u64,
    pub ended: GenerationEnd,
    pub sealed: Vec<u8>,
}

impl Keks {
    /// None is loaded yet.
    ///
    /// # Errors
    /// [`CryptoRefused`], which cannot happen for 32 bytes.
    pub fn new(wrapping: &Wrapping) -> Result<Self, CryptoRefused> {
        let loaded = Cache::builder().max_capacity(GENERATIONS_MAX).time_to_live(LIFE).build();
        Ok(Self { wrapping: wrapping.clone(), ended: wrapping.master().sealing(ENDED_LABEL)?, loaded })
    }

    /// The key of a generation, when it was loaded within the last minute.
    pub fn known(&self, generation: u32) -> Option<Kek> {
        self.loaded.get(&generation)
    }

    /// The key of a generation, from its secret where it is not known.
    ///
    /// # Errors
    /// [`WrappingFault`] names the file.
    pub fn load(&self, row: &GenerationRow) -> Result<Kek, WrappingFault> {
        if let Some(known) = self.known(row.number) {
            return Ok(known);
        }
        let kek = Kek { generation: row.number, key: Arc::new(self.wrapping.proven(row)?) };
        self.loaded.insert(row.number, kek.clone());
        Ok(kek)
    }

    /// The row of a generation that begins.
    ///
    /// # Errors
    /// [`WrappingFault`] names the file.
    pub fn beginning(&self, number: u32, made_at: u64) -> Result<GenerationRow, WrappingFault> {
        self.wrapping.beginning(number, made_at)
    }

    /// What proves that one of us wrote that a generation ended.
    ///
    /// # Errors
    /// [`CryptoRefused`], which cannot happen for an empty text.
    pub fn seal_ended(&self, number: u32, made_at: u64, ended: GenerationEnd) -> Result<Vec<u8>, CryptoRefused> {
        self.ended.seal(&ended_place(number, made_at, ended), &[])
    }

    /// The generation that a row says ended.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when none of us wrote it.
    pub fn open_ended(&self, row: &EndedRow) -> Result<Generation, StoreError> {
        let ours = self.ended.open(&ended_place(row.number, row.made_at, row.ended), &row.sealed);
        let generation = Generation { number: row.number, made_at: row.made_at, ended: Some(row.ended) };
        ours.map(|_| generation).ok_or(StoreError::Corrupt { store: KEYS, table: "wrapping_ended" })
    }
}

fn ended_place(number: u32, made_at: u64, ended: GenerationEnd) -> Vec<u8> {
    let destroyed = ended.destroyed_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    format!("sluis-kek-ended/{number}/{made_at}/{}/{destroyed}", ended.at).into_bytes()
}

impl From<WrappingFault> for StoreError {
    fn from(fault: WrappingFault) -> Self {
        Self::Secret { store: KEYS, text: fault.to_string() }
    }
}
