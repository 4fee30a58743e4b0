//! What must hold before a command signs a head that a database shows.
//!
//! Promise: who has the database and not our key gets no signature for another history, and a backup or a server that lost entries
//! gets no second root of one size. The leaves are recomputed, and must contain every tree that was signed before, as far as that
//! is known here: the anchor, every checkpoint that is kept, and of a closed shard the note that the next one keeps. Where it ends:
//! what was written after the newest of these rests on the database alone. A gateway keeps its anchor every second.

use crate::anchor::{self, AnchorFault};
use crate::client::export::Recomputed;
use sluis_core::log::Hash;
use sluis_core::log::checkpoint::{self, OpenedCheckpoint, under_name};
use sluis_core::log::leaf::Leaf;
use sluis_core::log::pruned::{divide, vouches};
use sluis_core::log::shard::{INDEX_BITS, Shard, continues, name_of, position};
use sluis_core::upkeep::{AnchorStore, LogArchive};
use std::collections::BTreeSet;

/// Why nothing was signed. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum NotSigned {
    /// Nothing outside the database says what the log was.
    #[error(
        "there is no anchor `{0}`: nothing outside the database says what this log was, and nothing was signed. Export with the \
         configuration of a gateway that serves it, on its machine; a start of that gateway makes the anchor"
    )]
    NoAnchor(String),
    /// Entries that were signed are gone.
    #[error(
        "shard {shard} holds {size} entries, and {by} is of {seen}: a backup was put back or entries were lost; nothing was signed. \
         Do not serve from it. Find the newer database"
    )]
    Shorter {
        /// Its name.
        shard: String,
        /// What says so.
        by: String,
        /// Entries that were signed.
        seen: u64,
        /// Entries in the database.
        size: u64,
    },
    /// Entries that were signed are others now.
    #[error(
        "the first {seen} entries of shard {shard} are not those of {by}: the log was written anew; nothing was signed. Do not serve \
         from it. Keep the database and what was exported of it, and compare with receipts and earlier exports"
    )]
    Rewritten {
        /// Its name.
        shard: String,
        /// What says so.
        by: String,
        /// Entries that were signed.
        seen: u64,
    },
    /// The head says something else than the leaves.
    #[error(
        "shard {0}: its head is not that of its entries, the log was changed; nothing was signed. Do not serve from it. Keep the \
         database and what was exported of it, and compare with receipts and earlier exports"
    )]
    OtherHead(String),
    /// A closed shard is another one now.
    #[error(
        "shard {0} is not what was signed when it was closed: the log was written anew; nothing was signed. Do not serve from it. \
         Keep the database and what was exported of it, and compare with receipts and earlier exports"
    )]
    OtherEnd(String),
    /// A shard begins with another entry.
    #[error(
        "shard {0} does not continue the one before it: the log was written anew; nothing was signed. Do not serve from it. Keep the \
         database, and compare with receipts and earlier exports"
    )]
    NotContinued(String),
}

/// What was signed of one shard before, by whom.
struct Said {
    shard: u16,
    signed: OpenedCheckpoint,
    by: String,
}

/// What is known of the trees that our key signed.
pub(super) struct Evidence {
    vkey: String,
    said: Vec<Said>,
    seen: OpenedCheckpoint,
    anchor: String,
    kept: Vec<(u16, Vec<String>)>,
}

impl Evidence {
    /// Reads what was signed, before the heads are read that must extend it: a gateway that serves meanwhile only adds. `vkey` is
    /// our verifier key under the name of any shard.
    ///
    /// # Errors
    /// [`AnchorFault`], [`NotSigned::NoAnchor`], or a store that does not answer.
    pub async fn read(log: &dyn LogArchive, anchor: &dyn AnchorStore, vkey: &str) -> Result<Self, super::StartFault> {
        let name = anchor.name();
        let seen = anchor::seen(anchor, vkey)?.ok_or_else(|| NotSigned::NoAnchor(name.clone()))?;
        let (mut said, mut kept) = (Vec::new(), Vec::new());
        for Shard { head, .. } in log.shards().await? {
            let key = under_name(vkey, &head.origin).unwrap_or_default();
            let notes = log.checkpoints(position(head.shard, (1 << INDEX_BITS) - 1)).await?;
            // A note that is not ours says nothing; who verifies the export finds it.
            let ours = notes.iter().filter_map(|note| checkpoint::open(note, &key).ok());
            said.extend(ours.map(|signed| Said { shard: head.shard, signed, by: "a kept checkpoint".to_owned() }));
            kept.push((head.shard, notes));
        }
        Ok(Self { vkey: vkey.to_owned(), said, seen, anchor: name, kept })
    }

