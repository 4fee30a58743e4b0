//! The keys of the key database in memory: tags, wrapping and unwrapping, whichever engine keeps the rows.
//!
//! Promises: a plain key never leaves this room except to whoever seals or opens with it; without the master key nobody
//! is looked up, and without the secret of its generation nothing unwrapped; a row that was edited, or moved to another
//! subject, year or day, answers nothing. Where this ends: a row that was deleted is an unknown person or an absent key, of
//! whom nothing is released.

use super::KEYS;
use super::keks::{Kek, Keks};
use super::key_cache::KeyCache;
use crate::master::{ALIAS_LABEL, CryptoRefused, LookupKey, RowKey};
use crate::wrapping::Wrapping;
use jiff::civil::Date;
use sluis_core::log::commitment;
use sluis_core::ports::{Entropy, StoreError, SubjectKey};
use sluis_core::subject::{SubjectId, SubjectRef};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A key as it stands in its row, and for which place it was wrapped if nobody changed the row.
pub(crate) struct WrappedKey {
    pub key_id: [u8; 16],
    pub place: Vec<u8>,
    pub wrapped: Vec<u8>,
    pub generation: u32,
}

impl WrappedKey {
    /// The keys that follow from a yearly key, or from the key of a day.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row does not open.
    pub fn open(&self, kek: &Kek, table: &'static str) -> Result<SubjectKey, StoreError> {
        let year_key = kek.unwrap(&self.place, &self.wrapped, table)?;
        let (tag, payload) = commitment::derive(&year_key);
        Ok(SubjectKey { key_id: self.key_id, tag, payload })
    }
}

/// What a key database needs besides its rows.
pub(crate) struct KeyRing {
    lookup: LookupKey,
    alias: RowKey,
    entropy: Arc<dyn Entropy>,
    pub keks: Keks,
    pub cache: KeyCache,
}

impl KeyRing {
    /// A ring of which no wrapping key is loaded yet.
    ///
    /// # Errors
    /// [`CryptoRefused`], which cannot happen for 32 bytes.
    pub fn new(wrapping: &Wrapping, entropy: Arc<dyn Entropy>) -> Result<Self, CryptoRefused> {
        let master = wrapping.master();
        Ok(Self {
            lookup: master.lookup()?,
            alias: master.sealing(ALIAS_LABEL)?,
            entropy,
            keks: Keks::new(wrapping)?,
            cache: KeyCache::new(),
        })
    }

    /// The tag under which an identifier is found.
    pub fn tag(&self, id: &SubjectId) -> [u8; 32] {
        self.lookup.tag(id.kind(), &Zeroizing::new(id.value()))
    }

    /// What proves that we led this tag to this subject.
    ///
    /// # Errors
    /// [`CryptoRefused`], which cannot happen for 48 bytes.
    pub fn seal_alias(&self, tag: &[u8; 32], subject: SubjectRef) -> Result<Vec<u8>, CryptoRefused> {
        self.alias.seal(&alias_place(tag, subject), &[])
    }

    /// The subject a tag leads to by its row.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when we did not lead it there.
    pub fn owner(&self, tag: &[u8; 32], row: &AliasRow) -> Result<SubjectRef, StoreError> {
        let ours = self.alias.open(&alias_place(tag, row.subject), &row.sealed);
        ours.map(|_| row.subject).ok_or(StoreError::Corrupt { store: KEYS, table: "subject_alias" })
    }

    /// 128 random bits, for a subject or the name of a key.
    pub fn random_id(&self) -> [u8; 16] {
        let mut id = [0u8; 16];
        self.entropy.fill(&mut id);
        id
    }

    /// 32 new random bytes, wrapped for a place; the plain bytes never leave this function.
    ///
    /// # Errors
    /// [`CryptoRefused`], which cannot happen for 32 bytes.
    pub fn wrap_new(&self, kek: &Kek, place: &[u8]) -> Result<Vec<u8>, CryptoRefused> {
        let mut key = Zeroizing::new([0u8; 32]);
        self.entropy.fill(&mut *key);
        kek.wrap(place, &key)
    }

    /// Where the key for digests of one day is wrapped for.
    pub fn transaction_place(day: Date) -> String {
        transaction_place(&day.to_string())
    }
}

/// What a lookup tag leads to, as its row says.
pub(crate) struct AliasRow {
    pub subject: SubjectRef,
    pub sealed: Vec<u8>,
}

fn alias_place(tag: &[u8; 32], subject: SubjectRef) -> Vec<u8> {
    [tag.as_slice(), &subject.0].concat()
}

/// Where the key of a subject for a year is wrapped for.
pub(crate) fn year_place(key_id: [u8; 16], subject: [u8; 16], year: i16) -> Vec<u8> {
    [b"sluis-year-key/".as_slice(), &key_id, &subject, &year.to_be_bytes()].concat()
}

/// Where the key of a day for subjects nobody knows is wrapped for; `day` as YYYY-MM-DD.
pub(crate) fn bucket_place(key_id: [u8; 16], day: &str) -> Vec<u8> {
    [b"sluis-bucket-key/".as_slice(), &key_id, day.as_bytes()].concat()
}

/// Where the key for digests of one day is wrapped for; `day` as YYYY-MM-DD.
pub(crate) fn transaction_place(day: &str) -> String {
    format!("sluis-transaction-key/{day}")
}
