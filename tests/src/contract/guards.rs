//! The promises of the register: log order is legal order, and what was edited permits nothing.

use super::Engine;
use super::draft::{bare, caseload, change, index, oin, refusal, subject};
use sluis_core::enrolment::{Agreement, Enrolment};
use sluis_core::log::LeafKind;
use sluis_core::log::draft::{Draft, Effect, GuardKey, GuardState, Outcome, Versioned};
use sluis_core::log::leaf::{Key, LeafDraft};
use sluis_core::organisation::RecipientType;
use sluis_core::ports::StoreError;
use sluis_core::release::PolicyDigest;
use sluis_core::standing::{Change, Standing};
use sluis_core::upkeep::LogUpkeep;
use std::sync::Arc;

fn relying(number: u64, version: u64) -> Draft {
    Draft { relies_on: vec![(GuardKey::Subject(subject(1)), version)], ..refusal(number) }
}

fn restrict(number: u64) -> Draft {
    change(number, subject(1), Change::Restriction { set: true })
}

pub async fn nothing_recorded_is_version_zero(engine: &impl Engine) {
    let log = engine.log().await;
    assert_eq!(log.standing(subject(1)).await.unwrap(), Versioned { version: 0, state: Standing::default() });
    assert_eq!(log.enrolments(&oin()).await.unwrap(), Versioned { version: 0, state: Vec::new() });
    assert_eq!(log.active_policy().await.unwrap(), None);
}

pub async fn a_version_that_moved_makes_the_append_stale(engine: &impl Engine) {
    let log = engine.log().await;
    assert_eq!(index(&log.append(vec![relying(0, 0)]).await.unwrap().outcomes()[0]), 0);
    log.append(vec![restrict(1)]).await.unwrap();
    assert_eq!(log.append(vec![relying(2, 0)]).await.unwrap().outcomes(), [Outcome::Stale]);
    assert_eq!(log.head().await.unwrap().size(), 2);
    drop(log);
    let log = engine.log().await;
    assert_eq!(log.append(vec![relying(2, 0)]).await.unwrap().outcomes(), [Outcome::Stale]);
    let read = log.standing(subject(1)).await.unwrap();
    assert_eq!(index(&log.append(vec![relying(2, read.version)]).await.unwrap().outcomes()[0]), 2);
}

pub async fn a_change_earlier_in_a_batch_makes_the_next_entry_stale(engine: &impl Engine) {
    let log = engine.log().await;
    let committed = log.append(vec![relying(0, 0), restrict(1), relying(2, 0), relying(3, 1)]).await.unwrap();
    let outcomes = committed.outcomes();
    assert_eq!(outcomes[2], Outcome::Stale);
    assert_eq!([&outcomes[0], &outcomes[1], &outcomes[3]].map(index), [0, 1, 2]);
}

pub async fn concurrent_changes_of_one_subject_are_all_kept(engine: &impl Engine) {
    let log = engine.log().await;
    let tasks: Vec<_> = (0..32u64)
        .map(|number| {
            let log = Arc::clone(&log);
            tokio::spawn(
                async move { log.append(vec![caseload(number, subject(1), &format!("w{number}"))]).await.unwrap() },
            )
        })
        .collect();
    for task in tasks {
        index(&task.await.unwrap().outcomes()[0]);
    }
    drop(log);
    let found = engine.log().await.standing(subject(1)).await.unwrap();
    assert_eq!(found.version, 32);
    let text = serde_json::to_string(&found.state).unwrap();
    assert!((0..32).all(|number| text.contains(&format!("\"w{number}\""))), "{text}");
}

pub async fn enrolments_and_policy_follow_their_leaves(engine: &impl Engine) {
    let log = engine.log().await;
    let leaf = LeafDraft::new(LeafKind::Recipient).with(Key::Rp, oin().as_str()).with(Key::Rs, "ADMITTED");
    let effect = Effect::Organisation { oin: oin(), enrolments: vec![enrolment()] };
    log.append(vec![Draft { effects: vec![effect], ..bare(0, leaf) }]).await.unwrap();
    assert_eq!(log.enrolments(&oin()).await.unwrap(), Versioned { version: 1, state: vec![enrolment()] });
    let activated = log.append(vec![policy(1, 4), policy(2, 3), policy(3, 5)]).await.unwrap();
    assert_eq!(activated.outcomes()[1], Outcome::PolicyTooOld);
    drop(log);
    let log = engine.log().await;
    let state = GuardState::Policy { digest: PolicyDigest([5; 32]), number: 5 };
    assert_eq!(log.active_policy().await.unwrap(), Some(Versioned { version: 2, state }));
    assert_eq!(log.append(vec![policy(4, 4)]).await.unwrap().outcomes(), [Outcome::PolicyTooOld]);
}

