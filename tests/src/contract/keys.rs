//! The promises of the key database: stable keys, made before use, and nobody to be found at rest.

use super::Engine;
use super::draft::{index, refusal};
use sluis_adapters::master::MasterKey;
use sluis_core::ports::StoreError;
use sluis_core::subject::{Bsn, SubjectId};

fn client(number: &str) -> SubjectId {
    SubjectId::client_number(number).unwrap()
}

fn bsn(digits: &str) -> SubjectId {
    SubjectId::Bsn(Bsn::parse(digits).unwrap())
}

fn holders_list() -> Vec<Vec<SubjectId>> {
    vec![vec![bsn("999990019"), client("KRACHT-0001")], vec![client("KRACHT-0002")]]
}

pub async fn provisioning_again_makes_nothing_new(engine: &impl Engine) {
    let keys = engine.keys().await;
    assert_eq!(keys.find(&client("KRACHT-0001")).await.unwrap(), None);
    assert_eq!(keys.provision(&holders_list(), 2026).await.unwrap(), 2);
    let subject = keys.find(&bsn("999990019")).await.unwrap().unwrap();
    assert_eq!(keys.find(&client("KRACHT-0001")).await.unwrap(), Some(subject));
    assert_ne!(keys.find(&client("KRACHT-0002")).await.unwrap(), Some(subject));
    let key = keys.subject_key(subject, 2026).await.unwrap().unwrap();
    drop(keys);
    let keys = engine.keys().await;
    assert_eq!(keys.provision(&holders_list(), 2026).await.unwrap(), 0);
    assert_eq!(keys.provision(&[vec![client("KRACHT-0002"), bsn("123456782")]], 2026).await.unwrap(), 0);
    assert_eq!(keys.find(&bsn("123456782")).await.unwrap(), keys.find(&client("KRACHT-0002")).await.unwrap());
    assert_eq!(keys.find(&bsn("999990019")).await.unwrap(), Some(subject));
    assert_eq!(keys.subject_key(subject, 2026).await.unwrap().unwrap().key_id, key.key_id);
}

pub async fn keys_are_stable_per_subject_and_year(engine: &impl Engine) {
    let keys = engine.keys().await;
    keys.provision(&holders_list(), 2026).await.unwrap();
    let subject = keys.find(&bsn("999990019")).await.unwrap().unwrap();
    assert!(keys.subject_key(subject, 2027).await.unwrap().is_none());
    keys.provision(&holders_list(), 2027).await.unwrap();
    let (this, next) = (
        keys.subject_key(subject, 2026).await.unwrap().unwrap(),
        keys.subject_key(subject, 2027).await.unwrap().unwrap(),
    );
    assert_ne!((this.key_id, *this.tag), (next.key_id, *next.tag));
    assert_ne!(*this.tag, *this.payload);
    drop(keys);
    let keys = engine.keys().await;
    let again = keys.subject_key(subject, 2026).await.unwrap().unwrap();
    assert_eq!((again.key_id, *again.tag, *again.payload), (this.key_id, *this.tag, *this.payload));
    let by_id = keys.key_by_id(this.key_id).await.unwrap().unwrap();
    assert_eq!((*by_id.tag, *by_id.payload), (*this.tag, *this.payload));
    assert!(keys.key_by_id([0; 16]).await.unwrap().is_none());
}

pub async fn day_keys_are_made_once_per_day(engine: &impl Engine) {
    let (today, tomorrow) = (jiff::civil::date(2026, 11, 21), jiff::civil::date(2026, 11, 22));
    let keys = engine.keys().await;
    let (bucket, transaction) = (keys.bucket_key(today).await.unwrap(), keys.transaction_key(today).await.unwrap());
    assert_ne!(keys.bucket_key(tomorrow).await.unwrap().key_id, bucket.key_id);
    assert_ne!(*keys.transaction_key(tomorrow).await.unwrap(), *transaction);
    drop(keys);
    let keys = engine.keys().await;
    let again = keys.bucket_key(today).await.unwrap();
    assert_eq!((again.key_id, *again.payload), (bucket.key_id, *bucket.payload));
    assert_eq!(*keys.transaction_key(today).await.unwrap(), *transaction);
    assert_eq!(*keys.key_by_id(bucket.key_id).await.unwrap().unwrap().payload, *bucket.payload);
}

