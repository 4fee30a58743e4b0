//! Moves pages from the WAL into the file, off the commit path, so that no release waits for it.
//!
//! A passive checkpoint never blocks the writer. Under load without a pause the WAL is never wholly moved, so it
//! cannot start anew and grows; from a bound on, the writer finishes the rest itself between two commits.

use super::open;
use super::open_error::OpenError;
use crate::store::LOG;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Bytes written after which a passive checkpoint is asked for.
const PASSIVE_BYTES: usize = 4 << 20;
/// Frames of 4 KiB in the WAL from which the writer finishes the checkpoint itself: 64 MiB.
const RESTART_FRAMES: u64 = 16_384;

/// The thread that checkpoints, and what the writer knows about it.
pub(super) struct Checkpointer {
    nudge: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    frames: Arc<AtomicU64>,
    written: AtomicUsize,
}

impl Checkpointer {
    /// Starts the thread with a connection of its own.
    pub fn start(file: &Path, connection: Connection) -> Result<Self, OpenError> {
        let (nudge, nudged) = sync_channel(1);
        let frames = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&frames);
        let thread = std::thread::Builder::new().name("sluis-wal".to_owned());
        let thread = thread.spawn(move || run(&connection, &nudged, &seen));
        let thread = thread.map_err(|source| OpenError::Io { file: file.to_owned(), source })?;
        Ok(Self { nudge: Some(nudge), thread: Some(thread), frames, written: AtomicUsize::new(0) })
    }

    /// Told by the writer after each commit, with what it added.
    pub fn written(&self, writer: &Connection, bytes: usize) {
        if self.frames.load(Ordering::Acquire) > RESTART_FRAMES {
            self.frames.store(0, Ordering::Release);
            if let Err(error) = checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)") {
                tracing::warn!(%error, store = LOG, "the WAL could not start anew; it goes on growing");
            }
        }
        if self.written.fetch_add(bytes, Ordering::AcqRel) + bytes >= PASSIVE_BYTES {
            self.written.store(0, Ordering::Release);
            // Full means that it is already asked for.
            let _asked = self.nudge.as_ref().map(|nudge| nudge.try_send(()));
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.nudge = None;
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn run(connection: &Connection, nudged: &Receiver<()>, frames: &AtomicU64) {
    while nudged.recv().is_ok() {
        match checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
            Ok(left) => frames.store(left, Ordering::Release),
            Err(error) => tracing::warn!(%error, store = LOG, "a checkpoint of the WAL failed; it is tried again"),
        }
    }
}

/// Frames in the WAL after a checkpoint.
fn checkpoint(connection: &Connection, sql: &str) -> Result<u64, rusqlite::Error> {
    let frames: i64 = connection.query_row(sql, [], |row| row.get(1))?;
    Ok(u64::try_from(frames).unwrap_or(0))
}

/// The connection of this thread: as a writer's, with a small cache, because it only moves pages.
pub(super) fn connection(file: &Path) -> Result<Connection, OpenError> {
    open::mover(file).map_err(open::engine(file))
}
