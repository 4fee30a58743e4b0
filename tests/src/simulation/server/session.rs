//! One session: what its client sent and is not done yet, its transaction, its locks.

use super::statements::{columns_of, name_of, names_of, plain};
use super::tables::{Change, Tables};
use super::wire::{self, Front, Link, Value};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// A transaction that is open.
#[derive(Default)]
pub struct Transaction {
    pub changes: Vec<Change>,
    pub failed: bool,
    /// What it sees, where it changed something.
    pub view: Option<Box<Tables>>,
    /// What stood when it began: for writers that forget to look after the lock.
    pub begun: Option<Box<Tables>>,
}

/// A statement that waits to be executed: its name and values, and whether it came as plain text.
#[derive(Debug, Clone)]
pub struct Statement {
    pub name: &'static str,
    pub values: Vec<Value>,
    pub plain: bool,
}

/// One connection and what the server keeps for it.
pub struct Session {
    pub link: Link,
    /// Which process it belongs to.
    pub process: usize,
    /// Nothing passes in either direction.
    pub cut: bool,
    /// The server stopped working on it: a COMMIT that hangs.
    pub hangs: bool,
    pub transaction: Option<Transaction>,
    /// The replica it is, by its session lock.
    pub replica: Option<i64>,
    /// Its COMMIT is flushed at this place and waits for a standby.
    pub flushed: Option<usize>,
    /// Since when it waits for the lock, or does nothing.
    pub since: u64,
    pub over: bool,
    /// What it held was let go of.
    pub left: bool,
    /// The shards whose rows its transaction holds.
    pub locked: BTreeSet<i64>,
    prepared: HashMap<Vec<u8>, &'static str>,
    queue: VecDeque<Front>,
    skipping: bool,
    bound: Option<Statement>,
    unsent: Vec<u8>,
}

impl Session {
    pub fn new(link: Link, process: usize, now: u64) -> Self {
        Self {
            link,
            process,
            cut: false,
            hangs: false,
            transaction: None,
            replica: None,
            flushed: None,
            since: now,
            over: false,
            left: false,
            locked: BTreeSet::new(),
            prepared: HashMap::new(),
            queue: VecDeque::new(),
            skipping: false,
            bound: None,
            unsent: Vec::new(),
        }
    }

    /// Takes what arrived. Gives whether anything did.
    pub fn receive(&mut self) -> bool {
        if self.cut || self.over {
            return false;
        }
        let arrived = self.link.read();
        let any = !arrived.is_empty();
        self.queue.extend(arrived);
        // PostgreSQL notices that a client is gone when it reads its next message.
        self.over |= self.link.ended && self.queue.is_empty() && self.bound.is_none();
        any
    }

    /// The statement that waits to be executed, after everything before it that needs no decision was answered.
    pub fn waiting(&mut self) -> Option<&Statement> {
        while self.bound.is_none() && !self.over {
            let Some(front) = self.queue.pop_front() else { break };
            self.take(front);
        }
        self.send();
        self.bound.as_ref().filter(|_| !self.over)
    }

    fn take(&mut self, front: Front) {
        let status = self.status();
        let out = &mut self.unsent;
        match front {
            Front::Encrypt => out.push(b'N'),
            Front::Startup => wire::greeting(out),
            Front::Sync => {
                self.skipping = false;
                wire::ready(out, status);
            }
            Front::Terminate => self.over = true,
            _ if self.skipping => {}
            Front::Parse { name, sql } => {
                self.prepared.insert(name, name_of(&sql));
                wire::message(out, b'1', &[]);
            }
            Front::Describe { name } => {
                wire::message(out, b't', &0u16.to_be_bytes());
                let statement = self.prepared[&name];
                wire::columns(out, columns_of(statement), names_of(statement));
            }
            Front::Bind { statement, values } => {
                wire::message(out, b'2', &[]);
                self.bound = Some(Statement { name: self.prepared[&statement], values, plain: false });
                // Executed when the server turns to it.
                if !matches!(self.queue.front(), Some(Front::Execute)) {
                    panic!("a statement that is bound and not executed");
                }
                self.queue.pop_front();
            }
            Front::Close => wire::message(out, b'3', &[]),
            Front::Query(sql) => self.bound = Some(plain(&sql)),
            Front::Execute => panic!("executed without being bound"),
        }
    }

    fn status(&self) -> u8 {
        match &self.transaction {
            None => b'I',
            Some(transaction) if transaction.failed => b'E',
            Some(_) => b'T',
        }
    }

    /// The statement is done: its rows, or why not.
    pub fn answer(&mut self, outcome: Result<Vec<wire::Row>, &str>, now: u64) {
        let Some(statement) = self.bound.take() else { return };
        self.since = now;
        match outcome {
            Ok(rows) => {
                // Rows without columns are only counted.
                rows.iter().filter(|row| !row.is_empty()).for_each(|row| wire::row(&mut self.unsent, row));
                wire::message(&mut self.unsent, b'C', format!("DONE {}\0", rows.len()).as_bytes());
            }
            Err(code) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.failed = true;
                }
                wire::error(&mut self.unsent, code);
                self.skipping = !statement.plain;
            }
        }
        if statement.plain {
            let status = self.status();
            wire::ready(&mut self.unsent, status);
        }
        // What comes before the next statement is answered at once.
        self.waiting();
    }

    fn send(&mut self) {
        if self.cut || self.unsent.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.unsent);
        self.over |= !self.link.write(&bytes);
    }

    /// Its transaction is over, and with it what that held.
    pub fn let_go(&mut self) {
        self.transaction = None;
        self.locked.clear();
    }

    /// Whether nothing is to be done for it.
    pub fn is_idle(&self) -> bool {
        self.bound.is_none() && self.queue.is_empty()
    }

    /// The server ends it with a last word.
    pub fn end(&mut self, code: &str) {
        wire::error(&mut self.unsent, code);
        self.send();
        self.over = true;
    }
}
