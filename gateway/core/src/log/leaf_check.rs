//! Whether keys and values meet the key table: the same rule for what is about to be written and for what was read.

use super::LeafKind;
use super::leaf::{LeafError, LeafValue, NUMBER_MAX};
use super::leaf_table::{Key, Shape, fits, mask_of, row_of};

/// A value, wherever it stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    /// A text.
    Text(&'a str),
    /// An integer.
    Number(u64),
    /// A list, as its members stand between the brackets of a leaf.
    List(&'a str),
    /// A list of texts in memory.
    Members(&'a [String]),
}

impl<'a> Field<'a> {
    /// The value of a draft.
    pub(super) fn of(value: &'a LeafValue) -> Self {
        match value {
            LeafValue::Text(text) => Self::Text(text),
            LeafValue::Number(number) => Self::Number(*number),
            LeafValue::List(list) => Self::Members(list),
        }
    }

    /// The same with texts of its own.
    pub(super) fn to_value(self) -> LeafValue {
        match self {
            Self::Text(text) => LeafValue::Text(text.to_owned()),
            Self::Number(number) => LeafValue::Number(number),
            Self::List(_) | Self::Members(_) => LeafValue::List(self.texts().map(str::to_owned).collect()),
        }
    }

    /// The text, or the members of the list.
    pub(super) fn texts(self) -> impl Iterator<Item = &'a str> {
        let (text, list, members) = match self {
            Self::Text(text) => (Some(text), "", &[][..]),
            Self::Number(_) => (None, "", &[][..]),
            Self::List(list) => (None, list, &[][..]),
            Self::Members(members) => (None, "", members),
        };
        // No text holds a quote: every second piece is a member, the others are commas.
        let list = list.split('"').skip(1).step_by(2);
        text.into_iter().chain(list).chain(members.iter().map(String::as_str))
    }

    fn is_shaped(self, key: Key) -> bool {
        match (key.shape(), self) {
            (Shape::Number, Self::Number(number)) => number <= NUMBER_MAX,
            (shape @ (Shape::Names | Shape::References), Self::List(_) | Self::Members(_)) => {
                self.texts().all(|text| fits(shape, text))
            }
            (Shape::Number | Shape::Names | Shape::References, _) => false,
            (shape, Self::Text(text)) => fits(shape, text),
            _ => false,
        }
    }
}

/// Whether a leaf of this kind may have these keys and values, each key once.
///
/// # Errors
/// [`LeafError`] names the first key that is missing, not allowed or ill-shaped.
pub(super) fn check<'a>(
    kind: LeafKind,
    fields: impl Iterator<Item = (Key, Field<'a>)> + Clone,
) -> Result<(), LeafError> {
    let row = row_of(kind);
    let present = fields.clone().fold(0, |present, (key, _)| present | key.bit());
    let (needs, may) = (mask_of(row.required), mask_of(row.required) | mask_of(row.optional));
    if present & needs != needs {
        let missing = row.required.iter().find(|key| present & key.bit() == 0);
        return missing.map_or(Ok(()), |key| Err(LeafError::Missing { kind, key: *key }));
    }
    let mut reasons = 0;
    for (key, field) in fields {
        if may & key.bit() == 0 {
            return Err(LeafError::NotAllowed { kind, key });
        }
        if !field.is_shaped(key) {
            return Err(LeafError::Shape { key });
        }
        if key == Key::Rs {
            reasons = field.texts().count();
        }
    }
    if matches!(kind, LeafKind::Deny | LeafKind::Escalate | LeafKind::Explain) && reasons != 1 {
        return Err(LeafError::OneReason { kind });
    }
    Ok(())
}
