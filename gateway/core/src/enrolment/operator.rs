//! The persons who may change who is admitted: a register of names, roles and public keys.
//!
//! Two entries are two persons only when both name and key differ; the register is refused otherwise.

use super::change::is_plain_text;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most persons in a register.
const OPERATORS_MAX: usize = 256;

closed_list! {
    /// For what a person signs. One key has one role.
    OperatorRole {
        /// Changes of enrolments.
        Enrolment = "ENROLMENT",
        /// Policies.
        Policy = "POLICY",
    }
}

/// One person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// Who, as it will stand in the log's payload.
    pub name: String,
    /// For what.
    pub role: OperatorRole,
    /// Ed25519 public key, base64.
    #[serde(with = "base64_key")]
    pub key: [u8; 32],
}

/// The register. Empty: nobody may change anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operators {
    #[serde(default)]
    operator: Vec<Operator>,
}

/// Why a register cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterFault {
    /// Not the TOML of a register; the text has line and column.
    #[error("{0}")]
    Malformed(String),
    /// A name is empty, too long or holds characters that do not print.
    #[error("a name must have 1 to 100 characters that print")]
    Name,
    /// Two entries have one name.
    #[error("`{0}` stands in it twice: one person has one entry")]
    SameName(String),
    /// Two entries have one key: whoever holds it would be two persons.
    #[error("`{0}` has a key that another entry has too: every person makes a key of his own")]
    SameKey(String),
    /// More entries than a register may have.
    #[error("more than 256 operators")]
    TooMany,
}

impl Operators {
    /// Reads a register.
    ///
    /// # Errors
    /// [`RegisterFault`].
    pub fn read(text: &str) -> Result<Self, RegisterFault> {
        let read: Self = toml::from_str(text).map_err(|e| RegisterFault::Malformed(e.to_string()))?;
        if read.operator.len() > OPERATORS_MAX {
            return Err(RegisterFault::TooMany);
        }
        let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for operator in &read.operator {
            if operator.name.trim() != operator.name || !is_plain_text(&operator.name, 100) {
                return Err(RegisterFault::Name);
            }
            if !names.insert(operator.name.to_lowercase()) {
                return Err(RegisterFault::SameName(operator.name.clone()));
            }
            if !keys.insert(operator.key) {
                return Err(RegisterFault::SameKey(operator.name.clone()));
            }
        }
        Ok(read)
    }

    /// The person with this key.
    #[must_use]
    pub fn find(&self, key: &[u8]) -> Option<&Operator> {
        self.operator.iter().find(|operator| operator.key == key)
    }

    /// Whether nobody stands in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operator.is_empty()
    }

    /// SHA-256 over the entries, hex: names the register in force when a change was accepted (A28).
    #[must_use]
    pub fn digest(&self) -> String {
        let mut entries: Vec<_> = self.operator.iter().collect();
        entries.sort_by_key(|operator| operator.key);
        let mut bytes = b"sluis-operators/1\0".to_vec();
        for operator in entries {
            for part in [operator.name.as_bytes(), operator.role.code().as_bytes(), &operator.key] {
                bytes.extend((part.len() as u64).to_be_bytes());
                bytes.extend(part);
            }
        }
        data_encoding::HEXLOWER.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes).as_ref())
    }
}

impl Operator {
    /// The entry to paste into a register.
    #[must_use]
    pub fn to_entry(&self) -> String {
        // A name is text that prints; quote and backslash are all that TOML wants escaped in it.
        let name = self.name.replace('\\', "\\\\").replace('"', "\\\"");
        format!("[[operator]]\nname = \"{name}\"\nrole = \"{}\"\nkey = \"{}\"\n", self.role, BASE64.encode(&self.key))
    }
}

mod base64_key {
    use data_encoding::BASE64;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(key: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(key))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| D::Error::custom("a key is 32 bytes in base64, as `sluis operator key` prints it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, key: u8) -> String {
        Operator { name: name.to_owned(), role: OperatorRole::Enrolment, key: [key; 32] }.to_entry()
    }

    #[test]
    fn one_person_cannot_stand_in_the_register_as_two() {
        let read = |entries: &[String]| Operators::read(&entries.concat());
        let good = read(&[entry("Anna \"A\" \\ Jansen", 1), entry("Bram", 2)]).unwrap();
        assert_eq!(good.find(&[1; 32]).unwrap().name, "Anna \"A\" \\ Jansen");
        assert!(good.find(&[3; 32]).is_none());
        assert_eq!(read(&[entry("Anna", 1), entry("Bram", 1)]), Err(RegisterFault::SameKey("Bram".to_owned())));
        assert_eq!(read(&[entry("Anna", 1), entry("anna", 2)]), Err(RegisterFault::SameName("anna".to_owned())));
        assert_eq!(read(&[entry("Anna ", 1)]), Err(RegisterFault::Name));
        assert_eq!(read(&[entry("Anna\u{202e}", 1)]), Err(RegisterFault::Name));
        assert!(matches!(read(&["[[operators]]\n".to_owned()]), Err(RegisterFault::Malformed(_))));
    }

    #[test]
    fn the_digest_names_every_part_and_no_order() {
        let digest = |entries: &[String]| Operators::read(&entries.concat()).unwrap().digest();
        let (anna, bram) = (entry("Anna", 1), entry("Bram", 2));
        let both = digest(&[anna.clone(), bram.clone()]);
        assert_eq!(both, digest(&[bram.clone(), anna.clone()]));
        assert_ne!(both, digest(std::slice::from_ref(&anna)));
        assert_ne!(both, digest(&[anna, bram.replace("ENROLMENT", "POLICY")]));
    }
}
