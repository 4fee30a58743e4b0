//! A fact that is not what it may be is unknown, a billing record likewise confirms nothing, and the check says both.

use super::fixture::{MAP, Scratch};
use super::*;
use crate::system::SystemClock;
use inspect::{Bsns, Finding, Report, Weight};
use jiff::civil::date;
use sluis_core::holder_fact::HeldFact;

fn open(scratch: &Scratch, map: &str) -> HolderDatabase {
    HolderDatabase::open(&scratch.path, HolderMap::parse(map).unwrap(), 1, Arc::new(SystemClock)).unwrap()
}

fn first() -> SubjectId {
    SubjectId::client_number("KR-A1").unwrap()
}

async fn facts(scratch: &Scratch, map: &str) -> HolderFacts {
    open(scratch, map).facts(&first()).await.unwrap().unwrap()
}

/// Good values in every fact, and one of them replaced.
fn with(scratch: &Scratch, spoiled: &str) {
    let good = "UPDATE client SET municipality_code = '0518', insurer_uzovi = '9901', financing = 'zvw',
                  gp_agb = '01990001', referrer_agb = '84990001', plan = '00000003000000010000'";
    scratch.writer().execute_batch(&format!("{good}; UPDATE client SET {spoiled}")).unwrap();
}

#[tokio::test]
async fn a_fact_that_is_not_what_it_may_be_is_unknown() {
    let scratch = Scratch::new("domain-facts");
    let told = |facts: &HolderFacts, fact| facts.held.text(fact).map(str::to_owned);
    with(&scratch, "place = 'x'");
    let good = facts(&scratch, MAP).await;
    assert_eq!(good.municipality_code.as_deref(), Some("0518"));
    for (fact, value) in [
        (HeldFact::InsurerUzovi, "9901"),
        (HeldFact::FinancingLaw, "zvw"),
        (HeldFact::GpAgb, "01990001"),
        (HeldFact::ReferrerAgb, "84990001"),
    ] {
        assert_eq!(told(&good, fact).as_deref(), Some(value));
    }
    for spoiled in ["'518'", "518", "'Den Haag'", "'05180'", "'051O'", "''", "NULL"] {
        with(&scratch, &format!("municipality_code = {spoiled}"));
        assert_eq!(facts(&scratch, MAP).await.municipality_code, None, "{spoiled}");
    }
    for (fact, spoiled) in [
        (HeldFact::InsurerUzovi, "insurer_uzovi = '99010'"),
        (HeldFact::FinancingLaw, "financing = 'zin'"),
        (HeldFact::FinancingLaw, "financing = 'Zvw'"),
        (HeldFact::GpAgb, "gp_agb = 1990001"),
        (HeldFact::ReferrerAgb, "referrer_agb = 'huisarts'"),
    ] {
        with(&scratch, spoiled);
        let facts = facts(&scratch, MAP).await;
        assert_eq!(told(&facts, fact), None, "{spoiled}");
        let rest = HeldFact::ALL.iter().filter(|other| **other != fact && good.held.text(**other).is_some());
        rest.for_each(|other| assert_eq!(told(&facts, *other), told(&good, *other), "{spoiled}"));
    }
}

/// A number that does not read could contradict the one beside it: alone that one proves nothing.
#[tokio::test]
async fn of_two_numbers_of_one_doctor_both_read_or_neither_counts() {
    let scratch = Scratch::new("domain-pair");
    let map = MAP.replacen("gp_agb = \"gp_agb\"", "gp_agb = \"gp_agb\"\ngp_oin = \"plan\"", 1);
    let both = |facts: HolderFacts| [HeldFact::GpAgb, HeldFact::GpOin].map(|fact| facts.held.text(fact).is_some());
    for (spoiled, said) in [
        ("place = 'x'", [true, true]),
        ("gp_agb = NULL", [false, true]),
        ("plan = NULL", [true, false]),
        ("gp_agb = 'x'", [false, false]),
        ("plan = '123'", [false, false]),
    ] {
        with(&scratch, spoiled);
        assert_eq!(both(facts(&scratch, &map).await), said, "{spoiled}");
    }
}

