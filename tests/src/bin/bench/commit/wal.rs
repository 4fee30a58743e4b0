//! A floor's connection, with the pragmas of the gateway's, and the thread that moves its WAL into the file, by the
//! gateway's rules: off the commit path, and finished by the writer only when it has grown to 64 MiB.

use super::Fault;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes written after which a passive checkpoint is asked for, and what one row counts for.
const PASSIVE_BYTES: usize = 4 << 20;
const ROW_BYTES: usize = 1500 + 1052 + 40;
/// Frames from which the writer finishes the checkpoint itself.
const RESTART_FRAMES: u64 = 16_384;
const CACHE_KIB: i32 = 8192;
const STATEMENTS_MAX: usize = 64;

/// The pragmas of the connection that writes.
pub fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.query_row("PRAGMA wal_autocheckpoint = 0", [], |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}

/// The thread that moves pages, which ends with the writer.
pub struct Mover {
    nudge: SyncSender<()>,
    frames: Arc<AtomicU64>,
    written: usize,
}

impl Mover {
    /// Starts it with a connection of its own.
    ///
    /// # Errors
    /// When the file or the thread cannot be opened.
    pub fn start(file: &Path) -> Result<Self, Fault> {
        let connection = Connection::open(file)?;
        configure(&connection)?;
        let (nudge, nudged) = sync_channel(1);
        let frames = Arc::<AtomicU64>::default();
        let seen = Arc::clone(&frames);
        std::thread::Builder::new().name("floor-wal".to_owned()).spawn(move || run(&connection, &nudged, &seen))?;
        Ok(Self { nudge, frames, written: 0 })
    }

    /// Told by the writer after each commit. A checkpoint that fails leaves the WAL to the next one, as in the gateway.
    pub fn written(&mut self, writer: &Connection, rows: usize) {
        if self.frames.load(Ordering::Acquire) > RESTART_FRAMES {
            self.frames.store(0, Ordering::Release);
            let _ = checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)");
        }
        self.written += rows * ROW_BYTES;
        if self.written >= PASSIVE_BYTES {
            self.written = 0;
            // Full means that it is already asked for.
            let _ = self.nudge.try_send(());
        }
    }
}

fn run(connection: &Connection, nudged: &Receiver<()>, frames: &AtomicU64) {
    while nudged.recv().is_ok() {
        if let Ok(left) = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
            frames.store(left, Ordering::Release);
        }
    }
}

/// Frames in the WAL after a checkpoint.
fn checkpoint(connection: &Connection, sql: &str) -> Result<u64, rusqlite::Error> {
    let frames: i64 = connection.query_row(sql, [], |row| row.get(1))?;
    Ok(u64::try_from(frames).unwrap_or_default())
}
