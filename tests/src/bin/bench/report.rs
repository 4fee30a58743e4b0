//! One measurement as one line of JSON, and the arithmetic behind its numbers.

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::path::Path;

/// One measurement against its floor.
pub struct Line {
    /// `decide` or `release`.
    pub bench: &'static str,
    /// The database engine, `none` where none is used.
    pub engine: &'static str,
    /// The measured value.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The same measurement of the least that could be done.
    pub floor: f64,
    /// What that least is.
    pub floor_name: &'static str,
    /// Median of one call, microseconds.
    pub p50_us: f64,
    /// 99th percentile of one call, microseconds.
    pub p99_us: f64,
    /// Highest resident memory of the process that was measured, MiB.
    pub peak_rss_mib: f64,
    /// What the numbers depend on.
    pub settings: Value,
}

impl Line {
    /// Prints the line.
    pub fn print(&self) {
        let ratio = if self.floor > 0.0 { self.value / self.floor } else { 0.0 };
        println!(
            "{}",
            json!({
                "bench": self.bench, "engine": self.engine, "value": rounded(self.value), "unit": self.unit,
                "floor": rounded(self.floor), "floor_name": self.floor_name, "ratio": rounded(ratio),
                "p50_us": rounded(self.p50_us), "p99_us": rounded(self.p99_us),
                "peak_rss_mib": rounded(self.peak_rss_mib), "profile": profile(), "settings": self.settings,
            })
        );
    }
}

/// How this program was built: cargo names the folder after it.
fn profile() -> String {
    let program = std::env::current_exe().unwrap_or_default();
    program.parent().and_then(Path::file_name).map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// A percentile of nanoseconds, as microseconds.
pub fn micros(histogram: &Histogram<u64>, percentile: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of one call are far below 2^53")]
    let nanoseconds = histogram.value_at_percentile(percentile) as f64;
    nanoseconds / 1000.0
}

/// The middle of the rounds; the lower middle of an even number.
pub fn median(rounds: &[f64]) -> f64 {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// Highest resident memory of a process so far, MiB; 0 where the system does not say.
pub fn peak_rss_mib(process: &str) -> f64 {
    let status = std::fs::read_to_string(Path::new("/proc").join(process).join("status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

/// Processor time a process has used so far, user and system, microseconds; 0 where the system does not say.
///
/// Unlike a rate it does not depend on what else runs on the machine.
pub fn cpu_us(process: &str) -> f64 {
    const TICK_US: f64 = 10_000.0; // USER_HZ is 100 on every Linux that Rust runs on
    let stat = std::fs::read_to_string(Path::new("/proc").join(process).join("stat")).unwrap_or_default();
    // The name, in brackets, may hold spaces; after it utime and stime are the 12th and 13th words (proc(5)).
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * TICK_US
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_round_counts() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(&[]).abs() < f64::EPSILON);
        assert!(peak_rss_mib("self") > 1.0);
    }
}