/// A word in place of a code would be told to the municipality as a difference.
#[tokio::test]
async fn a_billing_record_that_is_not_what_it_may_be_confirms_nothing() {
    let scratch = Scratch::new("domain-line");
    let line = ClaimLine {
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
    };
    let differs = |field| Comparison::Differs { record_id: "R1".to_owned(), fields: FieldSet::of(&[field]) };
    for (spoiled, said) in [
        ("unit = '04'", differs(Field::Unit)),
        ("unit = 'min'", Comparison::Absent),
        ("unit = '99'", Comparison::Absent),
        ("product_category = '46'", differs(Field::ProductCategory)),
        ("product_category = 'ambulant'", Comparison::Absent),
        ("product_category = '39'", Comparison::Absent),
        ("product_code = '45A05'", differs(Field::ProductCode)),
        ("product_code = 'behandeling'", Comparison::Absent),
        ("provider_agb = '4141'", Comparison::Absent),
    ] {
        let good = "UPDATE billing SET unit = '01', product_category = '45', product_code = '45A04'";
        scratch.writer().execute_batch(&format!("{good}; UPDATE billing SET {spoiled}")).unwrap();
        assert_eq!(open(&scratch, MAP).claim(&first(), &line).await.unwrap(), said, "{spoiled}");
    }
}

fn check(scratch: &Scratch, map: &str) -> Report {
    inspect::inspect(&scratch.path, &HolderMap::parse(map).unwrap(), date(2026, 11, 22)).unwrap()
}

fn finding<'r>(report: &'r Report, what: &str) -> Option<&'r Finding> {
    report.findings.iter().find(|finding| finding.is.starts_with(what))
}

#[test]
fn the_check_counts_what_is_not_what_it_may_be_and_tells_no_value() {
    let scratch = Scratch::new("domain-check");
    let column = "UPDATE client SET gender = 'Vrouwelijk', postcode = '2514 EA', registered_on = '31-12-2025',
                    financing = 'Particulier', outcome = '7', end_reason = '31', referrer_type = '02',
                    municipality_code = '0518', insurer_uzovi = '9901', gp_agb = '01990001', referrer_agb = NULL;
                  UPDATE client SET gender = '2', municipality_code = 'Canaryville' WHERE client_number = 'KR-A2';
                  UPDATE billing SET unit = 'Minuten'";
    scratch.writer().execute_batch(column).unwrap();
    let report = check(&scratch, MAP);
    for (what, weight, is, to_do) in [
        (
            "field `gender`",
            Weight::Fault,
            "in 1 of 2 filled rows of table `client`, `gender` is not what gender (geslacht) may be: it leaves as it stands",
            "0 unknown, 1 male, 2 female (COD046); translate each of your codes: { column = \"gender\", codes = {",
        ),
        ("field `registered_on`", Weight::Fault, "in 2 of 2", "they would all read as `DD-MM-YYYY`"),
        ("fact `municipality_code`", Weight::Warning, "in 1 of 2 filled rows", "4 digits"),
        ("fact `financing_law`", Weight::Fault, "unknown, which never permits", "jeugdwet, zvw, other; translate"),
        ("`unit` of `[billing.line]`", Weight::Fault, "those lines are not confirmed", "codes = { \"…\" = \"84\" } }"),
        ("field `unit`", Weight::Fault, "in 2 of 2 filled rows of table `billing`", "01 minute"),
    ] {
        let found = finding(&report, what).unwrap_or_else(|| panic!("{what}: {report:#?}"));
        assert!(found.weight == weight && found.is.contains(is) && found.to_do.contains(to_do), "{found:#?}");
    }
    for good in ["postcode", "outcome", "end_reason", "referrer_type", "insurer_id", "name", "plan", "birth_date"] {
        assert_eq!(finding(&report, &format!("field `{good}`")), None);
    }
    for value in ["Vrouwelijk", "31-12-2025", "Particulier", "Canaryville", "Minuten", "#1", "KR-A2"] {
        assert!(!format!("{report:?}").contains(value), "{value} was told");
    }
    assert_eq!(report.bsns, Bsns { test: 2, other: 0 });
}

#[test]
fn what_the_map_itself_writes_for_a_field_is_looked_at() {
    let scratch = Scratch::new("domain-written");
    let codes = "gender = { column = \"gender\", codes = { V = \"female\", M = \"1\" } }";
    let report = check(&scratch, &MAP.replacen("gender = \"gender\"", codes, 1));
    let found = report.findings.iter().find(|finding| finding.is.contains("the map writes `female`"));
    assert!(found.is_some_and(|found| found.weight == Weight::Fault && found.is.contains("COD046")), "{report:#?}");
}
