//! Leaf text: restricted RFC 8785 JSON that an auditor reads with plain tools and that has one form only.
//!
//! Keys in byte order; printable ASCII without quotes and backslash; integers up to 2^53-1; lists of texts;
//! at most 4096 bytes. The stored bytes are what is hashed: nothing is ever re-encoded to verify, but what is
//! read must re-encode to itself.

use super::draft::RequestId;
pub use super::leaf_read::LeafText;
pub use super::leaf_table::Key;
use super::leaf_table::Shape;
pub use super::leaf_write::check;
use super::{LeafKind, Millis, leaf_write};

/// The value of `v`.
pub const LEAF_FORMAT: &str = "sluis-leaf/1";
/// Longest leaf in bytes.
pub const LEAF_MAX: usize = 4096;
/// Largest integer that every JSON reader keeps exactly.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;

/// Why a leaf cannot be written, or a text is not a leaf.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// A key that the kind must have.
    #[error("a {kind} leaf needs the key `{key}`")]
    Missing {
        /// The kind.
        kind: LeafKind,
        /// The key.
        key: Key,
    },
    /// A key that the kind may not have.
    #[error("a {kind} leaf may not have the key `{key}`")]
    NotAllowed {
        /// The kind.
        kind: LeafKind,
        /// The key.
        key: Key,
    },
    /// A value of another shape than its key asks for.
    #[error("the value of `{key}` has not the shape of that key")]
    Shape {
        /// The key.
        key: Key,
    },
    /// More than one reason in a leaf that may tell only one.
    #[error("a {kind} leaf has exactly one reason")]
    OneReason {
        /// The kind.
        kind: LeafKind,
    },
    /// Longer than [`LEAF_MAX`].
    #[error("the leaf has {0} bytes, more than 4096")]
    TooLong(usize),
    /// Not the JSON of a leaf.
    #[error("not a leaf: {0}")]
    NotALeaf(&'static str),
}

/// A value in a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeafValue {
    /// A text.
    Text(String),
    /// An integer from 0 to 2^53-1.
    Number(u64),
    /// A list of texts.
    List(Vec<String>),
}

impl From<&str> for LeafValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for LeafValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for LeafValue {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<Vec<String>> for LeafValue {
    fn from(list: Vec<String>) -> Self {
        Self::List(list)
    }
}

/// A leaf without index and time, which only the lock of the log gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafDraft {
    kind: LeafKind,
    /// In the order of the keys, each once.
    fields: Vec<(Key, LeafValue)>,
}

impl LeafDraft {
    /// A leaf of this kind with nothing in it yet.
    #[must_use]
    pub fn new(kind: LeafKind) -> Self {
        Self { kind, fields: Vec::with_capacity(16) }
    }

    /// Sets a key; a key that was set is replaced. A single text for a key that holds a list becomes its only member.
    #[must_use]
    pub fn with(mut self, key: Key, value: impl Into<LeafValue>) -> Self {
        let value = match (key.shape(), value.into()) {
            (Shape::Names | Shape::References, LeafValue::Text(text)) => LeafValue::List(vec![text]),
            (_, value) => value,
        };
        match self.fields.binary_search_by_key(&key, |(k, _)| *k) {
            Ok(at) => {
                if let Some(field) = self.fields.get_mut(at) {
                    field.1 = value;
                }
            }
            Err(at) => self.fields.insert(at, (key, value)),
        }
        self
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> LeafKind {
        self.kind
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&LeafValue> {
        let at = self.fields.binary_search_by_key(&key, |(k, _)| *k).ok()?;
        self.fields.get(at).map(|(_, value)| value)
    }

    /// Keys and values that were read, in the order of the keys.
    pub(super) const fn from_fields(kind: LeafKind, fields: Vec<(Key, LeafValue)>) -> Self {
        Self { kind, fields }
    }

    /// The keys and values, in the order of the keys.
    pub(super) fn fields(&self) -> &[(Key, LeafValue)] {
        &self.fields
    }

    /// The text of the leaf, exactly as it is hashed and stored.
    ///
    /// # Errors
    /// [`LeafError`] when the key table or the profile is not met: a defect of the caller, nothing may be written.
    pub fn encode(&self, rid: RequestId, index: u64, time: Millis) -> Result<String, LeafError> {
        check(self)?;
        leaf_write::write(self, &rid.to_hex(), index, time)
    }
}

/// A leaf as it was read, strictly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    rid: String,
    index: u64,
    time: Millis,
    draft: LeafDraft,
}

impl Leaf {
    /// Reads a leaf.
    ///
    /// # Errors
    /// [`LeafError`] when the text is not the one form of a leaf of a known kind with exactly its keys.
    pub fn decode(text: &str) -> Result<Self, LeafError> {
        Ok(LeafText::read(text)?.to_leaf())
    }

    pub(super) const fn from_parts(rid: String, index: u64, time: Millis, draft: LeafDraft) -> Self {
        Self { rid, index, time, draft }
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> LeafKind {
        self.draft.kind
    }

    /// Index in the shard.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Time, milliseconds since the epoch.
    #[must_use]
    pub const fn time(&self) -> Millis {
        self.time
    }

    /// Request id, 32 hex digits.
    #[must_use]
    pub fn rid(&self) -> &str {
        &self.rid
    }

    /// The text under a key.
    #[must_use]
    pub fn text(&self, key: Key) -> Option<&str> {
        match self.draft.get(key)? {
            LeafValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer under a key.
    #[must_use]
    pub fn number(&self, key: Key) -> Option<u64> {
        match self.draft.get(key)? {
            LeafValue::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The list under a key.
    #[must_use]
    pub fn list(&self, key: Key) -> Option<&[String]> {
        match self.draft.get(key)? {
            LeafValue::List(list) => Some(list),
            _ => None,
        }
    }
}
