//! Log and keys in SQLite files: there, ours, whole, and set as they must be.

use super::Findings;
use sluis_adapters::master::MasterKey;
use sluis_adapters::sqlite::inspect::{Database, Inspection, active_policy_number, belongs, inspect, version};
use sluis_adapters::sqlite::{OpenError, in_use};
use std::path::Path;

/// A write-ahead log that was not emptied for so long points at a reader who never lets go.
const WAL_BYTES_MAX: u64 = 256 * 1024 * 1024;

fn both<'a>(log: &'a Path, keys: &'a Path) -> [(Database, &'a Path); 2] {
    [(Database::Log, log), (Database::Keys, keys)]
}

/// Whether a gateway serves from this log now.
pub(super) fn is_served(log: &Path) -> bool {
    log.exists() && in_use(log).unwrap_or(false)
}

/// The files are databases of ours, of the version of this program, under our master key.
pub(super) fn present(log: &Path, keys: &Path, master: Option<&MasterKey>, found: &mut Findings) {
    for (database, file) in both(log, keys) {
        let subject = database.name();
        let looked = version(file, database).and_then(|found| {
            if found == database.version() {
                master.map_or(Ok(()), |master| belongs(file, database, master))
            } else {
                Err(OpenError::Version { file: file.to_owned(), expected: database.version(), found })
            }
        });
        match looked {
            Ok(()) => found.ok(subject, format!("`{}` has schema version {}", file.display(), database.version())),
            Err(error) => found.error(subject, &error),
        }
    }
}

/// Settings, side files and pages of each.
pub(super) fn look_inside(log: &Path, keys: &Path, found: &mut Findings) {
    for (database, file) in both(log, keys) {
        // What is no database was said before.
        if let Ok(inspection) = inspect(file, database) {
            say(database, file, &inspection, found);
        }
    }
}

/// The number of the active policy; `None` when it cannot be read.
pub(super) fn active_policy(log: &Path, master: &MasterKey) -> Option<Option<u64>> {
    active_policy_number(log, master).ok()
}

fn say(database: Database, file: &Path, seen: &Inspection, found: &mut Findings) {
    let (subject, name) = (database.name(), file.display());
    if seen.journal_mode == "wal" {
        found.ok(subject, "journal mode wal; every connection of the gateway sets synchronous=FULL");
    } else {
        let text = format!("`{name}` has journal mode {}: readers and writers block each other", seen.journal_mode);
        found.warning(subject, text, "another program changed it; the gateway sets it back at its next start");
    }
    if seen.faults.is_empty() {
        found.ok(subject, "its pages and indexes are whole (quick_check; SQLite keeps no page checksums here)");
    } else {
        let text = format!("`{name}` is damaged: {}", seen.faults.join("; "));
        found.fault(subject, text, "stop the gateway, keep the file, restore from backup and verify the log");
    }
    if seen.wal_bytes > WAL_BYTES_MAX {
        let text = format!("the write-ahead log of `{name}` has {} MiB", seen.wal_bytes / 1024 / 1024);
        found.warning(subject, text, "find the program that keeps a read open on it");
    }
    let served = if seen.in_use { "a gateway serves from it now" } else { "nobody serves from it now" };
    found.ok(subject, served);
}
