//! What must hold after every step, judged from the rows of the server, the receipts and the checkpoints alone.
//!
//! While no backup was put back: every receipt and every signed head is of the log that would be left if the primary were
//! lost now. After one was put back, entries are gone; then no process signs what does not extend what it saw itself.

use super::calls::{About, Attempt, Told};
use super::process::Key;
use super::server::tables::{Leaf, Tables};
use sluis_core::log::checkpoint::SignedCheckpoint;
use sluis_core::log::leaf::{Key as LeafKey, Leaf as Decoded};
use sluis_core::log::receipt::verify_text;
use sluis_core::log::tree::{Frontier, leaf_hash};
use sluis_core::log::{Hash, LeafKind};
use sluis_core::ports::StoreError;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The first thing that does not hold.
pub type Judged = Result<(), String>;

/// The log as it stands, read leaf by leaf.
struct Read {
    /// The root at every size.
    roots: Vec<Hash>,
    frontier: Frontier,
    last_time: u64,
    rids: HashMap<Vec<u8>, u64>,
    transactions: BTreeSet<Vec<u8>>,
    restricted: BTreeSet<usize>,
    /// Releases by index: which replica wrote them, under which request id.
    releases: BTreeMap<u64, (i64, Vec<u8>)>,
    /// Entries that an OUTCOME names.
    named: BTreeSet<u64>,
}

impl Read {
    fn nothing() -> Self {
        let frontier = Frontier::empty();
        Self {
            roots: vec![frontier.root()],
            frontier,
            last_time: 0,
            rids: HashMap::new(),
            transactions: BTreeSet::new(),
            restricted: BTreeSet::new(),
            releases: BTreeMap::new(),
            named: BTreeSet::new(),
        }
    }

    fn take(&mut self, index: u64, row: &Leaf, about: Option<About>) -> Judged {
        let leaf = Decoded::decode(&row.text).map_err(|error| format!("leaf {index} is none: {error}"))?;
        let hash = leaf_hash(row.text.as_bytes());
        if row.index != index as i64 || leaf.index() != index || row.hash != hash {
            return Err(format!("gap: in place {index} stands {} with index {}", row.index, leaf.index()));
        }
        if leaf.time() < self.last_time {
            return Err(format!("time goes back at {index}: {} after {}", leaf.time(), self.last_time));
        }
        self.last_time = leaf.time();
        if let Some(first) = self.rids.insert(row.rid.clone(), index) {
            return Err(format!("request id twice: {first} and {index}"));
        }
        if row.transaction.as_ref().is_some_and(|(_, id, _)| !self.transactions.insert(id.clone())) {
            return Err(format!("transaction twice: {index}"));
        }
        self.frontier.push(hash);
        self.roots.push(self.frontier.root());
        match (leaf.kind(), about) {
            (LeafKind::Release, Some(About::Release { subject, .. })) => {
                if self.restricted.contains(&subject) {
                    return Err(format!("released after a withdrawal: entry {index} of subject {subject}"));
                }
                self.releases.insert(index, (row.replica, row.rid.clone()));
            }
            (_, Some(About::Restrict { subject, set: true })) => _ = self.restricted.insert(subject),
            (_, Some(About::Restrict { subject, set: false })) => _ = self.restricted.remove(&subject),
            (LeafKind::Outcome, _) => {
                let places = leaf.list(LeafKey::Refs).into_iter().flatten();
                self.named.extend(places.filter_map(|place| place.split_once(':')?.1.parse::<u64>().ok()));
            }
            _ => {}
        }
        Ok(())
    }
}

/// What the judge remembers.
pub struct Judge {
    read: Read,
    /// How many attempts have a receipt that was verified.
    verified: BTreeSet<usize>,
    /// Newest head that each process signed.
    signed: BTreeMap<usize, (u64, Hash)>,
    /// Every root that the log had at a size.
    ever: BTreeMap<u64, BTreeSet<Hash>>,
    /// Every head that was signed.
    heads: BTreeMap<u64, Hash>,
    restored: bool,
    /// A failover took back what no standby had, and the lost primary had shown it.
    doubted: bool,
}