    /// Takes the anchor as evidence of its shard, and sees that what is gone was announced.
    ///
    /// # Errors
    /// [`AnchorFault`] for a shard that is not there, or was removed after the anchor was kept, or without an entry.
    pub async fn about(&mut self, log: &dyn LogArchive, shards: &[Shard]) -> Result<(), super::StartFault> {
        let not_announced = |name: &str| AnchorFault::NotAnnounced(name.to_owned());
        if let Some(prefix) = divide(shards).map_err(not_announced)? {
            let text = log.leaves(prefix.announced_at, 1).await?.into_iter().next();
            let leaf = text.and_then(|text| Leaf::decode(&text).ok());
            if !leaf.is_some_and(|leaf| vouches(&leaf, prefix.gone)) {
                let last = prefix.gone.last().map_or("", |last| name_of(&last.head.origin));
                return Err(not_announced(last).into());
            }
        }
        let (anchor, seen) = (self.anchor.clone(), name_of(&self.seen.origin).to_owned());
        let Some(shard) = shards.iter().find(|shard| shard.head.origin == self.seen.origin) else {
            let newest = shards.last().map_or("", |shard| name_of(&shard.head.origin)).to_owned();
            return Err(AnchorFault::ShardGone { anchor, seen, newest }.into());
        };
        if shard.pruned.is_some() && self.seen.size < shard.head.size() {
            return Err(AnchorFault::Pruned { anchor, seen }.into());
        }
        let by = format!("the anchor `{anchor}`");
        // First, so that it is named first.
        self.said.insert(0, Said { shard: shard.head.shard, signed: self.seen.clone(), by });
        Ok(())
    }

    /// The checkpoints that are kept of a shard.
    pub fn kept(&self, shard: &Shard) -> &[String] {
        self.kept.iter().find(|(number, _)| *number == shard.head.shard).map_or(&[], |(_, notes)| notes)
    }

    /// Sizes at which the root of a shard must be known.
    pub fn sizes(&self, shard: &Shard) -> BTreeSet<u64> {
        self.of(shard).map(|said| said.signed.size).chain([shard.head.size()]).collect()
    }

    fn of(&self, shard: &Shard) -> impl Iterator<Item = &Said> {
        let number = shard.head.shard;
        self.said.iter().filter(move |said| said.shard == number)
    }

    /// Whether no tree that was signed of a shard is larger than it is, and one that is as large is the same.
    ///
    /// # Errors
    /// [`NotSigned`].
    pub fn fits(&self, shard: &Shard) -> Result<(), NotSigned> {
        let (name, size) = (name_of(&shard.head.origin).to_owned(), shard.head.size());
        let Some(Said { signed, by, .. }) = self.of(shard).find(|said| {
            said.signed.size > size || (said.signed.size == size && said.signed.root != shard.head.root())
        }) else {
            return Ok(());
        };
        let (by, seen) = (by.clone(), signed.size);
        Err(if seen > size {
            NotSigned::Shorter { shard: name, by, seen, size }
        } else {
            NotSigned::Rewritten { shard: name, by, seen }
        })
    }

    /// Whether the leaves of a shard give its head, contain every tree that was signed of it, and continue the shard before.
    ///
    /// # Errors
    /// [`NotSigned`].
    pub fn holds(&self, shard: &Shard, before: Option<&Shard>, leaves: &Recomputed) -> Result<(), NotSigned> {
        let (name, head) = (|| name_of(&shard.head.origin).to_owned(), &shard.head);
        let gives = |size: u64, root: &Hash| leaves.roots.get(&size) == Some(root);
        for Said { signed, by, .. } in self.of(shard) {
            if !gives(signed.size, &signed.root) {
                return Err(NotSigned::Rewritten { shard: name(), by: by.clone(), seen: signed.size });
            }
        }
        if !gives(head.size(), &head.root()) {
            return Err(NotSigned::OtherHead(name()));
        }
        let Some(before) = before else { return Ok(()) };
        let first = leaves.first.as_deref().and_then(|text| Leaf::decode(text).ok());
        if first.is_some_and(|first| continues(&first, &last_of(before))) {
            Ok(())
        } else {
            Err(NotSigned::NotContinued(name()))
        }
    }

    /// The note over the whole of a closed shard, which the next one keeps.
    ///
    /// # Errors
    /// [`NotSigned::OtherEnd`] when our key did not sign exactly its head.
    pub fn signed_end<'a>(&self, shard: &Shard, next: &'a Shard) -> Result<&'a str, NotSigned> {
        let key = under_name(&self.vkey, &shard.head.origin).unwrap_or_default();
        let note = next.before.as_deref();
        note.filter(|note| checkpoint::open(note, &key) == Ok(last_of(shard)))
            .ok_or_else(|| NotSigned::OtherEnd(name_of(&shard.head.origin).to_owned()))
    }
}

/// The checkpoint over the whole of a shard.
fn last_of(shard: &Shard) -> OpenedCheckpoint {
    let head = &shard.head;
    OpenedCheckpoint { origin: head.origin.clone(), size: head.size(), root: head.root() }
}
