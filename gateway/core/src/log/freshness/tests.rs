//! A log that is fresh has no finding; each thing that an earlier entry changed gives its own.

use super::super::draft::RequestId;
use super::super::leaf::LeafDraft;
use super::*;
use crate::enrolment::{Agreement, Enrolment};
use crate::fact::Facts;
use crate::organisation::{Oin, Purpose, RecipientType};
use crate::standing::{Asked, Change, ConsentBy, Standing};
use serde_json::json;

const PARTNER: &str = "00000099000000002000";
const OTHER: &str = "00000099000000003000";
const T: u64 = 1_769_000_000_000;
const KEY: [u8; 16] = [7; 16];

/// A log that is written and replayed at once.
struct Log {
    replay: Freshness,
    with_payloads: bool,
    next: u64,
}

fn hex(digit: &str, length: usize) -> String {
    digit.repeat(length)
}

fn consent(given: bool) -> Change {
    let (purpose, recipient) = (Purpose::Treatment, RecipientType::CarePartner);
    Change::Consent { purpose, recipient, by: ConsentBy::Youth, given }
}

impl Log {
    fn new(with_payloads: bool) -> Self {
        let mut log = Self { replay: Freshness::new(), with_payloads, next: 0 };
        assert_eq!(log.put(LeafDraft::new(LeafKind::Epoch).with(Key::Rs, "OPEN"), None), []);
        assert_eq!(log.policy("a"), []);
        assert_eq!(log.enrol(PARTNER, &[Purpose::Treatment]), []);
        log
    }

    fn put(&mut self, leaf: LeafDraft, payload: Option<&serde_json::Value>) -> Vec<Stale> {
        let bytes = payload.map(ToString::to_string).unwrap_or_default().into_bytes();
        let leaf = match payload {
            Some(_) => leaf.with(Key::Pc, commitment::payload(&bytes)),
            None => leaf,
        };
        let text = leaf.encode(RequestId(uuid::Uuid::from_u128(self.next.into())), self.next, T).unwrap();
        self.next += 1;
        let opened = match (self.with_payloads, payload) {
            (true, Some(_)) => Opened::Plain { key_id: KEY, bytes: &bytes },
            (true, None) => Opened::Gone,
            (false, _) => Opened::NotAsked,
        };
        self.replay.entry(&Leaf::decode(&text).unwrap(), opened)
    }

    fn policy(&mut self, digit: &str) -> Vec<Stale> {
        let leaf = LeafDraft::new(LeafKind::Policy).with(Key::Po, hex(digit, 64)).with(Key::N, 1).with(Key::Ca, 1);
        self.put(leaf, None)
    }

    fn enrol(&mut self, oin: &str, purposes: &[Purpose]) -> Vec<Stale> {
        let enrolment = Enrolment {
            oin: Oin::parse(oin).unwrap(),
            name: "partner".to_owned(),
            unit: String::new(),
            recipient: RecipientType::CarePartner,
            capacity: None,
            purposes: purposes.to_vec(),
            suspended_purposes: Vec::new(),
            agreement: Agreement { reference: "1".to_owned(), until: jiff::civil::date(2999, 1, 1) },
            agreement_6a3: None,
            municipality_code: None,
            uzovi: None,
            agb: None,
            secrecy_signed: false,
            bsn_ground: None,
            records_standing: false,
            suspended: false,
            fsc_grants: Vec::new(),
            certificates: Vec::new(),
        };
        let leaf = LeafDraft::new(LeafKind::Recipient).with(Key::Rp, oin).with(Key::Rs, "ENROLLED");
        self.put(leaf, Some(&json!({ "enrolments": [enrolment] })))
    }

    fn change(&mut self, change: &Change) -> Vec<Stale> {
        let leaf = LeafDraft::new(change.leaf_kind()).with(Key::Rp, OTHER).with(Key::St, hex("b", 32));
        self.put(leaf, Some(&json!({ "standing": change })))
    }

