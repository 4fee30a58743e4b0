//! The one thread that writes: it owns the connection, takes commands in order and answers each.
//!
//! When a commit ends in a way that is not known to have written nothing, it refuses everything afterwards with
//! `Unknown`, and the gateway exits: a page cache after a failed flush cannot be trusted (A6).

use super::checkpointer::Checkpointer;
use super::erase;
use super::mending::Mend;
use crate::master::RowKey;
use crate::store::{GuardCache, LOG, Learned};
use rusqlite::Connection;
use sluis_core::log::Millis;
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::{Committed, Head};
use sluis_core::log::shard::Next;
use sluis_core::ports::{Clock, StoreError};
use sluis_core::subject::SubjectRef;
use sluis_core::upkeep::Cut;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a checkpoint waits for an append to be written with.
const CHECKPOINT_WAITS: Duration = Duration::from_secs(1);

/// Roughly what a step of removing a shard adds to the WAL.
const PRUNED_BYTES: usize = 4 << 20;

/// Where an answer goes.
pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the thread is asked to do.
pub(super) enum Command {
    Append { drafts: Vec<Draft>, answer: Answer<Committed> },
    Keep(KeptCheckpoint),
    Probe { answer: Answer<()> },
    ForgetTransactions { before: Millis, answer: Answer<u64> },
    Erase { subject: SubjectRef, keys: Vec<[u8; 16]>, answer: Answer<u64> },
    OpenShard { next: Box<Next>, answer: Answer<()> },
    Halt { time: Millis, found: String, answer: Answer<()> },
    LiftHalts { these: Vec<(i16, Millis)>, entry: String, answer: Answer<u64> },
    Mend { mend: Mend, answer: Answer<()> },
    Prune { cut: Cut, answer: Answer<bool> },
    Compact { answer: Answer<()> },
}

/// A signed note that waits to be written; its size names its shard as a position does.
pub(super) struct KeptCheckpoint {
    pub size: u64,
    pub note: String,
    pub time: Millis,
}

/// The keys that protect rows.
pub(super) struct Seals {
    pub state: RowKey,
    pub index: RowKey,
    pub halt: RowKey,
    pub tomb: RowKey,
}

/// The writer's desk: its connection and what it remembers between commands.
pub(super) struct Desk {
    pub connection: Connection,
    pub log: i64,
    /// The same number for readers.
    pub newest: Arc<AtomicI64>,
    /// The newest shard takes no entries: the next must be opened.
    pub closed: bool,
    pub seals: Arc<Seals>,
    pub clock: Arc<dyn Clock>,
    /// The head as this desk committed it; the row must still say the same (A5).
    pub head: Head,
    /// Rows of state known to this process.
    pub guards: Arc<GuardCache>,
    /// Rows of state written since the last commit, with their sealed bytes.
    pub learned: Vec<Learned>,
    pub low: Arc<AtomicU64>,
    /// The in-flight mark as its row says, where that is known.
    pub low_written: Option<u64>,
    /// Small segments since the last merge.
    pub segments: u32,
    pub halted: bool,
}

/// Runs until every sender is gone, then writes what waits.
pub(super) fn run(mut desk: Desk, commands: &Receiver<Command>, checkpointer: &Checkpointer) {
    let mut kept: Option<KeptCheckpoint> = None;
    loop {
        let next = if kept.is_some() {
            commands.recv_timeout(CHECKPOINT_WAITS)
        } else {
            commands.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match next {
            Ok(command) => serve(&mut desk, command, &mut kept, checkpointer),
            Err(RecvTimeoutError::Timeout) => flush(&mut desk, &mut kept),
            Err(RecvTimeoutError::Disconnected) => {
                flush(&mut desk, &mut kept);
                return;
            }
        }
    }
}

/// An answer nobody waits for any more is dropped: the caller went away, what is written stays.
fn serve(desk: &mut Desk, command: Command, kept: &mut Option<KeptCheckpoint>, checkpointer: &Checkpointer) {
    match command {
        Command::Append { drafts, answer } => {
            let bytes = drafts.iter().map(weight).sum();
            let _gone = answer.send(desk.append(drafts, kept));
            checkpointer.written(&desk.connection, bytes);
        }
        Command::Keep(newer) => *kept = Some(newer),
        Command::Probe { answer } => {
            let _gone = answer.send(in_transaction(desk, Desk::probe));
        }
        Command::ForgetTransactions { before, answer } => {
            let _gone = answer.send(in_transaction(desk, |desk| erase::forget_transactions(desk, before)));
        }
        Command::OpenShard { next, answer } => {
            let _gone = answer.send(desk.open_shard(&next));
        }
        Command::Erase { subject, keys, answer } => {
            let _gone = answer.send(in_transaction(desk, |desk| erase::erase(desk, subject, &keys)));
        }
        Command::Halt { time, found, answer } => {
            let _gone = answer.send(in_transaction(desk, |desk| desk.write_halt(time, &found)));
        }
        Command::Mend { mend, answer } => {
            let _gone = answer.send(in_transaction(desk, |desk| desk.mend(mend)));
        }
        Command::Prune { cut, answer } => {
            let _gone = answer.send(in_transaction(desk, |desk| desk.prune(&cut)));
            checkpointer.written(&desk.connection, PRUNED_BYTES);
        }
        Command::Compact { answer } => {
            let _gone = answer.send(desk.compact());
        }
        Command::LiftHalts { these, entry, answer } => {
            let _gone = answer.send(in_transaction(desk, |desk| desk.lift_halts(&these, &entry)));
        }
    }
}

/// Roughly what a draft adds to the WAL, indexes included.
fn weight(draft: &Draft) -> usize {
    1500 + draft.payload.as_ref().map_or(0, |p| p.ciphertext.len()) + 40 * draft.concerns.len()
}

pub(super) fn in_transaction<T>(
    desk: &mut Desk,
    work: impl FnOnce(&mut Desk) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    if desk.halted {
        return Err(StoreError::Unknown { store: LOG });
    }
    desk.begin()?;
    match work(desk) {
        Ok(done) => desk.commit().map(|()| done),
        Err(error) => {
            desk.rollback();
            Err(error)
        }
    }
}

/// Writes what waits: the checkpoint and the in-flight mark. A failure loses a note that can be signed again, and a
/// mark that is then too low, which calls a delivery unknown that was made.
fn flush(desk: &mut Desk, kept: &mut Option<KeptCheckpoint>) {
    let waiting = kept.take();
    if waiting.is_none() && desk.low_written == Some(desk.low.load(Ordering::Acquire)) {
        return;
    }
    let written = in_transaction(desk, |desk| {
        waiting.iter().try_for_each(|kept| desk.write_checkpoint(kept))?;
        desk.write_low()
    });
    if let Err(error) = written {
        tracing::warn!(%error, "a checkpoint or the in-flight mark was not kept");
    }
}
