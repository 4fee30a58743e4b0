//! Commitments, payloads, leaf, checkpoint, receipt and tree, against the vectors of the second implementation.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::HEXLOWER;
use serde_json::Value;
use sluis_core::log::draft::{RequestId, SealedPayload};
use sluis_core::log::finalise::Head;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::page::{self, Item, PageBlob};
use sluis_core::log::tree::{Frontier, leaf_hash, root_of};
use sluis_core::log::{Hash, checkpoint, commitment, payload, proof, receipt};
use sluis_core::ports::{Signer, SubjectKey};
use std::sync::LazyLock;

static VECTORS: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&super::read("log-vectors.json")).unwrap());

/// A text of the vectors by its JSON pointer.
fn text(pointer: &str) -> &'static str {
    VECTORS.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no vector {pointer}"))
}

fn bytes(pointer: &str) -> Vec<u8> {
    HEXLOWER.decode(text(pointer).as_bytes()).unwrap()
}

fn key(pointer: &str) -> [u8; 32] {
    bytes(pointer).try_into().unwrap()
}

fn hashes(pointer: &str) -> Vec<Hash> {
    let list = VECTORS.pointer(pointer).and_then(Value::as_array).unwrap();
    list.iter().map(|v| HEXLOWER.decode(v.as_str().unwrap().as_bytes()).unwrap().try_into().unwrap()).collect()
}

fn rid() -> RequestId {
    RequestId(uuid::Uuid::parse_str(text("/inputs/rid")).unwrap())
}

fn subject_key() -> SubjectKey {
    let (tag, payload) = commitment::derive(&key("/inputs/year_key"));
    SubjectKey { key_id: [3; 16], tag, payload }
}

struct Fixed(Ed25519KeyPair);

impl Signer for Fixed {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().unwrap()
    }
}

#[test]
fn keys_and_tags() {
    let key_pair = subject_key();
    assert_eq!(HEXLOWER.encode(key_pair.tag.as_slice()), text("/commitments/k_tag"));
    assert_eq!(HEXLOWER.encode(key_pair.payload.as_slice()), text("/commitments/k_pay"));
    for (item, pointer) in [(0, "/commitments/st_item_0"), (7, "/commitments/st_item_7")] {
        let tag = commitment::subject_tag(&key_pair.tag, text("/inputs/origin"), rid(), item);
        assert_eq!(tag, text(pointer), "{pointer}");
    }
}

#[test]
fn bodies_payloads_and_requests() {
    let body = commitment::body(&key("/inputs/body_salt"), text("/inputs/body").as_bytes());
    assert_eq!(body, text("/commitments/bc"));
    assert_eq!(commitment::payload(text("/inputs/payload").as_bytes()), text("/commitments/pc"));
    let digest = commitment::request_digest(&key("/inputs/day_key"), text("/inputs/request").as_bytes());
    assert_eq!(HEXLOWER.encode(&digest), text("/commitments/request_digest"));
    let padded = payload::padded(text("/inputs/payload").to_owned());
    assert_eq!(padded.len() as u64, VECTORS["payload"]["padded_length"]);
    assert_eq!(commitment::payload(&padded), text("/payload/padded_pc"));
}

#[test]
fn sealed_payloads_open_here_and_there() {
    let key = subject_key();
    let nonce = bytes("/inputs/nonce").try_into().unwrap();
    for (item, pointer) in [(0, "/payload/sealed_item_0"), (7, "/payload/sealed_item_7")] {
        let at = payload::Sealing { key: &key, origin: text("/inputs/origin"), rid: rid(), item };
        let theirs = SealedPayload { key_id: key.key_id, ciphertext: bytes(pointer) };
        let opened = payload::open(&at, &theirs).unwrap_or_else(|| panic!("{pointer} does not open"));
        assert_eq!(opened, text("/inputs/payload").as_bytes());
        assert_eq!(payload::seal(&at, nonce, &opened).unwrap(), theirs);
    }
}

