//! What a store does beyond answering calls: what a start must know, what time takes away, what an export reads.
//!
//! Apart from [`ports`](crate::ports), so that conduct cannot erase by accident: only `compose` and the commands see these.

mod halts;
mod mending;
mod pruning;
mod rotation;
mod rows;

pub use halts::{Halt, HaltFlag, LogHalts, stops};
pub use mending::{LeafColumns, LogMending};
pub use pruning::{Cut, LogPruning};
pub use rotation::{Alone, Generation, GenerationEnd, KeyGenerations, KeyRotation};
pub use rows::{CheckpointRow, FIRST_PLACE, LeafRow, LogRows, SegmentRow, StatePlace, StateRow};

use crate::log::Millis;
use crate::log::finalise::Head;
use crate::log::shard::Shard;
use crate::ports::{KeyStore, Ledger, Register, StoreError, StoredEntry, SubjectKey};
use crate::subject::SubjectRef;
use async_trait::async_trait;
use jiff::civil::Date;

/// Another process of the same log that has ended, or lost its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ended {
    /// Its number.
    pub replica: i16,
    /// Its low-water mark, a position: what it left in flight stands from there on.
    pub low: u64,
}

/// What a process that ended left, held so that it does not come back meanwhile. Let go when it is dropped.
#[async_trait]
pub trait LeftBehind: Send + Sync {
    /// The positions of entries that may have been in flight, in order, as in [`LogUpkeep::left_in_flight`].
    fn entries(&self) -> &[u64];

    /// Says that every outcome of them is durable, moves the mark past them and lets go. Gives the mark.
    async fn judged(self: Box<Self>) -> Result<u64, StoreError>;
}

/// The log of one gateway process, with its upkeep.
#[async_trait]
pub trait LogUpkeep: Ledger + Register + LogRows + LogHalts + LogMending + LogPruning {
    /// The entries of this replica that may have been in flight when it last ended: their delivery is unknown unless an
    /// OUTCOME names them (A9). Positions in order, of whichever shards; some of them may have released nothing.
    async fn left_in_flight(&self) -> Result<Vec<u64>, StoreError>;

    /// Other processes of this log that have ended; none on an engine of one process.
    async fn ended_replicas(&self) -> Result<Vec<Ended>, StoreError> {
        Ok(Vec::new())
    }

    /// Takes what a process that ended has left; `None` when it is back, or another process has taken it.
    async fn hold_replica(&self, _replica: i16) -> Result<Option<Box<dyn LeftBehind>>, StoreError> {
        Ok(None)
    }

    /// The keys that were destroyed: to be applied to the key database before serving (A21).
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one of the tombstones was not written by a gateway of this log: destroy nothing then.
    async fn erased_keys(&self) -> Result<Vec<[u8; 16]>, StoreError>;

    /// Buries keys of a subject, removes the payloads they opened and takes those entries out of the subject index; the
    /// key database destroys the keys afterwards. Pages stay in the index: they are sealed for many subjects together.
    /// Gives the number of payloads removed.
    async fn erase(&self, subject: SubjectRef, keys: Vec<[u8; 16]>) -> Result<u64, StoreError>;

    /// Takes what was erased out of the engine's files as far as the engine can: superseded rows.
    async fn tidy(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Removes transaction ids and digests of entries before a moment, 96 hours ago (A13). Gives how many.
    async fn forget_transactions(&self, before: Millis) -> Result<u64, StoreError>;

    /// The entries that concern a subject, in all shards: position, and item within a page. Reads the whole index.
    async fn entries_of(&self, subject: SubjectRef) -> Result<Vec<(u64, u32)>, StoreError>;

    /// The items of a page, as written, by the position of its leaf.
    async fn page(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError>;
}

/// A log that another process may be serving, opened for reading only: for exports and inspections. Takes no lock.
#[async_trait]
pub trait LogArchive: Send + Sync {
    /// The head of the newest shard as committed.
    async fn head(&self) -> Result<Head, StoreError>;

    /// Every shard, in order.
    async fn shards(&self) -> Result<Vec<Shard>, StoreError>;

    /// Returns when nothing of what was read before can be lost any more (A1): a head may be signed then. An engine where what is
    /// committed is durable returns at once.
    async fn durable(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The exact bytes of `count` leaves from a position, in order; fewer at the end of its shard.
    async fn leaves(&self, from: u64, count: u32) -> Result<Vec<String>, StoreError>;

    /// `count` entries from a position with their sealed payloads, in order; fewer at the end of its shard.
    async fn entries(&self, from: u64, count: u32) -> Result<Vec<StoredEntry>, StoreError>;

    /// The notes of kept checkpoints of one shard up to this size, smallest first; `size` names the shard as a position does.
    async fn checkpoints(&self, size: u64) -> Result<Vec<String>, StoreError>;

    /// Why nothing is released upon this log: halts that nobody lifted, by what their rows say. Who relies on them reads
    /// [`LogHalts::halts`].
    async fn halted(&self) -> Result<Vec<String>, StoreError>;
}

/// A yearly key whose term is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueKey {
    /// Whose.
    pub subject: SubjectRef,
    /// Of which year.
    pub year: i16,
    /// Which.
    pub key_id: [u8; 16],
}

/// The key database of one gateway process, with its upkeep.
#[async_trait]
pub trait KeyUpkeep: KeyStore {
    /// Destroys keys by id: those of the log's tombstones before serving, and those being erased (A21).
    /// Gives how many there were. Do not serve when tombstones could not be applied.
    async fn destroy(&self, key_ids: Vec<[u8; 16]>) -> Result<u64, StoreError>;

    /// Yearly keys of years before this one, subject by subject, so many at most. Who is under legal hold, the log says.
    async fn due(&self, before: i16, count: u32) -> Result<Vec<DueKey>, StoreError>;

    /// Takes what was destroyed out of the engine's files as far as the engine can: superseded rows.
    async fn tidy(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Destroys the transaction keys of days before this one; those older than 96 hours must go (A13).
    async fn destroy_transaction_keys(&self, before: Date) -> Result<u64, StoreError>;
}

/// The keys of payloads by their id, of a gateway that another process may be serving.
#[async_trait]
pub trait PayloadKeys: KeyGenerations {
    /// Tries the wrapping key of every generation in use, as [`KeyStore::wraps`].
    async fn wraps(&self) -> Result<Option<Millis>, StoreError>;

    /// The key with this id; `None` when it was destroyed.
    async fn key_by_id(&self, key_id: [u8; 16]) -> Result<Option<SubjectKey>, StoreError>;
}

/// What this process last saw of the log, outside the database: its newest signed checkpoint (core-design 1.6).
pub trait AnchorStore: Send + Sync {
    /// The note; `None` before the first was kept.
    ///
    /// # Errors
    /// When it cannot be read: do not serve then.
    fn read(&self) -> std::io::Result<Option<String>>;

    /// Keeps a newer note in its place.
    ///
    /// # Errors
    /// When it cannot be written; the older one stays.
    fn keep(&self, note: &str) -> std::io::Result<()>;

    /// Where it is, for people.
    fn name(&self) -> String;
}
