//! The key table: which keys a leaf of each kind must and may carry, and the shape of each value. Frozen.
//!
//! A key has one shape in every kind. What is not listed is refused, in writing and in reading alike.

use super::LeafKind;
use LeafKind as L;

closed_list! {
    /// The keys of leaves, in the order of their codes, which is the order in the text (RFC 8785).
    Key {
        /// Legal basis, as its code in the policy.
        Ba = "ba",
        /// Commitment to the exact bytes that left.
        Bc = "bc",
        /// Batch or audit, 32 hex digits.
        Bid = "bid",
        /// Version of the field catalogue that `fs` refers to.
        Ca = "ca",
        /// From when an erasure holds for backups too, milliseconds since the epoch.
        Ea = "ea",
        /// Version of the engine that decides under a policy or keeps a shard (A28).
        Ev = "ev",
        /// Fields that left, one bit per field of catalogue `ca`.
        Fs = "fs",
        /// Index in the shard.
        I = "i",
        /// Kind.
        K = "k",
        /// Count: items of a page, lines of an audit, keys erased, version of a policy.
        N = "n",
        /// Obligations.
        Ob = "ob",
        /// Commitment to the encrypted payload.
        Pc = "pc",
        /// Page of a batch or audit, from 0.
        Pg = "pg",
        /// SHA-256 over the canonical policy.
        Po = "po",
        /// Purpose.
        Pu = "pu",
        /// Root of the last checkpoint of the shard before this one.
        Pv = "pv",
        /// The leaf that this one follows from: `<year>-<epoch>:<index>` (A8).
        Ref = "ref",
        /// The leaves that an exception is about, as in `ref` (A9).
        Refs = "refs",
        /// Request id of the gateway, UUIDv7.
        Rid = "rid",
        /// Organisation: who asked, or who recorded; an OIN.
        Rp = "rp",
        /// Reasons, actions or counters; exactly one coarse code in a refusal (A10).
        Rs = "rs",
        /// Type of the recipient.
        Rt = "rt",
        /// Rule of the policy.
        Ru = "ru",
        /// Revision of a page.
        Rv = "rv",
        /// SHA-256 over the register of signers of a policy (A28).
        Sg = "sg",
        /// Root over the items of a page.
        Sr = "sr",
        /// Blinded tag of the subject.
        St = "st",
        /// Time, milliseconds since the epoch; never decreases.
        T = "t",
        /// The client's transaction, UUIDv7.
        Txn = "txn",
        /// Format: `sluis-leaf/1`.
        V = "v",
        /// Items withheld.
        Wh = "wh",
        /// `x5t#S256` of the client certificate.
        X5 = "x5",
    }
}

/// The shape of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// So many lower-case hex digits.
    Hex(usize),
    /// 43 characters of base64url: a SHA-256 thumbprint.
    Thumbprint,
    /// 20 positions.
    Oin,
    /// 1 to 64 capitals, digits, underscores.
    Code,
    /// 1 to 128 characters.
    Name,
    /// `<year>-<epoch>:<index>`.
    Reference,
    /// A list of names.
    Names,
    /// A list of references.
    References,
    /// An integer.
    Number,
}

impl Key {
    /// Its place in a set of keys.
    pub(super) const fn bit(self) -> u64 {
        1 << self as u64
    }

    /// The shape of this key's value, the same in every kind.
    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::Rid | Self::Txn | Self::Bid | Self::St => Shape::Hex(32),
            Self::Bc | Self::Pc | Self::Po | Self::Pv | Self::Sg | Self::Sr => Shape::Hex(64),
            Self::Fs => Shape::Hex(16),
            Self::X5 => Shape::Thumbprint,
            Self::Rp => Shape::Oin,
            Self::K | Self::Pu | Self::Rt => Shape::Code,
            Self::Ba | Self::Ru | Self::Ev | Self::V => Shape::Name,
            Self::Ref => Shape::Reference,
            Self::Refs => Shape::References,
            Self::Ob | Self::Rs => Shape::Names,
            Self::I | Self::T | Self::Ca | Self::Ea | Self::N | Self::Pg | Self::Rv | Self::Wh => Shape::Number,
        }
    }
}

/// The keys that a kind must and may carry besides `v k i t rid`.
pub(super) struct Row {
    pub(super) required: &'static [Key],
    pub(super) optional: &'static [Key],
}

const fn row(required: &'static [Key], optional: &'static [Key]) -> Row {
    Row { required, optional }
}

/// Keys as a set.
pub(super) const fn mask_of(keys: &[Key]) -> u64 {
    let (mut rest, mut mask) = (keys, 0);
    while let [first, others @ ..] = rest {
        mask |= first.bit();
        rest = others;
    }
    mask
}

