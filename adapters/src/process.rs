//! What this process takes of the machine, as Linux tells it, and that its memory stays its own.

use std::fs;

/// Memory and open files of this process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Memory in use, in bytes (resident set).
    pub resident: u64,
    /// Open file descriptors.
    pub files: u64,
    /// How many it may have open; 0 when unlimited.
    pub files_max: u64,
}

/// What this process takes now; `None` where there is no `/proc`.
#[must_use]
pub fn usage() -> Option<Usage> {
    let pages: u64 = fs::read_to_string("/proc/self/statm").ok()?.split_whitespace().nth(1)?.parse().ok()?;
    let files = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let files_max = line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
    Some(Usage { resident: pages.saturating_mul(rustix::param::page_size() as u64), files, files_max })
}

/// Keeps what is in memory out of files and out of other processes of the same user: no core dump, no reading along.
///
/// A process that is started under a tracer stays readable for it: who can do that could read everything anyway.
///
/// # Errors
/// When the system refuses; then a crash could write dossiers to a disk.
pub fn keep_memory_private() -> std::io::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:")).map(str::trim);
    if tracer.is_some_and(|tracer| tracer != "0") {
        return Ok(());
    }
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_takes_something() {
        let usage = usage().unwrap();
        assert!(usage.resident > 100_000 && usage.files > 2, "{usage:?}");
    }
}
