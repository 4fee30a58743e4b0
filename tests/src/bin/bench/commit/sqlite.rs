//! The three logs of a level as files, each with a writer of its own.

use super::Fault;
use super::drafts::ORIGIN;
use super::place::{
    Place, Row, SEGMENT_TAG_BYTES, SUBTREE_LEAVES, Tally, Template, Which, Writer, incompressible, subtrees,
};
use super::statement;
use super::wal::{Mover, configure};
use async_trait::async_trait;
use rusqlite::Connection;
use sluis_adapters::master::MasterKey;
use sluis_adapters::segment::RECORD_BYTES;
use sluis_adapters::sqlite::{LOG_STATEMENTS, Limits, SqliteLog};
use sluis_adapters::system::SystemClock;
use sluis_core::ports::{Clock, Ledger};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

const SCHEMA: &str = include_str!("../../../../../adapters/migrations/sqlite/log_0001.sql");
/// The leaves alone, without their indexes.
const UNINDEXED: &str = "CREATE TABLE log_leaf (row INTEGER PRIMARY KEY, leaf TEXT, hash BLOB NOT NULL,
    kind INTEGER NOT NULL, t INTEGER NOT NULL, rid BLOB NOT NULL, oin TEXT, txn BLOB, digest BLOB, key_id BLOB,
    ct BLOB) STRICT";
/// Where the rows of the first log begin.
const FIRST_ROW: i64 = 1 << 40;
const LEAVES: &str =
    "SELECT count(*), coalesce(sum(length(CAST(leaf AS BLOB)) + length(hash) + length(rid) + length(oin) +
    length(txn) + length(digest) + length(key_id) + length(ct)), 0) FROM log_leaf WHERE row >= ?1";
const SUBTREES: &str =
    "SELECT count(*) FROM log_subtree WHERE (level = 1 AND number >= ?1) OR (level = 2 AND number >= ?2)";
const SEGMENTS: &str = "SELECT count(*), coalesce(sum(length(sealed)), 0) FROM subject_segment WHERE first >= ?1";

/// A folder for the files of one level, gone with it.
pub struct Files {
    dir: PathBuf,
    master: MasterKey,
}

