//! What only an opened payload tells: that it is the one its leaf committed to, about the subject of its tag.

use super::shard::OfShard;
use sluis_core::log::LeafKind;
use sluis_core::log::commitment;
use sluis_core::log::draft::RequestId;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::payload::{Sealing, open};
use sluis_core::log::scrub::Found;
use sluis_core::ports::StoreError;
use sluis_core::subject::{Bsn, SubjectId, SubjectRef};
use sluis_core::upkeep::LeafRow;

/// Counts only where no key was ever erased: no leaf says yet whose payloads went with a key.
pub(super) const GONE: &str = "the payload is gone, and no key was ever erased";

/// Compares the payload of an entry with its leaf. Gives whom a change of standing is about, where it can be told.
///
/// # Errors
/// A store that does not answer.
pub(super) async fn check(
    stores: &OfShard<'_>,
    leaf: &Leaf,
    row: &LeafRow,
    wrong: &mut Vec<Found>,
) -> Result<Option<SubjectRef>, StoreError> {
    let mut beside = |what| wrong.push(Found::beside("log_leaf", leaf.index(), what));
    let committed = leaf.text(Key::Pc);
    let Some(payload) = &row.payload else {
        if committed.is_some() {
            beside(GONE);
        }
        return Ok(None);
    };
    let Some(key) = stores.keys.key_by_id(payload.key_id).await? else {
        beside("the payload names a key that there is not");
        return Ok(None);
    };
    let Some(rid) = uuid::Uuid::try_parse(leaf.rid()).ok().map(RequestId) else { return Ok(None) };
    let at = Sealing { key: &key, origin: stores.origin, rid, item: 0 };
    let Some(plain) = open(&at, payload).map(zeroize::Zeroizing::new) else {
        beside("the payload does not open");
        return Ok(None);
    };
    if committed != Some(commitment::payload(&plain).as_str()) {
        beside("the payload is not the one that the leaf commits to");
    }
    let tag = commitment::subject_tag(&key.tag, stores.origin, rid, 0);
    if leaf.text(Key::St).is_some_and(|said| said != tag) {
        beside("the payload is under the key of another subject than the tag of the leaf");
    }
    if leaf.kind() == LeafKind::Manual && recorded_by(&plain) != row.oin {
        beside("column `oin` is not the organisation that recorded the disclosure");
    }
    match (is_standing(leaf.kind()), subject(&plain)) {
        (true, Some(id)) => stores.keys.find(&id).await,
        _ => Ok(None),
    }
}

/// Whether entries of this kind change the standing of a subject.
pub(super) const fn is_standing(kind: LeafKind) -> bool {
    use LeafKind::{Authority, Consent, Objection, Restriction, Standing};
    matches!(kind, Consent | Restriction | Objection | Authority | Standing)
}

#[derive(serde::Deserialize)]
struct Manual {
    recorded_by: String,
}

fn recorded_by(plain: &[u8]) -> Option<String> {
    serde_json::from_slice(plain).ok().map(|Manual { recorded_by }| recorded_by)
}

#[derive(serde::Deserialize)]
struct About {
    subject: std::collections::BTreeMap<String, String>,
}

fn subject(plain: &[u8]) -> Option<SubjectId> {
    let About { subject } = serde_json::from_slice(plain).ok()?;
    let (kind, value) = subject.iter().next()?;
    match kind.as_str() {
        "bsn" => Bsn::parse(value).ok().map(SubjectId::Bsn),
        _ => SubjectId::client_number(value),
    }
}
