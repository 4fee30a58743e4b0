//! Commitments and blinded tags. Formulas in `docs/design.md`; frozen.
//!
//! Every input stands behind a label of its own and a zero byte, so that no value of one sort is one of another.

use super::Hash;
use super::draft::RequestId;
use super::tree::sha256;
use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

/// `bc`: commitment to exactly the bytes that leave, under a salt that the recipient gets.
#[must_use]
pub fn body(salt: &[u8; 32], body: &[u8]) -> String {
    HEXLOWER.encode(&sha256(&[b"sluis-bc/1\0", salt, body]))
}

/// `pc`: commitment to the plain payload, which holds 32 random bytes of its own.
///
/// It exists because the encryption does not bind the key: without it one ciphertext could be opened in two ways.
#[must_use]
pub fn payload(bytes: &[u8]) -> String {
    HEXLOWER.encode(&sha256(&[b"sluis-pc/1\0", bytes]))
}

/// `st`: the tag of a subject in one leaf or item; two tags of one subject cannot be linked without its key.
#[must_use]
pub fn subject_tag(tag_key: &[u8; 32], origin: &str, rid: RequestId, item: u32) -> String {
    let tag = hmac_sha256(
        tag_key,
        &[b"sluis-stag/1\0", origin.as_bytes(), b"\0", rid.0.as_bytes(), b"\0", &item.to_be_bytes()],
    );
    HEXLOWER.encode(tag.first_chunk::<16>().map_or(&[], |half| half))
}

/// The tag key and the payload key of a subject for a year (A19).
#[must_use]
pub fn derive(year_key: &[u8; 32]) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>) {
    (hkdf(year_key, b"", &[b"sluis-k-tag/1"]), hkdf(year_key, b"", &[b"sluis-k-pay/1"]))
}

/// Digest of a request under the key of its day: tells a repetition from another request, and tells nobody else
/// anything once the key is gone (A13).
#[must_use]
pub fn request_digest(day_key: &[u8; 32], request: &[u8]) -> Hash {
    hmac_sha256(day_key, &[b"sluis-request/1\0", request])
}

/// HMAC-SHA-256 over the concatenation.
pub(super) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Hash {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    let mut out = [0; 32];
    out.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
    out
}

/// HKDF-SHA-256 (RFC 5869) for 32 bytes of output, which is one round; an empty salt is 32 zero bytes.
pub(super) fn hkdf(ikm: &[u8], salt: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let zeros = [0; 32];
    let prk = Zeroizing::new(hmac_sha256(if salt.is_empty() { &zeros } else { salt }, &[ikm]));
    let mut parts = info.to_vec();
    parts.push(&[1]);
    Zeroizing::new(hmac_sha256(prk.as_slice(), &parts))
}
