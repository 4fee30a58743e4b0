//! The promises of the holder's database: no column beyond the permit, no other subject, no engine text.

use super::fixture::{MAP, Scratch, sets};
use super::*;
use crate::system::SystemClock;
use jiff::civil::date;
use sluis_core::decide::decide;
use sluis_core::fact::{Fact, Facts};
use sluis_core::organisation::{Purpose, RecipientType};
use sluis_core::policy::{Sources, load};
use sluis_core::release::{Decision, Question};
use sluis_core::subject::Bsn;

fn holder(scratch: &Scratch) -> HolderDatabase {
    open(scratch).unwrap()
}

fn open(scratch: &Scratch) -> Result<HolderDatabase, OpenFault> {
    HolderDatabase::open(&scratch.path, HolderMap::parse(MAP).unwrap(), 2, Arc::new(SystemClock))
}

fn client(number: &str) -> SubjectId {
    SubjectId::client_number(number).unwrap()
}

fn bsn(digits: &str) -> SubjectId {
    SubjectId::Bsn(Bsn::parse(digits).unwrap())
}

fn line() -> ClaimLine {
    ClaimLine {
        reference: "1".to_owned(),
        provider_agb: "41410001".to_owned(),
        allocation_number: 7001,
        product_category: "45".to_owned(),
        product_code: "45A04".to_owned(),
        begin: date(2026, 10, 1),
        end: date(2026, 10, 31),
        volume: 120,
        unit: "01".to_owned(),
        tariff: Some(112),
        amount: 13440,
        credit: false,
    }
}

/// Runs a future that never waits.
fn now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) else {
        unreachable!("reading the holder's database is inline")
    };
    output
}

#[test]
fn no_marker_of_another_field_or_subject_is_in_the_answer() {
    let scratch = Scratch::new("canary");
    let holder = holder(&scratch);
    let whole = |subject: &SubjectId| holder.values(subject, FieldSet::of(Field::ALL), Some("R1"), false).unwrap();
    let all = whole(&client("KR-A1"));
    assert_eq!(all, whole(&bsn("999900006")));
    assert_eq!(all.iter().map(|(f, _)| *f).collect::<FieldSet>(), holder.map.kept());
    for set in sets() {
        let record = (set.bits() % 2 == 0).then_some("R1");
        let values = holder.values(&client("KR-A1"), set, record, false).unwrap();
        let billing: FieldSet = holder.map.billing.as_ref().unwrap().fields.keys().copied().collect();
        let kept = set.intersection(holder.map.kept());
        let expected = if record.is_some() { kept } else { kept.difference(billing) };
        assert_eq!(values.iter().map(|(f, _)| *f).collect::<FieldSet>(), expected, "{}", set.to_hex());
        for value in &values {
            assert!(all.contains(value), "{} is not what the whole answer says", value.0.code());
            assert!(!value.1.contains("#2"), "{} comes from another subject", value.0.code());
        }
    }
}

#[test]
fn fields_are_rendered_as_the_map_says() {
    let scratch = Scratch::new("render");
    scratch.writer().execute_batch("UPDATE client SET prefix = NULL; UPDATE billing SET period_end = NULL").unwrap();
    let holder = holder(&scratch);
    let asked = FieldSet::of(&[Field::Name, Field::ParentsAuthority, Field::Period, Field::Volume]);
    let values = holder.values(&bsn("999900006"), asked, Some("R1"), false).unwrap();
    let parent = |id: &str| {
        format!("parent.first_name#{id} parent.prefix#{id} parent.last_name#{id} client_parent.authority#{id}")
    };
    assert_eq!(
        values,
        [
            (Field::Name, "client.first_name#1 client.last_name#1".to_owned()),
            (Field::ParentsAuthority, format!("{}; {}", parent("1a"), parent("1b"))),
            (Field::Volume, "120".to_owned()),
        ]
    );
}

