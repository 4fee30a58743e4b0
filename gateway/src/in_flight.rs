//! Which released entries were not handed over yet, and the low mark that follows from them (A9).
//!
//! Promise: the mark in the store passes an entry only after its reply was handed to the transport, or after an
//! OUTCOME leaf about it is durable. So after a crash nothing that may not have arrived counts as delivered.
//! Where it ends: handed over means that HTTP/2 has its bytes, and of a unary call that the recipient gave room for one of
//! them. Whether the recipient read it, nobody here knows; he proves it with his receipt. What was handed over
//! since the last commit is called unknown after a crash although it may have arrived: the mark is written with the next
//! commit, never on its own.

use sluis_core::ports::Ledger;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Deliveries that were given up and whose outcome is not recorded: with as many nothing more is released (core-design 1.10).
pub const PENDING_MAX: usize = 256;

/// Released entries between their commit and the end of their call. As many as calls run at one time, no more.
pub struct InFlight {
    ledger: Arc<dyn Ledger>,
    state: Mutex<State>,
    /// How many deliveries were given up, for the sweeper to wait on.
    given_up: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// Released and not settled; also the first entry that the previous process left open.
    open: BTreeSet<u64>,
    /// Of these, the ones whose call ended without a reply.
    aborted: BTreeSet<u64>,
    /// Everything below this position was looked at by the recorder.
    end: u64,
    /// From here on stand entries, if they stand at all, of which nobody was told: an append of unknown outcome.
    unsettled: Option<u64>,
}

impl State {
    /// Everything below is settled.
    fn low(&self) -> u64 {
        let settled = self.open.first().copied().unwrap_or(self.end);
        self.unsettled.map_or(settled, |unsettled| unsettled.min(settled))
    }
}

impl InFlight {
    /// Nothing in flight from this position on.
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>, end: u64) -> Arc<Self> {
        let state = Mutex::new(State { end, ..State::default() });
        Arc::new(Self { ledger, state, given_up: watch::Sender::new(0) })
    }

    /// Keeps the mark at `index` until [`InFlight::settle`]: what the previous process left has no outcome yet.
    pub fn hold(&self, index: u64) {
        self.state().open.insert(index);
    }

    /// Keeps the mark at `index` until [`InFlight::settle_unsettled`]: from there on entries may stand of which nobody was told.
    pub fn hold_unsettled(&self, index: u64) {
        let mut state = self.state();
        state.unsettled = Some(state.unsettled.map_or(index, |held| held.min(index)));
    }

    /// Says which released entries stand of those that nobody was told of: their delivery counts as given up.
    pub fn settle_unsettled(&self, standing: &[u64]) {
        self.change(|state| {
            state.open.extend(standing);
            state.aborted.extend(standing);
            state.unsettled = None;
        });
        if !standing.is_empty() {
            self.given_up.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Begins the delivery of an entry that is durable. Called before [`InFlight::recorded`] of its batch.
    pub fn begin(self: &Arc<Self>, index: u64) -> Delivery {
        self.state().open.insert(index);
        Delivery { open_in: Some(Arc::clone(self)), index }
    }

    /// Says that every entry below this position is durable, and that those of them that release something have begun.
    pub fn recorded(&self, end: u64) {
        self.change(|state| state.end = state.end.max(end));
    }

    /// The entry was handed over, or a leaf about its outcome is durable.
    pub fn settle(&self, index: u64) {
        self.change(|state| {
            state.open.remove(&index);
            state.aborted.remove(&index);
        });
    }

    /// The entries whose call ended without a reply and about which no leaf is durable yet, in order.
    #[must_use]
    pub fn aborted(&self) -> Vec<u64> {
        self.state().aborted.iter().copied().collect()
    }

    /// How many of them there are.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.state().aborted.len()
    }

    /// How many deliveries have no outcome yet.
    #[must_use]
    pub fn open(&self) -> usize {
        self.state().open.len()
    }

    /// Changes whenever a delivery is given up; closes when nothing can be in flight any more.
    #[must_use]
    pub fn given_up(&self) -> watch::Receiver<u64> {
        self.given_up.subscribe()
    }

    /// Moves the mark when the change let it rise. The ledger writes it with its next commit.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        let before = state.low();
        change(&mut state);
        let low = state.low();
        drop(state);
        if low > before {
            self.ledger.delivered_below(low);
        }
    }

    /// No code panics while it holds this lock, so a poisoned one is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One released entry on its way out. Dropped before it was handed over, it counts as aborted.
#[must_use = "say when it was handed over; dropping it says that it was not"]
pub struct Delivery {
    /// Empty when it was handed over.
    open_in: Option<Arc<InFlight>>,
    index: u64,
}

impl Delivery {
    /// The reply is with the transport.
    pub fn handed_over(mut self) {
        if let Some(in_flight) = self.open_in.take() {
            in_flight.settle(self.index);
        }
    }
}

impl Drop for Delivery {
    /// The caller went away, or the gateway refused to let go: an OUTCOME leaf must say so before the mark may pass.
    fn drop(&mut self) {
        if let Some(in_flight) = self.open_in.take() {
            in_flight.state().aborted.insert(self.index);
            in_flight.given_up.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Delivery({})", self.index)
    }
}
