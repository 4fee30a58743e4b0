//! SQLite behind the ports: one file for the log and its state, one for the keys, each with one writer.
//!
//! Promises: what [`append`](sluis_core::ports::Ledger::append) calls recorded survives a power cut (WAL,
//! `synchronous=FULL`); entries, state, index and head are one commit; state that was edited does not open; one process
//! uses a file at a time. Where this ends: a disk that lies about flushing, and a whole file put back from yesterday.

mod append;
mod check;
mod checkpointer;
mod erase;
mod errors;
mod halts;
pub mod inspect;
mod keys;
mod keys_reader;
mod keys_rotation;
mod mending;
mod open;
mod open_error;
mod pool;
mod provision;
mod pruning;
mod raw_rows;
mod read;
mod reader;
mod register;
mod rows;
mod segments;
mod shards;
mod statements;
mod upkeep;
mod writer;

pub use keys::SqliteKeys;
pub use keys_reader::SqliteKeysReader;
pub use open::{Limits, in_use};
pub use open_error::OpenError;
pub use reader::SqliteLogReader;
pub use statements::{KEY_STATEMENTS, LOG_STATEMENTS};

use crate::master::{HALT_LABEL, INDEX_LABEL, MasterKey, STATE_LABEL, TOMB_LABEL};
use crate::store::{GuardCache, LOG};
use checkpointer::Checkpointer;
use open::{Exclusive, LOG_KIND, engine};
use pool::Readers;
use rusqlite::OptionalExtension;
use sluis_core::log::Millis;
use sluis_core::log::finalise::Head;
use sluis_core::ports::{Clock, StoreError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use writer::{Command, Desk, Seals};

/// How long a row of state is answered from memory: nobody else writes this file.
const KNOWN: Duration = Duration::from_secs(60);

/// The log in one file, all shards: ledger and register.
pub struct SqliteLog {
    /// The number of the newest shard in rows.
    newest: Arc<AtomicI64>,
    readers: Readers,
    seals: Arc<Seals>,
    guards: Arc<GuardCache>,
    low: Arc<AtomicU64>,
    /// What was in flight when the last process ended.
    in_flight: Vec<u64>,
    commands: Option<Sender<Command>>,
    writer: Option<JoinHandle<()>>,
    _exclusive: Exclusive,
}

impl SqliteLog {
    /// Makes a new, empty log: an explicit act. The gateway then appends its EPOCH leaf.
    ///
    /// # Errors
    /// [`OpenError::Exists`] when there is a file; nothing is ever overwritten.
    pub fn create(
        file: &Path,
        origin: &str,
        master: &MasterKey,
        now: Millis,
        last_time: Millis,
    ) -> Result<(), OpenError> {
        let sealed = open::seal_check(&master.sealing(STATE_LABEL)?, &LOG_KIND)?;
        let [now, last_time] = [now, last_time].map(|t| i64::try_from(t).unwrap_or(i64::MAX));
        open::create(file, &LOG_KIND, |connection| {
            connection.execute(statements::WRITE_SEAL_CHECK, [sealed])?;
            connection.execute(statements::INSERT_SHARD, (1, origin, now))?;
            connection.execute(statements::INSERT_HEAD, (1, 0, Vec::<u8>::new(), last_time))?;
            connection.execute(statements::WRITE_LOW, (append::REPLICA, 0)).map(|_| ())
        })
    }

    /// Opens a log for this process alone. Never creates or migrates.
    ///
    /// # Errors
    /// [`OpenError`] names the file and what to do.
    pub fn open(file: &Path, master: &MasterKey, clock: Arc<dyn Clock>, limits: Limits) -> Result<Self, OpenError> {
        let (connection, exclusive) = open::writer(file, &LOG_KIND, limits)?;
        let seals = Arc::new(Seals {
            state: master.sealing(STATE_LABEL)?,
            index: master.sealing(INDEX_LABEL)?,
            halt: master.sealing(HALT_LABEL)?,
            tomb: master.sealing(TOMB_LABEL)?,
        });
        open::check_seal(&connection, file, &LOG_KIND, &seals.state)?;
        let (shards, newest) = check::shards(&connection, file)?;
        let (log, head) = (newest.row, newest.head);
        let low: Option<i64> = connection
            .query_row(statements::LOW, [append::REPLICA], |row| row.get(0))
            .optional()
            .map_err(engine(file))?;
        let low = low.and_then(|low| u64::try_from(low).ok()).unwrap_or(0);
        let segments =
            connection.query_row(statements::COUNT_SMALL_SEGMENTS, [log], |row| row.get(0)).map_err(engine(file))?;
        let in_flight = in_flight(low, &shards);
        let guards = Arc::new(GuardCache::new(KNOWN));
        raw_rows::remember_states(&connection, &guards).map_err(engine(file))?;
        let (shared_low, shared_newest) = (Arc::new(AtomicU64::new(low)), Arc::new(AtomicI64::new(log)));
        let desk = Desk {
            connection,
            log,
            seals: Arc::clone(&seals),
            clock,
            head,
            guards: Arc::clone(&guards),
            learned: Vec::new(),
            low: Arc::clone(&shared_low),
            low_written: Some(low),
            segments,
            closed: !newest.open,
            newest: Arc::clone(&shared_newest),
            halted: false,
        };
        let (commands, receiver) = channel();
        let checkpointer = Checkpointer::start(file, checkpointer::connection(file)?)?;
        let thread = std::thread::Builder::new().name("sluis-log".to_owned());
        let writer = thread.spawn(move || writer::run(desk, &receiver, &checkpointer));
        let writer = writer.map_err(|source| OpenError::Io { file: file.to_owned(), source })?;
        let readers = Readers::new(file.to_owned(), LOG, limits);
        let (commands, writer) = (Some(commands), Some(writer));
        let (newest, low) = (shared_newest, shared_low);
        Ok(Self { newest, readers, seals, guards, low, in_flight, commands, writer, _exclusive: exclusive })
    }

    fn newest(&self) -> i64 {
        self.newest.load(Ordering::Acquire)
    }

    /// Hands a command to the writer and waits. A writer that is gone leaves the outcome unknown.
    async fn ask<T>(&self, command: impl FnOnce(writer::Answer<T>) -> Command) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.tell(command(answer))?;
        answered.await.unwrap_or(Err(StoreError::Unknown { store: LOG }))
    }

    fn tell(&self, command: Command) -> Result<(), StoreError> {
        let sent = self.commands.as_ref().map(|commands| commands.send(command));
        sent.and_then(Result::ok).ok_or(StoreError::Unknown { store: LOG })
    }
}

/// Every position from the mark on, in all shards.
fn in_flight(low: u64, shards: &[Head]) -> Vec<u64> {
    shards.iter().flat_map(|head| low.max(head.position(0))..head.end()).collect()
}

impl Drop for SqliteLog {
    /// Waits until the writer has written what it was given; then the lock is free.
    fn drop(&mut self) {
        self.commands = None;
        if let Some(writer) = self.writer.take() {
            let _ended = writer.join();
        }
    }
}
