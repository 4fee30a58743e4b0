//! Leaf text: restricted RFC 8785 JSON that an auditor reads with plain tools and that has one form only.
//!
//! Keys in byte order; printable ASCII without quotes and backslash; integers up to 2^53-1; lists of texts;
//! at most 4096 bytes. The stored bytes are what is hashed: nothing is ever re-encoded to verify, but what is
//! read must re-encode to itself.

pub use super::leaf_table::Key;
use super::draft::RequestId;
use super::leaf_table::{Row, Shape, fits, row_of};
use super::{LeafKind, Millis};
use std::fmt::Write as _;

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
    /// Readable, but not in the one form a leaf has.
    #[error("the text is not in canonical form")]
    NotCanonical,
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

    /// The text of the leaf, exactly as it is hashed and stored.
    ///
    /// # Errors
    /// [`LeafError`] when the key table or the profile is not met: a defect of the caller, nothing may be written.
    pub fn encode(&self, rid: RequestId, index: u64, time: Millis) -> Result<String, LeafError> {
        check(self)?;
        self.write(&rid.to_hex(), index, time)
    }

    fn write(&self, rid: &str, index: u64, time: Millis) -> Result<String, LeafError> {
        for (key, number) in [(Key::I, index), (Key::T, time)] {
            if number > NUMBER_MAX {
                return Err(LeafError::Shape { key });
            }
        }
        let mut text = String::with_capacity(768);
        let mut fields = self.fields.iter().peekable();
        for key in Key::ALL {
            match key {
                Key::V => write_text(&mut text, *key, LEAF_FORMAT),
                Key::K => write_text(&mut text, *key, self.kind.code()),
                Key::Rid => write_text(&mut text, *key, rid),
                Key::I => write_number(&mut text, *key, index),
                Key::T => write_number(&mut text, *key, time),
                _ => {
                    if let Some((_, value)) = fields.next_if(|(k, _)| k == key) {
                        write_value(&mut text, *key, value);
                    }
                }
            }
        }
        text.push('}');
        if text.len() > LEAF_MAX {
            return Err(LeafError::TooLong(text.len()));
        }
        Ok(text)
    }
}

/// Whether a draft meets the key table and every value its shape.
///
/// # Errors
/// [`LeafError`] names the first key that is missing, not allowed or ill-shaped.
pub fn check(draft: &LeafDraft) -> Result<(), LeafError> {
    let kind = draft.kind;
    let Row { required, optional } = row_of(kind);
    if let Some(key) = required.iter().find(|key| draft.get(**key).is_none()) {
        return Err(LeafError::Missing { kind, key: *key });
    }
    for (key, value) in &draft.fields {
        if !required.contains(key) && !optional.contains(key) {
            return Err(LeafError::NotAllowed { kind, key: *key });
        }
        if !shaped(*key, value) {
            return Err(LeafError::Shape { key: *key });
        }
    }
    let reasons = match draft.get(Key::Rs) {
        Some(LeafValue::List(reasons)) => reasons.len(),
        _ => 0,
    };
    if matches!(kind, LeafKind::Deny | LeafKind::Escalate | LeafKind::Explain) && reasons != 1 {
        return Err(LeafError::OneReason { kind });
    }
    Ok(())
}

fn shaped(key: Key, value: &LeafValue) -> bool {
    match (key.shape(), value) {
        (Shape::Number, LeafValue::Number(number)) => *number <= NUMBER_MAX,
        (shape @ (Shape::Names | Shape::References), LeafValue::List(list)) => list.iter().all(|text| fits(shape, text)),
        (Shape::Number | Shape::Names | Shape::References, _) => false,
        (shape, LeafValue::Text(text)) => fits(shape, text),
        _ => false,
    }
}

fn write_key(text: &mut String, key: Key) {
    text.push_str(if text.is_empty() { "{\"" } else { ",\"" });
    text.push_str(key.code());
    text.push_str("\":");
}

fn write_text(text: &mut String, key: Key, value: &str) {
    write_key(text, key);
    push_quoted(text, value);
}

fn write_number(text: &mut String, key: Key, value: u64) {
    write_key(text, key);
    push_number(text, value);
}

fn write_value(text: &mut String, key: Key, value: &LeafValue) {
    match value {
        LeafValue::Text(value) => write_text(text, key, value),
        LeafValue::Number(value) => write_number(text, key, *value),
        LeafValue::List(list) => {
            write_key(text, key);
            text.push('[');
            for (at, member) in list.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                push_quoted(text, member);
            }
            text.push(']');
        }
    }
}

/// Writes a text that was checked to need no escaping.
pub(super) fn push_quoted(text: &mut String, value: &str) {
    text.push('"');
    text.push_str(value);
    text.push('"');
}

/// Writes an integer.
pub(super) fn push_number(text: &mut String, value: u64) {
    // Writing to a string cannot fail; the result carries no news.
    let _infallible = write!(text, "{value}");
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
        if text.len() > LEAF_MAX {
            return Err(LeafError::TooLong(text.len()));
        }
        let fields = super::leaf_read::fields(text)?;
        let leaf = super::leaf_read::leaf(fields)?;
        check(&leaf.draft)?;
        if leaf.draft.write(&leaf.rid, leaf.index, leaf.time)? != text {
            return Err(LeafError::NotCanonical);
        }
        Ok(leaf)
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
