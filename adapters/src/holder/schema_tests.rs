//! Two schemas that are not ours, read by their maps: rows of today, codes, lost zeros, and what is withheld.

use super::*;
use jiff::civil::date;
use rusqlite::Connection;
use sluis_core::holder_fact::HeldFact;
use sluis_core::log::Millis;
use sluis_core::subject::Bsn;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// Noon in the Netherlands on a day.
struct Noon(AtomicU64);

impl Clock for Noon {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }
}

struct Theirs {
    path: PathBuf,
    map: String,
    clock: Arc<Noon>,
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Theirs {
    fn new(schema: &str, test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sluis-{schema}-{test}-{}.db", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let (tables, rows, map) = match schema {
            "history" => (
                include_str!("../../../tests/schemas/history/schema.sql"),
                include_str!("../../../tests/schemas/history/rows.sql"),
                include_str!("../../../tests/schemas/history/map.toml"),
            ),
            _ => (
                include_str!("../../../tests/schemas/wide/schema.sql"),
                include_str!("../../../tests/schemas/wide/rows.sql"),
                include_str!("../../../tests/schemas/wide/map.toml"),
            ),
        };
        let theirs = Self { path, map: map.to_owned(), clock: Arc::new(Noon(AtomicU64::new(0))) };
        theirs.write(tables);
        theirs.write(rows);
        theirs.day(date(2026, 11, 22));
        theirs
    }

