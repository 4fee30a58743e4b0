//! How far the scrubber is, for whoever watches.

use sluis_core::log::Millis;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Numbers of the scrubber since the start of the process.
#[derive(Debug, Default)]
pub struct Progress {
    size: AtomicU64,
    done: AtomicU64,
    passes: AtomicU64,
    passed_at: AtomicU64,
    findings: AtomicU64,
    begun_at: AtomicU64,
    within: AtomicU64,
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

    /// From now on every pass is expected to end within this time.
    pub fn expect(&self, now: Millis, within: Duration) {
        self.begun_at.store(now, Ordering::Relaxed);
        self.within.store(u64::try_from(within.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Whether no pass ended for twice the time in which one must: nobody knows then what the log is.
    #[must_use]
    pub fn is_overdue(&self, now: Millis) -> bool {
        let [begun, passed, within] =
            [&self.begun_at, &self.passed_at, &self.within].map(|n| n.load(Ordering::Relaxed));
        within > 0 && now > begun.max(passed).saturating_add(within.saturating_mul(2))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_overdue_after_twice_its_time_since_the_last_or_the_start() {
        let progress = Progress::default();
        assert!(!progress.is_overdue(Millis::MAX), "nothing is expected yet");
        progress.expect(1000, Duration::from_millis(10));
        assert!(!progress.is_overdue(1020) && progress.is_overdue(1021));
        progress.passed(1015);
        assert!(!progress.is_overdue(1035) && progress.is_overdue(1036));
    }
}
