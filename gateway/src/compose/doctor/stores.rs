//! The two databases: there, ours, whole, and set as they must be.

use super::Findings;
use crate::compose::engine;
use crate::config::Config;
use sluis_adapters::master::MasterKey;
use sluis_adapters::sqlite::inspect::{Database, Inspection, belongs, inspect, version};
use sluis_adapters::sqlite::{OpenError, in_use};
use std::path::Path;

/// A write-ahead log that was not emptied for so long points at a reader who never lets go.
const WAL_BYTES_MAX: u64 = 256 * 1024 * 1024;

pub(super) fn both(config: &Config) -> [(Database, &Path); 2] {
    [(Database::Log, &config.log.database), (Database::Keys, &config.keys.database)]
}

/// Whether a gateway serves from these files now.
pub(super) fn is_served(config: &Config) -> bool {
    config.log.database.exists() && in_use(&config.log.database).unwrap_or(false)
}

/// The files are databases of ours, of the version of this program, under our master key, and of the configured shard.
pub(super) async fn present(config: &Config, found: &mut Findings) {
    let master = MasterKey::read(&config.keys.master_key).ok();
    for (database, file) in both(config) {
        let subject = database.name();
        let looked = version(file, database).and_then(|found| {
            if found == database.version() {
                master.as_ref().map_or(Ok(()), |master| belongs(file, database, master))
            } else {
                Err(OpenError::Version { file: file.to_owned(), expected: database.version(), found })
            }
        });
        match looked {
            Ok(()) => found.ok(subject, format!("`{}` has schema version {}", file.display(), database.version())),
            Err(error) => found.error(subject, &error),
        }
    }
    shard(config, found).await;
}

/// The log holds the configured shard. What cannot be opened or read was said before.
async fn shard(config: &Config, found: &mut Findings) {
    let Ok(log) = engine::archive(config).await else { return };
    let Ok(head) = log.head().await else { return };
    let expected = crate::compose::assemble::shard_origin(config);
    if head.origin == expected {
        found.ok("log database", format!("holds the shard `{expected}`, {} entries", head.size()));
    } else {
        let text = format!("holds the shard `{}` and the configuration says `{expected}`", head.origin);
        found.fault("log database", text, "correct `log.year`, `log.epoch`, `organisation` or the path");
    }
}

/// Settings, side files and pages of each.
pub(super) fn look_inside(config: &Config, found: &mut Findings) {
    for (database, file) in both(config) {
        // What is no database was said before.
        if let Ok(inspection) = inspect(file, database) {
            say(database, file, &inspection, found);
        }
    }
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
