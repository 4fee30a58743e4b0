//! A PostgreSQL that is simulated: it speaks the wire protocol, so the production code runs unchanged down to its driver.
//!
//! What it has of the real one: sessions and their locks, transactions under READ COMMITTED, keys and triggers of the
//! tables, a WAL that a synchronous standby receives later, waiting for it in COMMIT, time limits, and what an operator does
//! to it. Nothing happens by itself: whoever drives it executes one statement at a time, in any order and with any fault.
//! What it does not have: SQL. Each statement is known by its name; the real server runs them in `contract` and `nodes`.

mod locks;
mod look;
mod operator;
mod read;
mod session;
mod statements;
pub mod tables;
mod wire;

use super::defect::Defect;
use read::read;
use session::{Session, Statement, Transaction};
use statements::{changes, checked, mark_early, writes};
use std::collections::{BTreeSet, HashMap};
use std::os::unix::net::UnixListener;
use std::path::Path;
use tables::{Change, Tables, UNIQUE};
use wire::{Link, Row, Value, truth};

/// What goes wrong with one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks before it is done.
    Broken,
    /// It is done, and the connection breaks before the answer.
    AnswerLost,
    /// The server does not go on with it until it is told to.
    Hangs,
    /// It is refused with this SQLSTATE.
    Refused(&'static str),
    /// The wait for the standby is cancelled: COMMIT answers success (A1).
    WaitCancelled,
}

/// The server.
pub struct Server {
    listener: UnixListener,
    /// Sessions by number; a number is not used twice.
    pub sessions: Vec<Session>,
    /// What is committed and shown.
    pub tables: Tables,
    /// Every commit in the order of the WAL.
    wal: Vec<Vec<Change>>,
    /// How many of them the standby has; the same as the WAL where none is required.
    pub replicated: usize,
    /// Whether COMMIT waits for it.
    pub standby: bool,
    pub paused: bool,
    /// The clock of the server, milliseconds since 1970.
    pub now: u64,
    /// Process that is given what connects next.
    pub driven: usize,
    pub defect: Option<Defect>,
    /// The first leaf that each process wrote last.
    last_written: HashMap<usize, String>,
    /// Processes from and to which nothing passes.
    pub cut: BTreeSet<usize>,
    /// Commits there were when the program began.
    first: usize,
    /// The newest commit that was shown to others, by place in the WAL.
    shown: usize,
    /// A failover took back what had been shown.
    pub lost_shown: bool,
    /// Statements that were executed.
    pub executed: u64,
}

impl Server {
    /// Listens at `folder/.s.PGSQL.5432`.
    pub fn start(folder: &Path, standby: bool, now: u64, defect: Option<Defect>) -> Self {
        let file = folder.join(".s.PGSQL.5432");
        let _earlier = std::fs::remove_file(&file);
        let listener = UnixListener::bind(file).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self {
            listener,
            sessions: Vec::new(),
            tables: Tables::default(),
            wal: Vec::new(),
            replicated: 0,
            standby,
            paused: false,
            now,
            driven: 0,
            defect,
            last_written: HashMap::new(),
            cut: BTreeSet::new(),
            first: 0,
            shown: 0,
            lost_shown: false,
            executed: 0,
        }
    }

    /// Takes connections and messages. Gives whether anything arrived.
    pub fn receive(&mut self) -> bool {
        let before = self.sessions.len();
        while let Ok((stream, _)) = self.listener.accept() {
            let mut session = Session::new(Link::new(stream), self.driven, self.now);
            session.cut = self.cut.contains(&self.driven);
            self.sessions.push(session);
        }
        let mut any = self.sessions.len() > before;
        for at in 0..self.sessions.len() {
            any |= self.sessions[at].receive();
            self.sessions[at].waiting();
            self.leave(at);
        }
        any
    }

    /// The sessions with a statement that can be executed now.
    pub fn runnable(&mut self) -> Vec<usize> {
        let (replicated, standby) = (self.replicated, self.standby);
        let locked = self.holders();
        let mut runnable = Vec::new();
        for (at, session) in self.sessions.iter_mut().enumerate() {
            let (flushed, hangs) = (session.flushed, session.hangs);
            let Some(statement) = session.waiting() else { continue };
            let blocked = match statement.name {
                "LOCK" | "LOOK" | "SHARD" => {
                    locked.get(&wire::number(&statement.values[0])).is_some_and(|holder| *holder != at)
                }
                "COMMIT" => standby && flushed.is_some_and(|place| replicated < place),
                _ => false,
            };
            if !hangs && !blocked {
                runnable.push(at);
            }
        }
        runnable
    }