#[test]
fn the_release_leaf() {
    let leaf = Leaf::decode(text("/leaf/text")).unwrap();
    assert_eq!(HEXLOWER.encode(&leaf_hash(text("/leaf/text").as_bytes())), text("/leaf/hash"));
    assert_eq!((leaf.index(), leaf.time(), leaf.rid()), (0, 1_769_000_000_000, text("/inputs/rid")));
    assert_eq!(leaf.text(Key::Bc), Some(text("/commitments/bc")));
    assert_eq!(leaf.number(Key::Ca), Some(1));
}

#[test]
fn checkpoint_and_receipt() {
    let signer = Fixed(Ed25519KeyPair::from_seed_unchecked(&bytes("/inputs/seed")).unwrap());
    let origin = text("/inputs/origin");
    assert_eq!(HEXLOWER.encode(&signer.public_key()), text("/note/public_key"));
    assert_eq!(checkpoint::verifier_key(origin, &signer.public_key()), text("/note/vkey"));
    let mut frontier = Frontier::empty();
    frontier.push(leaf_hash(text("/leaf/text").as_bytes()));
    let head = Head { origin: origin.to_owned(), shard: 0, frontier, last_time: 0 };
    assert_eq!(checkpoint::sign(&head, &signer).note, text("/note/checkpoint"));
    let opened = checkpoint::open(text("/note/checkpoint"), text("/note/vkey")).unwrap();
    assert_eq!((opened.origin.as_str(), opened.size), (origin, 1));
    let proven = receipt::verify_text(text("/note/receipt"), text("/note/vkey")).unwrap();
    assert_eq!((proven.leaf_text.as_str(), proven.index, proven.size), (text("/leaf/text"), 0, 1));
}

#[test]
fn pages() {
    let salt = key("/inputs/page_salt");
    let salts: Vec<_> = (0..3).map(|n| page::item_salt(&salt, n)).collect();
    assert_eq!(salts, hashes("/page/item_salts"));
    let bodies = (0..3).map(|n| page::body_hash(&salts[n], text(&format!("/inputs/bodies/{n}")).as_bytes()));
    assert_eq!(page::body_root(&bodies.collect::<Vec<_>>()), text("/page/body_root"));
    let texts: Vec<_> = (0..3).map(|n| text(&format!("/page/items/{n}"))).collect();
    let items: Vec<_> = texts.iter().map(|text| Item::decode(text).unwrap()).collect();
    let blob = PageBlob::new(&items).unwrap();
    assert_eq!(blob.sub_root(), text("/page/sub_root"));
    for (n, text) in (0..3).zip(texts) {
        assert!(page::verify_item(text, u64::from(n), 3, &blob.item_proof(n).unwrap(), &blob.sub_root()));
    }
}

#[test]
fn trees() {
    let leaves = VECTORS.pointer("/tree/leaves").and_then(Value::as_array).unwrap();
    let leaves: Vec<Hash> =
        leaves.iter().map(|v| leaf_hash(&HEXLOWER.decode(v.as_str().unwrap().as_bytes()).unwrap())).collect();
    let mut frontier = Frontier::empty();
    for (size, root) in hashes("/tree/roots").into_iter().enumerate() {
        assert_eq!((root_of(&leaves[..size]), frontier.root()), (root, root), "size {size}");
        leaves.get(size).into_iter().for_each(|leaf| frontier.push(*leaf));
    }
    let (old, new) = (key("/tree/large/root_700"), key("/tree/large/root_1000"));
    let inclusion = hashes("/tree/large/inclusion_300_of_1000");
    let leaf = leaf_hash(b"leaf 300");
    assert!(proof::verify_inclusion(&leaf, 300, 1000, &inclusion, &new));
    assert!(!proof::verify_inclusion(&leaf, 301, 1000, &inclusion, &new));
    let consistency = hashes("/tree/large/consistency_700_to_1000");
    assert!(proof::verify_consistency(700, 1000, &consistency, &old, &new));
    assert!(!proof::verify_consistency(700, 1000, &consistency, &new, &old));
}
