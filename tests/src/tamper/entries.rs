//! The entries of the ground: each with the payload, tag and commitment that belong to it.

use crate::contract::draft::{ORIGIN, bare, oin, uuid};
use sluis_core::log::draft::{Concerns, Draft, Effect, RequestId, Transaction};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::log::page::{Item, PageBlob};
use sluis_core::log::payload::{Sealing, seal};
use sluis_core::log::{LeafKind, commitment};
use sluis_core::ports::SubjectKey;
use sluis_core::release::PolicyDigest;
use sluis_core::subject::{SubjectId, SubjectRef};

pub fn concerning(subject: SubjectRef) -> Vec<Concerns> {
    vec![Concerns { subject, item: 0 }]
}

/// The draft with a payload under this key, and the tag and commitment that belong to it.
pub fn about(mut draft: Draft, key: &SubjectKey, id: Option<&SubjectId>) -> Draft {
    let said = serde_json::json!({
        "v": "sluis-payload/1",
        "salt": draft.rid.to_hex(),
        "subject": id.map(|id| serde_json::Map::from_iter([(id.kind().to_owned(), id.value().into())])).unwrap_or_default(),
        "recorded_by": oin(),
    });
    let (plain, at) = (said.to_string().into_bytes(), Sealing { key, origin: ORIGIN, rid: draft.rid, item: 0 });
    if id.is_some() {
        draft.leaf = draft.leaf.with(Key::St, commitment::subject_tag(&key.tag, ORIGIN, draft.rid, 0));
    }
    draft.leaf = draft.leaf.with(Key::Pc, commitment::payload(&plain));
    draft.payload = seal(&at, [7; 12], &plain);
    draft
}

pub fn policy(n: u64, number: u64) -> Draft {
    let digest = PolicyDigest([number as u8; 32]);
    let leaf = LeafDraft::new(LeafKind::Policy).with(Key::Po, digest.to_hex()).with(Key::N, number).with(Key::Ca, 1);
    Draft { effects: vec![Effect::Policy { digest, number }], ..bare(n, leaf) }
}

pub fn enrolled(n: u64) -> Draft {
    let leaf = LeafDraft::new(LeafKind::Recipient).with(Key::Rp, oin().as_str()).with(Key::Rs, "ENROLLED");
    Draft { effects: vec![Effect::Organisation { oin: oin(), enrolments: Vec::new() }], ..bare(n, leaf) }
}

pub fn manual(n: u64) -> Draft {
    let leaf =
        LeafDraft::new(LeafKind::Manual).with(Key::Rt, "POLICE").with(Key::Pu, "SERIOUS_DANGER").with(Key::Rs, "X");
    Draft { transaction: Some(Transaction { oin: oin(), id: uuid(n), digest: [1; 32] }), ..bare(n, leaf) }
}

/// A hold about a client who has no key of this year: under the key of the day.
pub fn held(n: u64, subject: SubjectRef, day: &SubjectKey, names: bool) -> Draft {
    let leaf = LeafDraft::new(LeafKind::Admin).with(Key::Rs, "LEGAL_HOLD");
    let handle = names.then(|| data_encoding::HEXLOWER.encode(&subject.0));
    let said = serde_json::json!({ "v": "sluis-payload/1", "subject": null, "subject_ref": handle });
    under(Draft { concerns: concerning(subject), ..bare(n, leaf) }, day, &said)
}

/// The draft with this payload under the key of the day.
pub fn under(mut draft: Draft, day: &SubjectKey, said: &serde_json::Value) -> Draft {
    let plain = said.to_string().into_bytes();
    let at = Sealing { key: day, origin: ORIGIN, rid: draft.rid, item: 0 };
    draft.leaf = draft.leaf.with(Key::Pc, commitment::payload(&plain));
    draft.payload = seal(&at, [7; 12], &plain);
    draft
}

/// A page of two items: about somebody unknown, and about the child with this key.
pub fn page(n: u64, child: SubjectRef, key: &SubjectKey, day: &SubjectKey) -> Draft {
    let rid = RequestId(uuid(n));
    let item = |number, key: &SubjectKey| Item {
        number,
        tag: commitment::subject_tag(&key.tag, ORIGIN, rid, number),
        outcome: "RELEASED".into(),
        body: None,
    };
    let blob = PageBlob::new(&[item(0, day), item(1, key)]).unwrap();
    let line = |number: &str| serde_json::json!({ "subject": { "client-number": number } });
    let said = serde_json::json!({ "v": "sluis-page/1", "items": [line("K-9"), line("K-1")] });
    let leaf = LeafDraft::new(LeafKind::Page)
        .with(Key::Rt, "MUNICIPALITY")
        .with(Key::Rp, oin().as_str())
        .with(Key::Pu, "INVOICE_FORMAL")
        .with(Key::Po, "cd".repeat(32))
        .with(Key::Ca, 1)
        .with(Key::Bid, RequestId(uuid(n)).to_hex())
        .with(Key::Pg, 0)
        .with(Key::Rv, 0)
        .with(Key::N, blob.len() as u64)
        .with(Key::Sr, blob.sub_root())
        .with(Key::Bc, "ab".repeat(32))
        .with(Key::X5, "BimEMugGayniIjvMI6qVBLVq5Qj6vzQ1UIhpucMZDiI");
    let concerns = vec![Concerns { subject: child, item: 1 }];
    under(Draft { page: Some(blob), concerns, ..bare(n, leaf) }, day, &said)
}
