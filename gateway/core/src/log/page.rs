//! Pages: the items of one page of a batch or audit, stored as one blob under one leaf.
//!
//! An item says about one member what came of it, without personal data. The leaf holds `sr`, the root over the item
//! texts, and `bc`, the root over the salted item bodies, so that every subject of a page is provable on its own.

use super::Hash;
use super::commitment::hmac_sha256;
use super::growth::Growth;
use super::leaf_table::{Shape, fits};
use super::leaf_write::{push_number, push_quoted};
use super::proof::verify_inclusion;
use super::tree::{Frontier, leaf_hash, root_of, sha256};
use data_encoding::HEXLOWER;

/// The value of `v` in an item.
pub const ITEM_FORMAT: &str = "sluis-item/1";

/// One item: what came of one member of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// `n`: the member's number in its batch or audit, which also names its salt.
    pub number: u32,
    /// `st`: blinded tag of the subject, 32 hex digits.
    pub tag: String,
    /// `oc`: coarse outcome code.
    pub outcome: String,
    /// `bc`: commitment to the item's body, 64 hex digits, where one leaves.
    pub body: Option<String>,
}

/// Why items are not a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// A value of an item has not the shape it must have.
    #[error("item {0} has a value of the wrong shape")]
    Shape(u32),
    /// Numbers do not rise.
    #[error("item {0} does not come after the item before it")]
    Order(u32),
    /// The stored bytes are not a page.
    #[error("the bytes are not a page of items")]
    NotAPage,
}

impl Item {
    /// The item in its one form: restricted RFC 8785, like a leaf.
    ///
    /// # Errors
    /// [`PageError::Shape`] when a value has not the shape it must have.
    pub fn encode(&self) -> Result<String, PageError> {
        let body = self.body.as_ref().is_none_or(|bc| fits(Shape::Hex(64), bc));
        if !body || !fits(Shape::Hex(32), &self.tag) || !fits(Shape::Code, &self.outcome) {
            return Err(PageError::Shape(self.number));
        }
        let mut text = String::with_capacity(192);
        text.push('{');
        if let Some(bc) = &self.body {
            text.push_str("\"bc\":");
            push_quoted(&mut text, bc);
            text.push(',');
        }
        text.push_str("\"n\":");
        push_number(&mut text, u64::from(self.number));
        for (key, value) in [(",\"oc\":", self.outcome.as_str()), (",\"st\":", &self.tag), (",\"v\":", ITEM_FORMAT)] {
            text.push_str(key);
            push_quoted(&mut text, value);
        }
        text.push('}');
        Ok(text)
    }

    /// Reads an item strictly: what is read encodes to the same text.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            bc: Option<String>,
            n: u32,
            oc: String,
            st: String,
            v: String,
        }
        let raw: Raw = serde_json::from_str(text).ok()?;
        let item = Self { number: raw.n, tag: raw.st, outcome: raw.oc, body: raw.bc };
        (raw.v == ITEM_FORMAT && item.encode().ok()? == text).then_some(item)
    }
}

/// The items of a page: their texts, in rising order of number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageBlob {
    items: Vec<(u32, String)>,
}

impl PageBlob {
    /// A page of these items.
    ///
    /// # Errors
    /// [`PageError`] when an item is ill-shaped or the numbers do not rise.
    pub fn new(items: &[Item]) -> Result<Self, PageError> {
        let texts = items.iter().map(|item| Ok((item.number, item.encode()?))).collect::<Result<Vec<_>, _>>()?;
        Self::rising(texts)
    }

    fn rising(items: Vec<(u32, String)>) -> Result<Self, PageError> {
        match items.windows(2).find(|pair| matches!(pair, [(a, _), (b, _)] if a >= b)) {
            Some([_, (number, _)]) => Err(PageError::Order(*number)),
            _ => Ok(Self { items }),
        }
    }

    /// Number of items.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The text of the item of a member.
    #[must_use]
    pub fn item(&self, number: u32) -> Option<&str> {
        self.items.get(self.find(number)?).map(|(_, text)| text.as_str())
    }

    /// The place of a member's item on the page, from 0.
    #[must_use]
    pub fn position(&self, number: u32) -> Option<u64> {
        self.find(number).map(|at| at as u64)
    }

    fn find(&self, number: u32) -> Option<usize> {
        self.items.binary_search_by_key(&number, |(n, _)| *n).ok()
    }

    /// `sr` of the leaf: the RFC 6962 root over the item texts, hex.
    #[must_use]
    pub fn sub_root(&self) -> String {
        HEXLOWER.encode(&root_of(&self.hashes()))
    }

    /// The inclusion proof of a member's item under `sr`.
    #[must_use]
    pub fn item_proof(&self, number: u32) -> Option<Vec<Hash>> {
        let position = self.position(number)?;
        Some(Growth::new(&Frontier::empty(), self.hashes()).path(position))
    }

    fn hashes(&self) -> Vec<Hash> {
        self.items.iter().map(|(_, text)| leaf_hash(text.as_bytes())).collect()
    }

    /// The stored form: each text behind its length, two bytes, big end first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        super::tiles::encode_entries(self.items.iter().map(|(_, text)| text.as_str()))
    }

    /// Reads the stored form strictly.
    ///
    /// # Errors
    /// [`PageError`] when it is not exactly a page.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PageError> {
        let texts = super::tiles::decode_entries(bytes).ok_or(PageError::NotAPage)?;
        let read = |text: String| Some((Item::decode(&text)?.number, text));
        Self::rising(texts.into_iter().map(read).collect::<Option<Vec<_>>>().ok_or(PageError::NotAPage)?)
    }
}

/// Whether an item stands at this place of a page with so many items, under the `sr` of its leaf.
#[must_use]
pub fn verify_item(text: &str, position: u64, count: u64, proof: &[Hash], sr: &str) -> bool {
    let root = HEXLOWER.decode(sr.as_bytes()).ok().and_then(|bytes| Hash::try_from(bytes.as_slice()).ok());
    root.is_some_and(|root| verify_inclusion(&leaf_hash(text.as_bytes()), position, count, proof, &root))
}

/// The salt of one item, given to the recipient with the item's body.
#[must_use]
pub fn item_salt(page_salt: &[u8; 32], item: u32) -> [u8; 32] {
    hmac_sha256(page_salt, &[b"sluis-item-salt/1\0", &item.to_be_bytes()])
}

/// The hash of one item's body: what the tree behind the `bc` of a page is made of.
#[must_use]
pub fn body_hash(item_salt: &[u8; 32], body: &[u8]) -> Hash {
    sha256(&[&[0], item_salt, body])
}

/// `bc` of a page: the RFC 6962 root over the body hashes of its items in their order, hex.
///
/// An item from which nothing leaves counts with an empty body, so that places in both trees are the same.
#[must_use]
pub fn body_root(body_hashes: &[Hash]) -> String {
    HEXLOWER.encode(&root_of(body_hashes))
}