    fn write(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    fn day(&self, day: Date) {
        let noon = day.at(12, 0, 0, 0).in_tz("Europe/Amsterdam").unwrap();
        self.clock.0.store(noon.timestamp().as_millisecond().try_into().unwrap(), Ordering::SeqCst);
    }

    fn open(&self) -> HolderDatabase {
        let map = HolderMap::parse(&self.map).unwrap();
        HolderDatabase::open(&self.path, map, 1, Arc::clone(&self.clock) as _).unwrap()
    }

    fn told(&self, subject: &SubjectId, field: Field) -> Option<String> {
        let values = self.open().values(subject, FieldSet::of(&[field]), None, false).unwrap();
        values.into_iter().next().map(|(_, text)| text)
    }

    async fn facts(&self, subject: &SubjectId) -> Option<HolderFacts> {
        self.open().facts(subject).await.unwrap()
    }
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

#[tokio::test]
async fn the_row_of_today_is_taken_and_two_at_once_are_none() {
    let theirs = Theirs::new("history", "today");
    let noor = client("50001");
    assert_eq!(theirs.told(&noor, Field::Name).as_deref(), Some("Noor van der Berg"));
    assert_eq!(theirs.told(&noor, Field::Address).as_deref(), Some("Lange Voorhout 12"));
    assert_eq!(theirs.told(&noor, Field::Plan).as_deref(), Some("Plan of 50001"));
    theirs.day(date(2022, 6, 30));
    assert_eq!(theirs.told(&noor, Field::Place).as_deref(), Some("CanaryFormerTown"), "the last day of the former");
    theirs.day(date(2022, 7, 1));
    assert_eq!(theirs.told(&noor, Field::Place).as_deref(), Some("Den Haag"), "the first day of the new one");
    theirs.day(date(2026, 11, 22));
    // Child 3 has two homes and two plans of one day: neither, and a place that is not known counts as secret.
    let bo = client("50003");
    for field in [Field::Address, Field::Postcode, Field::Place, Field::Plan, Field::CareStatus] {
        assert_eq!(theirs.told(&bo, field), None, "{}", field.code());
    }
    assert_eq!(theirs.told(&bo, Field::Name).as_deref(), Some("Bo Visser"));
    assert!(theirs.facts(&bo).await.unwrap().residence_secret);
    assert!(!theirs.facts(&noor).await.unwrap().residence_secret);
}

#[tokio::test]
async fn a_day_that_does_not_read_takes_no_row_rather_than_another() {
    let noor = client("50001");
    for spoiled in [
        "UPDATE \"Address\" SET \"ValidTo\" = 'soon' WHERE \"Street\" = 'CanaryFormerStreet'",
        "UPDATE \"Address\" SET \"ValidTo\" = NULL WHERE \"Street\" = 'CanaryFormerStreet'",
        "UPDATE \"Address\" SET \"ValidTo\" = '2022-07-00' WHERE \"Street\" = 'CanaryFormerStreet'",
        "UPDATE \"Address\" SET \"ValidFrom\" = '1-7-2022' WHERE \"Street\" = 'Lange Voorhout'",
        "UPDATE \"Address\" SET \"ValidFrom\" = '?' WHERE \"Street\" = 'CanaryFutureStreet'",
    ] {
        let theirs = Theirs::new("history", "spoiled");
        theirs.write(spoiled);
        assert_eq!(theirs.told(&noor, Field::Place), None, "{spoiled}");
        assert!(theirs.facts(&noor).await.unwrap().residence_secret, "{spoiled}");
    }
    let theirs = Theirs::new("history", "latest");
    theirs.write("UPDATE \"PlanVersion\" SET \"WrittenOn\" = '1 maart' WHERE \"Full\" = 'CanaryFormerPlan1'");
    assert_eq!(theirs.told(&noor, Field::Plan), None, "the one that does not read could be the newest");
}

#[tokio::test]
async fn a_corrected_bsn_is_the_one_of_today() {
    let theirs = Theirs::new("history", "corrected");
    let facts = theirs.facts(&bsn("999900043")).await.unwrap();
    assert_eq!(facts.identifiers, [client("50001"), bsn("999900043")]);
    assert_eq!(theirs.told(&bsn("999900043"), Field::Bsn).as_deref(), Some("999900043"));
    assert_eq!(theirs.told(&client("50001"), Field::Bsn).as_deref(), Some("999900043"));
    assert_eq!(theirs.told(&client("50001"), Field::ClientNumber).as_deref(), Some("50001"));
    assert_eq!(theirs.facts(&bsn("999900006")).await, None, "the BSN of before the correction");
    // A zero that was lost: asked with it, answered with it.
    assert_eq!(theirs.told(&bsn("012345672"), Field::Bsn).as_deref(), Some("012345672"));
    assert_eq!(theirs.told(&client("50003"), Field::Bsn).as_deref(), Some("012345672"));
    theirs.day(date(2020, 12, 31));
    assert!(theirs.facts(&bsn("999900006")).await.is_some() && theirs.facts(&bsn("999900043")).await.is_none());
    theirs.day(date(2026, 11, 22));
    theirs.write("INSERT INTO \"PersonNumber\" VALUES (2, 'BSN', 999900043, '2026-01-01', '2027-01-01')");
    assert_eq!(theirs.facts(&client("50002")).await.unwrap().identifiers, [client("50002")], "two at once");
    theirs.write("DELETE FROM \"PersonNumber\" WHERE \"Number\" = 999900018");
    assert_eq!(theirs.facts(&bsn("999900043")).await, None, "one BSN, two children");
    assert_eq!(theirs.facts(&client("050002")).await, None, "a number with a zero before it is another number");
    theirs.write("UPDATE \"Dossier\" SET \"Deleted\" = 1");
    assert_eq!(theirs.facts(&client("50001")).await, None);
}

#[tokio::test]
async fn parents_are_those_of_today_and_a_code_nobody_knows_withholds_them_all() {
    let theirs = Theirs::new("history", "parents");
    let authority = |number| theirs.told(&client(number), Field::ParentsAuthority);
    let both = "Anna van der Berg with authority; Piet Jansen without authority";
    assert_eq!(authority("50001").as_deref(), Some(both));
    let contact = theirs.told(&client("50001"), Field::ParentsContact);
    assert_eq!(contact.as_deref(), Some("Anna van der Berg 0700000011; Piet Jansen"));
    assert_eq!(authority("50003"), None);
    theirs.write("INSERT INTO \"Relation\" VALUES (9, 1, 13, 'OUDER', '?', NULL, NULL)");
    assert_eq!(authority("50001"), None);
}

#[tokio::test]
async fn claims_agree_exactly_in_the_forms_of_the_holder() {
    for (schema, agreeing) in [("history", "9001"), ("wide", "F-1")] {
        let theirs = Theirs::new(schema, "claims");
        let holder = theirs.open();
        let noor = bsn("999900043");
        let agrees = Comparison::Agrees { record_id: agreeing.to_owned() };
        assert_eq!(holder.claim(&noor, &line()).await, Ok(agrees), "{schema}");
        let differs = Comparison::Differs { record_id: agreeing.to_owned(), fields: FieldSet::of(&[Field::Amount]) };
        let more = ClaimLine { amount: 13441, ..line() };
        assert_eq!(holder.claim(&noor, &more).await, Ok(differs), "{schema}");
        assert_eq!(holder.claim(&bsn("999900092"), &line()).await, Ok(Comparison::Absent), "{schema}");
    }
    // A record with a unit nobody knows could be the one that agrees: nothing is said about the line.
    let theirs = Theirs::new("history", "unit");
    assert_eq!(theirs.open().claim(&bsn("012345672"), &line()).await, Ok(Comparison::Absent));
    let theirs = Theirs::new("wide", "unit");
    let november = ClaimLine { begin: date(2026, 11, 1), end: date(2026, 11, 30), ..line() };
    assert_eq!(theirs.open().claim(&bsn("999900043"), &november).await, Ok(Comparison::Absent));
}

#[tokio::test]
async fn a_wide_table_with_codes_gives_what_the_map_translates_and_nothing_else() {
    let theirs = Theirs::new("wide", "codes");
    let (noor, sam, bo) = (client("Z-1"), client("Z-2"), client("Z-3"));
    assert_eq!(theirs.told(&bsn("999900043"), Field::Name).as_deref(), Some("Noor van der Berg"));
    assert_eq!(theirs.told(&bsn("012345672"), Field::Name).as_deref(), Some("Sam Bakker"));
    assert_eq!(theirs.told(&sam, Field::Bsn).as_deref(), Some("012345672"));
    assert_eq!(theirs.told(&noor, Field::HouseNumber).as_deref(), Some("12 B"));
    assert_eq!(theirs.told(&noor, Field::BirthDate).as_deref(), Some("2016-03-14"));
    assert_eq!(theirs.told(&noor, Field::Gender).as_deref(), Some("2"));
    assert_eq!(theirs.told(&sam, Field::Gender), None);
    assert_eq!(theirs.told(&sam, Field::BirthDate).as_deref(), Some("2016-00-00"));
    let both = "Anna van der Berg with authority; Piet Jansen without authority";
    assert_eq!(theirs.told(&noor, Field::ParentsAuthority).as_deref(), Some(both));
    assert_eq!(theirs.told(&bo, Field::ParentsAuthority), None);
    assert_eq!(theirs.told(&bo, Field::MunicipalityCode), None);

    let facts = theirs.facts(&noor).await.unwrap();
    assert!(facts.active_case && !facts.residence_secret);
    assert_eq!(facts.municipality_code.as_deref(), Some("0518"));
    assert_eq!(facts.held.text(HeldFact::InsurerUzovi), Some("3311"));
    assert_eq!(facts.held.text(HeldFact::FinancingLaw), Some("jeugdwet"));
    assert_eq!(facts.held.flag(HeldFact::PrivacyStatement), Some(true));
    assert_eq!(facts.held.text(HeldFact::ReferrerAgb), None);
    let facts = theirs.facts(&sam).await.unwrap();
    assert!(facts.residence_secret, "one mark of two says so");
    assert_eq!(facts.held.flag(HeldFact::PrivacyStatement), Some(false));
    let facts = theirs.facts(&bo).await.unwrap();
    assert!(facts.residence_secret && !facts.active_case && facts.municipality_code.is_none());
    assert_eq!(facts.identifiers, [bo]);
}

#[tokio::test]
async fn clients_come_in_pages_by_a_number_that_is_a_number() {
    let holder = Theirs::new("history", "pages");
    let holder = holder.open();
    let first = holder.subjects(None, 2).await.unwrap();
    assert_eq!(first, [vec![client("50001"), bsn("999900043")], vec![client("50002"), bsn("999900018")]]);
    assert_eq!(holder.subjects(Some("50002"), 2).await.unwrap(), [vec![client("50003"), bsn("012345672")]]);
    assert!(holder.subjects(Some("50003"), 2).await.unwrap().is_empty());
}
