//! What was turned away stands in the log as exact numbers, one entry for however many.

use super::{partner, question, released, world};
use crate::world::World;
use crate::world::desk::Desk;
use sluis_core::log::draft::RequestId;
use sluis_core::log::leaf::Leaf;
use sluis_core::log::payload::{Sealing, open};
use sluis_core::subject::dutch_date;
use sluis_proto::v1;
use std::sync::Arc;

/// Stops the gateway; what it then says in its last entry, and how many entries it wrote by stopping.
async fn last_words(world: World) -> (serde_json::Value, serde_json::Value, u64) {
    let World { folder, listening } = world;
    let gateway = Arc::clone(&listening.gateway);
    let before = gateway.ledger.head().await.unwrap().size();
    listening.stop().await.unwrap();
    let written = gateway.ledger.head().await.unwrap().size() - before;
    let index = before + written - 1;
    let text = gateway.ledger.leaves(index, 1).await.unwrap().remove(0);
    Leaf::decode(&text).unwrap();
    let leaf: serde_json::Value = serde_json::from_str(&text).unwrap();
    let entry = gateway.ledger.entry(index).await.unwrap().unwrap();
    let key = gateway.keys.bucket_key(dutch_date(gateway.clock.now())).await.unwrap();
    let rid = RequestId(uuid::Uuid::parse_str(leaf["rid"].as_str().unwrap()).unwrap());
    let at = Sealing { key: &key, origin: &gateway.origin(), rid, item: 0 };
    let said = entry
        .payload
        .and_then(|p| open(&at, &p))
        .map_or_else(Default::default, |p| serde_json::from_slice(&p).unwrap());
    drop(folder);
    (leaf, said, written)
}

#[tokio::test]
async fn the_numbers_are_exact_whoever_was_turned_away() {
    let (world, child) = world("calls_per_second = 1\ncalls_burst = 12").await;
    let (desk, other) = (world.desk(&partner(0)).await, world.desk(&partner(1)).await);
    let unproven = Desk { token: "no-token".to_owned(), ..other.clone() };
    for _ in 0..7 {
        assert!(unproven.release(question(&child)).await.is_err());
    }
    // A care partner may not record standing: admitted, but not for this.
    let kind = v1::standing::Kind::Caseload(v1::Caseload { partner_oin: partner(0).oin.into(), worker: "w".into() });
    assert!(other.record(child.by_number(), kind, true).await.is_err());
    let mut over = 0;
    for _ in 0..40 {
        over += u32::from(desk.release(question(&child)).await.is_err());
    }
    assert!(over > 10, "{over}");
    let (leaf, said, written) = last_words(world).await;
    assert_eq!((written, leaf["k"].as_str(), leaf["n"].as_u64()), (1, Some("ADMIN"), Some(u64::from(over) + 8)));
    let counters =
        ["CALLERS_REFUSED".into(), "NOT_PROVEN:7".into(), "NOT_ADMITTED:1".into(), format!("OVER_LIMIT:{over}")];
    assert_eq!(leaf["rs"], serde_json::json!(counters));
    let organisations = serde_json::json!({
        partner(0).oin: { "RATE_EXCEEDED": over },
        partner(1).oin: { "TOKEN_MALFORMED": 7, "CALLER_MAY_NOT_RECORD": 1 },
    });
    assert_eq!(said["organisations"], organisations, "{said}");
    assert_eq!(said["connections"], serde_json::json!({}));
}

#[tokio::test]
async fn where_nobody_was_turned_away_nothing_is_said() {
    let (world, child) = world("").await;
    released(&world.desk(&partner(0)).await, &child).await;
    assert_eq!(last_words(world).await.2, 0);
}
