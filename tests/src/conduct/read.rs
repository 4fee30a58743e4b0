//! The log read back as an auditor with the keys reads it: leaves, and the payloads they commit to.

use sluis::gateway::Gateway;
use sluis_core::log::LeafKind;
use sluis_core::log::checkpoint::sign;
use sluis_core::log::commitment;
use sluis_core::log::draft::RequestId;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::payload::{Sealing, open};
use sluis_core::log::verify::{LogVerifier, Summary};
use sluis_core::ports::Signer;

/// Every leaf of the log, as text.
pub async fn leaves(gateway: &Gateway) -> Vec<String> {
    let mut leaves = Vec::new();
    loop {
        let page = gateway.ledger.leaves(leaves.len() as u64, 1000).await.unwrap();
        if page.is_empty() {
            return leaves;
        }
        leaves.extend(page);
    }
}

/// Every leaf of one kind.
pub async fn of_kind(gateway: &Gateway, kind: LeafKind) -> Vec<Leaf> {
    let leaves = leaves(gateway).await.into_iter().map(|text| Leaf::decode(&text).unwrap());
    leaves.filter(|leaf| leaf.kind() == kind).collect()
}

/// The payload of an entry, opened with the key of its subject and held against its commitment.
pub async fn payload(gateway: &Gateway, leaf: &Leaf) -> serde_json::Value {
    let sealed = gateway.ledger.entry(leaf.index()).await.unwrap().unwrap().payload.unwrap();
    let key = gateway.keys.key_by_id(sealed.key_id).await.unwrap().unwrap();
    let rid = RequestId(uuid::Uuid::try_parse(leaf.rid()).unwrap());
    let plain = open(&Sealing { key: &key, origin: &gateway.origin(), rid, item: 0 }, &sealed).unwrap();
    assert_eq!(leaf.text(Key::Pc), Some(commitment::payload(&plain).as_str()), "leaf {}", leaf.index());
    serde_json::from_slice(&plain).unwrap()
}

/// Verifies the whole log as an export would be.
pub async fn verify(gateway: &Gateway, signer: &dyn Signer) -> Summary {
    let mut verifier = LogVerifier::new(&gateway.verifier_key()).unwrap();
    let head = gateway.ledger.head().await.unwrap();
    verifier.checkpoint(&sign(&head, signer).note).unwrap();
    for text in leaves(gateway).await {
        verifier.leaf(&text).unwrap();
    }
    verifier.finish().unwrap()
}
