//! The persons who may change enrolments in a world, and those who may not.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use sluis_core::enrolment::change::{Signature, signed_bytes};
use sluis_core::enrolment::operator::{Operator, OperatorRole};

/// A person with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// May change enrolments.
    Anna,
    /// May change enrolments too.
    Bram,
    /// Stands in the register for policies.
    Carla,
    /// Stands in no register.
    Dirk,
}

impl Person {
    fn pair(self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[self as u8 + 1; 32]).unwrap()
    }

    /// The public key.
    pub fn key(self) -> [u8; 32] {
        self.pair().public_key().as_ref().try_into().unwrap()
    }

    /// Signs a change.
    pub fn sign(self, change: &[u8]) -> Signature {
        let signature = self.pair().sign(&signed_bytes(change)).as_ref().to_vec();
        Signature { key: self.key().to_vec(), signature }
    }
}

/// The register of a world: Anna, Bram and Carla.
pub fn register() -> String {
    let entry = |person: Person, role| Operator { name: format!("{person:?}"), role, key: person.key() }.to_entry();
    [
        entry(Person::Anna, OperatorRole::Enrolment),
        entry(Person::Bram, OperatorRole::Enrolment),
        entry(Person::Carla, OperatorRole::Policy),
    ]
    .concat()
}
