//! Leaf text: one form, a strict key table, and nothing that could carry more than it must.

use super::fixture::{NOW, draft, leaf_of, rid};
use crate::log::LeafKind;
use crate::log::leaf::{Key, LEAF_MAX, Leaf, LeafDraft, LeafError, LeafText, NUMBER_MAX, check};
use proptest::prelude::*;

#[test]
fn keys_are_defined_in_the_order_of_their_codes() {
    let codes: Vec<&str> = Key::ALL.iter().map(|key| key.code()).collect();
    assert!(codes.is_sorted(), "the text of a leaf follows this order: {codes:?}");
}

#[test]
fn a_leaf_of_every_kind_reads_back_as_it_was_written() {
    for kind in LeafKind::ALL {
        for all in [false, true] {
            let written = leaf_of(*kind, 12, all);
            let text = written.encode(rid(12), 34, NOW).unwrap();
            let leaf = Leaf::decode(&text).unwrap();
            assert_eq!((leaf.kind(), leaf.index(), leaf.time()), (*kind, 34, NOW), "{text}");
            assert_eq!(leaf.rid(), rid(12).to_hex());
            assert!(Key::ALL.iter().all(|key| written.get(*key).is_none() || text.contains(&format!("\"{key}\":"))));
        }
    }
}

#[test]
fn the_text_is_what_a_json_library_with_sorted_keys_writes() {
    for kind in LeafKind::ALL {
        let text = leaf_of(*kind, 5, true).encode(rid(5), 0, 0).unwrap();
        let parsed: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&parsed).unwrap(), text);
    }
}

#[test]
fn a_kind_has_all_its_keys_and_no_other() {
    for kind in LeafKind::ALL {
        let full = leaf_of(*kind, 1, true);
        for key in Key::ALL {
            let one = leaf_of(LeafKind::Release, 1, true);
            let other = leaf_of(LeafKind::Page, 1, true);
            let value = one.get(*key).or_else(|| other.get(*key));
            if let (None, Some(value)) = (full.get(*key), value) {
                let refused = check(&full.clone().with(*key, value.clone()));
                assert_eq!(refused, Err(LeafError::NotAllowed { kind: *kind, key: *key }));
            }
        }
        assert!(matches!(check(&LeafDraft::new(*kind)), Err(LeafError::Missing { .. })));
    }
    let common = leaf_of(LeafKind::Deny, 1, false).with(Key::I, 7);
    assert_eq!(check(&common), Err(LeafError::NotAllowed { kind: LeafKind::Deny, key: Key::I }));
}

/// A10: the receipt must not tell what the reply hides.
#[test]
fn refusals_have_one_shape_and_one_reason() {
    let keys = |kind| Key::ALL.iter().filter(|key| leaf_of(kind, 1, true).get(**key).is_some()).collect::<Vec<_>>();
    assert_eq!(keys(LeafKind::Deny), keys(LeafKind::Escalate));
    assert_eq!(keys(LeafKind::Deny), keys(LeafKind::Explain));
    assert!(!keys(LeafKind::Deny).iter().any(|key| matches!(key, Key::Ru | Key::Ob | Key::Ba | Key::Fs | Key::Bc)));
    let two = leaf_of(LeafKind::Deny, 1, false).with(Key::Rs, vec!["A".to_owned(), "B".to_owned()]);
    assert_eq!(check(&two), Err(LeafError::OneReason { kind: LeafKind::Deny }));
    let length = |number| leaf_of(LeafKind::Deny, number, false).encode(rid(number), 1, NOW).unwrap().len();
    assert_eq!(length(1), length(2));
}

#[test]
fn values_keep_to_the_shape_of_their_key() {
    let leaf = || leaf_of(LeafKind::Release, 1, true);
    for (key, value) in [
        (Key::St, "ABCDEF00000000000000000000000000"),
        (Key::St, "00"),
        (Key::Bc, "zz"),
        (Key::Rp, "12345678901234567890"),
        (Key::Pu, "lower"),
        (Key::Ru, "a\"b"),
        (Key::Ru, "a\\b"),
        (Key::Ru, "a\nb"),
        (Key::Ru, "caf\u{e9}"),
        (Key::Ru, ""),
        (Key::X5, "BimEMugGayniIjvMI6qVBLVq5Qj6vzQ1UIhpucMZDi+"),
        (Key::Ref, "2026-1"),
        (Key::Ref, "2026-1:01"),
        (Key::Ref, "26-1:1"),
        (Key::Rs, "a\"b"),
        (Key::Ca, "1"),
    ] {
        assert_eq!(check(&leaf().with(key, value)), Err(LeafError::Shape { key }), "{key} = {value}");
    }
    assert_eq!(check(&leaf().with(Key::Ca, NUMBER_MAX + 1)), Err(LeafError::Shape { key: Key::Ca }));
    assert_eq!(check(&leaf().with(Key::Ba, 1)), Err(LeafError::Shape { key: Key::Ba }));
    assert!(leaf().encode(rid(1), NUMBER_MAX, NUMBER_MAX).is_ok());
    assert_eq!(leaf().encode(rid(1), NUMBER_MAX + 1, 0), Err(LeafError::Shape { key: Key::I }));
}

