//! Replies that were handed to HTTP/2 and that the other end has given no room to send.
//!
//! A client that never opens its window keeps a reply, its stream and its place for ever, and no library bounds that time.
//! So whoever sends a reply notes here while it waits, and the connection looks how long the longest has waited.

use crate::operation::stopwatch::Stopwatch;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The replies of one connection that wait.
#[derive(Debug, Default)]
pub struct Unread {
    next: AtomicU64,
    waiting: Mutex<BTreeMap<u64, Stopwatch>>,
}

/// One reply that waits, until this is dropped.
#[derive(Debug)]
pub struct Waiting {
    unread: Arc<Unread>,
    number: u64,
}

impl Unread {
    /// A reply begins to wait.
    #[must_use]
    pub fn wait(self: &Arc<Self>) -> Waiting {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.waiting().insert(number, Stopwatch::start());
        Waiting { unread: Arc::clone(self), number }
    }

    /// How long the longest has waited.
    pub(super) fn longest(&self) -> Option<Duration> {
        // Numbers are given in the order of time, so the first has waited longest.
        self.waiting().first_key_value().map(|(_, since)| since.elapsed())
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u64, Stopwatch>> {
        // Every change is a single step: what a panicking holder left is whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.unread.waiting().remove(&self.number);
    }
}
