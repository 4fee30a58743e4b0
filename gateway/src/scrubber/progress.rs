//! How far the scrubber is, for whoever watches.

use sluis_core::log::Millis;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

/// Numbers of the scrubber since the start of the process.
#[derive(Debug, Default)]
pub struct Progress {
    size: AtomicU64,
    done: AtomicU64,
    passes: AtomicU64,
    passed_at: AtomicU64,
    findings: AtomicU64,
    hurry: Notify,
}

impl Progress {
    pub(super) fn begin(&self, size: u64) {
        self.size.store(size, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
    }

    pub(super) fn at(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
    }

    pub(super) fn passed(&self, now: Millis) {
        self.passes.fetch_add(1, Ordering::Relaxed);
        self.passed_at.store(now, Ordering::Relaxed);
    }

    pub(super) fn found(&self) {
        self.findings.fetch_add(1, Ordering::Relaxed);
    }

    /// Has everything read again at once and without rest, from the beginning.
    pub fn hurry(&self) {
        self.hurry.notify_one();
    }

    pub(super) async fn hurried(&self) {
        self.hurry.notified().await;
    }

    /// The part of this pass that is done, from 0 to 1.
    #[must_use]
    pub fn part(&self) -> f64 {
        let [done, size] = [&self.done, &self.size].map(|n| n.load(Ordering::Relaxed));
        if size == 0 { 1.0 } else { float(done) / float(size) }
    }

    /// Passes that reached the end of the log.
    #[must_use]
    pub fn passes(&self) -> u64 {
        self.passes.load(Ordering::Relaxed)
    }

    /// When the last of them ended; `None` before the first.
    #[must_use]
    pub fn passed_at(&self) -> Option<Millis> {
        Some(self.passed_at.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    /// What was found, twice each.
    #[must_use]
    pub fn findings(&self) -> u64 {
        self.findings.load(Ordering::Relaxed)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number for a picture")]
fn float(number: u64) -> f64 {
    number as f64
}
