//! The same log through `sluis_core::log::freshness`, which `sluis log freshness` uses: another hand, the same findings.

use super::replay::{Replay, Violation};
use crate::conduct::read;
use sluis::gateway::Gateway;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::RequestId;
use sluis_core::log::freshness::{Freshness, Opened, Report, Stale};
use sluis_core::log::leaf::Leaf;
use sluis_core::log::payload::{Sealing, open};
use std::collections::BTreeSet;

/// Replays the log of a gateway with its payloads.
pub async fn replayed(gateway: &Gateway) -> (Report, Vec<Stale>) {
    let (mut replay, mut stale) = (Freshness::new(), Vec::new());
    for text in read::leaves(gateway).await {
        let leaf = Leaf::decode(&text).unwrap();
        let Some(sealed) = gateway.ledger.entry(leaf.index()).await.unwrap().unwrap().payload else {
            stale.extend(replay.entry(&leaf, Opened::Gone));
            continue;
        };
        let key = gateway.keys.key_by_id(sealed.key_id).await.unwrap().unwrap();
        let rid = RequestId(uuid::Uuid::try_parse(leaf.rid()).unwrap());
        let bytes = open(&Sealing { key: &key, origin: &gateway.origin(), rid, item: 0 }, &sealed).unwrap();
        stale.extend(replay.entry(&leaf, Opened::Plain { key_id: sealed.key_id, bytes: &bytes }));
    }
    (*replay.report(), stale)
}

/// The releases that one and the other find stale.
pub fn same(replay: &Replay, stale: &[Stale]) {
    let released = |v: &&Violation| v.kind == LeafKind::Release;
    let theirs: BTreeSet<u64> = replay.violations.iter().filter(released).map(|v| v.index).collect();
    let standing = |stale: &Stale| match stale {
        Stale::Standing { index, .. } => *index,
        other => panic!("{other}"),
    };
    assert_eq!(stale.iter().map(standing).collect::<BTreeSet<_>>(), theirs);
}
