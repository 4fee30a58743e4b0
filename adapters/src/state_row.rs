//! How a guard row is written: JSON, sealed for its kind, key, version and the leaf that set it (A14).
//!
//! A row that was edited, or moved to another key or version, does not open. Where this ends: an *older* row put back
//! with its own version does open, and a deleted row reads as "nothing set". A process that saw the newer one finds both
//! by its marks; both contradict the leaves, and the scrubber finds what was done before the process began.

use crate::master::{CryptoRefused, RowKey};
use serde::{Deserialize, Serialize};
use sluis_core::enrolment::Enrolment;
use sluis_core::log::draft::{GuardKey, GuardState};
use sluis_core::organisation::Oin;
use sluis_core::release::PolicyDigest;
use sluis_core::standing::Standing;
use sluis_core::subject::SubjectRef;

/// Code of [`GuardKey::Policy`] in rows.
pub const POLICY: u8 = 1;
/// Code of [`GuardKey::Organisation`] in rows.
pub const ORGANISATION: u8 = 2;
/// Code of [`GuardKey::Subject`] in rows.
pub const SUBJECT: u8 = 3;

/// The kind and key bytes of a guard in its table: never an identifier of a person, only the pseudonymous handle.
#[must_use]
pub fn place(key: &GuardKey) -> (u8, &[u8]) {
    match key {
        GuardKey::Policy => (POLICY, &[]),
        GuardKey::Organisation(oin) => (ORGANISATION, oin.as_str().as_bytes()),
        GuardKey::Subject(subject) => (SUBJECT, &subject.0),
    }
}

/// The guard at a place in the table; `None` when no guard of ours stands there.
#[must_use]
pub fn key_at(kind: u8, key: &[u8]) -> Option<GuardKey> {
    match kind {
        POLICY => key.is_empty().then_some(GuardKey::Policy),
        ORGANISATION => Some(GuardKey::Organisation(Oin::parse(std::str::from_utf8(key).ok()?).ok()?)),
        SUBJECT => Some(GuardKey::Subject(SubjectRef(key.try_into().ok()?))),
        _ => None,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Written<'a> {
    Policy { digest: String, number: u64 },
    Organisation(&'a [Enrolment]),
    Subject(&'a Standing),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Read {
    Policy { digest: String, number: u64 },
    Organisation(Vec<Enrolment>),
    Subject(Standing),
}

/// Seals a state for its row.
///
/// # Errors
/// [`CryptoRefused`], which cannot happen for states within their bounds.
pub fn seal(
    with: &RowKey,
    key: &GuardKey,
    version: u64,
    index: u64,
    state: &GuardState,
) -> Result<Vec<u8>, CryptoRefused> {
    let written = match state {
        GuardState::Policy { digest, number } => Written::Policy { digest: digest.to_hex(), number: *number },
        GuardState::Organisation(enrolments) => Written::Organisation(enrolments),
        GuardState::Subject(standing) => Written::Subject(standing),
    };
    let json = zeroize::Zeroizing::new(serde_json::to_vec(&written).map_err(|_| CryptoRefused)?);
    with.seal(&associated(key, version, index), &json)
}

/// Opens a row, or `None` when it is not what was written for this key, version and leaf.
#[must_use]
pub fn open(with: &RowKey, key: &GuardKey, version: u64, index: u64, sealed: &[u8]) -> Option<GuardState> {
    let json = with.open(&associated(key, version, index), sealed)?;
    match (key, serde_json::from_slice(&json).ok()?) {
        (GuardKey::Policy, Read::Policy { digest, number }) => {
            let digest = data_encoding::HEXLOWER.decode(digest.as_bytes()).ok()?;
            Some(GuardState::Policy { digest: PolicyDigest(digest.try_into().ok()?), number })
        }
        (GuardKey::Organisation(_), Read::Organisation(enrolments)) => Some(GuardState::Organisation(enrolments)),
        (GuardKey::Subject(_), Read::Subject(standing)) => Some(GuardState::Subject(standing)),
        _ => None,
    }
}

/// kind ‖ key ‖ version ‖ index. The key has one length per kind, so no two places share these bytes.
fn associated(key: &GuardKey, version: u64, index: u64) -> Vec<u8> {
    let (kind, bytes) = place(key);
    let mut out = Vec::with_capacity(1 + bytes.len() + 16);
    out.push(kind);
    out.extend_from_slice(bytes);
    out.extend_from_slice(&version.to_be_bytes());
    out.extend_from_slice(&index.to_be_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::{MasterKey, STATE_LABEL};
    use sluis_core::standing::Change;

    #[test]
    fn every_state_comes_back_and_only_at_its_own_place() {
        let with = MasterKey::from_bytes([1; 32]).sealing(STATE_LABEL).unwrap();
        let mut standing = Standing::default();
        standing.apply(&Change::Restriction { set: true }).unwrap();
        let oin = Oin::parse("00000099000000001000").unwrap();
        let states = [
            (GuardKey::Policy, GuardState::Policy { digest: PolicyDigest([9; 32]), number: 4 }),
            (GuardKey::Organisation(oin), GuardState::Organisation(Vec::new())),
            (GuardKey::Subject(SubjectRef([3; 16])), GuardState::Subject(standing)),
        ];
        for (key, state) in &states {
            let (kind, bytes) = place(key);
            assert_eq!(key_at(kind, bytes).as_ref(), Some(key));
            let sealed = seal(&with, key, 2, 5, state).unwrap();
            assert_eq!(open(&with, key, 2, 5, &sealed).as_ref(), Some(state));
            assert_eq!(open(&with, key, 3, 5, &sealed), None);
            assert_eq!(open(&with, key, 2, 6, &sealed), None);
            assert_eq!(open(&with, &GuardKey::Subject(SubjectRef([4; 16])), 2, 5, &sealed), None);
        }
    }
}
