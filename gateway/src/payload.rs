//! The payload of a question: what the log keeps encrypted about it, and what a leaf never says.
//!
//! Enough to make the decision again: subject, actor, mask, every fact with its value, reasons, rule.

use crate::fsc::connection::ServiceConnection;
use serde::ser::{Serialize, SerializeMap, Serializer};
use sluis_core::fact::Facts;
use sluis_core::field::FieldSet;
use sluis_core::release::{Obligation, Reason};
use sluis_core::subject::{Actor, SubjectId};

/// What only the payload says about a question.
pub struct Particulars<'a> {
    /// About whom.
    pub subject: &'a SubjectId,
    /// Who acted.
    pub actor: Option<&'a Actor>,
    /// The mask decided with: the fields asked for, without the BSN for a role that has no ground to use it.
    pub mask: Option<FieldSet>,
    /// The facts decided on.
    pub facts: Facts,
    /// The reasons found.
    pub reasons: &'a [Reason],
    /// The rule, if one applied.
    pub rule: Option<&'a str>,
    /// The salt of the body, for a release.
    pub body_salt: Option<&'a [u8; 32]>,
    /// What must happen afterwards, for a release.
    pub obligations: &'a [Obligation],
    /// The connection that the question came over; absent for an item of a page, whose payload has it once.
    pub connection: Option<&'a ServiceConnection>,
    /// Reference of the claim line and in what the billing record differs, for an item of an audit.
    pub line: Option<(&'a str, FieldSet)>,
}

/// Particulars with the salt of their commitment.
pub struct Salted<'a>(pub &'a Particulars<'a>, pub [u8; 32]);

impl Serialize for Salted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(said, salt) = self;
        let hex = |bytes: &[u8; 32]| data_encoding::HEXLOWER.encode(bytes);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("v", "sluis-payload/1")?;
        map.serialize_entry("salt", &hex(salt))?;
        map.serialize_entry("subject", &Subject(said.subject))?;
        map.serialize_entry("actor", &said.actor.map(Actor::as_str))?;
        map.serialize_entry("mask", &said.mask.map(FieldSet::to_hex))?;
        map.serialize_entry("facts", &KnownFacts(said.facts))?;
        map.serialize_entry("reasons", &said.reasons.iter().map(|r| r.code()).collect::<Vec<_>>())?;
        map.serialize_entry("rule", &said.rule)?;
        if let Some(salt) = said.body_salt {
            map.serialize_entry("body_salt", &hex(salt))?;
            map.serialize_entry("obligations", said.obligations)?;
        }
        if let Some((reference, differing)) = said.line {
            map.serialize_entry("line", reference)?;
            map.serialize_entry("differing", &differing.to_hex())?;
        }
        if let Some(connection) = said.connection {
            map.serialize_entry("fsc", connection)?;
        }
        map.end()
    }
}

struct Subject<'a>(&'a SubjectId);

impl Serialize for Subject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0.kind(), &self.0.value())?;
        map.end()
    }
}

struct KnownFacts(Facts);

impl Serialize for KnownFacts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (fact, value) in self.0.iter() {
            map.serialize_entry(fact.code(), value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::REFUSAL_BYTES_MAX;
    use crate::token::verify::IssuedBy;
    use sluis_core::enrolment::GrantHash;
    use sluis_core::fact::Fact;
    use sluis_core::organisation::Oin;

    /// Everything at its longest must fit where the payloads of all refusals are padded to: else length would tell.
    #[test]
    fn the_longest_refusal_is_no_longer_than_the_others() {
        let longest = |facts: Facts, fact: &Fact| {
            let value = fact.values().iter().max_by_key(|value| value.len()).unwrap();
            facts.with(*fact, value)
        };
        let oin = || Oin::parse("00000099000000001000").unwrap();
        let connection = ServiceConnection {
            grant: "x".repeat(GrantHash::LENGTH_MAX),
            service: "x".repeat(100),
            delegator: Some(oin()),
            publication_delegator: Some(oin()),
            issued_by: IssuedBy::Manager,
        };
        let reasons: Vec<_> = Fact::ALL.iter().map(|fact| Reason::Unmet(*fact)).collect();
        let (actor, rule) = (Actor::parse(&"w".repeat(64)), "r".repeat(64));
        let said = Particulars {
            subject: &SubjectId::client_number(&"9".repeat(20)).unwrap(),
            actor: actor.as_ref(),
            mask: Some(FieldSet::EMPTY),
            facts: Fact::ALL.iter().fold(Facts::UNKNOWN, longest),
            reasons: &reasons,
            rule: Some(&rule),
            body_salt: None,
            obligations: &[],
            connection: Some(&connection),
            line: None,
        };
        let length = serde_json::to_string(&Salted(&said, [255; 32])).unwrap().len();
        assert!(length <= REFUSAL_BYTES_MAX, "{length}");
    }
}
