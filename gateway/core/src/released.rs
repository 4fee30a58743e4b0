//! What may leave: extract and receipt together, for one subject or for one line of a page.
//!
//! Both are made here alone, and only when the logged entry commits to exactly the bytes that leave.

use crate::log::leaf::{Key, Leaf};
use crate::log::page::{Item, verify_item};
use crate::log::receipt::Receipt;
use crate::log::{Hash, LeafKind};
use crate::release::Extract;

/// An extract as the exact bytes that leave, with the salt of their commitment. Not yet logged, so not yet a reply.
#[derive(Debug)]
pub struct Sealed {
    /// The extract the bytes were made of.
    pub extract: Extract,
    /// Exactly what leaves; `bc` in the leaf covers these bytes and nothing else.
    pub body: Vec<u8>,
    /// 32 random bytes, given to the recipient.
    pub salt: [u8; 32],
}

/// Extract and receipt together: the only thing that the wire accepts as a release.
#[derive(Debug)]
pub struct Released {
    sealed: Sealed,
    receipt: Receipt,
}

impl Released {
    /// Joins what leaves with the proof that it was logged first.
    ///
    /// `None` when the receipt's leaf does not commit to exactly these bytes: then nothing leaves.
    #[must_use]
    pub fn new(sealed: Sealed, receipt: Receipt) -> Option<Self> {
        let committed = crate::log::commitment::body(&sealed.salt, &sealed.body);
        receipt.commits_to(&committed).then_some(Self { sealed, receipt })
    }

    /// The extract.
    #[must_use]
    pub const fn extract(&self) -> &Extract {
        &self.sealed.extract
    }

    /// The proof.
    #[must_use]
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Body, salt and receipt, to be sent.
    #[must_use]
    pub fn into_parts(self) -> (Vec<u8>, [u8; 32], Receipt) {
        (self.sealed.body, self.sealed.salt, self.receipt)
    }
}

/// The receipt of a page, opened: its items are compared with the root in its entry.
#[derive(Debug)]
pub struct PageReceipt {
    receipt: Receipt,
    sub_root: String,
    count: u64,
}

/// An item of a page with its way to the root.
#[derive(Debug, Clone)]
pub struct ItemProof {
    /// The item as it stands under the page's root.
    pub text: String,
    /// Its place on the page, from 0.
    pub position: u64,
    /// Hashes from the item to the root (RFC 9162, 2.1.3).
    pub hashes: Vec<Hash>,
}

/// The body of one line of a page: the only thing that the wire accepts as a release within an audit.
#[derive(Debug)]
pub struct ReleasedItem {
    sealed: Sealed,
}

impl PageReceipt {
    /// Opens the receipt of a page's entry; `None` when it is the receipt of something else.
    #[must_use]
    pub fn open(receipt: Receipt) -> Option<Self> {
        let leaf = Leaf::decode(receipt.leaf()).ok().filter(|leaf| leaf.kind() == LeafKind::Page)?;
        let (sub_root, count) = (leaf.text(Key::Sr)?.to_owned(), leaf.number(Key::N)?);
        Some(Self { receipt, sub_root, count })
    }

    /// Joins the body of one line with its page. `None` when the item is not under the page's root, or does not commit
    /// to exactly these bytes: then nothing of the line leaves.
    #[must_use]
    pub fn release(&self, sealed: Sealed, proof: &ItemProof) -> Option<ReleasedItem> {
        let under = verify_item(&proof.text, proof.position, self.count, &proof.hashes, &self.sub_root);
        let committed = crate::log::commitment::body(&sealed.salt, &sealed.body);
        let item = Item::decode(&proof.text)?;
        (under && item.body.as_deref() == Some(committed.as_str())).then_some(ReleasedItem { sealed })
    }

    /// The receipt, to be sent with the page.
    #[must_use]
    pub fn into_receipt(self) -> Receipt {
        self.receipt
    }
}

impl ReleasedItem {
    /// The bytes that leave.
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        self.sealed.body
    }
}
