//! How often something took how long, or was how large: counts per class, of atomics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds in seconds: from a point read to the longest call.
const SECONDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Upper bounds of a batch of entries.
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// The sum is kept in millionths.
const SCALE: f64 = 1e6;

/// Counts per class.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One more than bounds: what is above all of them.
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Default for Histogram {
    /// Of durations.
    fn default() -> Self {
        Self::with(SECONDS)
    }
}

/// A histogram as it was at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Shot {
    /// Sum of all values.
    pub sum: f64,
    /// Number of values.
    pub count: u64,
    /// Upper bound and number of values in the class below it; the last bound is infinite.
    pub classes: Vec<(f64, u64)>,
}

impl Histogram {
    /// Of sizes.
    #[must_use]
    pub fn sizes() -> Self {
        Self::with(SIZES)
    }

    fn with(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0) }
    }

    /// Counts a duration.
    pub fn took(&self, duration: Duration) {
        self.count(duration.as_secs_f64());
    }

    /// Counts a value; one below zero counts as zero.
    pub fn count(&self, value: f64) {
        let value = value.max(0.0);
        let class = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; saturates")]
        self.sum.fetch_add((value * SCALE) as u64, Ordering::Relaxed);
    }

    /// The classes now.
    #[must_use]
    pub fn shot(&self) -> Shot {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let classes: Vec<_> = bounds.zip(counts).collect();
        #[expect(clippy::cast_precision_loss, reason = "exact for 285 years of seconds")]
        let sum = self.sum.load(Ordering::Relaxed) as f64 / SCALE;
        Shot { sum, count: classes.iter().map(|(_, count)| count).sum(), classes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_falls_in_the_class_that_it_does_not_exceed() {
        let histogram = Histogram::default();
        for millis in [1, 1, 3, 60_000] {
            histogram.took(Duration::from_millis(millis));
        }
        let shot = histogram.shot();
        let of = |bound: f64| shot.classes.iter().find(|(b, _)| *b == bound).unwrap().1;
        assert_eq!((of(0.001), of(0.005), of(f64::INFINITY), shot.count), (2, 1, 1, 4));
        assert!((shot.sum - 60.005).abs() < 1e-6, "{}", shot.sum);
    }
}
