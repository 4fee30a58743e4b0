//! What was released and not handed over has an outcome in the log, and a normal delivery has none (A9).
//!
//! A crash is a gateway that is dropped with deliveries open: nothing gets the time to say how they ended.

mod queue;
mod unsettled;
mod wire;

use crate::conduct::decorate::Append;
use crate::conduct::{self, House, PORTAL, authority, consent, record};
use crate::conduct::{child, parents_question, read};
use sluis::gateway::Gateway;
use sluis::in_flight::Delivery;
use sluis::origin::shard_of;
use sluis::release::Answer;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::Committed;
use sluis_core::log::leaf::Key;
use sluis_core::ports::{Ledger, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// A released reply about the first child, with the index of its entry, not handed over yet.
async fn released(gateway: &Gateway) -> (u64, Delivery) {
    let ask = parents_question(gateway, child(0));
    match conduct::ask(gateway, PORTAL, &ask).await.unwrap() {
        Answer::Released(released, delivery) => (released.into_parts().2.index(), delivery),
        other => panic!("not released: {other:?}"),
    }
}

async fn ready(house: &House) -> Arc<Gateway> {
    let gateway = house.start().await;
    record(&gateway, child(0), authority()).await;
    record(&gateway, child(0), consent(true)).await;
    gateway
}

/// Of each OUTCOME leaf what it says and about which entries.
async fn outcomes(gateway: &Gateway) -> Vec<(String, Vec<String>)> {
    let leaves = read::of_kind(gateway, LeafKind::Outcome).await;
    leaves.iter().map(|l| (l.list(Key::Rs).unwrap().join(" "), l.list(Key::Refs).unwrap().to_vec())).collect()
}

fn about(gateway: &Gateway, outcome: &str, entries: &[u64]) -> (String, Vec<String>) {
    let origin = gateway.origin();
    let shard = shard_of(&origin);
    (outcome.to_owned(), entries.iter().map(|index| format!("{shard}:{index}")).collect())
}

/// Waits until the sweeper has recorded so many leaves.
async fn swept(gateway: &Gateway, count: usize) -> Vec<(String, Vec<String>)> {
    for _ in 0..500 {
        let found = outcomes(gateway).await;
        if found.len() >= count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no outcome was recorded");
}

#[tokio::test]
async fn what_was_in_flight_at_a_crash_is_unknown_once() {
    let house = House::build(1).await;
    let gateway = ready(&house).await;
    let (first, open) = released(&gateway).await;
    let (_, delivered) = released(&gateway).await;
    delivered.handed_over();
    let (third, also_open) = released(&gateway).await;
    drop(gateway);
    drop((open, also_open));
    let gateway = house.start().await;
    // The mark stays below the oldest that is open, so the delivered one in between is called unknown too (A9).
    assert_eq!(outcomes(&gateway).await, [about(&gateway, "UNKNOWN", &[first, first + 1, third])]);
    drop(gateway);
    let gateway = house.start().await;
    assert_eq!(outcomes(&gateway).await.len(), 1, "a crash is told once");
    read::verify(&gateway, &house.signer()).await;
}

#[tokio::test]
async fn what_was_handed_over_has_no_leaf_after_an_end_in_order() {
    let house = House::build(1).await;
    let gateway = ready(&house).await;
    for _ in 0..3 {
        released(&gateway).await.1.handed_over();
    }
    let size = gateway.ledger.head().await.unwrap().size();
    sluis::sweeper::record_aborted(&gateway).await.unwrap();
    drop(gateway);
    let gateway = house.start().await;
    assert_eq!(outcomes(&gateway).await, []);
    assert_eq!(gateway.ledger.head().await.unwrap().size(), size, "starting again added nothing");
}

#[tokio::test]
async fn what_is_delivered_moves_the_mark_past_refusals_and_changes() {
    let house = House::build(1).await;
    let gateway = ready(&house).await;
    let (_, delivered) = released(&gateway).await;
    delivered.handed_over();
    record(&gateway, child(0), consent(false)).await;
    let refused = conduct::ask(&gateway, PORTAL, &parents_question(&gateway, child(0))).await.unwrap();
    assert!(matches!(refused, Answer::Refused(_)));
    record(&gateway, child(0), consent(true)).await;
    let (last, open) = released(&gateway).await;
    drop(gateway);
    drop(open);
    let gateway = house.start().await;
    assert_eq!(outcomes(&gateway).await, [about(&gateway, "UNKNOWN", &[last])], "only what was open");
}

#[tokio::test]
async fn a_reply_that_is_dropped_is_aborted_and_not_unknown_later() {
    let house = House::build(1).await;
    let gateway = ready(&house).await;
    let (index, delivery) = released(&gateway).await;
    drop(delivery);
    let aborted = [about(&gateway, "ABORTED", &[index])];
    assert_eq!(swept(&gateway, 1).await, aborted);
    drop(gateway);
    let gateway = house.start().await;
    assert_eq!(outcomes(&gateway).await, aborted);
}

/// An append that is durable long before anybody hears of it.
struct Slow;

#[async_trait::async_trait]
impl Append for Slow {
    async fn append(&self, inner: &dyn Ledger, drafts: Vec<Draft>) -> Result<Committed, StoreError> {
        let committed = inner.append(drafts).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        committed
    }
}

#[tokio::test]
async fn a_caller_who_goes_away_while_it_is_recorded_leaves_an_aborted_release() {
    let house = House::build(1).await;
    drop(ready(&house).await);
    let gateway = house.start_with(Slow).await;
    let size = gateway.ledger.head().await.unwrap().size();
    let gone = tokio::time::timeout(Duration::from_millis(50), released(&gateway)).await;
    assert!(gone.is_err());
    assert_eq!(swept(&gateway, 1).await, [about(&gateway, "ABORTED", &[size])]);
}

/// Many processes write to one log: what stands between our entries is not ours to judge.
#[tokio::test]
async fn only_entries_of_this_process_become_unknown() {
    let house = House::build(1).await;
    let gateway = ready(&house).await;
    let mut of_all = Vec::new();
    for _ in 0..4 {
        of_all.push(released(&gateway).await);
    }
    let [first, _theirs, refused, last] = [0, 1, 2, 3].map(|n| of_all[n].0);
    sluis::sweeper::sweep(&gateway, &[first - 1, first, refused, last]).await.unwrap();
    let told = about(&gateway, "UNKNOWN", &[first, refused, last]);
    assert_eq!(outcomes(&gateway).await, std::slice::from_ref(&told), "a change before them released nothing");
    sluis::sweeper::sweep(&gateway, &[first, refused, last]).await.unwrap();
    assert_eq!(outcomes(&gateway).await, [told], "what a leaf names is not named again");
}

#[tokio::test]
async fn many_unknown_deliveries_are_split_over_leaves_that_fit() {
    let house = House::build(1).await;
    let gateway = ready(&house).await;
    let mut open = Vec::new();
    for _ in 0..200 {
        open.push(released(&gateway).await);
    }
    drop(gateway);
    let expected: Vec<u64> = open.iter().map(|(index, _)| *index).collect();
    drop(open);
    let gateway = house.start().await;
    let told = outcomes(&gateway).await;
    assert_eq!(told.len(), 3);
    let named: Vec<String> = told.into_iter().flat_map(|(_, refs)| refs).collect();
    assert_eq!(named, about(&gateway, "", &expected).1, "each once, in order");
}