    /// A release to an organisation under a policy, decided on what `standing` said.
    fn release(&mut self, oin: &str, policy: &str, standing: &Standing) -> Vec<Stale> {
        let organisation = Oin::parse(oin).unwrap();
        let (purpose, recipient) = (Purpose::Treatment, RecipientType::CarePartner);
        let asked = Asked { organisation: &organisation, recipient, actor: None, purpose };
        let facts = standing.answer(Facts::UNKNOWN, &asked, T);
        let facts: serde_json::Map<_, _> =
            facts.iter().map(|(fact, value)| (fact.code().into(), value.into())).collect();
        let leaf = LeafDraft::new(LeafKind::Release)
            .with(Key::Rt, recipient.code())
            .with(Key::Rp, oin)
            .with(Key::Pu, purpose.code())
            .with(Key::Ba, "basis")
            .with(Key::Ru, "rule")
            .with(Key::Po, hex(policy, 64))
            .with(Key::Ca, 1)
            .with(Key::Fs, hex("0", 16))
            .with(Key::Ob, Vec::<String>::new())
            .with(Key::Rs, "OK")
            .with(Key::St, hex("c", 32))
            .with(Key::Bc, hex("d", 64))
            .with(Key::X5, "A".repeat(43))
            .with(Key::Txn, hex("1", 32));
        self.put(leaf, Some(&json!({ "actor": null, "facts": facts })))
    }
}

fn given() -> Standing {
    let mut standing = Standing::default();
    standing.apply(&consent(true)).unwrap();
    standing
}

#[test]
fn what_is_fresh_has_no_finding_and_is_counted() {
    let mut log = Log::new(true);
    assert_eq!(log.release(PARTNER, "a", &Standing::default()), []);
    assert_eq!(log.change(&consent(true)), []);
    assert_eq!(log.release(PARTNER, "a", &given()), []);
    let report = *log.replay.report();
    assert_eq!((report.policies, report.admissions, report.subjects), (2, 2, 2));
    let mut leaves = Log::new(false);
    assert_eq!(leaves.release(PARTNER, "a", &given()), []);
    let report = *leaves.replay.report();
    assert_eq!((report.policies, report.admissions_by_name, report.subjects_not_asked), (1, 1, 1));
}

#[test]
fn each_state_that_changed_before_is_found() {
    let mut log = Log::new(true);
    log.change(&consent(true));
    log.change(&consent(false));
    let stale = log.release(PARTNER, "a", &given());
    assert!(
        matches!(stale.as_slice(), [Stale::Standing { index: 5, fact: _, relied, in_force: "withdrawn", since: 4 }]
        if relied == "given"),
        "{stale:?}"
    );
    assert!(stale[0].to_string().contains("= given; after entry 4 it was withdrawn"), "{}", stale[0]);

    for with_payloads in [true, false] {
        let mut log = Log::new(with_payloads);
        log.policy("b");
        let stale = log.release(PARTNER, "a", &Standing::default());
        assert!(matches!(stale.as_slice(), [Stale::Policy { index: 4, since: 3, .. }]), "{stale:?}");
        let stale = log.release(OTHER, "b", &Standing::default());
        assert!(matches!(stale.as_slice(), [Stale::NotAdmitted { index: 5, .. }]), "{stale:?}");
    }

    let mut log = Log::new(true);
    log.enrol(PARTNER, &[]);
    let stale = log.release(PARTNER, "a", &Standing::default());
    assert!(matches!(stale.as_slice(), [Stale::NotCovered { index: 4, since: 3, .. }]), "{stale:?}");
}

#[test]
fn what_cannot_be_told_is_counted_and_no_finding() {
    let mut log = Log::new(true);
    let leaf = LeafDraft::new(LeafKind::Consent).with(Key::Rp, OTHER).with(Key::St, hex("b", 32));
    log.put(leaf.with(Key::Pc, hex("e", 64)), None);
    assert_eq!(log.release(PARTNER, "a", &given()), []);
    assert_eq!((log.replay.report().subjects, log.replay.report().subjects_unclear), (0, 1));

    let mut other = Freshness::new();
    let leaf = LeafDraft::new(LeafKind::Admin).with(Key::Rs, "X").with(Key::Pc, hex("e", 64));
    let text = leaf.encode(RequestId(uuid::Uuid::nil()), 0, T).unwrap();
    let stale = other.entry(&Leaf::decode(&text).unwrap(), Opened::Plain { key_id: KEY, bytes: b"{}" });
    assert_eq!(stale, [Stale::Payload { index: 0 }]);
}