/// What a refusal, an escalation and an explanation say: one shape, so that none tells more than another (A10).
const CLOSED: &[Key] = {
    use Key::*;
    &[Rt, Rp, Pu, Rs, St, Pc, X5, Po, Ca, Txn]
};

/// The row of a kind.
pub(super) const fn row_of(kind: LeafKind) -> Row {
    use Key::*;
    match kind {
        L::Release => row(&[Rt, Rp, Pu, Ba, Ru, Po, Ca, Fs, Ob, Rs, St, Pc, Bc, X5, Txn], &[Ref]),
        L::Deny | L::Escalate | L::Explain => row(CLOSED, &[]),
        L::BatchOpen => row(&[Rt, Rp, Pu, Ba, Ru, Po, Ca, Bid, N, Pc, X5, Txn], &[Fs, Ob, Rs, Ref]),
        L::Page => row(&[Rt, Rp, Pu, Po, Ca, Bid, Pg, Rv, N, Sr, Bc, Pc, X5], &[Ba, Ru, Fs, Ob, Rs, Wh, Txn]),
        L::BatchRepin => row(&[Bid, Po, Ca], &[Rp, Rs, Pc, X5]),
        L::BatchSuspend => row(&[Bid, Rs], &[Rp, Pg, Pc, X5]),
        L::BatchClose => row(&[Bid, N, Rs], &[Rp, Pg, Wh, Pc, X5]),
        L::Redelivery => row(&[Rt, Rp, Pu, Bid, Pg, Rv, Bc, X5, Ref], &[Po, Ca, N, Sr, Pc, Txn]),
        L::Outcome => row(&[Refs, Rs], &[N, Pc]),
        L::Receipt => row(&[Rp, Ref, Bc, X5], &[Rs, Bid, Pg, Rv, Pc, Txn]),
        L::Consent | L::Restriction | L::Objection | L::Authority | L::Standing => row(&[Rp, St, Pc], &[X5, Txn]),
        L::Policy => row(&[Po, N, Ca], &[Ev, Sg, Rs, Pc]),
        L::Recipient => row(&[Rp, Rs], &[Rt, Pc, X5]),
        L::Erase => row(&[N, Rs, Ea], &[Ref, Pc]),
        L::Admin => row(&[Rs], &[Rp, St, N, Ref, Pc, X5, Txn]),
        L::Manual => row(&[Rt, Pu, Rs, St, Pc], &[Rp, Ba, Ru, Po, Ca, Fs, Ob, Bc, Ref]),
        L::Epoch => row(&[Rs], &[Pv, N, Po, Ev, Pc]),
        L::AuditOpen => row(&[Rt, Rp, Pu, Po, Ca, Bid, Pc, X5, Txn], &[N]),
        L::AuditClose => row(&[Bid, N, Wh, Rs], &[Rp, Pg, Pc, X5]),
        L::ObligationDone => row(&[Ref, Ob], &[Rp, Rs, St, Pc, X5]),
        L::Identity => row(&[St, Pc], &[Rp, Rs, X5, Txn]),
        L::SourceGap => row(&[Rs, N], &[Ref, Pc]),
    }
}

/// Whether a text has the shape.
pub(super) fn fits(shape: Shape, text: &str) -> bool {
    match shape {
        Shape::Hex(length) => is_hex(text, length),
        Shape::Thumbprint => text.len() == 43 && all(text, |b| b.is_ascii_alphanumeric() | (b == b'-') | (b == b'_')),
        Shape::Oin => crate::organisation::Oin::parse(text).is_ok(),
        Shape::Code => {
            (1..=64).contains(&text.len()) && all(text, |b| b.is_ascii_uppercase() | b.is_ascii_digit() | (b == b'_'))
        }
        Shape::Name | Shape::Names => (1..=128).contains(&text.len()) && all(text, is_plain),
        Shape::Reference | Shape::References => is_reference(text),
        Shape::Number => false,
    }
}

/// Whether every byte is one of those, without a branch for each: most texts are whole, and all of them are looked at.
fn all(text: &str, is: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, byte| all & is(byte))
}

/// Whether a byte needs no escaping in JSON and is printable ASCII.
pub(super) const fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\'
}

/// Whether a text is so many lower-case hex digits.
pub(super) fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && all(text, |b| b.is_ascii_digit() | matches!(b, b'a'..=b'f'))
}

/// `2026-1:12`: year, epoch, index, without leading zeros.
fn is_reference(text: &str) -> bool {
    let Some((shard, index)) = text.split_once(':') else { return false };
    let Some((year, epoch)) = shard.split_once('-') else { return false };
    year.len() == 4 && [year, epoch, index].into_iter().all(is_natural)
}

fn is_natural(text: &str) -> bool {
    (1..=16).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
}
