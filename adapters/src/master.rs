//! The master key, outside every database, and the keys that follow from it.
//!
//! One file of 32 bytes; by HKDF-SHA-256 (RFC 5869, no salt) with a label each: the key of lookup tags, the key of state
//! rows, the key of the subject index. The wrapping keys of the key database follow from it together with a secret of their
//! generation. Who has a database without this file can look up nobody, open no row and unwrap no key.

use crate::secret_file::{self, SecretFileError};
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf, hmac};
use sluis_core::ports::Entropy;
use std::path::Path;
use zeroize::Zeroizing;

/// Label of the key that protects rows of state (A14).
pub const STATE_LABEL: &str = "sluis-k-state/1";
/// Label of the key that protects the subject index (A19).
pub const INDEX_LABEL: &str = "sluis-k-index/1";
/// Label of the key that protects rows of halts (A27).
pub const HALT_LABEL: &str = "sluis-k-halt/1";
/// Label of the key that protects tombstones of destroyed keys (A21).
pub const TOMB_LABEL: &str = "sluis-k-tomb/1";
/// Label of the key that protects what is said of generations that ended (A21).
pub const ENDED_LABEL: &str = "sluis-k-ended/1";
/// Label of the key that protects what a lookup tag leads to.
pub const ALIAS_LABEL: &str = "sluis-k-alias/1";
/// Label of the key of lookup tags; also the first bytes of what is tagged.
pub const LOOKUP_LABEL: &str = "sluis-lookup/1";

/// The cryptographic library refused an operation that cannot fail on valid input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library refused an operation: stop, and check the machine")]
pub struct CryptoRefused;

/// 32 random bytes from which all keys at rest are derived. Wiped when dropped; has no `Debug`.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Reads the key from a file of mode 0400 with exactly 32 bytes.
    ///
    /// # Errors
    /// [`SecretFileError`] names the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, SecretFileError> {
        let bytes = secret_file::read(path)?;
        let key = <[u8; 32]>::try_from(bytes.as_slice());
        let wrong = |_| SecretFileError::Content { file: path.to_owned(), expected: "a master key of 32 bytes" };
        key.map(Self::from_bytes).map_err(wrong)
    }

    /// Makes a new key and its file. Losing the file loses every payload: it needs a backup of its own.
    ///
    /// # Errors
    /// [`SecretFileError::Exists`] when there is one already.
    pub fn generate(path: &Path, entropy: &dyn Entropy) -> Result<Self, SecretFileError> {
        let mut key = Zeroizing::new([0u8; 32]);
        entropy.fill(&mut *key);
        secret_file::create(path, &*key)?;
        Ok(Self(key))
    }

    /// A key that comes from somewhere else than a file.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key under one label.
    ///
    /// # Errors
    /// [`CryptoRefused`], which cannot happen for 32 bytes.
    pub fn derive(&self, label: &str) -> Result<Zeroizing<[u8; 32]>, CryptoRefused> {
        self.salted(&[], label)
    }

    fn salted(&self, salt: &[u8], label: &str) -> Result<Zeroizing<[u8; 32]>, CryptoRefused> {
        let mut out = Zeroizing::new([0u8; 32]);
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(&*self.0);
        let info = [label.as_bytes()];
        let expanded = extracted.expand(&info, hkdf::HKDF_SHA256).map_err(|_| CryptoRefused)?;
        expanded.fill(&mut *out).map_err(|_| CryptoRefused)?;
        Ok(out)
    }

    /// The AES-256-GCM-SIV key under one label.
    ///
    /// # Errors
    /// [`CryptoRefused`], which cannot happen for 32 bytes.
    pub fn sealing(&self, label: &str) -> Result<RowKey, CryptoRefused> {
        RowKey::of(&*self.derive(label)?)
    }

    /// The key with which keys of one generation are wrapped: the secret of the generation is the salt (RFC 5869, 3.1), so that
    /// neither it nor the master key alone tells anything of it.
    ///
    /// # Errors
    /// [`CryptoRefused`], which cannot happen for 32 bytes.
    pub fn wrapping(&self, generation: u32, secret: &[u8; 32]) -> Result<RowKey, CryptoRefused> {
        RowKey::of(&*self.salted(secret, &format!("sluis-kek/{generation}"))?)
    }

    /// The key that turns identifiers into lookup tags.
    ///
    /// # Errors
    /// [`CryptoRefused`], which cannot happen for 32 bytes.
    pub fn lookup(&self) -> Result<LookupKey, CryptoRefused> {
        Ok(LookupKey(hmac::Key::new(hmac::HMAC_SHA256, &*self.derive(LOOKUP_LABEL)?)))
    }
}

/// Seals rows with AES-256-GCM-SIV (RFC 8452): confidentiality, and the authentication that A14 asks of a MAC.
///
/// The nonce is the start of SHA-256 over the associated data, which names the place of the row and its version.
/// A place and version is written once; were it written twice, SIV reveals no more than whether both were equal.
pub struct RowKey(LessSafeKey);

