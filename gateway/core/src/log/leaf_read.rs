//! Reading leaf text: one pass over the one form that a leaf has, without a copy and without a JSON library.
//!
//! It promises that what is read is exactly what [`leaf_write`](super::leaf_write) would write: keys that are known, in
//! their order, each once; printable ASCII without quotes and backslashes; integers without leading zeros; no space.

use super::leaf::{LEAF_FORMAT, LEAF_MAX, Leaf, LeafDraft, LeafError, NUMBER_MAX};
use super::leaf_check::{Field, check};
use super::leaf_table::{Key, Shape, fits, is_plain};
use super::{LeafKind, Millis};

/// Digits of the largest integer.
const DIGITS_MAX: usize = 16;

/// A leaf as it stands in its text.
#[derive(Debug, Clone)]
pub struct LeafText<'a> {
    kind: LeafKind,
    index: u64,
    time: Millis,
    rid: &'a str,
    /// Besides `v k i t rid`, in the order of the keys.
    fields: Vec<(Key, Field<'a>)>,
}

impl<'a> LeafText<'a> {
    /// Reads a leaf.
    ///
    /// # Errors
    /// [`LeafError`] when the text is not the one form of a leaf of a known kind with exactly its keys.
    pub fn read(text: &'a str) -> Result<Self, LeafError> {
        if text.len() > LEAF_MAX {
            return Err(LeafError::TooLong(text.len()));
        }
        let leaf = Self::of(Scan::whole(text)?)?;
        check(leaf.kind, leaf.fields.iter().copied())?;
        Ok(leaf)
    }

    /// Splits off `v k i t rid`, which every leaf has.
    fn of(mut all: Vec<(Key, Field<'a>)>) -> Result<Self, LeafError> {
        let (mut version, mut kind, mut index, mut time, mut rid) = (None, None, None, None, None);
        all.retain(|field| {
            match *field {
                (Key::V, Field::Text(text)) => version = Some(text),
                (Key::K, Field::Text(text)) => kind = LeafKind::from_code(text),
                (Key::I, Field::Number(number)) => index = Some(number),
                (Key::T, Field::Number(number)) => time = Some(number),
                (Key::Rid, Field::Text(text)) if fits(Shape::Hex(32), text) => rid = Some(text),
                _ => return true,
            }
            false
        });
        if version != Some(LEAF_FORMAT) {
            return Err(LeafError::NotALeaf("`v` is not `sluis-leaf/1`"));
        }
        Ok(Self {
            kind: kind.ok_or(LeafError::NotALeaf("`k` names no known kind"))?,
            index: index.ok_or(LeafError::NotALeaf("`i` is not an integer"))?,
            time: time.ok_or(LeafError::NotALeaf("`t` is not an integer"))?,
            rid: rid.ok_or(LeafError::NotALeaf("`rid` is not 32 hex digits"))?,
            fields: all,
        })
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> LeafKind {
        self.kind
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

    /// The leaves that it refers to, as `<year>-<epoch>:<index>`.
    pub fn references(&self) -> impl Iterator<Item = &'a str> {
        let those = self.fields.iter().filter(|(key, _)| matches!(key, Key::Ref | Key::Refs));
        those.flat_map(|(_, field)| field.texts())
    }

    /// The same with texts of its own.
    #[must_use]
    pub fn to_leaf(&self) -> Leaf {
        let fields = self.fields.iter().map(|(key, field)| (*key, field.to_value())).collect();
        Leaf::from_parts(self.rid.to_owned(), self.index, self.time, LeafDraft::from_fields(self.kind, fields))
    }
}

/// What is left of a text that is read from left to right.
struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    /// The keys and values of a text, in its order.
    fn whole(text: &'a str) -> Result<Vec<(Key, Field<'a>)>, LeafError> {
        // Nothing that JSON could escape, so that a quote always ends a text.
        if !text.bytes().fold(true, |plain, byte| plain & (is_plain(byte) | (byte == b'"'))) {
            return Err(LeafError::NotALeaf("a byte that is not printable ASCII, or a backslash"));
        }
        let (mut scan, mut fields, mut keys) = (Self(text), Vec::with_capacity(20), Key::ALL.iter());
        scan.take("{")?;
        loop {
            fields.push((scan.key(&mut keys)?, scan.value()?));
            if scan.take(",").is_err() {
                break;
            }
        }
        scan.take("}")?;
        if scan.0.is_empty() { Ok(fields) } else { Err(LeafError::NotALeaf("something follows the object")) }
    }

    fn take(&mut self, what: &str) -> Result<(), LeafError> {
        let rest = self.0.strip_prefix(what);
        self.0 = rest.ok_or(LeafError::NotALeaf("not an object of keys and values without a space between them"))?;
        Ok(())
    }

    /// The next key: one of those that may still come.
    fn key(&mut self, keys: &mut std::slice::Iter<'_, Key>) -> Result<Key, LeafError> {
        self.take("\"")?;
        let rest = self.0;
        let found = keys.find_map(|key| Some((*key, rest.strip_prefix(key.code())?.strip_prefix("\":")?)));
        let (key, rest) =
            found.ok_or(LeafError::NotALeaf("a key that is unknown, not in its order, or there twice"))?;
        self.0 = rest;
        Ok(key)
    }

    fn value(&mut self) -> Result<Field<'a>, LeafError> {
        match self.0.as_bytes().first() {
            Some(b'"') => Ok(Field::Text(self.text()?)),
            Some(b'[') => Ok(Field::List(self.list()?)),
            _ => Ok(Field::Number(self.number()?)),
        }
    }

    fn text(&mut self) -> Result<&'a str, LeafError> {
        self.take("\"")?;
        let (text, rest) = self.0.split_once('"').ok_or(LeafError::NotALeaf("a text without an end"))?;
        self.0 = rest;
        Ok(text)
    }

    /// The members of a list, as they stand between its brackets.
    fn list(&mut self) -> Result<&'a str, LeafError> {
        self.take("[")?;
        let from = self.0;
        if self.take("]").is_ok() {
            return Ok("");
        }
        self.text()?;
        while self.take(",").is_ok() {
            self.text()?;
        }
        let members = from.get(..from.len() - self.0.len()).unwrap_or_default();
        self.take("]")?;
        Ok(members)
    }

    fn number(&mut self) -> Result<u64, LeafError> {
        let end = self.0.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at_checked(end).unwrap_or_default();
        let canonical = digits == "0" || (1..=DIGITS_MAX).contains(&end) && !digits.starts_with('0');
        let number = digits.parse().ok().filter(|number| canonical && *number <= NUMBER_MAX);
        self.0 = rest;
        number.ok_or(LeafError::NotALeaf("a value that is no text, no list of texts and no integer up to 2^53-1"))
    }
}
