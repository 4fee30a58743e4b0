//! What only an opened payload tells: that it is the one its leaf committed to, about the subject of its tag.

use super::paged::{self, Paged};
use super::shard::OfShard;
use serde::Deserialize;
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

/// Counts only where that key was not erased.
pub(super) const NO_KEY: &str = "the payload names a key that there is not";

/// Whom an entry is about, where its payload tells.
#[derive(Default)]
pub(super) struct About {
    /// The subject of a change of standing.
    pub subject: Option<SubjectRef>,
    /// Under whom it must stand in the subject index, with the item: its payload is sealed with the subject's key of that year,
    /// or names the subject, or is of a page.
    pub indexed: Vec<(SubjectRef, u32)>,
    /// Whether only the index may know whom it concerns: a segment that has it cannot be rebuilt.
    pub only_indexed: bool,
}

impl About {
    /// Of an entry whose payload does not tell.
    fn untold() -> Self {
        Self { only_indexed: true, ..Self::default() }
    }

    fn of(subject: Option<SubjectRef>, indexed: Option<SubjectRef>) -> Self {
        Self { subject, indexed: indexed.map(|whom| (whom, 0)).into_iter().collect(), only_indexed: false }
    }
}

/// Compares the payload of an entry with its leaf; `items` are those of a page, as they stand. Gives whom it is about.
///
/// # Errors
/// A store that does not answer.
pub(super) async fn check(
    stores: &OfShard<'_>,
    leaf: &Leaf,
    row: &LeafRow,
    items: Option<&[u8]>,
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
            return Ok(About::untold());
        }
        key => key?,
    };
    let Some(key) = key else {
        beside(NO_KEY);
        return Ok(About::untold());
    };
    let Some(rid) = uuid::Uuid::try_parse(leaf.rid()).ok().map(RequestId) else { return Ok(About::default()) };
    let at = Sealing { key: &key, origin: stores.origin, rid, item: 0 };
    let Some(plain) = open(&at, payload).map(zeroize::Zeroizing::new) else {
        beside("the payload does not open");
        return Ok(About::untold());
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
    if leaf.kind() == LeafKind::Page {
        let Paged { concerned, told } = paged::concerned(stores, leaf, rid, &key, &plain, items).await?;
        return Ok(About { subject: None, indexed: concerned, only_indexed: !told });
    }
    let Some(id) = subject(&plain) else { return Ok(handled(leaf, &plain)) };
    let found = match stores.keys.find(&id).await {
        Err(StoreError::Corrupt { .. }) => {
            wrong.push(Found::open("subject_alias", leaf.index(), "we did not lead the number in the payload there"));
            return Ok(About::untold());
        }
        found => found?,
    };
    if !is_standing(leaf.kind()) {
        return Ok(About::of(None, of_year(stores, found, leaf, key.key_id).await?));
    }
    if found.is_none() {
        wrong.push(Found::open("subject_alias", leaf.index(), "the number in the payload leads to nobody any more"));
    }
    Ok(About::of(found, found))
}

/// Whom an entry is about whose payload names no number: of what an officer did about a former client it names the handle.
fn handled(leaf: &Leaf, plain: &[u8]) -> About {
    let said = serde_json::from_slice::<Handled>(plain).ok().filter(|_| leaf.kind() == LeafKind::Admin);
    // What was done about nobody has no place for whom.
    let Some(Handled { subject_ref, .. }) = said else { return About::default() };
    let handle = subject_ref.and_then(|text| data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok());
    handle.map_or_else(About::untold, |whom| About::of(None, Some(SubjectRef(whom))))
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
struct Handled {
    #[serde(rename = "subject")]
    _place: serde_json::Value,
    subject_ref: Option<String>,
}

#[derive(serde::Deserialize)]
struct Named {
    subject: std::collections::BTreeMap<String, String>,
}

fn subject(plain: &[u8]) -> Option<SubjectId> {
    subject_of(&serde_json::from_slice(plain).ok()?)
}

/// Whom a payload, or a line of one, names.
pub(super) fn subject_of(said: &serde_json::Value) -> Option<SubjectId> {
    let Named { subject } = Named::deserialize(said).ok()?;
    let (kind, value) = subject.iter().next()?;
    match kind.as_str() {
        "bsn" => Bsn::parse(value).ok().map(SubjectId::Bsn),
        _ => SubjectId::client_number(value),
    }
}
