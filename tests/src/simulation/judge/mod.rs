//! What must hold after every step, judged from the rows of the server, the receipts and the checkpoints alone.
//!
//! While no backup was put back: every receipt and every signed head is of the log that would be left if the primary were
//! lost now. After one was put back, entries are gone; then no process signs what does not extend what it saw itself.

mod read;

use super::calls::{About, Attempt, Told};
use super::process::Key;
use super::server::tables::{Place, Tables};
use read::Read;
use sluis_core::log::Hash;
use sluis_core::log::checkpoint::{self, SignedCheckpoint, under_name};
use sluis_core::log::receipt::verify_text;
use sluis_core::log::shard::{index_of, number_of};
use sluis_core::ports::StoreError;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The first thing that does not hold.
pub type Judged = Result<(), String>;
/// A tree at a size: shard and size.
type At = (i64, u64);
/// Leaves of each shard that survive the loss of the primary.
pub type Safe = BTreeMap<i64, u64>;

/// The verifier key of a shard.
fn origin_key(origin: &str) -> String {
    under_name(Key::verifier(), origin).unwrap()
}

/// Shard and index of a position.
fn place_of(position: u64) -> Place {
    (i64::from(number_of(position)) + 1, index_of(position) as i64)
}

/// What the judge remembers.
pub struct Judge {
    read: Read,
    /// The number of every shard that ever was, by its origin.
    shards: BTreeMap<String, i64>,
    /// How many attempts have a receipt that was verified.
    verified: BTreeSet<usize>,
    /// Newest head that each process signed.
    signed: BTreeMap<usize, (At, Hash)>,
    /// Every root that the log had at a size.
    ever: BTreeMap<At, BTreeSet<Hash>>,
    /// Every head that was signed.
    heads: BTreeMap<At, Hash>,
    restored: bool,
    /// A failover took back what no standby had, and the lost primary had shown it.
    doubted: bool,
}

