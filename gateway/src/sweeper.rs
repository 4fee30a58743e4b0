//! Gives an outcome to releases that were not handed over: ABORTED while we run, UNKNOWN after a crash (A9).
//!
//! A normal delivery has no leaf. The exceptions are OUTCOME leaves that name the entries they are about. Only what
//! this process saw end is called ABORTED; what a previous process left open is UNKNOWN, because it may have arrived.

use crate::condition::Condition;
use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::in_flight::PENDING_MAX;
use sluis_core::log::LeafKind;
use sluis_core::log::leaf::{Key, Leaf, LeafDraft};
use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// References in one leaf: at their longest they fit its 4096 bytes.
const REFS_MAX: usize = 90;
/// Leaves read at a time.
const LEAVES_READ: u32 = 1000;
/// Between two attempts to record what could not be recorded.
const AGAIN: Duration = Duration::from_secs(2);

/// Calls every release among the entries that the previous process left UNKNOWN, unless a leaf names it already. What
/// stands between them was written by others, who answer for it. To be called before anything is released. Gives how many.
///
/// # Errors
/// A store that does not answer: do not serve then. What was recorded stands and is not recorded again.
pub async fn sweep(gateway: &Gateway, left: &[u64]) -> Result<usize, Fault> {
    let Some(first) = left.first() else { return Ok(0) };
    let unknown = judge(gateway, left).await?;
    gateway.recorder.in_flight().settle(*first);
    Ok(unknown)
}

/// The same of what another process of this log left, whom nobody can be meanwhile. Its mark is its own.
///
/// # Errors
/// As [`sweep`].
pub async fn judge(gateway: &Gateway, left: &[u64]) -> Result<usize, Fault> {
    if left.is_empty() {
        return Ok(0);
    }
    let open = without_outcome(gateway, left).await?;
    record(gateway, &open, "UNKNOWN").await?;
    Ok(open.len())
}

/// Those of these entries, which are in order, that released something and that no OUTCOME leaf behind them names.
async fn without_outcome(gateway: &Gateway, left: &[u64]) -> Result<Vec<u64>, Fault> {
    let shards = gateway.recorder.shards();
    let end = gateway.ledger.head().await?.end();
    let (mut open, mut next) = (BTreeSet::new(), left.first().copied().unwrap_or(end));
    while next < end {
        let page = gateway.ledger.leaves_from(next, LEAVES_READ).await?;
        let (last, _) = page.last().ok_or(Fault::Defect("the log ends before its head"))?;
        next = last + 1;
        for (at, text) in page {
            let leaf = Leaf::decode(&text).map_err(|_| Fault::Defect("an entry of the log cannot be read back"))?;
            match leaf.kind() {
                LeafKind::Release | LeafKind::Page if left.binary_search(&at).is_ok() => {
                    open.insert(at);
                }
                LeafKind::Outcome => {
                    for named in leaf.list(Key::Refs).into_iter().flatten().filter_map(|r| shards.position(r)) {
                        open.remove(&named);
                    }
                }
                _ => {}
            }
        }
    }
    Ok(open.into_iter().collect())
}

/// Records OUTCOME leaves about these entries, as many as they need.
async fn record(gateway: &Gateway, entries: &[u64], outcome: &str) -> Result<(), Fault> {
    let shards = gateway.recorder.shards();
    for part in entries.chunks(REFS_MAX) {
        let refs: Vec<String> = part.iter().map(|at| shards.reference(*at)).collect();
        let leaf = LeafDraft::new(LeafKind::Outcome).with(Key::Refs, refs).with(Key::Rs, vec![outcome.to_owned()]);
        gateway.record_own(leaf, None, &[]).await?;
    }
    Ok(())
}

/// Records the deliveries that were given up as ABORTED, and lets the mark pass them.
///
/// # Errors
/// A store that does not answer; they stay in flight and are tried again.
pub async fn record_aborted(gateway: &Gateway) -> Result<(), Fault> {
    let in_flight = gateway.recorder.in_flight();
    for part in in_flight.aborted().chunks(REFS_MAX) {
        record(gateway, part, "ABORTED").await?;
        part.iter().for_each(|index| in_flight.settle(*index));
    }
    Ok(())
}

/// Records given-up deliveries as they come, in the background, until the gateway is gone.
pub fn follow(gateway: &Arc<Gateway>) {
    let given_up = gateway.recorder.in_flight().given_up();
    tokio::spawn(run(Arc::downgrade(gateway), given_up));
}

async fn run(gateway: Weak<Gateway>, mut given_up: tokio::sync::watch::Receiver<u64>) {
    let mut failed = false;
    loop {
        let changed = given_up.changed();
        let changed = if failed { tokio::time::timeout(AGAIN, changed).await.unwrap_or(Ok(())) } else { changed.await };
        let (Ok(()), Some(gateway)) = (changed, gateway.upgrade()) else { return };
        // They stay in flight: after a rest, with the next one that is given up, or at the end they are tried again.
        let recorded = record_aborted(&gateway).await;
        failed = recorded.is_err();
        if let Err(error) = recorded {
            tracing::warn!(%error, "an aborted delivery has no outcome yet");
        }
        tell_pending(&gateway);
    }
}

/// Says when so many deliveries wait for their outcome that nothing more is released.
fn tell_pending(gateway: &Gateway) {
    let pending = gateway.recorder.in_flight().pending();
    if pending < PENDING_MAX {
        return gateway.conditions.clear(Condition::OutcomesPending);
    }
    let text =
        "deliveries that were given up cannot be recorded: see why the log takes no entries of the gateway itself";
    gateway.conditions.raise(Condition::OutcomesPending, text);
}