impl Judge {
    pub fn new() -> Self {
        Self {
            read: Read::nothing(),
            verified: BTreeSet::new(),
            signed: BTreeMap::new(),
            ever: BTreeMap::new(),
            heads: BTreeMap::new(),
            restored: false,
            doubted: false,
        }
    }

    /// The server lost something, or not: everything is judged anew.
    pub fn rewind(&mut self) {
        self.read = Read::nothing();
    }

    /// A failover took back what had been shown, of which nobody had a receipt. A process that read such a row of state finds
    /// the older one contradictory, relies on nothing of it, and has to be started again: it cannot tell it from a rewritten one.
    pub fn doubted(&mut self) {
        self.doubted = true;
    }

    /// A backup was put back.
    pub fn restored(&mut self) {
        self.restored = true;
        self.rewind();
    }

    /// What a process remembers of what it signed, after it died: its anchor.
    pub fn died(&mut self, process: usize, anchored: Option<(u64, Hash)>) {
        match anchored {
            Some(anchored) => _ = self.signed.insert(process, anchored),
            None => _ = self.signed.remove(&process),
        }
    }

    /// The rows of the log, and what callers were told about them. `safe` leaves survive the loss of the primary.
    pub fn log(&mut self, tables: &Tables, attempts: &[Attempt], safe: u64) -> Judged {
        let known: HashMap<&[u8], &Attempt> =
            attempts.iter().map(|attempt| (attempt.rid.0.as_bytes().as_slice(), attempt)).collect();
        let from = self.read.roots.len() as u64 - 1;
        for (index, (_, row)) in (from..).zip(tables.leaves.range(from as i64..)) {
            let about = known.get(row.rid.as_slice()).map(|attempt| attempt.about);
            self.read.take(index, row, about)?;
        }
        let size = self.read.roots.len() as u64 - 1;
        let head = tables.heads.last_key_value();
        let Some((head, (frontier, _))) = head else { return Err("no head".to_owned()) };
        if *head != size as i64 || *frontier != self.read.frontier.to_bytes() || tables.leaves.len() as u64 != size {
            return Err(format!("the head says {head}, there are {} leaves up to {size}", tables.leaves.len()));
        }
        for (size, root) in (from..).zip(&self.read.roots[from as usize..]) {
            self.ever.entry(size).or_default().insert(*root);
        }
        if self.restored {
            return Ok(());
        }
        self.heads.iter().try_for_each(|(size, root)| self.is_of_log(*size, root, "a signed head"))?;
        self.marks(tables, &known)?;
        attempts.iter().enumerate().try_for_each(|(at, attempt)| self.told(at, attempt, tables, safe))
    }

    fn is_of_log(&self, size: u64, root: &Hash, what: &str) -> Judged {
        match self.read.roots.get(size as usize) {
            Some(there) if there == root => Ok(()),
            Some(_) => Err(format!("{what} of size {size} has another root than the log")),
            None => Err(format!("{what} of size {size} is lost: the log holds {}", self.read.roots.len() - 1)),
        }
    }

    /// No mark has passed an entry that was not handed over and has no outcome.
    fn marks(&self, tables: &Tables, known: &HashMap<&[u8], &Attempt>) -> Judged {
        for (replica, low) in &tables.marks {
            for (index, (by, rid)) in self.read.releases.range(..(*low).max(0) as u64) {
                let handed = known.get(rid.as_slice()).is_some_and(|attempt| attempt.handed);
                if by == replica && !handed && !self.read.named.contains(index) {
                    return Err(format!("the mark {low} of replica {replica} passed entry {index}, which is open"));
                }
            }
        }
        Ok(())
    }

