//! Shards that were removed when their term was over (A30): what the log says of them, and whether it said so first.
//!
//! The entry that announces a removal is an ERASE leaf (the key table has no kind of its own for it): `rs` names every shard
//! that is gone after it, oldest first, each with its size and root, `n` is the size of the last of them, `ref` its closing
//! entry, `ea` from when the removal holds for backups too. Shards go oldest first, and an entry stands in a later shard
//! than those it names: the entry of the last one that went is therefore always there, and vouches for all before it.
//! Everything here is pure.

use super::LeafKind;
use super::Millis;
use super::leaf::{Key, Leaf, LeafDraft};
use super::shard::{Shard, index_of, name_of, number_of};
use data_encoding::HEXLOWER;

/// First reason of the entry, as of every erasure at the end of a term.
const REASON: &str = "RETENTION_ENDED";
/// Before the name, size and root of a shard that goes.
const PRUNED: &str = "pruned:";

/// A shard that is gone, by the entry that announced it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Its name: `<year>-<epoch>`.
    pub name: String,
    /// Entries it had.
    pub size: u64,
    /// The root over them, 64 hex digits.
    pub root: String,
}

impl Gone {
    fn of(shard: &Shard) -> Self {
        let head = &shard.head;
        Self { name: name_of(&head.origin).to_owned(), size: head.size(), root: HEXLOWER.encode(&head.root()) }
    }

    fn text(&self) -> String {
        format!("{PRUNED}{}:{}:{}", self.name, self.size, self.root)
    }

    fn read(reason: &str) -> Option<Self> {
        let mut parts = reason.strip_prefix(PRUNED)?.split(':');
        let (name, size, root) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let whole = parts.next().is_none() && HEXLOWER.decode(root.as_bytes()).is_ok_and(|root| root.len() == 32);
        whole.then(|| Self { name: name.to_owned(), size, root: root.to_owned() })
    }
}

/// What the entry of a removal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// When it was announced.
    pub time: Millis,
    /// The shards that are gone after it, oldest first.
    pub gone: Vec<Gone>,
}

/// The entry that announces that the last of these shards goes, after all the others went; `None` for no shard, or an empty one.
#[must_use]
pub fn announcing(shards: &[Shard], effective_after: Millis) -> Option<LeafDraft> {
    let gone: Vec<Gone> = shards.iter().map(Gone::of).collect();
    let last = gone.last()?;
    let closing = format!("{}:{}", last.name, last.size.checked_sub(1)?);
    let reasons: Vec<String> = std::iter::once(REASON.to_owned()).chain(gone.iter().map(Gone::text)).collect();
    let leaf = LeafDraft::new(LeafKind::Erase).with(Key::N, last.size).with(Key::Rs, reasons);
    Some(leaf.with(Key::Ref, closing).with(Key::Ea, effective_after))
}

/// Reads the entry of a removal; `None` for every other leaf, an erasure of keys too.
#[must_use]
pub fn announced(leaf: &Leaf) -> Option<Announced> {
    let reasons = leaf.list(Key::Rs).filter(|_| leaf.kind() == LeafKind::Erase)?;
    let gone: Vec<Gone> = reasons.iter().filter_map(|reason| Gone::read(reason)).collect();
    (!gone.is_empty()).then(|| Announced { time: leaf.time(), gone })
}

/// Whether a leaf announces that exactly these shards go, in this order, with these sizes and roots.
#[must_use]
pub fn vouches(leaf: &Leaf, shards: &[Shard]) -> bool {
    announced(leaf)
        .is_some_and(|announced| announced.gone.iter().eq(shards.iter().map(Gone::of).collect::<Vec<_>>().iter()))
}

/// The shards of a log that are gone, and the position of the entry that must vouch for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix<'a> {
    /// Those that are gone; they come first.
    pub gone: &'a [Shard],
    /// Those that are there.
    pub kept: &'a [Shard],
    /// Where the entry stands that announced the last of them.
    pub announced_at: u64,
}

/// Divides the shards of a log into those that are gone and those that are there; `None` when all are there.
///
/// # Errors
/// The name of a shard that cannot be gone: one after a shard that is there, one that takes entries, or one whose entry would
/// stand in no shard that is there, below its size; or of one whose predecessor has no row at all.
pub fn divide(shards: &[Shard]) -> Result<Option<Prefix<'_>>, &str> {
    if let Some((_, orphan)) = (0u16..).zip(shards).find(|(number, shard)| shard.head.shard != *number) {
        return Err(name_of(&orphan.head.origin));
    }
    let count = shards.iter().take_while(|shard| shard.pruned.is_some()).count();
    let (gone, kept) = shards.split_at_checked(count).unwrap_or((shards, &[]));
    let cannot = |shard: &'_ Shard| shard.open || kept.is_empty();
    let later = kept.iter().find(|shard| shard.pruned.is_some());
    if let Some(wrong) = later.or_else(|| gone.iter().find(|shard| cannot(shard))) {
        return Err(name_of(&wrong.head.origin));
    }
    let announced_at = gone.last().and_then(|last| last.pruned);
    // A row beyond the head, or in a shard that is gone, is in no tree: anybody can write one.
    let in_a_tree =
        |at: u64| kept.iter().any(|shard| shard.head.shard == number_of(at) && index_of(at) < shard.head.size());
    if let Some(wrong) = gone.last().filter(|last| !last.pruned.is_some_and(in_a_tree)) {
        return Err(name_of(&wrong.head.origin));
    }
    Ok(announced_at.map(|announced_at| Prefix { gone, kept, announced_at }))
}

