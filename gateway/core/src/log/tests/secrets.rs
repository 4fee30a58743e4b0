//! Commitments, tags and payloads: the formulas by an RFC, and the separation they promise.

use super::fixture::{ORIGIN, rid};
use crate::log::LeafKind;
use crate::log::commitment::{body, derive, hkdf, hmac_sha256, payload, request_digest, subject_tag};
use crate::log::leaf::{Key, Leaf, LeafDraft};
use crate::log::payload::{Sealing, open, open_committed, padded, seal};
use crate::log::tree::sha256;
use crate::ports::SubjectKey;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn key() -> SubjectKey {
    let (tag, payload) = derive(&[7; 32]);
    SubjectKey { key_id: [1; 16], tag, payload }
}

/// RFC 5869 appendix A.1 and A.3: the first 32 of 42 bytes are the first round.
#[test]
fn hkdf_is_that_of_rfc_5869() {
    let out = hkdf(&[0x0b; 22], &hex("000102030405060708090a0b0c"), &[&hex("f0f1f2f3f4"), &hex("f5f6f7f8f9")]);
    assert_eq!(HEXLOWER.encode(&*out), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    let out = hkdf(&[0x0b; 22], b"", &[]);
    assert_eq!(HEXLOWER.encode(&*out), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

/// RFC 4231, test case 2.
#[test]
fn hmac_is_that_of_rfc_4231() {
    let out = hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
    assert_eq!(HEXLOWER.encode(&out), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

#[test]
fn commitments_follow_their_formulas() {
    assert_eq!(body(&[5; 32], b"x"), HEXLOWER.encode(&sha256(&[b"sluis-bc/1", &[0], &[5; 32], b"x"])));
    assert_eq!(payload(b"x"), HEXLOWER.encode(&sha256(&[b"sluis-pc/1", &[0], b"x"])));
    assert_eq!(request_digest(&[6; 32], b"x"), hmac_sha256(&[6; 32], &[b"sluis-request/1", &[0], b"x"]));
    let at = rid(1);
    let parts: [&[u8]; 7] = [b"sluis-stag/1", &[0], ORIGIN.as_bytes(), &[0], at.0.as_bytes(), &[0], &[0, 0, 0, 9]];
    assert_eq!(subject_tag(&[7; 32], ORIGIN, at, 9), HEXLOWER.encode(&hmac_sha256(&[7; 32], &parts)[..16]));
}

#[test]
fn tags_of_one_subject_differ_by_request_item_and_log() {
    let tags = [
        subject_tag(&[7; 32], ORIGIN, rid(1), 0),
        subject_tag(&[7; 32], ORIGIN, rid(2), 0),
        subject_tag(&[7; 32], ORIGIN, rid(1), 1),
        subject_tag(&[7; 32], "sluis-log.other.example/1/2026-1", rid(1), 0),
        subject_tag(&[8; 32], ORIGIN, rid(1), 0),
    ];
    let distinct: std::collections::BTreeSet<&String> = tags.iter().collect();
    assert_eq!(distinct.len(), tags.len());
    assert!(tags.iter().all(|tag| tag.len() == 32));
}

#[test]
fn a_payload_opens_at_its_own_place_only() {
    let (key, other_key) = (key(), SubjectKey { payload: Zeroizing::new([9; 32]), ..key() });
    let at = Sealing { key: &key, origin: ORIGIN, rid: rid(1), item: 0 };
    let sealed = seal(&at, [4; 12], b"{}").unwrap();
    assert_eq!(sealed.ciphertext.len(), 12 + 2 + 16);
    assert_eq!(sealed.ciphertext[..12], [4; 12]);
    assert_eq!(open(&at, &sealed).unwrap(), b"{}");
    assert!(open(&Sealing { rid: rid(2), ..at }, &sealed).is_none());
    let at = Sealing { key: &key, origin: ORIGIN, rid: rid(1), item: 1 };
    assert!(open(&at, &sealed).is_none());
    assert!(open(&Sealing { item: 0, origin: "sluis-log.x/1/2026-1", ..at }, &sealed).is_none());
    let at = Sealing { key: &other_key, origin: ORIGIN, rid: rid(1), item: 0 };
    assert!(open(&at, &sealed).is_none());
    for byte in 0..sealed.ciphertext.len() {
        let mut changed = sealed.clone();
        changed.ciphertext[byte] ^= 1;
        assert!(open(&Sealing { key: &key, ..at }, &changed).is_none(), "byte {byte}");
    }
}

#[test]
fn a_payload_is_encrypted_by_its_formula() {
    let key = key();
    let sealed = seal(&Sealing { key: &key, origin: ORIGIN, rid: rid(1), item: 9 }, [4; 12], b"{}").unwrap();
    let (at, item) = (rid(1), [0, 0, 0, 9]);
    let cipher_key = hkdf(&*key.payload, ORIGIN.as_bytes(), &[b"sluis-payload/1", &[0], at.0.as_bytes(), &[0], &item]);
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, &*cipher_key).unwrap());
    let aad = Aad::from([ORIGIN.as_bytes(), &[0], at.0.as_bytes(), &[0], &item].concat());
    let mut plain = sealed.ciphertext[12..].to_vec();
    let opened = cipher.open_in_place(Nonce::assume_unique_for_key([4; 12]), aad, &mut plain).unwrap();
    assert_eq!(opened, b"{}");
}

#[test]
fn keys_of_a_year_are_apart() {
    let (tag, payload) = derive(&[7; 32]);
    assert_ne!(tag, payload);
    assert_eq!(*tag, *hkdf(&[7; 32], &[0; 32], &[b"sluis-k-tag/1"]));
}

/// A10: a reason cannot be told by the length of its payload.
#[test]
fn payloads_of_refusals_are_equally_long() {
    assert_eq!(padded("{}".to_owned()).len(), 1024);
    assert_eq!(padded("x".repeat(1024)).len(), 1024);
    assert_eq!(padded("x".repeat(1025)).len(), 2048);
    assert!(padded("{}".to_owned()).starts_with(b"{}  "));
}

/// Who has the key of a subject can seal another payload for the same place; nobody gives it out.
#[test]
fn a_payload_that_its_leaf_does_not_commit_to_is_set_aside() {
    let (key, rid) = (key(), rid(3));
    let at = Sealing { key: &key, origin: ORIGIN, rid, item: 0 };
    let leaf = LeafDraft::new(LeafKind::Policy).with(Key::Po, "cd".repeat(32)).with(Key::N, 1u64).with(Key::Ca, 1u64);
    let leaf = leaf.with(Key::Pc, payload(b"what was decided"));
    let leaf = Leaf::decode(&leaf.encode(rid, 0, 1_795_262_400_000).unwrap()).unwrap();
    let [decided, other] =
        [&b"what was decided"[..], b"something else"].map(|plain| seal(&at, [9; 12], plain).unwrap());
    assert_eq!(open_committed(&at, &decided, &leaf).as_deref(), Some(&b"what was decided"[..]));
    assert!(open(&at, &other).is_some());
    assert_eq!(open_committed(&at, &other, &leaf), None);
}