#[test]
fn a_row_with_another_identifier_is_refused() {
    let scratch = Scratch::new("other");
    let holder = holder(&scratch);
    let name = FieldSet::of(&[Field::Name]);
    // The column's collation is case-blind: the row is found, but it is not the one that was decided on.
    assert_eq!(holder.values(&client("kr-a1"), name, None, false), Err(DossierError::OtherSubject));
    assert!(now(holder.facts(&client("kr-a1"))).is_err());
    assert!(now(holder.claim(&client("kr-a1"), &line())).is_err());
    // A billing record of another client.
    let amount = FieldSet::of(&[Field::Amount]);
    assert_eq!(holder.values(&client("KR-A1"), amount, Some("R2"), false), Err(DossierError::OtherSubject));
    assert_eq!(holder.values(&client("KR-A1"), amount, Some("R9"), false), Err(DossierError::Absent));
    assert_eq!(holder.values(&client("KR-A9"), FieldSet::EMPTY, None, false), Err(DossierError::Absent));
}

#[test]
fn two_rows_under_one_bsn_are_known_to_nobody_and_give_no_field() {
    let scratch = Scratch::new("twice");
    scratch.writer().execute_batch("UPDATE client SET bsn = '999900006'").unwrap();
    let holder = holder(&scratch);
    let corrupt = StoreError::Corrupt { store: "holder database", table: "client" };
    assert_eq!(holder.values(&bsn("999900006"), FieldSet::EMPTY, None, false), Err(corrupt.into()));
    assert_eq!(now(holder.facts(&bsn("999900006"))), Ok(None));
}

#[test]
fn facts_take_the_strict_reading_of_what_is_unknown() {
    let scratch = Scratch::new("facts");
    let holder = holder(&scratch);
    let known = now(holder.facts(&bsn("999900018"))).unwrap().unwrap();
    assert!(known.active_case && !known.residence_secret && known.municipality_code.as_deref() == Some("0518"));
    assert_eq!(known.birth_date.unwrap().ages_on(date(2026, 11, 21)), Some((16, 16)));
    assert_eq!(now(holder.facts(&client("KR-A9"))), Ok(None));
    let unknown = "UPDATE client SET active_case = NULL, residence_secret = NULL, municipality_code = NULL";
    scratch.writer().execute_batch(unknown).unwrap();
    let facts = now(holder.facts(&bsn("999900018"))).unwrap().unwrap();
    assert!(!facts.active_case && facts.residence_secret && facts.municipality_code.is_none());
    scratch.writer().execute_batch("UPDATE client SET birth_date = '21-11-2010'").unwrap();
    assert_eq!(now(holder.facts(&bsn("999900018"))).unwrap().unwrap().birth_date, None);
}

#[test]
fn a_claim_is_compared_with_the_records_of_its_subject_alone() {
    let scratch = Scratch::new("claim");
    let holder = holder(&scratch);
    let agrees = Comparison::Agrees { record_id: "R1".to_owned() };
    assert_eq!(now(holder.claim(&bsn("999900006"), &line())), Ok(agrees));
    let more = ClaimLine { volume: 130, ..line() };
    let differs = Comparison::Differs { record_id: "R1".to_owned(), fields: FieldSet::of(&[Field::Volume]) };
    assert_eq!(now(holder.claim(&bsn("999900006"), &more)), Ok(differs));
    let later = ClaimLine { end: date(2026, 10, 30), ..line() };
    assert_eq!(now(holder.claim(&bsn("999900006"), &later)), Ok(Comparison::Absent));
    scratch.writer().execute_batch("UPDATE billing SET client_number = 'KR-A2'").unwrap();
    assert_eq!(now(holder.claim(&bsn("999900006"), &line())), Ok(Comparison::Absent));
}

#[test]
fn subjects_come_in_pages_with_all_their_identifiers() {
    let scratch = Scratch::new("pages");
    scratch.writer().execute_batch("UPDATE client SET bsn = NULL WHERE client_number = 'KR-A2'").unwrap();
    let holder = holder(&scratch);
    assert_eq!(now(holder.subjects(None, 1)), Ok(vec![vec![client("KR-A1"), bsn("999900006")]]));
    assert_eq!(now(holder.subjects(Some("KR-A1"), 5)), Ok(vec![vec![client("KR-A2")]]));
    assert_eq!(now(holder.subjects(Some("KR-A2"), 5)), Ok(vec![]));
}