pub async fn identifiers_of_two_subjects_merge_nothing(engine: &impl Engine) {
    let keys = engine.keys().await;
    keys.provision(&holders_list(), 2026).await.unwrap();
    let both = [client("KRACHT-0001"), client("KRACHT-0002")];
    let before = [keys.find(&both[0]).await.unwrap(), keys.find(&both[1]).await.unwrap()];
    assert_eq!(
        keys.provision(&[vec![both[0].clone(), both[1].clone(), client("KRACHT-0003")]], 2027).await.unwrap(),
        0
    );
    assert_eq!([keys.find(&both[0]).await.unwrap(), keys.find(&both[1]).await.unwrap()], before);
    assert_eq!(keys.find(&client("KRACHT-0003")).await.unwrap(), None);
    assert!(keys.subject_key(before[0].unwrap(), 2027).await.unwrap().is_some());
    assert!(keys.subject_key(before[1].unwrap(), 2027).await.unwrap().is_some());
}

/// A BSN that was typed wrong under one client and later given to another must not lend the first one's standing.
pub async fn a_known_bsn_under_a_new_client_number_stays_apart(engine: &impl Engine) {
    let keys = engine.keys().await;
    keys.provision(&[vec![client("KRACHT-0001"), bsn("999990019")]], 2026).await.unwrap();
    let first = keys.find(&client("KRACHT-0001")).await.unwrap();
    assert_eq!(keys.provision(&[vec![client("KRACHT-0002"), bsn("999990019")]], 2026).await.unwrap(), 0);
    assert_eq!(keys.find(&client("KRACHT-0002")).await.unwrap(), None);
    assert_eq!(keys.find(&bsn("999990019")).await.unwrap(), first);
    // The other way round is ordinary: a known client gets a BSN.
    keys.provision(&[vec![client("KRACHT-0003")]], 2026).await.unwrap();
    keys.provision(&[vec![client("KRACHT-0003"), bsn("999900006")]], 2026).await.unwrap();
    assert_eq!(keys.find(&bsn("999900006")).await.unwrap(), keys.find(&client("KRACHT-0003")).await.unwrap());
}

/// Rows of one page count in their order, as if each had come alone.
pub async fn one_identifier_in_two_rows_of_a_page_merges_nothing(engine: &impl Engine) {
    let keys = engine.keys().await;
    let shared = bsn("999990019");
    let page = [vec![client("KRACHT-0001"), shared.clone()], vec![client("KRACHT-0002"), shared.clone()], vec![]];
    assert_eq!(keys.provision(&page, 2026).await.unwrap(), 1);
    assert_eq!(keys.find(&shared).await.unwrap(), keys.find(&client("KRACHT-0001")).await.unwrap());
    assert_eq!(keys.find(&client("KRACHT-0002")).await.unwrap(), None);
    let page = [vec![client("KRACHT-0003")], vec![client("KRACHT-0003"), bsn("999900006"), bsn("999900006")]];
    assert_eq!(keys.provision(&page, 2026).await.unwrap(), 1);
    assert_eq!(keys.find(&bsn("999900006")).await.unwrap(), keys.find(&client("KRACHT-0003")).await.unwrap());
}

pub async fn what_is_destroyed_is_gone_and_everything_else_stays(engine: &impl Engine) {
    let keys = engine.keys().await;
    keys.provision(&holders_list(), 2026).await.unwrap();
    let mut of = Vec::new();
    for id in [client("KRACHT-0001"), client("KRACHT-0002")] {
        let subject = keys.find(&id).await.unwrap().unwrap();
        of.push((subject, keys.subject_key(subject, 2026).await.unwrap().unwrap().key_id));
    }
    let (yesterday, today) = (jiff::civil::date(2026, 11, 20), jiff::civil::date(2026, 11, 21));
    let (old, bucket) = (keys.bucket_key(yesterday).await.unwrap(), keys.bucket_key(today).await.unwrap());
    let [gone, kept] = of[..] else { panic!() };
    assert_eq!(keys.destroy(vec![gone.1, old.key_id, [0; 16]]).await.unwrap(), 2);
    assert_eq!(keys.destroy(vec![gone.1, old.key_id]).await.unwrap(), 0);
    assert!(keys.subject_key(gone.0, 2026).await.unwrap().is_none());
    assert!(keys.key_by_id(gone.1).await.unwrap().is_none());
    assert!(keys.key_by_id(old.key_id).await.unwrap().is_none());
    assert!(keys.key_by_id(kept.1).await.unwrap().is_some());
    assert_eq!(keys.bucket_key(today).await.unwrap().key_id, bucket.key_id);

    let [before, now] = [keys.transaction_key(yesterday).await.unwrap(), keys.transaction_key(today).await.unwrap()];
    assert_eq!(keys.destroy_transaction_keys(today).await.unwrap(), 1);
    assert_ne!(*keys.transaction_key(yesterday).await.unwrap(), *before);
    assert_eq!(*keys.transaction_key(today).await.unwrap(), *now);
}

