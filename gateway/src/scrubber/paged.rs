//! Whom the items of an audit page concern: its payload says under which number each was asked, the tag of the item whether that
//! person was known then.
//!
//! An item of somebody unknown is tagged with the key of the page's day and stands in no index. Where this ends: of an item whose
//! tag was made with a key that is gone, only the index knows.

use super::shard::OfShard;
use serde::Deserialize;
use sluis_core::log::commitment;
use sluis_core::log::draft::RequestId;
use sluis_core::log::leaf::Leaf;
use sluis_core::log::page::{Item, PageBlob};
use sluis_core::ports::{StoreError, SubjectKey};
use sluis_core::subject::{SubjectRef, dutch_date};

/// Whom a page concerns.
#[derive(Default)]
pub(super) struct Paged {
    /// Subject and item.
    pub concerned: Vec<(SubjectRef, u32)>,
    /// Whether that is told of every item.
    pub told: bool,
}

#[derive(Deserialize)]
struct Lines {
    items: Vec<serde_json::Value>,
}

/// Whom the items of a page, as they stand, concern by its opened payload, which `day` opened.
///
/// # Errors
/// A store that does not answer.
pub(super) async fn concerned(
    stores: &OfShard<'_>,
    leaf: &Leaf,
    rid: RequestId,
    day: &SubjectKey,
    plain: &[u8],
    items: Option<&[u8]>,
) -> Result<Paged, StoreError> {
    let blob = items.and_then(|items| PageBlob::from_bytes(items).ok());
    let lines = serde_json::from_slice::<Lines>(plain).ok();
    let (Some(blob), Some(Lines { items })) = (blob, lines) else { return Ok(Paged::default()) };
    let mut paged = Paged { concerned: Vec::new(), told: blob.len() == items.len() };
    for (line, number) in items.iter().zip(0u32..) {
        let tag = blob.item(number).and_then(Item::decode).map(|item| item.tag);
        let tagged = |key: &SubjectKey| Some(commitment::subject_tag(&key.tag, stores.origin, rid, number)) == tag;
        if tagged(day) {
            continue;
        }
        let subject = found(stores, line).await?;
        let key = match subject {
            None => None,
            Some(subject) => match stores.keys.subject_key(subject, dutch_date(leaf.time()).year()).await {
                Err(StoreError::Corrupt { .. }) => None,
                key => key?,
            },
        };
        match subject.filter(|_| key.as_ref().is_some_and(tagged)) {
            Some(subject) => paged.concerned.push((subject, number)),
            None => paged.told = false,
        }
    }
    Ok(paged)
}

async fn found(stores: &OfShard<'_>, line: &serde_json::Value) -> Result<Option<SubjectRef>, StoreError> {
    let Some(id) = super::payload::subject_of(line) else { return Ok(None) };
    match stores.keys.find(&id).await {
        Err(StoreError::Corrupt { .. }) => Ok(None),
        found => found,
    }
}