    /// Every release was handed over or has its outcome: of one process, whoever recorded it.
    pub fn settled(&self, process: usize, attempts: &[Attempt]) -> Judged {
        let handed = |rid: &[u8]| attempts.iter().any(|a| a.handed && a.rid.0.as_bytes().as_slice() == rid);
        for (index, (by, rid)) in &self.read.releases {
            if *by == process as i64 && !self.read.named.contains(index) && !handed(rid) {
                return Err(format!("entry {index} of process {process} was not handed over and has no outcome"));
            }
        }
        Ok(())
    }

    fn told(&mut self, at: usize, attempt: &Attempt, tables: &Tables, safe: u64) -> Judged {
        let stands = self.read.rids.get(attempt.rid.0.as_bytes().as_slice());
        match &attempt.told {
            Some(Told::Receipt { text, index, leaf }) => {
                let row = tables.leaves.get(&(*index as i64));
                if row.is_none_or(|row| row.text != *leaf) || stands != Some(index) {
                    return Err(format!("a receipt of entry {index} was given and the log holds another, or none"));
                }
                if self.verified.insert(at) {
                    self.receipt(text, *index, leaf, safe)?;
                }
                Ok(())
            }
            Some(Told::Duplicate(index)) => {
                let there = tables.leaves.get(&(*index as i64)).and_then(|row| row.transaction.as_ref());
                let About::Release { transaction, .. } = attempt.about else {
                    return Err("a duplicate of what?".into());
                };
                let wanted = crate::contract::draft::uuid(transaction as u64);
                let same = there.is_some_and(|(_, id, _)| id == wanted.as_bytes());
                if same {
                    Ok(())
                } else {
                    Err(format!("told a duplicate of {index}, which is another transaction, or none"))
                }
            }
            Some(Told::Failed(StoreError::Corrupt { table: "state", .. })) if self.doubted && stands.is_none() => {
                Ok(())
            }
            Some(Told::Failed(StoreError::Corrupt { table, .. })) => {
                Err(format!("a process found `{table}` contradictory, and nobody touched it"))
            }
            Some(Told::Failed(StoreError::Unknown { .. })) | None => Ok(()),
            Some(told) => match stands {
                None => Ok(()),
                Some(index) => Err(format!("told that nothing was written ({told:?}), and it is entry {index}")),
            },
        }
    }

    fn receipt(&self, text: &str, index: u64, leaf: &str, safe: u64) -> Judged {
        let verified = verify_text(text, Key::verifier()).map_err(|error| format!("a receipt is none: {error}"))?;
        if verified.index != index || verified.leaf_text != leaf {
            return Err(format!("the receipt of entry {index} is of another leaf"));
        }
        if verified.size > safe {
            return Err(format!(
                "the receipt of entry {index} names size {}, and only {safe} are durable",
                verified.size
            ));
        }
        Ok(())
    }

    /// A process shows this checkpoint.
    pub fn signed(&mut self, process: usize, checkpoint: &SignedCheckpoint, safe: u64) -> Judged {
        let now = (checkpoint.size, checkpoint.root);
        let Some(before) = self.signed.insert(process, now).filter(|before| *before != now) else {
            return if self.heads.get(&now.0) == Some(&now.1) { Ok(()) } else { self.first(now, safe) };
        };
        if before.0 > now.0 || (before.0 == now.0 && before.1 != now.1) {
            return Err(format!("process {process} signed {} and not {}, which it had signed", now.0, before.0));
        }
        if self.restored && self.read.roots.get(now.0 as usize) == Some(&now.1) {
            self.is_of_log(before.0, &before.1, &format!("what process {process} signed before"))?;
        }
        self.first(now, safe)
    }

    fn first(&mut self, (size, root): (u64, Hash), safe: u64) -> Judged {
        if !self.ever.get(&size).is_some_and(|roots| roots.contains(&root)) {
            return Err(format!("a head of size {size} was signed that the log never had"));
        }
        if self.restored {
            return Ok(());
        }
        if size > safe {
            return Err(format!("a head of size {size} was signed, and only {safe} entries are durable"));
        }
        match self.heads.insert(size, root) {
            Some(other) if other != root => Err(format!("two heads of size {size} were signed")),
            _ => Ok(()),
        }
    }
}
