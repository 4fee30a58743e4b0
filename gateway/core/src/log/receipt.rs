//! Receipts: `c2sp.org/tlog-proof@v1`. Proof to the recipient that exactly this leaf is in the log.
//!
//! A receipt is made only of a batch that is durable or of stored rows; nobody outside this module can make one.
//! It proves "signed by the log", not "seen by a witness" (A22).

use super::checkpoint::{self, NoteError};
use super::leaf::{Leaf, LeafError};
use super::leaf_table::is_hex;
use super::proof::verify_inclusion;
use super::tree::leaf_hash;
use super::{Hash, LeafKind};
use data_encoding::BASE64;
use std::sync::Arc;

/// First line of a receipt.
const RECEIPT_FORMAT: &str = "c2sp.org/tlog-proof@v1";

/// Proof that an entry is in the log. Cheap to copy; its text is written when it is asked for.
#[derive(Debug, Clone)]
pub struct Receipt {
    leaf: Arc<str>,
    kind: LeafKind,
    index: u64,
    path: Vec<Hash>,
    note: Arc<str>,
}

impl Receipt {
    pub(super) const fn new(leaf: Arc<str>, kind: LeafKind, index: u64, path: Vec<Hash>, note: Arc<str>) -> Self {
        Self { leaf, kind, index, path, note }
    }

    /// The receipt as it is given to the recipient.
    #[must_use]
    pub fn text(&self) -> String {
        let leaf = BASE64.encode(self.leaf.as_bytes());
        let mut text = String::with_capacity(128 + leaf.len() + 45 * self.path.len() + self.note.len());
        text.push_str(RECEIPT_FORMAT);
        text.push_str("\nextra ");
        text.push_str(&leaf);
        text.push_str("\nindex ");
        text.push_str(&self.index.to_string());
        text.push('\n');
        for hash in &self.path {
            BASE64.encode_append(hash, &mut text);
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note);
        text
    }

    /// The exact text of the leaf.
    #[must_use]
    pub fn leaf(&self) -> &str {
        &self.leaf
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> LeafKind {
        self.kind
    }

    /// Index in the shard.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The shard that the index counts in: `<year>-<epoch>`, the end of the origin in its checkpoint.
    #[must_use]
    pub fn shard(&self) -> &str {
        super::shard::name_of(self.note.split('\n').next().unwrap_or_default())
    }

    /// Whether the leaf releases the body with this commitment: a leaf of a kind that lets something leave,
    /// with exactly this `bc`.
    #[must_use]
    pub fn commits_to(&self, bc: &str) -> bool {
        let releases = matches!(self.kind, LeafKind::Release | LeafKind::Page | LeafKind::Redelivery);
        // No text in a leaf can hold a quote, so this can only be the key `bc` itself.
        releases && is_hex(bc, 64) && self.leaf.contains(&format!("\"bc\":\"{bc}\""))
    }
}

/// A receipt that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// The leaf.
    pub leaf: Leaf,
    /// Its exact text.
    pub leaf_text: String,
    /// Its index.
    pub index: u64,
    /// Size of the log when the checkpoint was signed.
    pub size: u64,
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not the form of a receipt with a leaf.
    #[error("not a receipt: {0}")]
    NotAReceipt(&'static str),
    /// The checkpoint does not count.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The leaf is no leaf.
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// The leaf names another index than the receipt.
    #[error("the leaf says index {leaf}, the receipt {receipt}")]
    OtherIndex {
        /// In the leaf.
        leaf: u64,
        /// In the receipt.
        receipt: u64,
    },
    /// The proof does not lead from the leaf to the root.
    #[error("the inclusion proof does not lead from this leaf to the signed root")]
    NotIncluded,
}

/// Verifies a receipt offline: leaf, inclusion, signature.
///
/// # Errors
/// [`ReceiptError`] says what is wrong; the receipt then proves nothing.
pub fn verify_text(text: &str, vkey: &str) -> Result<VerifiedReceipt, ReceiptError> {
    let (proof, note) =
        text.split_once("\n\n").ok_or(ReceiptError::NotAReceipt("no empty line before the checkpoint"))?;
    let mut lines = proof.split('\n');
    if lines.next() != Some(RECEIPT_FORMAT) {
        return Err(ReceiptError::NotAReceipt("the first line is not `c2sp.org/tlog-proof@v1`"));
    }
    let extra = lines.next().and_then(|line| line.strip_prefix("extra "));
    let leaf =
        extra.and_then(|extra| BASE64.decode(extra.as_bytes()).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
    let leaf_text = leaf.ok_or(ReceiptError::NotAReceipt("the second line is not `extra` and a leaf in base64"))?;
    let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(canonical_number);
    let index = index.ok_or(ReceiptError::NotAReceipt("the third line is not `index` and a number"))?;
    let path: Option<Vec<Hash>> = lines.map(parse_hash).collect();
    let path = path.ok_or(ReceiptError::NotAReceipt("a line of the proof is not a hash in base64"))?;
    let checkpoint = checkpoint::open(note, vkey)?;
    if !verify_inclusion(&leaf_hash(leaf_text.as_bytes()), index, checkpoint.size, &path, &checkpoint.root) {
        return Err(ReceiptError::NotIncluded);
    }
    let leaf = Leaf::decode(&leaf_text)?;
    if leaf.index() != index {
        return Err(ReceiptError::OtherIndex { leaf: leaf.index(), receipt: index });
    }
    Ok(VerifiedReceipt { leaf, leaf_text, index, size: checkpoint.size })
}

fn canonical_number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn parse_hash(line: &str) -> Option<Hash> {
    BASE64.decode(line.as_bytes()).ok()?.as_slice().try_into().ok()
}
