//! Leaf text: one form, a strict key table, and nothing that could carry more than it must.

use super::fixture::{NOW, draft, leaf_of, rid};
use crate::log::LeafKind;
use crate::log::leaf::{Key, LEAF_MAX, Leaf, LeafDraft, LeafError, NUMBER_MAX, check};
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

proptest! {
    #[test]
    fn whatever_is_read_is_written_back_the_same(at in 0usize..600, byte in 0u8..128) {
        let mut bytes = draft(LeafKind::Page, 9).leaf.encode(rid(9), 9, NOW).unwrap().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let text = String::from_utf8(bytes).unwrap();
        if let Ok(leaf) = Leaf::decode(&text) {
            prop_assert!(leaf.kind() == LeafKind::Page);
        }
    }

    #[test]
    fn no_input_breaks_the_reader(text in "\\PC{0,200}") {
        prop_assert!(Leaf::decode(&text).is_err());
    }
}
