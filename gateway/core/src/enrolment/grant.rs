//! A grant of an FSC contract, as an enrolment records it: under which hash an organisation may call, and on whose behalf.
//!
//! The contract itself lives with the Managers of the two organisations. What stands here is what the holder agreed to
//! when it signed: a token is believed only where it says exactly the same.

use crate::organisation::Oin;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// One grant of an FSC contract (FSC core, service connection or delegated service connection).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FscGrant {
    /// The grant hash, as both Managers compute it.
    pub hash: GrantHash,
    /// The organisation on whose behalf the enrolled one calls (`act.sub`), for a delegated service connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegator: Option<Oin>,
    /// The organisation on whose behalf the service is offered (`pdi`), for a delegated publication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publication_delegator: Option<Oin>,
    /// Last day on which the contract holds; the end of the agreement ends it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

impl FscGrant {
    /// Whether this is the grant with this hash, and it holds on this day.
    #[must_use]
    pub fn holds(&self, hash: &str, today: Date) -> bool {
        self.hash.as_str() == hash && self.until.is_none_or(|until| until >= today)
    }

    /// Whether the grant says exactly this about delegation: neither less nor more.
    #[must_use]
    pub fn says(&self, delegator: Option<&Oin>, publication_delegator: Option<&Oin>) -> bool {
        self.delegator.as_ref() == delegator && self.publication_delegator.as_ref() == publication_delegator
    }
}

/// A grant hash: `$<algorithm>$<type>$<base64>`, at most 128 characters. Compared as it is, never recomputed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GrantHash(String);

/// A text that is no grant hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a grant hash is `$`, a number, `$`, a number, `$` and base64, at most {} characters", GrantHash::LENGTH_MAX)]
pub struct NoGrantHash;

impl GrantHash {
    /// The longest one, in characters: room for more than a SHA3-512.
    pub const LENGTH_MAX: usize = 128;

    /// Reads a grant hash.
    ///
    /// # Errors
    /// [`NoGrantHash`] for a text of another form.
    pub fn parse(text: &str) -> Result<Self, NoGrantHash> {
        let parts: Vec<&str> = text.split('$').collect();
        let ["", algorithm, kind, digest] = parts.as_slice() else { return Err(NoGrantHash) };
        let number = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/-_".contains(&b);
        let is_digest = digest.len() >= 40 && digest.bytes().all(base64);
        if text.len() <= Self::LENGTH_MAX && number(algorithm) && number(kind) && is_digest {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoGrantHash)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for GrantHash {
    type Error = NoGrantHash;

    fn try_from(text: String) -> Result<Self, NoGrantHash> {
        Self::parse(&text)
    }
}

impl From<GrantHash> for String {
    fn from(hash: GrantHash) -> Self {
        hash.0
    }
}