#[cfg(test)]
mod tests {
    use super::super::finalise::{Head, Snapshot, finalise};
    use super::super::shard::{closing, first_opening, position};
    use super::super::tree::Frontier;
    use super::*;
    use crate::log::draft::{Draft, RequestId};

    const LOG: &str = "sluis-log.jeugd.example/00000099234567890000";

    /// A shard with these entries, and its leaves.
    fn written(year: u16, leaves: Vec<LeafDraft>, pruned: Option<u64>) -> (Shard, Vec<Leaf>) {
        let origin = format!("{LOG}/{year}-1");
        let head = Head { origin: origin.clone(), shard: year - 2026, frontier: Frontier::empty(), last_time: 0 };
        let drafts: Vec<Draft> = (1u128..)
            .zip(leaves)
            .map(|(n, leaf)| Draft::new(RequestId(uuid::Uuid::from_u128(n)), origin.as_str().into(), leaf))
            .collect();
        let finalised = finalise(&head, Snapshot::default(), 9, &drafts).unwrap();
        let leaves = finalised.entries().iter().map(|entry| Leaf::decode(&entry.text).unwrap()).collect();
        (Shard { head: finalised.head().clone(), open: false, before: None, pruned }, leaves)
    }

    fn ended(year: u16, pruned: Option<u64>) -> Shard {
        written(year, vec![first_opening(), closing()], pruned).0
    }

    #[test]
    fn the_entry_names_every_shard_that_is_gone_and_no_other_set_of_them() {
        let shards = [ended(2026, None), ended(2027, None), ended(2028, None)];
        let leaf = announcing(&shards[..2], 77).unwrap();
        let leaf = written(2033, vec![leaf], None).1.remove(0);
        let said = announced(&leaf).unwrap();
        assert_eq!(said.gone.iter().map(|gone| gone.name.as_str()).collect::<Vec<_>>(), ["2026-1", "2027-1"]);
        assert_eq!(
            (leaf.number(Key::N), leaf.text(Key::Ref), leaf.number(Key::Ea)),
            (Some(2), Some("2027-1:1"), Some(77))
        );
        for (from, to, holds) in [(0, 2, true), (0, 1, false), (1, 2, false), (0, 3, false), (0, 0, false)] {
            assert_eq!(vouches(&leaf, &shards[from..to]), holds, "{from}..{to}");
        }
        let other = written(2027, vec![first_opening(), first_opening(), closing()], None).0;
        assert!(!vouches(&leaf, &[shards[0].clone(), other]), "another root");
        let keys = LeafDraft::new(LeafKind::Erase).with(Key::N, 4).with(Key::Rs, REASON).with(Key::Ea, 1);
        assert_eq!(announced(&written(2033, vec![keys], None).1.remove(0)), None, "an erasure of keys");
    }

    #[test]
    fn shards_go_oldest_first_and_the_open_one_never() {
        let at = |shard, index| Some(position(shard, index));
        let [a, b] = [ended(2026, at(1, 1)), ended(2027, None)];
        let gone = |shard: &Shard| Shard { pruned: at(1, 0), ..shard.clone() };
        let all = [a.clone(), b.clone()];
        let prefix = divide(&all).unwrap().unwrap();
        assert_eq!((prefix.gone.len(), prefix.kept.len(), prefix.announced_at), (1, 1, position(1, 1)));
        for (nowhere, why) in
            [(at(1, 2), "beyond the head"), (at(0, 1), "in itself"), (at(2, 0), "in a shard that is not")]
        {
            assert_eq!(divide(&[Shard { pruned: nowhere, ..a.clone() }, b.clone()]), Err("2026-1"), "{why}");
        }
        let there = Shard { pruned: None, ..a.clone() };
        assert_eq!(divide(&[there.clone(), b.clone()]), Ok(None));
        assert_eq!(divide(&[there, gone(&b)]), Err("2027-1"));
        assert_eq!(divide(std::slice::from_ref(&b)), Err("2027-1"), "the row before it is gone");
        assert_eq!(divide(std::slice::from_ref(&a)), Err("2026-1"), "nothing would be left");
        let open = Shard { open: true, ..a };
        assert_eq!(divide(&[open, b]), Err("2026-1"));
    }
}
