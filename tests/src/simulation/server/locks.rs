//! What sessions hold of each other: rows of shards until the end of a transaction, numbers of replicas until the end of a session.

use super::super::defect::Defect;
use super::Server;
use super::session::Session;
use super::wire::{self, Row, Value};
use std::collections::{BTreeMap, BTreeSet};

impl Server {
    /// The sessions that hold the row of a shard. An error ends a transaction, and with it its locks.
    pub(super) fn holders(&self) -> BTreeMap<i64, usize> {
        let holds = |s: &&Session| !s.over && s.transaction.as_ref().is_some_and(|t| !t.failed);
        let held = |(at, s): (usize, &Session)| s.locked.iter().map(|log| (*log, at)).collect::<Vec<_>>();
        match self.defect {
            Some(Defect::LockIgnored) => BTreeMap::new(),
            _ => self.sessions.iter().enumerate().filter(|(_, s)| holds(s)).flat_map(held).collect(),
        }
    }

    /// Takes the row of a shard. What asks for an open one does not find, and does not lock, a closed one.
    pub(super) fn lock(&mut self, at: usize, name: &str, values: &[Value]) {
        let log = wire::number(&values[0]);
        let open = self.tables.shards.get(&log).map(|shard| shard.open);
        let session = &mut self.sessions[at];
        if session.transaction.is_some() && (open == Some(true) || (name == "SHARD" && open.is_some())) {
            session.locked.insert(log);
        }
    }

    pub(super) fn become_replica(&mut self, at: usize, replica: i64) -> bool {
        let taken = self.sessions.iter().enumerate().any(|(n, s)| n != at && !s.over && s.replica == Some(replica));
        if !taken {
            self.sessions[at].replica = Some(replica);
        }
        !taken
    }

    /// Marks of others that no session is.
    pub(super) fn ended(&self, asks: i64) -> Vec<Row> {
        let lives = |replica: i64| self.sessions.iter().any(|s| !s.over && s.replica == Some(replica));
        let replicas: BTreeSet<i64> = self.tables.marks.iter().map(|(replica, _)| *replica).collect();
        let ended = replicas.into_iter().filter(|replica| *replica != asks && !lives(*replica));
        ended.map(|replica| vec![wire::short(replica), self.tables.low(replica).and_then(wire::long)]).collect()
    }
}
