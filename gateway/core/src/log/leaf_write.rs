//! Writing leaf text: the key table first, then keys in byte order, without a JSON library on the way of a release.

use super::leaf::{LEAF_FORMAT, LEAF_MAX, LeafDraft, LeafError, LeafValue, NUMBER_MAX};
use super::leaf_check::Field;
use super::leaf_table::Key;
use super::{Millis, leaf_check};
use std::fmt::Write as _;

/// Writes a draft that was checked, with what only the lock gives.
pub(super) fn write(draft: &LeafDraft, rid: &str, index: u64, time: Millis) -> Result<String, LeafError> {
    for (key, number) in [(Key::I, index), (Key::T, time)] {
        if number > NUMBER_MAX {
            return Err(LeafError::Shape { key });
        }
    }
    let mut text = String::with_capacity(768);
    let mut fields = draft.fields().iter().peekable();
    for key in Key::ALL {
        match key {
            Key::V => write_text(&mut text, *key, LEAF_FORMAT),
            Key::K => write_text(&mut text, *key, draft.kind().code()),
            Key::Rid => write_text(&mut text, *key, rid),
            Key::I => write_number(&mut text, *key, index),
            Key::T => write_number(&mut text, *key, time),
            _ => {
                if let Some((_, value)) = fields.next_if(|(k, _)| k == key) {
                    write_value(&mut text, *key, value);
                }
            }
        }
    }
    text.push('}');
    if text.len() > LEAF_MAX {
        return Err(LeafError::TooLong(text.len()));
    }
    Ok(text)
}

/// Whether a draft meets the key table and every value its shape.
///
/// # Errors
/// [`LeafError`] names the first key that is missing, not allowed or ill-shaped.
pub fn check(draft: &LeafDraft) -> Result<(), LeafError> {
    leaf_check::check(draft.kind(), draft.fields().iter().map(|(key, value)| (*key, Field::of(value))))
}

fn write_key(text: &mut String, key: Key) {
    text.push_str(if text.is_empty() { "{\"" } else { ",\"" });
    text.push_str(key.code());
    text.push_str("\":");
}

fn write_text(text: &mut String, key: Key, value: &str) {
    write_key(text, key);
    push_quoted(text, value);
}

fn write_number(text: &mut String, key: Key, value: u64) {
    write_key(text, key);
    push_number(text, value);
}

fn write_value(text: &mut String, key: Key, value: &LeafValue) {
    match value {
        LeafValue::Text(value) => write_text(text, key, value),
        LeafValue::Number(value) => write_number(text, key, *value),
        LeafValue::List(list) => {
            write_key(text, key);
            text.push('[');
            for (at, member) in list.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                push_quoted(text, member);
            }
            text.push(']');
        }
    }
}

/// Writes a text that was checked to need no escaping.
pub(super) fn push_quoted(text: &mut String, value: &str) {
    text.push('"');
    text.push_str(value);
    text.push('"');
}

/// Writes an integer.
pub(super) fn push_number(text: &mut String, value: u64) {
    // Writing to a string cannot fail; the result carries no news.
    let _infallible = write!(text, "{value}");
}