#[test]
fn a_leaf_is_never_longer_than_4096_bytes() {
    let long = leaf_of(LeafKind::Release, 1, true).with(Key::Rs, vec!["x".repeat(128); 40]);
    assert!(matches!(long.encode(rid(1), 1, 1), Err(LeafError::TooLong(length)) if length > LEAF_MAX));
}

#[test]
fn readable_text_in_another_form_is_not_a_leaf() {
    let text = draft(LeafKind::Release, 3).leaf.encode(rid(3), 3, NOW).unwrap();
    let mut texts = vec![
        text.replace(",\"i\"", ", \"i\""),
        text.replace("\"i\":3,", "\"i\":3.0,"),
        text.replace("\"i\":3,", "\"i\":03,"),
        text.replace("\"i\":3,", "\"i\":\"3\","),
        text.replace("\"i\":3,", "\"i\":-3,"),
        text.replace("\"i\":3,", "\"i\":3,\"i\":3,"),
        text.replace("\"i\":3,", ""),
        text.replace("{\"ba\"", "{\"aa\":1,\"ba\""),
        text.replace("sluis-leaf/1", "sluis-leaf/2"),
        text.replace("\"RELEASE\"", "\"DENY\""),
        text.replace("\"RELEASE\"", "\"RELEASE2\""),
        text.replace("\"OK\"", "\"\\u004fK\""),
        text.replace("[\"OK\"]", "[[\"OK\"]]"),
        text.replace("[\"OK\"]", "null"),
        format!("{text}\n"),
        format!(" {text}"),
        String::new(),
        "{}".to_owned(),
        "[".repeat(5000),
        "[".repeat(4000),
    ];
    texts.retain(|other| *other != text);
    assert_eq!(texts.len(), 20);
    for other in texts {
        assert!(Leaf::decode(&other).is_err(), "{other}");
    }
}

/// The same by a JSON library: keys into a map, a draft of them, and its text again.
fn by_a_library(text: &str) -> Option<()> {
    let read: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    let said = |key: &str| read.get(key)?.as_str();
    let mut draft = LeafDraft::new(LeafKind::from_code(said("k")?)?);
    for (key, value) in read.iter().filter(|(key, _)| !["v", "k", "i", "t", "rid"].contains(&key.as_str())) {
        let key = Key::from_code(key)?;
        draft = match value {
            serde_json::Value::String(text) => draft.with(key, text.as_str()),
            serde_json::Value::Number(number) => draft.with(key, number.as_u64()?),
            serde_json::Value::Array(list) => {
                let texts: Option<Vec<String>> = list.iter().map(|one| Some(one.as_str()?.to_owned())).collect();
                draft.with(key, texts?)
            }
            _ => return None,
        };
    }
    let rid = uuid::Uuid::try_parse(said("rid")?).ok().filter(|_| text.len() <= LEAF_MAX)?;
    let [index, time] = ["i", "t"].map(|key| read.get(key)?.as_u64());
    let written = draft.encode(crate::log::draft::RequestId(rid), index?, time?).ok()?;
    (written == text).then_some(())
}

proptest! {
    /// Reading is one pass over one form: what another reader takes is taken, and nothing else.
    #[test]
    fn what_is_read_is_what_a_json_library_reads_and_writes_the_same(
        kind in 0..LeafKind::ALL.len(),
        all in any::<bool>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..4, 0u8..128), 0..3),
    ) {
        const SPECIAL: &[u8] = b"\"\\,:[]{}0123456789 abxX\n-.eE/";
        let mut bytes = leaf_of(LeafKind::ALL[kind], 7, all).encode(rid(7), 7, NOW).unwrap().into_bytes();
        for (at, what, byte) in changes {
            let at = at.index(bytes.len());
            let byte = SPECIAL.get(usize::from(byte)).copied().unwrap_or(byte);
            match what {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => { let end = (at + usize::from(byte)).min(bytes.len()); bytes.drain(at..end); }
            }
        }
        let text = String::from_utf8(bytes).unwrap();
        let read = LeafText::read(&text);
        prop_assert_eq!(read.is_ok(), by_a_library(&text).is_some(), "{}: {:?}", text, read);
        if let Ok(read) = read {
            let leaf = read.to_leaf();
            prop_assert_eq!((leaf.kind(), leaf.index(), leaf.time()), (read.kind(), read.index(), read.time()));
            prop_assert_eq!(Leaf::decode(&text).unwrap(), leaf);
        }
    }


    #[test]
    fn no_input_breaks_the_reader(text in "\\PC{0,200}") {
        prop_assert!(Leaf::decode(&text).is_err());
    }
}