impl Files {
    /// Makes the folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(dir: PathBuf) -> Result<Self, Fault> {
        std::fs::create_dir_all(&dir)?;
        Ok(Self { dir, master: MasterKey::from_bytes([1; 32]) })
    }

    fn file(&self, which: Which) -> PathBuf {
        self.dir.join(format!("{which:?}.db"))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // What is left behind is only a measurement.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

#[async_trait]
impl Place for Files {
    async fn ledger(&self) -> Result<Arc<dyn Ledger>, Fault> {
        let file = self.file(Which::Product);
        SqliteLog::create(&file, ORIGIN, &self.master, SystemClock.now(), 0)?;
        Ok(Arc::new(SqliteLog::open(&file, &self.master, Arc::new(SystemClock), Limits::default())?))
    }

    async fn template(&self, index: u64) -> Result<Template, Fault> {
        let columns = "SELECT leaf, hash, kind, oin, digest, key_id, ct FROM log_leaf WHERE row = ?1";
        let row = Connection::open(self.file(Which::Product))?.query_row(
            columns,
            [FIRST_ROW + i64::try_from(index)?],
            |row| {
                let [leaf, oin] = [row.get(0)?, row.get(3)?];
                let [hash, digest, key_id, ct] = [row.get(1)?, row.get(4)?, row.get(5)?, row.get(6)?];
                Ok(Template { leaf, hash, kind: row.get(2)?, oin, digest, key_id, ct })
            },
        );
        Ok(row?)
    }

    async fn writer(&self, which: Which, template: &Arc<Template>, first: u64) -> Result<Box<dyn Writer>, Fault> {
        let file = self.file(which);
        let connection = Connection::open(&file)?;
        configure(&connection)?;
        connection.execute_batch(if which == Which::Floor { SCHEMA } else { UNINDEXED })?;
        let mover = Mover::start(&file)?;
        let (batches, waiting) = channel();
        let sealed = incompressible(256 * RECORD_BYTES + SEGMENT_TAG_BYTES);
        let desk = Desk { connection, mover, template: Arc::clone(template), next: first, sealed, which };
        let thread = std::thread::Builder::new().name("floor".to_owned());
        thread.spawn(move || desk.run(&waiting))?;
        Ok(Box::new(Thread { batches }))
    }

    async fn tally(&self, which: Which, first: u64) -> Result<Tally, Fault> {
        let connection = Connection::open(self.file(which))?;
        let from = i64::try_from(first)?;
        let pair = |sql: &str, from: i64| {
            let (count, bytes): (i64, i64) = connection.query_row(sql, [from], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok::<_, Fault>((u64::try_from(count)?, u64::try_from(bytes)?))
        };
        let (leaves, bytes) = pair(LEAVES, FIRST_ROW + from)?;
        if which == Which::Unindexed {
            return Ok(Tally { leaves, bytes, ..Tally::default() });
        }
        let (segments, segment_bytes) = pair(SEGMENTS, from)?;
        let [one, two] = SUBTREE_LEAVES.map(|leaves| i64::try_from(first / leaves).unwrap_or_default());
        let subtrees: i64 = connection.query_row(SUBTREES, [one, two], |row| row.get(0))?;
        let subtrees = u64::try_from(subtrees)?;
        Ok(Tally { leaves, bytes, subtrees, segments, segment_bytes })
    }
}

type Answer = oneshot::Sender<Result<(), String>>;

/// The way to the thread that writes, as the gateway's.
struct Thread {
    batches: Sender<(Vec<Row>, Answer)>,
}

#[async_trait]
impl Writer for Thread {
    async fn write(&mut self, rows: Vec<Row>) -> Result<(), Fault> {
        let (answer, answered) = oneshot::channel();
        self.batches.send((rows, answer)).map_err(|_| "the thread that writes has ended")?;
        Ok(answered.await??)
    }
}

/// The thread that writes.
struct Desk {
    connection: Connection,
    mover: Mover,
    template: Arc<Template>,
    next: u64,
    sealed: Vec<u8>,
    which: Which,
}

impl Desk {
    fn run(mut self, waiting: &Receiver<(Vec<Row>, Answer)>) {
        while let Ok((rows, answer)) = waiting.recv() {
            // Whoever waits for it has ended the bench if he is gone.
            let _ = answer.send(self.write(&rows).map_err(|fault| fault.to_string()));
            self.mover.written(&self.connection, rows.len());
        }
    }

    fn write(&mut self, rows: &[Row]) -> Result<(), Fault> {
        let to = self.next + u64::try_from(rows.len())?;
        let [first, last] = [i64::try_from(self.next)?, i64::try_from(to)? - 1];
        self.execute("BEGIN", ())?;
        self.leaves(rows)?;
        if self.which == Which::Floor {
            for (level, number) in subtrees(self.next, to) {
                self.execute("INSERT_SUBTREE", (1, level, i64::try_from(number)?, &self.template.hash))?;
            }
            let sealed = self.sealed.get(..rows.len() * RECORD_BYTES + SEGMENT_TAG_BYTES).ok_or("a batch too large")?;
            self.execute("INSERT_SEGMENT", (1, 0, first, last, sealed))?;
            self.execute("WRITE_LOW", (1, first))?;
        }
        self.execute("COMMIT", ())?;
        self.next = to;
        Ok(())
    }

    fn leaves(&self, rows: &[Row]) -> Result<(), Fault> {
        let (template, now) = (&self.template, i64::try_from(SystemClock.now())?);
        let mut insert = self.connection.prepare_cached(statement(LOG_STATEMENTS, "INSERT_LEAF")?)?;
        for (row, number) in rows.iter().zip(FIRST_ROW + i64::try_from(self.next)?..) {
            insert.execute((
                number,
                &row.leaf,
                &template.hash,
                template.kind,
                now,
                &row.rid,
                &template.oin,
                &row.rid,
                &template.digest,
                &template.key_id,
                &row.ct,
            ))?;
        }
        Ok(())
    }

    fn execute(&self, name: &str, values: impl rusqlite::Params) -> Result<(), Fault> {
        self.connection.prepare_cached(statement(LOG_STATEMENTS, name)?)?.execute(values)?;
        Ok(())
    }
}