pub async fn a_bent_row_of_state_permits_nothing(engine: &impl Engine) {
    let log = engine.log().await;
    log.append(vec![restrict(0)]).await.unwrap();
    engine.bend_states().await;
    // What was known before may be answered; whoever relies on it finds out before anything is written.
    assert!(matches!(log.append(vec![relying(1, 1)]).await, Err(StoreError::Corrupt { .. })));
    assert!(matches!(log.standing(subject(1)).await, Err(StoreError::Corrupt { .. })));
    assert!(matches!(log.append(vec![restrict(2)]).await, Err(StoreError::Corrupt { .. })));
    assert_eq!(log.head().await.unwrap().size(), 1);
    assert_eq!(index(&log.append(vec![refusal(3)]).await.unwrap().outcomes()[0]), 1);
}

fn lift(number: u64) -> Draft {
    change(number, subject(1), Change::Restriction { set: false })
}

const REMEMBER: &str = "CREATE TABLE before AS SELECT * FROM state";
const PUT_BACK: &str = "DELETE FROM state; INSERT INTO state SELECT * FROM before";

/// Whatever relies on this subject is not written, and everything else is.
async fn nothing_relies_on_it(log: &dyn LogUpkeep, number: u64) {
    let size = log.head().await.unwrap().size();
    let corrupt = Err(StoreError::Corrupt { store: "log database", table: "state" });
    for version in 0..=2 {
        assert_eq!(log.append(vec![relying(number, version)]).await.map(|_| ()), corrupt, "version {version}");
    }
    assert_eq!(log.standing(subject(1)).await.map(|_| ()), corrupt);
    assert_eq!(log.append(vec![refusal(number), restrict(number + 1)]).await.map(|_| ()), corrupt);
    assert_eq!(log.head().await.unwrap().size(), size);
    assert_eq!(index(&log.append(vec![refusal(number + 2)]).await.unwrap().outcomes()[0]), size);
}

/// A14: the older row opens, for it was written so once.
pub async fn an_older_state_put_back_is_found_before_it_is_used(engine: &impl Engine) {
    let log = engine.log().await;
    log.append(vec![lift(0)]).await.unwrap();
    engine.intrude(REMEMBER).await;
    log.append(vec![restrict(1)]).await.unwrap();
    engine.intrude(PUT_BACK).await;
    nothing_relies_on_it(&*log, 2).await;
}

pub async fn a_deleted_state_is_found_before_it_is_missed(engine: &impl Engine) {
    let log = engine.log().await;
    log.append(vec![lift(0), restrict(1)]).await.unwrap();
    engine.intrude("DELETE FROM state").await;
    nothing_relies_on_it(&*log, 2).await;
}

pub async fn what_was_there_at_opening_is_known_too(engine: &impl Engine) {
    let log = engine.log().await;
    log.append(vec![lift(0)]).await.unwrap();
    engine.intrude(REMEMBER).await;
    log.append(vec![restrict(1)]).await.unwrap();
    drop(log);
    let log = engine.log().await;
    engine.intrude(PUT_BACK).await;
    nothing_relies_on_it(&*log, 2).await;
    drop(log);
    let log = engine.log().await;
    engine.intrude("DELETE FROM state").await;
    nothing_relies_on_it(&*log, 5).await;
}

fn policy(number: u64, version: u8) -> Draft {
    let digest = PolicyDigest([version; 32]);
    let leaf = LeafDraft::new(LeafKind::Policy)
        .with(Key::Po, digest.to_hex())
        .with(Key::N, u64::from(version))
        .with(Key::Ca, 1);
    Draft { effects: vec![Effect::Policy { digest, number: u64::from(version) }], ..bare(number, leaf) }
}

fn enrolment() -> Enrolment {
    Enrolment {
        oin: oin(),
        name: "Gemeente Voorbeeld".to_owned(),
        unit: String::new(),
        recipient: RecipientType::Municipality,
        capacity: None,
        suspended_purposes: Vec::new(),
        certificates: Vec::new(),
        purposes: Vec::new(),
        agreement: Agreement { reference: "A-1".to_owned(), until: jiff::civil::date(2027, 12, 31) },
        agreement_6a3: None,
        municipality_code: Some("0518".to_owned()),
        uzovi: None,
        agb: None,
        secrecy_signed: true,
        bsn_ground: None,
        records_standing: false,
        suspended: false,
        fsc_grants: Vec::new(),
    }
}
