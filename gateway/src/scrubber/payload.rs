//! What only an opened payload tells: that it is the one its leaf committed to, about the subject of its tag.

use super::shard::OfShard;
use sluis_core::log::LeafKind;
use sluis_core::log::commitment;
use sluis_core::log::draft::RequestId;
use sluis_core::log::leaf::{Key, Leaf};
use sluis_core::log::payload::{Sealing, open};
use sluis_core::log::scrub::Found;
use sluis_core::ports::StoreError;
use sluis_core::subject::{Bsn, SubjectId, SubjectRef, dutch_date};
use sluis_core::upkeep::LeafRow;

/// Counts only where no key was ever erased: no leaf says yet whose payloads went with a key.
pub(super) const GONE: &str = "the payload is gone, and no key was ever erased";

/// Whom an entry is about, where its payload tells.
#[derive(Default)]
pub(super) struct About {
    /// The subject of a change of standing.
    pub subject: Option<SubjectRef>,
    /// Under whom it must stand in the subject index: its payload is sealed with the subject's key of that year.
    pub indexed: Option<SubjectRef>,
}

/// Compares the payload of an entry with its leaf. Gives whom it is about.
///
/// # Errors
/// A store that does not answer.
pub(super) async fn check(
    stores: &OfShard<'_>,
    leaf: &Leaf,
    row: &LeafRow,
    wrong: &mut Vec<Found>,
) -> Result<About, StoreError> {
    let mut beside = |what| wrong.push(Found::beside("log_leaf", leaf.index(), what));
    let committed = leaf.text(Key::Pc);
    let Some(payload) = &row.payload else {
        if committed.is_some() {
            beside(GONE);
        }
        return Ok(About::default());
    };
    let key = match stores.keys.key_by_id(payload.key_id).await {
        Err(StoreError::Corrupt { .. }) => {
            beside("the key of the payload does not open");
            return Ok(About::default());
        }
        key => key?,
    };
    let Some(key) = key else {
        beside("the payload names a key that there is not");
        return Ok(About::default());
    };
    let Some(rid) = uuid::Uuid::try_parse(leaf.rid()).ok().map(RequestId) else { return Ok(About::default()) };
    let at = Sealing { key: &key, origin: stores.origin, rid, item: 0 };
    let Some(plain) = open(&at, payload).map(zeroize::Zeroizing::new) else {
        beside("the payload does not open");
        return Ok(About::default());
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
    let Some(id) = subject(&plain) else { return Ok(About::default()) };
    let found = match stores.keys.find(&id).await {
        Err(StoreError::Corrupt { .. }) => {
            wrong.push(Found::open("subject_alias", leaf.index(), "we did not lead the number in the payload there"));
            return Ok(About::default());
        }
        found => found?,
    };
    if !is_standing(leaf.kind()) {
        return Ok(About { subject: None, indexed: of_year(stores, found, leaf, key.key_id).await? });
    }
    if found.is_none() {
        wrong.push(Found::open("subject_alias", leaf.index(), "the number in the payload leads to nobody any more"));
    }
    Ok(About { subject: found, indexed: found })
}

/// The subject, if this is its key of the year: a question about somebody unknown then is under the key of its day.
async fn of_year(
    stores: &OfShard<'_>,
    subject: Option<SubjectRef>,
    leaf: &Leaf,
    key_id: [u8; 16],
) -> Result<Option<SubjectRef>, StoreError> {
    let Some(subject) = subject else { return Ok(None) };
    match stores.keys.subject_key(subject, dutch_date(leaf.time()).year()).await {
        Ok(key) => Ok(key.filter(|key| key.key_id == key_id).map(|_| subject)),
        Err(StoreError::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error),
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
struct Named {
    subject: std::collections::BTreeMap<String, String>,
}

fn subject(plain: &[u8]) -> Option<SubjectId> {
    let Named { subject } = serde_json::from_slice(plain).ok()?;
    let (kind, value) = subject.iter().next()?;
    match kind.as_str() {
        "bsn" => Bsn::parse(value).ok().map(SubjectId::Bsn),
        _ => SubjectId::client_number(value),
    }
}
