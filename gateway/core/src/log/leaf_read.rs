//! Reading leaf text: JSON into keys and values, each key once, nothing unknown.

use super::LeafKind;
use super::leaf::{LEAF_FORMAT, Leaf, LeafDraft, LeafError, LeafValue};
use super::leaf_table::{Key, Shape, fits};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Number(u64),
    List(Vec<String>),
}

/// The keys and values in the order of the text.
pub(super) struct Fields(Vec<(Key, LeafValue)>);

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with the keys of a leaf")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::with_capacity(20);
        while let Some((key, value)) = map.next_entry::<Key, Value>()? {
            let value = match value {
                Value::Text(text) => LeafValue::Text(text),
                Value::Number(number) => LeafValue::Number(number),
                Value::List(list) => LeafValue::List(list),
            };
            fields.push((key, value));
        }
        Ok(Fields(fields))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_map(FieldsVisitor)
    }
}

/// The keys and values of a text. A key that comes twice is found when the leaf is encoded again.
pub(super) fn fields(text: &str) -> Result<Fields, LeafError> {
    serde_json::from_str(text)
        .map_err(|_| LeafError::NotALeaf("not an object of known keys, texts, integers and lists"))
}

/// Splits off `v k i t rid`, which every leaf has.
pub(super) fn leaf(fields: Fields) -> Result<Leaf, LeafError> {
    let (mut version, mut kind, mut index, mut time, mut rid) = (None, None, None, None, None);
    let mut rest = Vec::with_capacity(fields.0.len());
    for (key, value) in fields.0 {
        match (key, value) {
            (Key::V, LeafValue::Text(text)) => version = Some(text),
            (Key::K, LeafValue::Text(text)) => kind = LeafKind::from_code(&text),
            (Key::I, LeafValue::Number(number)) => index = Some(number),
            (Key::T, LeafValue::Number(number)) => time = Some(number),
            (Key::Rid, LeafValue::Text(text)) if fits(Shape::Hex(32), &text) => rid = Some(text),
            (key, value) => rest.push((key, value)),
        }
    }
    if version.as_deref() != Some(LEAF_FORMAT) {
        return Err(LeafError::NotALeaf("`v` is not `sluis-leaf/1`"));
    }
    let kind = kind.ok_or(LeafError::NotALeaf("`k` names no known kind"))?;
    let rid = rid.ok_or(LeafError::NotALeaf("`rid` is not 32 hex digits"))?;
    let index = index.ok_or(LeafError::NotALeaf("`i` is not an integer"))?;
    let time = time.ok_or(LeafError::NotALeaf("`t` is not an integer"))?;
    let draft = rest.into_iter().fold(LeafDraft::new(kind), |draft, (key, value)| draft.with(key, value));
    Ok(Leaf::from_parts(rid, index, time, draft))
}
