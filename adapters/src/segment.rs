//! The subject index: one sealed segment per commit, merged later (A19).
//!
//! A random row per release would be half of the writer's work. At rest a segment tells nothing: without the key
//! derived from the master key the leaves of one child cannot be linked.

use crate::master::{CryptoRefused, RowKey};
use sluis_core::log::finalise::Entry;
use sluis_core::log::shard::{index_of, number_of, position};
use sluis_core::subject::SubjectRef;
use std::collections::BTreeSet;

/// Bytes of one record: subject 16, position 8, item 4.
pub const RECORD_BYTES: usize = 28;

/// Which leaves a segment covers, and whether it is as written (level 0) or merged (level 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The log, as in its rows.
    pub log: i64,
    /// 0 as written, 1 merged.
    pub level: u8,
    /// First index covered.
    pub first: u64,
    /// Last index covered.
    pub last: u64,
}

impl Span {
    /// Whether this segment, as written or merged, covers where that one begins.
    #[must_use]
    pub fn has(&self, other: Self) -> bool {
        self.log == other.log && self.first <= other.first && other.first <= self.last
    }

    fn associated(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(25);
        out.extend_from_slice(&self.log.to_be_bytes());
        out.push(self.level);
        out.extend_from_slice(&self.first.to_be_bytes());
        out.extend_from_slice(&self.last.to_be_bytes());
        out
    }
}

/// Adds one record to a segment that is being written.
pub fn push(records: &mut Vec<u8>, subject: SubjectRef, at: u64, item: u32) {
    records.extend_from_slice(&subject.0);
    records.extend_from_slice(&at.to_be_bytes());
    records.extend_from_slice(&item.to_be_bytes());
}

/// The records of a commit and what they cover; `None` when no entry of it concerns anybody.
#[must_use]
pub fn of(log: i64, entries: &[Entry<'_>]) -> Option<(Span, Vec<u8>)> {
    let shard = u16::try_from(log - 1).unwrap_or(u16::MAX);
    let mut records = Vec::with_capacity(entries.len() * RECORD_BYTES);
    for entry in entries {
        for concerns in &entry.draft.concerns {
            push(&mut records, concerns.subject, position(shard, entry.index), concerns.item);
        }
    }
    let (first, last) = (entries.first()?, entries.last()?);
    (!records.is_empty()).then_some((Span { log, level: 0, first: first.index, last: last.index }, records))
}

/// A segment of its own for each of these entries, which are in order: position, subject, item.
pub fn single(entries: &[(u64, SubjectRef, u32)]) -> impl Iterator<Item = (Span, Vec<u8>)> + '_ {
    entries.chunk_by(|(one, ..), (next, ..)| one == next).filter_map(|of_one| {
        let (at, ..) = of_one.first()?;
        let (log, index, mut records) = (i64::from(number_of(*at)) + 1, index_of(*at), Vec::new());
        of_one.iter().for_each(|(at, subject, item)| push(&mut records, *subject, *at, *item));
        Some((Span { log, level: 0, first: index, last: index }, records))
    })
}

/// Whether a segment covers one of these positions, which are in order.
#[must_use]
pub fn covers(span: Span, positions: &[u64]) -> bool {
    let shard = u16::try_from(span.log - 1).unwrap_or(u16::MAX);
    let [first, last] = [span.first, span.last].map(|index| position(shard, index));
    positions.get(positions.partition_point(|at| *at < first)).is_some_and(|at| *at <= last)
}

/// Seals the records of a segment.
///
/// # Errors
/// [`CryptoRefused`], which cannot happen below 2^36 bytes.
pub fn seal(with: &RowKey, span: Span, records: &[u8]) -> Result<Vec<u8>, CryptoRefused> {
    with.seal(&span.associated(), records)
}

/// Opens a segment, or `None` when it is not what was written for this span.
#[must_use]
pub fn open(with: &RowKey, span: Span, sealed: &[u8]) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    with.open(&span.associated(), sealed).filter(|records| records.len() % RECORD_BYTES == 0)
}

/// All opened records: subject, position, item.
pub fn all(records: &[u8]) -> impl Iterator<Item = (SubjectRef, u64, u32)> + '_ {
    let (records, _) = records.as_chunks::<RECORD_BYTES>();
    records.iter().filter_map(|record| {
        let (subject, rest) = record.split_first_chunk::<16>()?;
        let (index, item) = rest.split_first_chunk::<8>()?;
        Some((SubjectRef(*subject), u64::from_be_bytes(*index), u32::from_be_bytes(item.try_into().ok()?)))
    })
}

/// The entries of one subject in opened records: position and item, in the order of writing.
pub fn entries_of(records: &[u8], subject: SubjectRef) -> impl Iterator<Item = (u64, u32)> + '_ {
    records.chunks_exact(RECORD_BYTES).filter_map(move |record| {
        let rest = record.strip_prefix(&subject.0)?;
        let (index, item) = rest.split_at_checked(8)?;
        Some((u64::from_be_bytes(index.try_into().ok()?), u32::from_be_bytes(item.try_into().ok()?)))
    })
}

/// Opened records without those about these entries, of one subject or of everybody; `None` when there are none of them.
#[must_use]
pub fn without(
    records: &[u8],
    subject: Option<SubjectRef>,
    gone: &BTreeSet<u64>,
) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let is_of = |whom| subject.is_none_or(|subject| subject == whom);
    let goes = |record: &&[u8]| all(record).any(|(whom, index, _)| is_of(whom) && gone.contains(&index));
    let all = records.chunks_exact(RECORD_BYTES);
    all.clone().any(|record| goes(&record)).then(|| {
        let stay = all.filter(|record| !goes(record));
        zeroize::Zeroizing::new(stay.flatten().copied().collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::{INDEX_LABEL, MasterKey};

    #[test]
    fn a_segment_gives_back_one_subject_and_opens_for_its_span_only() {
        let with = MasterKey::from_bytes([1; 32]).sealing(INDEX_LABEL).unwrap();
        let mut records = Vec::new();
        push(&mut records, SubjectRef([1; 16]), 7, 0);
        push(&mut records, SubjectRef([2; 16]), 8, 3);
        push(&mut records, SubjectRef([1; 16]), 9, 4);
        let span = Span { log: 1, level: 0, first: 7, last: 9 };
        let sealed = seal(&with, span, &records).unwrap();
        let opened = open(&with, span, &sealed).unwrap();
        assert_eq!(all(&opened).nth(1), Some((SubjectRef([2; 16]), 8, 3)));
        assert_eq!(entries_of(&opened, SubjectRef([1; 16])).collect::<Vec<_>>(), [(7, 0), (9, 4)]);
        assert!(open(&with, Span { level: 1, ..span }, &sealed).is_none());
        assert!(!sealed.windows(16).any(|w| w == [1; 16]));
        let rest = without(&opened, Some(SubjectRef([1; 16])), &[7, 8].into()).unwrap();
        assert_eq!(entries_of(&rest, SubjectRef([1; 16])).collect::<Vec<_>>(), [(9, 4)]);
        assert_eq!(entries_of(&rest, SubjectRef([2; 16])).collect::<Vec<_>>(), [(8, 3)]);
        assert!(without(&rest, Some(SubjectRef([1; 16])), &[7, 8].into()).is_none());
        assert_eq!(without(&opened, None, &[7, 8].into()).map(|rest| all(&rest).count()), Some(1));
    }
}
