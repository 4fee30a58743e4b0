//! Field bits, codes and the key table of leaves.

use super::{frozen, read};
use sluis_core::field::Field;
use sluis_core::log::LeafKind;
use sluis_core::log::draft::RequestId;
use sluis_core::log::leaf::{Key, Leaf, LeafDraft, LeafError, LeafValue};
use sluis_core::organisation::{Purpose, RecipientType};
use sluis_core::release::Obligation;

#[test]
fn field_bits() {
    let lines: Vec<_> = Field::ALL.iter().map(|field| format!("{} {}", *field as u8, field.code())).collect();
    frozen(
        "field-bits.txt",
        "Field catalogue 1: the bit of each field in `fs`, frozen. A line may be added; none may change or go.",
        &lines,
    );
}

#[test]
fn codes() {
    let mut lines = Vec::new();
    lines.extend(LeafKind::ALL.iter().map(|kind| format!("leaf-kind {kind}")));
    lines.extend(Purpose::ALL.iter().map(|purpose| format!("purpose {purpose}")));
    lines.extend(RecipientType::ALL.iter().map(|recipient| format!("recipient-type {recipient}")));
    lines.extend(Obligation::ALL.iter().map(|obligation| format!("obligation {obligation}")));
    frozen(
        "codes.txt",
        "Codes that stand in leaves and policies, frozen. A line may be added; none may change or go.",
        &lines,
    );
}

const COMMON: [Key; 5] = [Key::V, Key::K, Key::I, Key::T, Key::Rid];
const RID: RequestId = RequestId(uuid::Uuid::nil());

/// A value of the shape of the key.
fn sample(key: Key) -> LeafValue {
    let hex = |length: usize| LeafValue::from("0".repeat(length));
    match key.code() {
        "txn" | "bid" | "st" => hex(32),
        "fs" => hex(16),
        "bc" | "pc" | "po" | "sr" | "pv" | "sg" => hex(64),
        "x5" => hex(43),
        "rp" => "00000099000000001000".into(),
        "ob" | "rs" => vec!["OK".to_owned()].into(),
        "refs" => vec!["2026-1:0".to_owned()].into(),
        "ref" => "2026-1:0".into(),
        "ca" | "n" | "pg" | "rv" | "wh" | "ea" => 1_u64.into(),
        _ => "A".into(),
    }
}

fn draft(kind: LeafKind, keys: &[Key]) -> LeafDraft {
    keys.iter().fold(LeafDraft::new(kind), |draft, key| draft.with(*key, sample(*key)))
}

fn keys(codes: &str) -> Vec<Key> {
    codes.split_whitespace().map(|code| Key::from_code(code).unwrap_or_else(|| panic!("no key `{code}`"))).collect()
}

/// Every kind is tried with every key: what must be there, what may, and that nothing else can.
#[test]
fn the_key_table_is_the_frozen_one() {
    let text = read("leaf-keys.txt");
    let rows: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(rows.len(), LeafKind::ALL.len(), "a kind without a row, or a row without a kind");
    for row in rows {
        let (kind, rest) = row.split_once(':').unwrap();
        let (required, optional) = rest.split_once('|').unwrap();
        let kind = LeafKind::from_code(kind).unwrap_or_else(|| panic!("no kind `{kind}`"));
        one_row(kind, &keys(required), &keys(optional));
    }
}

fn one_row(kind: LeafKind, required: &[Key], optional: &[Key]) {
    let whole = draft(kind, required).encode(RID, 0, 1).unwrap_or_else(|e| panic!("{kind}: {e}"));
    Leaf::decode(&whole).unwrap();
    for key in Key::ALL.iter().copied().filter(|key| !COMMON.contains(key)) {
        if required.contains(&key) {
            let rest: Vec<_> = required.iter().copied().filter(|k| *k != key).collect();
            assert_eq!(draft(kind, &rest).encode(RID, 0, 1), Err(LeafError::Missing { kind, key }));
            continue;
        }
        let more = draft(kind, required).with(key, sample(key)).encode(RID, 0, 1);
        if optional.contains(&key) {
            Leaf::decode(&more.unwrap_or_else(|e| panic!("{kind} with {key}: {e}"))).unwrap();
        } else {
            assert_eq!(more, Err(LeafError::NotAllowed { kind, key }));
        }
    }
}
