//! Where the logs of one level lie: the gateway's, the floor's, and one table without secondary indexes; what the floors
//! write, and the proof that they wrote it.

use super::Fault;
use super::door::number;
use super::drafts::uuid;
use async_trait::async_trait;
use sluis_adapters::segment::RECORD_BYTES;
use sluis_core::ports::Ledger;
use std::sync::Arc;

/// What authenticates a segment (AES-256-GCM-SIV).
pub const SEGMENT_TAG_BYTES: usize = 16;
/// Leaves of a sub-tree of level 1 and of level 2.
pub const SUBTREE_LEAVES: [u64; 2] = [256, 65_536];
/// By how much the mean row of the floor may differ from that of the gateway: leaves say their index in decimal digits.
const ROW_BYTES_APART: f64 = 4.0;

/// One of the three logs of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The gateway's.
    Product,
    /// The same tables and indexes.
    Floor,
    /// One table without secondary indexes.
    Unindexed,
}

/// An engine, and where on it three logs lie.
#[async_trait]
pub trait Place: Send + Sync {
    /// Makes and opens the gateway's log.
    async fn ledger(&self) -> Result<Arc<dyn Ledger>, Fault>;

    /// The row of an entry as the gateway wrote it.
    async fn template(&self, index: u64) -> Result<Template, Fault>;

    /// Makes the tables of a floor, and what writes into them from this index on.
    async fn writer(&self, which: Which, template: &Arc<Template>, first: u64) -> Result<Box<dyn Writer>, Fault>;

    /// Counts what stands in a log from this index on.
    async fn tally(&self, which: Which, first: u64) -> Result<Tally, Fault>;
}

/// Writes rows.
#[async_trait]
pub trait Writer: Send {
    /// Returns when all of them are durable, in one transaction.
    async fn write(&mut self, rows: Vec<Row>) -> Result<(), Fault>;
}

/// The columns that are the same in every row of a floor.
pub struct Template {
    pub leaf: String,
    pub hash: Vec<u8>,
    pub kind: i16,
    pub oin: String,
    pub digest: Vec<u8>,
    pub key_id: Vec<u8>,
    pub ct: Vec<u8>,
}

/// The columns that differ, and what every entry holds in memory of its own.
pub struct Row {
    pub rid: [u8; 16],
    pub leaf: String,
    pub ct: Vec<u8>,
}

impl Template {
    /// The row of this number.
    pub fn row(&self, number: u64) -> Row {
        Row { rid: uuid(number).into_bytes(), leaf: self.leaf.clone(), ct: self.ct.clone() }
    }

    /// Bytes of leaf, hash, organisation, digest, key id, ciphertext, and of request and transaction id.
    fn bytes(&self) -> usize {
        let fixed = [&self.hash, &self.digest, &self.key_id, &self.ct].map(Vec::len).iter().sum::<usize>();
        fixed + self.leaf.len() + self.oin.len() + 2 * 16
    }
}

/// Bytes that no engine compresses, as sealed ones are.
pub fn incompressible(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

/// The sub-trees that leaves `from..to` complete: level and number.
pub fn subtrees(from: u64, to: u64) -> impl Iterator<Item = (u8, u64)> {
    [1, 2]
        .into_iter()
        .zip(SUBTREE_LEAVES)
        .flat_map(move |(level, leaves)| (from / leaves..to / leaves).map(move |number| (level, number)))
}

/// What stands in a log.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Leaves.
    pub leaves: u64,
    /// Bytes in their columns of variable length.
    pub bytes: u64,
    /// Sub-trees.
    pub subtrees: u64,
    /// Segments of the subject index.
    pub segments: u64,
    /// Bytes in them.
    pub segment_bytes: u64,
}

impl Tally {
    /// Mean bytes of a leaf's columns of variable length.
    pub fn row_bytes(&self) -> f64 {
        number(self.bytes) / number(self.leaves.max(1))
    }

    /// Compares with what the callers were told.
    ///
    /// # Errors
    /// When something was not written, or other than the gateway's rows: then nothing was measured.
    pub fn check(&self, which: Which, entries: u64, first: u64, template: &Template) -> Result<(), Fault> {
        let written = u64::try_from(template.bytes())?;
        let bytes = match which {
            Which::Product => (self.row_bytes() - number(written)).abs() <= ROW_BYTES_APART,
            Which::Floor | Which::Unindexed => self.bytes == entries * written,
        };
        let records = u64::try_from(RECORD_BYTES)? * entries + u64::try_from(SEGMENT_TAG_BYTES)? * self.segments;
        let others = match which {
            Which::Unindexed => self.subtrees == 0 && self.segments == 0,
            Which::Product | Which::Floor => {
                self.subtrees == u64::try_from(subtrees(first, first + entries).count())?
                    && self.segment_bytes == records
            }
        };
        if self.leaves == entries && bytes && others {
            Ok(())
        } else {
            Err(format!("{which:?}: {entries} entries of {written} bytes from {first} on, but {self:?} stands").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Template {
        let bytes = |count| vec![0; count];
        let (hash, digest, key_id, ct) = (bytes(32), bytes(32), bytes(16), bytes(100));
        Template { leaf: "leaf".to_owned(), hash, kind: 1, oin: "oin".to_owned(), digest, key_id, ct }
    }

    #[test]
    fn a_floor_that_wrote_less_is_no_floor() {
        let tally = |change: fn(&mut Tally)| {
            let mut tally = Tally { leaves: 300, bytes: 300 * 219, subtrees: 2, segments: 3, segment_bytes: 8448 };
            change(&mut tally);
            tally.check(Which::Floor, 300, 250, &template()).is_ok()
        };
        assert!(tally(|_| ()));
        assert!(!tally(|t| t.leaves -= 1));
        assert!(!tally(|t| t.bytes -= 1));
        assert!(!tally(|t| t.subtrees -= 1));
        assert!(!tally(|t| t.segment_bytes -= 1));
    }
}
