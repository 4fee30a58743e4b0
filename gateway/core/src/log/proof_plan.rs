//! Which hashes a proof consists of, and which stored ranges they are computed from.

use super::Hash;
use std::collections::BTreeMap;

/// Stored levels are this many binary levels apart: 256 hashes make one of the next.
const STEP: u32 = 8;

/// The leaves `start..end`, the root over which is one hash of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    start: u64,
    end: u64,
}

/// The first `size` leaves.
pub(super) const fn prefix(size: u64) -> Span {
    Span { start: 0, end: size }
}

/// The spans of `PATH(index, D[size])` (RFC 9162 §2.1.3.1), from leaf to root.
pub(super) fn inclusion(index: u64, size: u64) -> Vec<Span> {
    let (mut start, mut end) = (0, size);
    let mut spans = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            spans.push(Span { start: middle, end });
            end = middle;
        } else {
            spans.push(Span { start, end: middle });
            start = middle;
        }
    }
    spans.reverse();
    spans
}

/// The spans of `PROOF(from, D[to])` (RFC 9162 §2.1.4.1); none when one of the trees is empty or both are the same.
pub(super) fn consistency(from: u64, to: u64) -> Vec<Span> {
    let mut spans = Vec::new();
    if from == 0 || from >= to {
        return spans;
    }
    let (mut start, mut end) = (0, to);
    while end != from {
        let middle = start + split(end - start);
        if from <= middle {
            spans.push(Span { start: middle, end });
            end = middle;
        } else {
            spans.push(Span { start, end: middle });
            start = middle;
        }
    }
    if start != 0 {
        spans.push(Span { start, end });
    }
    spans.reverse();
    spans
}

/// The largest power of two below `count`, which is at least 2.
const fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// One complete sub-tree as a range of stored hashes.
#[derive(Debug, Clone, Copy)]
struct Piece {
    level: u8,
    from: u64,
    to: u64,
}

impl Piece {
    const fn tile(self) -> (u8, u64) {
        (self.level, self.from >> STEP)
    }
}

/// A span as complete sub-trees of falling size.
fn pieces_of(span: Span) -> impl Iterator<Item = Piece> {
    let mut start = span.start;
    std::iter::from_fn(move || {
        let height = span.end.checked_sub(start).filter(|count| *count > 0)?.ilog2();
        let level = height / STEP;
        let from = start >> (level * STEP);
        let to = from + (1 << (height % STEP));
        start += 1 << height;
        Some(Piece { level: u8::try_from(level).ok()?, from, to })
    })
}

/// The stored ranges that spans need: one for each tile of 256 hashes that is touched.
pub(super) struct Ranges(BTreeMap<(u8, u64), Range>);

struct Range {
    from: u64,
    to: u64,
    hashes: Vec<Hash>,
}

impl Ranges {
    pub(super) fn of(spans: &[Span]) -> Self {
        let mut ranges: BTreeMap<(u8, u64), Range> = BTreeMap::new();
        for piece in spans.iter().flat_map(|span| pieces_of(*span)) {
            let range =
                ranges.entry(piece.tile()).or_insert(Range { from: piece.from, to: piece.to, hashes: Vec::new() });
            range.from = range.from.min(piece.from);
            range.to = range.to.max(piece.to);
        }
        Self(ranges)
    }

    /// Level, from and to of every range to read.
    pub(super) fn wanted(&self) -> Vec<(u8, u64, u64)> {
        self.0.iter().map(|((level, _), range)| (*level, range.from, range.to)).collect()
    }

    /// Takes the hashes of one range.
    pub(super) fn supply(&mut self, level: u8, from: u64, hashes: Vec<Hash>) {
        if let Some(range) = self.0.get_mut(&(level, from >> STEP)) {
            range.hashes = hashes;
        }
    }

    /// The stored hashes of each complete sub-tree of a span, largest first.
    pub(super) fn pieces(&self, span: Span) -> Option<Vec<&[Hash]>> {
        let hashes = |piece: Piece| {
            let range = self.0.get(&piece.tile())?;
            let from = usize::try_from(piece.from - range.from).ok()?;
            let to = usize::try_from(piece.to - range.from).ok()?;
            range.hashes.get(from..to)
        };
        pieces_of(span).map(hashes).collect()
    }
}