pub async fn nothing_at_rest_names_a_person(engine: &impl Engine) {
    let (log, keys) = (engine.log().await, engine.keys().await);
    keys.provision(&holders_list(), 2026).await.unwrap();
    let subject = keys.find(&bsn("999990019")).await.unwrap().unwrap();
    let key = keys.subject_key(subject, 2026).await.unwrap().unwrap();
    let mut draft = refusal(0);
    draft.concerns[0].subject = subject;
    index(&log.append(vec![draft]).await.unwrap().outcomes()[0]);
    drop((log, keys));
    let bytes = engine.at_rest().await;
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(holds(&subject.0), "the dump is of another database");
    for secret in [b"999990019".as_slice(), b"KRACHT-000", &*key.tag, &*key.payload] {
        assert!(!holds(secret));
    }
}

pub async fn nobody_is_found_without_the_master_key(engine: &impl Engine) {
    let keys = engine.keys().await;
    keys.provision(&holders_list(), 2026).await.unwrap();
    drop(keys);
    assert!(!engine.opens_under(MasterKey::from_bytes([0; 32])).await);
    assert!(engine.keys().await.find(&bsn("999990019")).await.unwrap().is_some());
}

fn corrupt(table: &'static str) -> StoreError {
    StoreError::Corrupt { store: "key database", table }
}

/// Who can write the key database cannot lead a child's number to another child, nor have a second pseudonym made.
pub async fn a_number_leads_only_to_whom_we_led_it(engine: &impl Engine) {
    let keys = engine.keys().await;
    keys.provision(&holders_list(), 2026).await.unwrap();
    let [one, two] = [
        keys.find(&client("KRACHT-0001")).await.unwrap().unwrap(),
        keys.find(&client("KRACHT-0002")).await.unwrap().unwrap(),
    ];
    drop(keys);
    let [one, two] = [one, two].map(|subject| data_encoding::HEXLOWER.encode(&subject.0));
    engine
        .intrude_keys(&format!(
            "UPDATE subject_alias SET subject_ref = {} WHERE subject_ref = {}",
            engine.hex(&one),
            engine.hex(&two)
        ))
        .await;
    let keys = engine.keys().await;
    assert_eq!(keys.find(&client("KRACHT-0002")).await, Err(corrupt("subject_alias")));
    assert!(keys.find(&client("KRACHT-0001")).await.unwrap().is_some());
    assert!(matches!(keys.provision(&holders_list(), 2026).await, Err(StoreError::Corrupt { .. })));
}

/// Nor can a key be moved to another subject or year, so that erasing one child would spare or take another's.
pub async fn a_key_opens_only_for_its_subject_and_year(engine: &impl Engine) {
    let keys = engine.keys().await;
    keys.provision(&holders_list(), 2026).await.unwrap();
    let subject = keys.find(&client("KRACHT-0001")).await.unwrap().unwrap();
    let key = keys.subject_key(subject, 2026).await.unwrap().unwrap();
    drop(keys);
    engine.intrude_keys("UPDATE subject_key SET year = 2027").await;
    let keys = engine.keys().await;
    assert_eq!(keys.subject_key(subject, 2027).await.err(), Some(corrupt("subject_key")));
    assert_eq!(keys.key_by_id(key.key_id).await.err(), Some(corrupt("subject_key")));
}