impl RowKey {
    fn of(key: &[u8; 32]) -> Result<Self, CryptoRefused> {
        let unbound = UnboundKey::new(&AES_256_GCM_SIV, key).map_err(|_| CryptoRefused)?;
        Ok(Self(LessSafeKey::new(unbound)))
    }

    /// Seals a row for one place.
    ///
    /// # Errors
    /// [`CryptoRefused`], which cannot happen below 2^36 bytes.
    pub fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, CryptoRefused> {
        let mut sealed = Vec::with_capacity(plain.len() + AES_256_GCM_SIV.tag_len());
        sealed.extend_from_slice(plain);
        let nonce = nonce_of(place).ok_or(CryptoRefused)?;
        self.0.seal_in_place_append_tag(nonce, Aad::from(place), &mut sealed).map_err(|_| CryptoRefused)?;
        Ok(sealed)
    }

    /// Opens a row, or `None` when it was not sealed under this key for this place.
    #[must_use]
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut plain = Zeroizing::new(sealed.to_vec());
        let length = self.0.open_in_place(nonce_of(place)?, Aad::from(place), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

fn nonce_of(place: &[u8]) -> Option<Nonce> {
    let hash = digest::digest(&digest::SHA256, place);
    Nonce::try_assume_unique_for_key(hash.as_ref().get(..NONCE_LEN)?).ok()
}

/// Turns identifiers into tags: `HMAC-SHA-256(K_lookup, "sluis-lookup/1" 00 kind 00 value)`.
///
/// Unkeyed, the 90 million valid BSNs could be tried in seconds; under this key nobody can without the master key.
pub struct LookupKey(hmac::Key);

impl LookupKey {
    /// The tag of one identifier.
    #[must_use]
    pub fn tag(&self, kind: &str, value: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [LOOKUP_LABEL.as_bytes(), &[0], kind.as_bytes(), &[0], value.as_bytes()] {
            context.update(part);
        }
        let mut tag = [0u8; 32];
        for (to, from) in tag.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_opens_only_at_its_place_under_its_key() {
        let key = MasterKey::from_bytes([7; 32]).sealing(STATE_LABEL).unwrap();
        let sealed = key.seal(b"subject/1", b"nothing set").unwrap();
        assert_eq!(key.open(b"subject/1", &sealed).unwrap().as_slice(), b"nothing set");
        assert!(key.open(b"subject/2", &sealed).is_none());
        let other = MasterKey::from_bytes([8; 32]).sealing(STATE_LABEL).unwrap();
        assert!(other.open(b"subject/1", &sealed).is_none());
        let index = MasterKey::from_bytes([7; 32]).sealing(INDEX_LABEL).unwrap();
        assert!(index.open(b"subject/1", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert!(key.open(b"subject/1", &bent).is_none());
        }
    }

    // Computed with Python's hmac and hashlib: prk = HMAC(00*32 or the secret, key); okm = HMAC(prk, label 01).
    #[test]
    fn derivation_and_tags_match_a_second_implementation() {
        let master = MasterKey::from_bytes([7; 32]);
        let hex = data_encoding::HEXLOWER;
        assert_eq!(hex.encode(&*master.derive(STATE_LABEL).unwrap()), STATE_HEX);
        assert_eq!(hex.encode(&master.lookup().unwrap().tag("bsn", "999990019")), TAG_HEX);
        assert_eq!(hex.encode(&*master.salted(&[8; 32], "sluis-kek/2").unwrap()), KEK_HEX);
    }

    #[test]
    fn a_wrapping_key_follows_from_master_key_secret_and_generation_together() {
        let master = |byte| MasterKey::from_bytes([byte; 32]);
        let sealed = master(7).wrapping(2, &[8; 32]).unwrap().seal(b"place", b"a key").unwrap();
        let opens = |key: RowKey| key.open(b"place", &sealed).is_some();
        assert!(opens(master(7).wrapping(2, &[8; 32]).unwrap()));
        assert!(!opens(master(6).wrapping(2, &[8; 32]).unwrap()));
        assert!(!opens(master(7).wrapping(2, &[9; 32]).unwrap()));
        assert!(!opens(master(7).wrapping(3, &[8; 32]).unwrap()));
        assert!(!opens(master(7).sealing("sluis-kek/2").unwrap()), "the master key alone suffices");
    }

    const STATE_HEX: &str = "26b39afc1aeeaa8d2a68d08b79e86e0d5e69560b2032c0421f88ea410ddba081";
    const KEK_HEX: &str = "7a66e3dce9a8392da4bc3014171edebda7d16ef3ecc631f1bd48e0ca04cbc1f5";
    const TAG_HEX: &str = "5ab022c359d1f3407da1e98b22a5261c671e3c8342213d712b5b2336c0f76a63";
}