impl Judge {
    pub fn new() -> Self {
        Self {
            read: Read::default(),
            shards: BTreeMap::new(),
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
        self.read = Read::default();
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
    pub fn died(&mut self, process: usize, anchor: Option<String>) {
        let anchored = anchor.and_then(|note| {
            let origin = note.split('\n').next()?;
            let opened = checkpoint::open(&note, &origin_key(origin)).ok()?;
            Some(((*self.shards.get(origin)?, opened.size), opened.root))
        });
        match anchored {
            Some(anchored) => _ = self.signed.insert(process, anchored),
            None => _ = self.signed.remove(&process),
        }
    }

    /// The rows of the log, and what callers were told about them. `safe` leaves survive the loss of the primary.
    pub fn log(&mut self, tables: &Tables, attempts: &[Attempt], safe: &Safe) -> Judged {
        let known: HashMap<&[u8], &Attempt> =
            attempts.iter().map(|attempt| (attempt.rid.0.as_bytes().as_slice(), attempt)).collect();
        let from: BTreeMap<i64, u64> = self.read.trees.iter().map(|(log, tree)| (*log, tree.size())).collect();
        self.read.go_on(tables, |rid| known.get(rid).map(|attempt| attempt.about))?;
        for (log, tree) in &self.read.trees {
            self.shards.insert(tree.origin.clone(), *log);
            let from = from.get(log).copied().unwrap_or(0);
            for (size, root) in (from..).zip(&tree.roots[from as usize..]) {
                self.ever.entry((*log, size)).or_default().insert(*root);
            }
        }
        if self.restored {
            return Ok(());
        }
        self.heads.iter().try_for_each(|(at, root)| self.is_of_log(*at, root, "a signed head"))?;
        self.marks(tables, &known)?;
        attempts.iter().enumerate().try_for_each(|(at, attempt)| self.told(at, attempt, tables, safe))
    }

    fn root(&self, (log, size): At) -> Option<&Hash> {
        self.read.trees.get(&log)?.roots.get(size as usize)
    }

    fn is_of_log(&self, at: At, root: &Hash, what: &str) -> Judged {
        match self.root(at) {
            Some(there) if there == root => Ok(()),
            Some(_) => Err(format!("{what} of size {at:?} has another root than the log")),
            None => Err(format!("{what} of size {at:?} is lost")),
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

    fn told(&mut self, at: usize, attempt: &Attempt, tables: &Tables, safe: &Safe) -> Judged {
        let stands = self.read.rids.get(attempt.rid.0.as_bytes().as_slice());
        match &attempt.told {
            Some(Told::Receipt { text, shard, index, leaf }) => {
                let place = self.read.shard(shard).map(|log| (log, *index as i64));
                let row = place.and_then(|place| tables.leaves.get(&place));
                if row.is_none_or(|row| row.text != *leaf) || stands.copied() != place {
                    return Err(format!("a receipt of entry {place:?} was given and the log holds another, or none"));
                }
                if self.verified.insert(at) {
                    self.receipt(attempt, text, safe)?;
                }
                Ok(())
            }
            Some(Told::Duplicate(position)) => {
                let place = place_of(*position);
                let there = tables.leaves.get(&place).and_then(|row| row.transaction.as_ref());
                let About::Release { transaction, .. } = attempt.about else {
                    return Err("a duplicate of what?".into());
                };
                let wanted = crate::contract::draft::uuid(transaction as u64);
                let same = there.is_some_and(|(_, id, _)| id == wanted.as_bytes());
                if same {
                    Ok(())
                } else {
                    Err(format!("told a duplicate of {place:?}, which is another transaction, or none"))
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
                Some(place) => Err(format!("told that nothing was written ({told:?}), and it is entry {place:?}")),
            },
        }
    }

    fn receipt(&self, attempt: &Attempt, text: &str, safe: &Safe) -> Judged {
        let Some(Told::Receipt { shard, index, leaf, .. }) = &attempt.told else { return Ok(()) };
        let log = self.read.shard(shard).unwrap_or_default();
        let origin = self.read.trees.get(&log).map_or("", |tree| &tree.origin);
        let verified = verify_text(text, &origin_key(origin)).map_err(|error| format!("a receipt is none: {error}"))?;
        if verified.index != *index || verified.leaf_text != *leaf {
            return Err(format!("the receipt of entry {index} of {shard} is of another leaf"));
        }
        self.is_safe((log, verified.size), safe, &format!("a receipt of entry {index}"))
    }

    fn is_safe(&self, (log, size): At, safe: &Safe, what: &str) -> Judged {
        match safe.get(&log) {
            Some(durable) if size <= *durable => Ok(()),
            durable => Err(format!("{what} names size {size} of shard {log}, and only {durable:?} are durable")),
        }
    }

    /// A process shows this checkpoint.
    pub fn signed(&mut self, process: usize, checkpoint: &SignedCheckpoint, safe: &Safe) -> Judged {
        let origin = checkpoint.note.split('\n').next().unwrap_or_default();
        let known = self.shards.get(origin).copied();
        let log = known.ok_or_else(|| format!("a head of {origin} was signed, which never was a shard"))?;
        let now = ((log, checkpoint.size), checkpoint.root);
        let Some(before) = self.signed.insert(process, now).filter(|before| *before != now) else {
            return if self.heads.get(&now.0) == Some(&now.1) { Ok(()) } else { self.first(now, safe) };
        };
        if before.0 > now.0 || (before.0 == now.0 && before.1 != now.1) {
            return Err(format!("process {process} signed {:?} and not {:?}, which it had signed", now.0, before.0));
        }
        if self.restored && self.root(now.0) == Some(&now.1) {
            self.is_of_log(before.0, &before.1, &format!("what process {process} signed before"))?;
        }
        self.first(now, safe)
    }

    fn first(&mut self, (at, root): (At, Hash), safe: &Safe) -> Judged {
        if !self.ever.get(&at).is_some_and(|roots| roots.contains(&root)) {
            return Err(format!("a head of size {at:?} was signed that the log never had"));
        }
        if self.restored {
            return Ok(());
        }
        self.is_safe(at, safe, "a signed head")?;
        match self.heads.insert(at, root) {
            Some(other) if other != root => Err(format!("two heads of size {at:?} were signed")),
            _ => Ok(()),
        }
    }
}
