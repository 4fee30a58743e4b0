//! Drafts as conduct would make them, for the suite.

use sluis_core::log::LeafKind;
use sluis_core::log::draft::{Concerns, Draft, Effect, Outcome, RequestId, SealedPayload, Transaction};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::organisation::Oin;
use sluis_core::standing::Change;
use sluis_core::subject::{Actor, SubjectRef};
use uuid::Uuid;

/// The shard that engines of the suite make.
pub const ORIGIN: &str = "sluis-log.contract.example/00000099000000001000/2026-1";

/// The organisation that asks.
pub fn oin() -> Oin {
    Oin::parse("00000099000000001000").unwrap()
}

/// A subject by number.
pub fn subject(number: u8) -> SubjectRef {
    SubjectRef([number; 16])
}

/// A UUIDv7 with this number in its random part.
pub fn uuid(number: u64) -> Uuid {
    Uuid::from_u128(0x019a_a5b2_c3d4_7000_8000_0000_0000_0000 | u128::from(number))
}

/// A refusal: a transaction, a payload, a subject. Its request id and transaction follow from the number.
pub fn refusal(number: u64) -> Draft {
    let leaf = LeafDraft::new(LeafKind::Deny)
        .with(Key::Rt, "MUNICIPALITY")
        .with(Key::Rp, oin().as_str())
        .with(Key::Pu, "INVOICE_FORMAL")
        .with(Key::Rs, "NOT_PERMITTED")
        .with(Key::St, format!("{number:032x}"))
        .with(Key::Pc, "ab".repeat(32))
        .with(Key::X5, "BimEMugGayniIjvMI6qVBLVq5Qj6vzQ1UIhpucMZDiI")
        .with(Key::Po, "cd".repeat(32))
        .with(Key::Ca, 1)
        .with(Key::Txn, uuid(number).simple().to_string());
    Draft {
        payload: Some(SealedPayload {
            key_id: [number.to_be_bytes()[7]; 16],
            ciphertext: number.to_be_bytes().repeat(130),
        }),
        transaction: Some(Transaction { oin: oin(), id: uuid(number), digest: [1; 32] }),
        concerns: vec![Concerns { subject: subject(1), item: 0 }],
        ..bare(number, leaf)
    }
}

/// A manual disclosure, as far as the ledger cares.
pub fn manual(number: u64) -> Draft {
    let leaf = LeafDraft::new(LeafKind::Manual)
        .with(Key::Rt, "POLICE")
        .with(Key::Pu, "SERIOUS_DANGER")
        .with(Key::Rs, "DISCLOSED")
        .with(Key::St, format!("{number:032x}"))
        .with(Key::Pc, "ab".repeat(32));
    bare(number, leaf)
}

/// A change of a subject's standing.
pub fn change(number: u64, subject: SubjectRef, change: Change) -> Draft {
    let leaf = LeafDraft::new(change.leaf_kind())
        .with(Key::Rp, oin().as_str())
        .with(Key::St, format!("{number:032x}"))
        .with(Key::Pc, "ab".repeat(32));
    Draft {
        effects: vec![Effect::Standing { subject, change }],
        concerns: vec![Concerns { subject, item: 0 }],
        ..bare(number, leaf)
    }
}

/// Puts a worker on the case of a subject.
pub fn caseload(number: u64, subject: SubjectRef, worker: &str) -> Draft {
    change(number, subject, Change::Caseload { partner: oin(), worker: Actor::parse(worker).unwrap(), on: true })
}

/// A change of the enrolments of an organisation, to none.
pub fn enrolled(number: u64, oin: &Oin) -> Draft {
    let leaf = LeafDraft::new(LeafKind::Recipient).with(Key::Rp, oin.as_str()).with(Key::Rs, "ENROLLED");
    let effects = vec![Effect::Organisation { oin: oin.clone(), enrolments: Vec::new() }];
    Draft { effects, ..bare(number, leaf) }
}

/// An entry of a kind that is looked for and rare.
pub fn rare(number: u64, kind: LeafKind) -> Draft {
    let leaf = LeafDraft::new(kind);
    match kind {
        LeafKind::Manual => manual(number),
        LeafKind::Erase => bare(number, leaf.with(Key::N, 1).with(Key::Rs, "ASKED").with(Key::Ea, 1)),
        LeafKind::Admin => bare(number, leaf.with(Key::Rs, "SUBJECT_LOOKUP")),
        _ => bare(number, leaf.with(Key::Ref, "2026-1:0").with(Key::Ob, "REVIEW")),
    }
}

/// A draft with a leaf and nothing else.
pub fn bare(number: u64, leaf: LeafDraft) -> Draft {
    Draft::new(RequestId(uuid(number)), ORIGIN.into(), leaf)
}

/// The index of an entry that was recorded.
pub fn index(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Recorded { index, .. } => *index,
        other => panic!("not recorded: {other:?}"),
    }
}
