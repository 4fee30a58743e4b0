//! Payloads: what a leaf may not say, encrypted under a key of its subject and year, destroyed with that key.
//!
//! AES-256-GCM-SIV with random nonce bytes stored before the ciphertext; every request id and item has a key of
//! its own (A12).

use super::commitment::{self, hkdf};
use super::draft::{RequestId, SealedPayload};
use super::leaf::{Key, Leaf};
use crate::ports::SubjectKey;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Payloads of decisions are padded to a multiple of this many bytes.
pub const PADDING: usize = 1024;

/// The place a payload is sealed for; it opens at no other.
pub struct Sealing<'a> {
    /// The keys of the subject for the year.
    pub key: &'a SubjectKey,
    /// The origin of the log.
    pub origin: &'a str,
    /// The request.
    pub rid: RequestId,
    /// Item of a page; 0 for a leaf about one subject.
    pub item: u32,
}

impl Sealing<'_> {
    fn cipher(&self) -> Option<LessSafeKey> {
        let info: [&[u8]; 4] = [b"sluis-payload/1\0", self.rid.0.as_bytes(), b"\0", &self.item.to_be_bytes()];
        let key = hkdf(self.key.payload.as_slice(), self.origin.as_bytes(), &info);
        UnboundKey::new(&AES_256_GCM_SIV, key.as_slice()).ok().map(LessSafeKey::new)
    }

    fn aad(&self) -> Aad<Vec<u8>> {
        Aad::from([self.origin.as_bytes(), b"\0", self.rid.0.as_bytes(), b"\0", &self.item.to_be_bytes()].concat())
    }
}

/// Encrypts. `nonce` is 12 random bytes. `None` only when the cipher refuses, for a plaintext of gigabytes.
#[must_use]
pub fn seal(at: &Sealing<'_>, nonce: [u8; NONCE_LEN], plain: &[u8]) -> Option<SealedPayload> {
    let mut sealed = plain.to_vec();
    at.cipher()?.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), at.aad(), &mut sealed).ok()?;
    let ciphertext = [nonce.as_slice(), &sealed].concat();
    Some(SealedPayload { key_id: at.key.key_id, ciphertext })
}

/// Decrypts; `None` when the key is another one, the place is another one, or a byte was changed.
#[must_use]
pub fn open(at: &Sealing<'_>, sealed: &SealedPayload) -> Option<Vec<u8>> {
    if sealed.key_id != at.key.key_id {
        return None;
    }
    let (nonce, rest) = sealed.ciphertext.split_first_chunk::<NONCE_LEN>()?;
    let mut plain = rest.to_vec();
    let length = at.cipher()?.open_in_place(Nonce::assume_unique_for_key(*nonce), at.aad(), &mut plain).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

/// Decrypts the payload of an entry, and gives it only when it is the one that its leaf commits to: whoever shows, compares or
/// exports payloads reads them here, so that one that somebody replaced is set aside wherever it is read (A27).
#[must_use]
pub fn open_committed(at: &Sealing<'_>, sealed: &SealedPayload, leaf: &Leaf) -> Option<Vec<u8>> {
    open(at, sealed).filter(|plain| leaf.text(Key::Pc) == Some(commitment::payload(plain).as_str()))
}

/// Pads payload JSON with spaces at its end to the next multiple of [`PADDING`] bytes, so that the ciphertexts of
/// refusals for different reasons are equally long (A10).
#[must_use]
pub fn padded(json: String) -> Vec<u8> {
    let mut bytes = json.into_bytes();
    bytes.resize(bytes.len().next_multiple_of(PADDING), b' ');
    bytes
}
