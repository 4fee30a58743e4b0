//! Watches the moments at which revocation lists end: nobody is told by a file that one did.
//!
//! A list that ends speaks about nobody any more, so every connection under it is refused, and the open ones are judged
//! again within one round. A warning comes before.

use super::trust::Listeners;
use crate::condition::{Condition, Conditions};
use crate::transport::revocation::RevocationList;
use sluis_core::log::Millis;
use sluis_core::ports::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Between two rounds.
const EVERY: Duration = Duration::from_millis(200);
/// A warning comes when a quarter of the life of a list is left, and at most this long before its end.
const WARNING_MS_MAX: Millis = 24 * 3600 * 1000;

/// Goes round until told to end.
pub(crate) async fn keep(
    listeners: Arc<Listeners>,
    conditions: Arc<Conditions>,
    clock: Arc<dyn Clock>,
    mut ending: watch::Receiver<bool>,
) {
    let mut ended = 0;
    loop {
        ended = round(&listeners, &conditions, clock.now(), ended);
        tokio::select! {
            _ = ending.wait_for(|end| *end) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// One round, at this moment, after one in which so many lists had ended; gives how many have now.
fn round(listeners: &Listeners, conditions: &Conditions, now: Millis, ended_before: usize) -> usize {
    let revocation = listeners.revocation();
    let (stale, present): (Vec<_>, Vec<_>) = revocation.lists().iter().partition(|list| list.is_stale(now));
    if stale.len() > ended_before {
        listeners.judge_again();
    }
    let ending: Vec<_> = present.into_iter().filter(|list| now >= warning_begins(list)).collect();
    tell(conditions, Condition::RevocationStale, &stale, "has ended, its certificates are refused");
    tell(conditions, Condition::RevocationEnding, &ending, "ends soon, its certificates are refused then");
    stale.len()
}

fn warning_begins(list: &RevocationList) -> Millis {
    let life = list.next_update.saturating_sub(list.this_update);
    list.next_update.saturating_sub((life / 4).min(WARNING_MS_MAX))
}

fn tell(conditions: &Conditions, condition: Condition, lists: &[&RevocationList], what: &str) {
    if lists.is_empty() {
        return conditions.clear(condition);
    }
    let line =
        |list: &&RevocationList| format!("`{}`: the list of {} {what}: fetch the present one", list.file, list.issuer);
    conditions.raise(condition, lists.iter().map(line).collect::<Vec<_>>().join("\n"));
}
