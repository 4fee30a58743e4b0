//! What happens to the server from outside its sessions: time, the standby, failover, restart, a backup, the network.

use super::Server;
use super::tables::{Change, Tables};
use std::collections::BTreeMap;

/// Limits of the sessions, as `connect.rs` sets them, milliseconds.
const LOCK_TIMEOUT: u64 = 2_000;
const IDLE_IN_TRANSACTION: u64 = 1_500;
/// Keepalives of a client that does not answer: 2 s, then three of a second.
const KEEPALIVE: u64 = 5_000;

impl Server {
    /// Time passes: what waits too long is refused, who is silent in a transaction or does not answer is ended.
    pub fn pass(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        let now = self.now;
        for at in 0..self.sessions.len() {
            let session = &mut self.sessions[at];
            if session.over {
                continue;
            }
            let waited = now.saturating_sub(session.since);
            let lock = session.waiting().is_some_and(|statement| matches!(statement.name, "LOCK" | "LOOK" | "SHARD"));
            let idle = session.is_idle();
            if session.cut && waited >= KEEPALIVE && session.flushed.is_none() && !session.hangs {
                session.over = true;
            } else if lock && waited >= LOCK_TIMEOUT && !session.hangs {
                session.answer(Err("55P03"), now);
            } else if idle && session.transaction.is_some() && waited >= IDLE_IN_TRANSACTION {
                session.end("25P03");
            }
            self.leave(at);
        }
    }

    /// The standby receives what there is, unless it is paused.
    pub fn replicate(&mut self) {
        if !self.paused {
            self.replicated = self.wal_length();
        }
    }

    /// What hung goes on.
    pub fn resume(&mut self) {
        let now = self.now;
        for session in self.sessions.iter_mut().filter(|session| session.hangs) {
            (session.hangs, session.since) = (false, now);
        }
    }

    /// Every process of the server dies, and it starts again on what it flushed: all of it is shown, whoever has it.
    pub fn restart(&mut self) {
        self.crash();
        self.shown = self.wal_length();
        self.rebuild();
    }

    /// The standby becomes the server: what it does not have is gone. Another standby takes its place.
    pub fn fail_over(&mut self) {
        self.crash();
        self.lost_shown |= self.shown > self.replicated;
        self.shown = self.replicated;
        self.truncate(self.replicated);
        self.paused = false;
    }

    /// A backup is put back: the newest commits are gone although they had been answered.
    pub fn restore(&mut self, lost: usize) {
        self.crash();
        self.truncate(self.wal_length().saturating_sub(lost).max(self.first));
        self.replicated = self.wal_length();
    }

    fn crash(&mut self) {
        // What is flushed is shown after the restart; nobody is told.
        for session in &mut self.sessions {
            (session.flushed, session.over) = (None, true);
        }
        (0..self.sessions.len()).for_each(|at| self.leave(at));
    }

    fn truncate(&mut self, kept: usize) {
        self.wal.truncate(kept);
        self.rebuild();
    }

    fn rebuild(&mut self) {
        self.tables = Tables::default();
        for change in self.wal.iter().flatten() {
            self.tables.apply(change);
        }
    }

    /// The number of leaves of each shard that would be left if everything that is not on the standby were lost now.
    pub fn safe_sizes(&self) -> BTreeMap<i64, u64> {
        let mut sizes = BTreeMap::new();
        for change in self.wal[..self.replicated].iter().flatten() {
            match change {
                Change::Shard { log, .. } => _ = sizes.entry(*log).or_default(),
                Change::Leaf(leaf) => *sizes.entry(leaf.log).or_default() += 1,
                _ => {}
            }
        }
        sizes
    }

    /// The clocks leap, and nothing else happens: what waits has not waited longer.
    pub fn leap(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.sessions.iter_mut().for_each(|session| session.since += milliseconds);
    }

    /// Number of commits.
    pub fn wal_length(&self) -> usize {
        self.wal.len()
    }

    /// The commits of a log that is new; a backup is never older.
    pub fn begin(&mut self, commits: Vec<Vec<Change>>) {
        self.wal = commits;
        self.rebuild();
        self.first = self.wal_length();
        self.replicated = self.first;
    }

    /// Every commit.
    pub fn commits(&self) -> &[Vec<Change>] {
        &self.wal
    }

    /// Nothing passes between a process and the server from now on, or again.
    pub fn cut(&mut self, process: usize, cut: bool) {
        if cut {
            self.cut.insert(process);
        } else {
            self.cut.remove(&process);
        }
        let now = self.now;
        for session in self.sessions.iter_mut().filter(|session| session.process == process) {
            (session.cut, session.since) = (cut, now);
        }
    }
}