#[test]
fn what_the_schema_lacks_is_explained_at_the_start() {
    let scratch = Scratch::new("schema");
    let change =
        "ALTER TABLE client DROP COLUMN phone; ALTER TABLE client RENAME COLUMN plan TO plans; DROP TABLE parent";
    scratch.writer().execute_batch(change).unwrap();
    let fault = open(&scratch).err().unwrap();
    let text = fault.to_string();
    assert!(text.contains("`client` of the holder database has no column `phone`"), "{text}");
    assert!(text.contains("no column `plan`") && text.contains("no table `parent`"), "{text}");
}

#[test]
fn a_column_that_disappears_later_and_a_lock_are_states_without_engine_text() {
    let scratch = Scratch::new("states");
    let holder = holder(&scratch);
    let writer = scratch.writer();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let locked = StoreError::Unavailable { store: "holder database", state: "LOCKED" };
    assert_eq!(now(holder.facts(&bsn("999900006"))), Err(locked.clone()));
    assert_eq!(holder.values(&bsn("999900006"), FieldSet::EMPTY, None, false), Err(locked.into()));
    writer.execute_batch("ROLLBACK; ALTER TABLE client DROP COLUMN phone").unwrap();
    let fault = holder.values(&bsn("999900006"), FieldSet::of(&[Field::Phone]), None, false).unwrap_err();
    assert_eq!(fault.to_string(), "the holder database does not answer (SCHEMA)");
}

#[test]
fn the_connections_cannot_write() {
    let scratch = Scratch::new("readonly");
    let holder = holder(&scratch);
    assert!(holder.pool.take().execute("UPDATE client SET phone = ''", []).is_err());
    let nowhere = scratch.path.with_extension("none");
    let missing = HolderDatabase::open(&nowhere, HolderMap::parse(MAP).unwrap(), 1, Arc::new(SystemClock));
    let unreachable = StoreError::Unavailable { store: "holder database", state: "UNREACHABLE" };
    assert_eq!(missing.err(), Some(OpenFault::Store(unreachable)));
}

/// The shipped policy decides, and what is fetched is what it permits and no more.
#[test]
fn a_permit_of_the_shipped_policy_fetches_its_fields() {
    let scratch = Scratch::new("permit");
    let holder = holder(&scratch);
    let policy = load(&Sources {
        policy: include_str!("../../../gateway/policy/kracht.toml"),
        ceiling: include_str!("../../../gateway/policy/ceiling.toml"),
        catalog: include_str!("../../../gateway/policy/catalog.toml"),
    })
    .unwrap();
    let permit = |subject: &SubjectId, secret: bool| {
        let question = Question {
            recipient: RecipientType::Municipality,
            purpose: Purpose::InvoiceFormal,
            subject: subject.clone(),
            mask: None,
            record_id: Some("R1".to_owned()),
        };
        let yes = [Fact::Known, Fact::EnrolledPurpose, Fact::Declared, Fact::OwnMunicipality, Fact::Agreement6a3];
        let facts = yes.into_iter().fold(Facts::UNKNOWN, |facts, fact| facts.with_bool(fact, true));
        let facts = facts.with_bool(Fact::ResidenceSecret, secret).with_bool(Fact::Restriction, false);
        let Decision::Permit(permit) = decide(&policy, question, facts) else {
            unreachable!("the invoice row permits this")
        };
        permit
    };
    let subject = bsn("999900006");
    let open = now(holder.fetch(permit(&subject, false))).unwrap();
    assert_eq!(open.fields(), open.permit().fields());
    assert!(open.values().contains(&(Field::Amount, "13440".to_owned())));
    assert!(open.fields().contains(Field::Name) && !open.fields().contains(Field::HelpQuestion));
    let secret = now(holder.fetch(permit(&subject, true))).unwrap();
    assert!(!secret.fields().contains(Field::Name) && secret.fields().contains(Field::Bsn));
    let other = now(holder.fetch(permit(&bsn("999900018"), false)));
    assert_eq!(other.err(), Some(DossierError::OtherSubject));
    // Set between the decision and the fetch: what was decided on an open address tells nothing any more.
    for secret in ["'1'", "NULL"] {
        scratch.writer().execute_batch(&format!("UPDATE client SET residence_secret = {secret}")).unwrap();
        assert_eq!(now(holder.fetch(permit(&subject, false))).err(), Some(DossierError::Changed), "{secret}");
        assert!(now(holder.fetch(permit(&subject, true))).is_ok(), "{secret}");
    }
}