    /// What a session is to execute.
    pub fn statement(&mut self, at: usize) -> Option<&'static str> {
        self.sessions[at].waiting().map(|statement| statement.name)
    }

    /// Executes the statement of a session, or lets it go wrong.
    pub fn execute(&mut self, at: usize, fault: Option<Fault>) {
        let Some(statement) = self.sessions[at].waiting().cloned() else { return };
        self.executed += 1;
        match fault {
            Some(Fault::Broken) => self.sessions[at].over = true,
            Some(Fault::Hangs) => self.sessions[at].hangs = true,
            // What is flushed is not refused any more.
            Some(Fault::Refused(code)) if self.sessions[at].flushed.is_none() => {
                let session = &mut self.sessions[at];
                if statement.name == "COMMIT" {
                    session.let_go();
                }
                session.answer(Err(code), self.now);
            }
            _ if statement.name == "COMMIT" => self.commit(at, fault),
            _ => {
                let outcome = self.outcome(at, &statement);
                match fault {
                    Some(Fault::AnswerLost) => self.sessions[at].over = true,
                    _ => self.sessions[at].answer(outcome, self.now),
                }
            }
        }
        self.leave(at);
    }

    fn outcome(&mut self, at: usize, statement: &Statement) -> Result<Vec<Row>, &'static str> {
        let now = self.now as i64;
        let (name, values) = (statement.name, statement.values.as_slice());
        let early = matches!(self.defect, Some(Defect::GuardsBeforeLock | Defect::OpenedUnseen));
        let begun = early.then(|| Box::new(self.tables.clone()));
        let session = &mut self.sessions[at];
        match name {
            "BEGIN" => {
                session.transaction = Some(Transaction { begun, ..Transaction::default() });
                return Ok(Vec::new());
            }
            "SNAPSHOT" => {
                let view = Some(Box::new(self.tables.clone()));
                session.transaction = Some(Transaction { view, ..Transaction::default() });
                return Ok(Vec::new());
            }
            "ROLLBACK" => {
                session.let_go();
                return Ok(Vec::new());
            }
            _ if session.transaction.as_ref().is_some_and(|transaction| transaction.failed) => return Err("25P02"),
            "LOCK" | "SHARD" => self.lock(at, name, values),
            "LOOK" => {
                self.lock(at, name, values);
                return Ok(vec![self.look(at, values)]);
            }
            "ENDED" => return Ok(self.ended(wire::number(&values[0]))),
            "BE_REPLICA" => return Ok(vec![vec![truth(self.become_replica(at, wire::number(&values[0])))]]),
            "MERGING" => return Ok(vec![vec![truth(true)]]),
            "FLUSHED" => return Ok(vec![vec![Some(format!("0/{:X}", self.wal.len()).into_bytes())]]),
            "ON_STANDBY" => return Ok(vec![vec![truth(self.on_standby(&values[0]))]]),
            _ => {}
        }
        if writes(name) {
            return self.write(at, name, values);
        }
        Ok(self.bent(at, name, values).unwrap_or_else(|| read(name, self.seen_by(at), now, values)))
    }

    /// What a session sees: its own changes, else what is committed.
    fn seen_by(&self, at: usize) -> &Tables {
        let transaction = self.sessions[at].transaction.as_ref();
        transaction.and_then(|transaction| transaction.view.as_deref()).unwrap_or(&self.tables)
    }

    /// What an append is told under the lock.
    fn look(&self, at: usize, values: &[Value]) -> Row {
        let tables = self.seen_by(at);
        let begun = self.sessions[at].transaction.as_ref().and_then(|transaction| transaction.begun.as_deref());
        let begun = begun.filter(|_| self.defect == Some(Defect::GuardsBeforeLock));
        look::look(tables, begun.unwrap_or(tables), self.now as i64, values, self.defect)
    }

    fn write(&mut self, at: usize, name: &str, values: &[Value]) -> Result<Vec<Row>, &'static str> {
        let mut made = changes(name, self.seen_by(at), values);
        if self.defect == Some(Defect::MarkEarly) {
            mark_early(&mut made, self.seen_by(at));
        }
        if self.defect == Some(Defect::ClosedTaken) && name == "CLOSE_SHARD" {
            made = vec![Change::CloseShard(wire::number(&values[0]))];
        }
        // A function that returns nothing returns a row; of what is written only the number is told.
        let rows = if name == "WRITE" { vec![vec![Some(Vec::new())]] } else { vec![Vec::new(); made.len()] };
        let forgotten = [Defect::LockIgnored, Defect::TransactionsUnseen, Defect::OpenedUnseen];
        let keys = !self.defect.is_some_and(|defect| forgotten.contains(&defect));
        if let Some(Change::Leaf(first)) = made.first() {
            self.last_written.insert(self.sessions[at].process, first.text.clone());
        }
        let mut view = self.seen_by(at).clone();
        checked(&mut view, &made, keys)?;
        match &mut self.sessions[at].transaction {
            Some(transaction) => {
                transaction.changes.extend(made);
                transaction.view = Some(Box::new(view));
            }
            None => self.flush(made),
        }
        Ok(rows)
    }

    /// A commit by itself, of small things: it is shown at once, and the standby gets it later.
    fn flush(&mut self, made: Vec<Change>) {
        made.iter().for_each(|change| self.tables.apply(change));
        self.wal.push(made);
        self.shown = self.wal.len();
        if !self.standby {
            self.replicated = self.wal.len();
        }
    }

    fn commit(&mut self, at: usize, fault: Option<Fault>) {
        let keys = !matches!(self.defect, Some(Defect::LockIgnored | Defect::OpenedUnseen));
        let now = self.now;
        let session = &mut self.sessions[at];
        if session.flushed.is_none() {
            let transaction = session.transaction.take().unwrap_or_default();
            if transaction.failed || transaction.changes.is_empty() {
                session.let_go();
                return session.answer(Ok(Vec::new()), now);
            }
            let conflicts = keys && checked(&mut self.tables.clone(), &transaction.changes, true).is_err();
            if conflicts && self.defect != Some(Defect::TransactionsUnseen) {
                session.let_go();
                return session.answer(Err(UNIQUE), now);
            }
            self.wal.push(transaction.changes);
            let place = self.wal.len();
            session.flushed = Some(place);
            session.transaction = Some(Transaction::default());
            if !self.standby {
                self.replicated = place;
            }
            let unasked = fault == Some(Fault::WaitCancelled) || self.defect == Some(Defect::AnsweredBeforeCommit);
            if self.standby && self.replicated < place && !unasked {
                return;
            }
        }
        self.show(at);
        match fault {
            Some(Fault::AnswerLost) => self.sessions[at].over = true,
            _ => self.sessions[at].answer(Ok(Vec::new()), now),
        }
    }

    /// The commit of a session becomes visible, and it holds nothing any more.
    fn show(&mut self, at: usize) {
        let session = &mut self.sessions[at];
        let Some(place) = session.flushed.take() else { return };
        session.let_go();
        self.shown = self.shown.max(place);
        for change in &self.wal[place - 1] {
            self.tables.apply(change);
        }
    }

    /// The answer of a server on which the writer seems to have forgotten something; `None` where it has not.
    fn bent(&self, at: usize, name: &str, values: &[Value]) -> Option<Vec<Row>> {
        let session = &self.sessions[at];
        match (self.defect?, name) {
            (Defect::UnknownTakenForLost, "STANDS") => Some(Vec::new()),
            (Defect::UnknownTakenForDone, "STANDS") => {
                let text = self.last_written.get(&session.process)?;
                Some(vec![vec![Some(text.clone().into_bytes())]])
            }
            (Defect::OpenedUnseen, "SHARD_AFTER") => {
                let begun = session.transaction.as_ref()?.begun.as_deref()?;
                Some(read(name, begun, 0, values))
            }
            (Defect::LeftInFirstShard, "LEFT") => {
                let mut one = self.tables.clone();
                one.leaves.retain(|(log, _), _| *log == 1);
                Some(read(name, &one, 0, values))
            }
            (Defect::ClosedTaken, "LOCK") => {
                let origin = &self.tables.shards.get(&wire::number(&values[0]))?.origin;
                Some(vec![vec![Some(origin.clone().into_bytes())]])
            }
            _ => None,
        }
    }

    fn on_standby(&self, place: &Value) -> bool {
        let text = String::from_utf8(place.clone().unwrap()).unwrap();
        let place = usize::from_str_radix(text.trim_start_matches("0/"), 16).unwrap();
        let unasked = matches!(self.defect, Some(Defect::StandbyUnasked | Defect::AnsweredBeforeCommit));
        unasked || self.replicated >= place
    }

    /// Lets go of what a session held that is over. A COMMIT that is flushed stands, and is shown.
    fn leave(&mut self, at: usize) {
        if self.sessions[at].over && !self.sessions[at].left {
            self.show(at);
            let session = &mut self.sessions[at];
            session.let_go();
            (session.replica, session.left) = (None, true);
            session.link.close();
        }
    }
}
