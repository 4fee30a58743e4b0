//! What a grant says, what delegation leaves over, and that enrolments without grants keep their written form.

use super::*;
use jiff::civil::date;

const HASH: &str = "$1$4$AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4_QA";

fn oin(last: u8) -> Oin {
    Oin::parse(&format!("000000990000000{last:05}")).unwrap()
}

fn enrolment(last: u8, purposes: &[Purpose]) -> Enrolment {
    Enrolment {
        oin: oin(last),
        name: format!("organisation {last}"),
        unit: String::new(),
        recipient: RecipientType::Municipality,
        purposes: purposes.to_vec(),
        agreement: Agreement { reference: "A-1".to_owned(), until: date(2030, 12, 31) },
        agreement_6a3: None,
        municipality_code: Some("0518".to_owned()),
        secrecy_signed: true,
        bsn_ground: Some(BsnGround { article: "Jeugdwet 7.2.1(1)".to_owned() }),
        records_standing: true,
        suspended: false,
        fsc_grants: Vec::new(),
        capacity: None,
        uzovi: None,
        agb: None,
        suspended_purposes: Vec::new(),
        certificates: Vec::new(),
    }
}

fn grant() -> FscGrant {
    FscGrant {
        hash: GrantHash::parse(HASH).unwrap(),
        delegator: Some(oin(2)),
        publication_delegator: None,
        until: Some(date(2027, 6, 30)),
    }
}

#[test]
fn a_grant_hash_has_its_form() {
    for good in [HASH, "$1$3$AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4+QA"] {
        assert_eq!(GrantHash::parse(good).unwrap().as_str(), good);
    }
    let long = format!("{HASH}{}", "A".repeat(64));
    for bad in ["", "$1$4$", "1$4$AAAA", &HASH.replace('_', " "), &HASH.replace("$1$4", "$x$4"), &HASH[1..], &long] {
        assert_eq!(GrantHash::parse(bad), Err(NoGrantHash), "{bad}");
    }
}

#[test]
fn a_grant_holds_by_its_hash_until_its_last_day() {
    assert!(grant().holds(HASH, date(2027, 6, 30)));
    assert!(!grant().holds(HASH, date(2027, 7, 1)));
    assert!(!grant().holds(&HASH[..90], date(2027, 1, 1)));
}

/// Less than the grant says is refused as more is: a delegated grant gives no direct call.
#[test]
fn a_grant_says_exactly_one_thing_about_delegation() {
    let (two, three) = (oin(2), oin(3));
    assert!(grant().says(Some(&two), None));
    for (delegator, publication) in [(None, None), (Some(&three), None), (Some(&two), Some(&three)), (None, Some(&two))]
    {
        assert!(!grant().says(delegator, publication), "{delegator:?} {publication:?}");
    }
}

#[test]
fn a_delegatee_narrows_and_never_widens() {
    let delegator = enrolment(2, &[Purpose::InvoiceFormal, Purpose::Treatment]);
    let mut delegatee = enrolment(3, &[Purpose::Treatment, Purpose::SeriousDanger]);
    delegatee.recipient = RecipientType::Police;
    delegatee.municipality_code = Some("0599".to_owned());
    let together = delegator.clone().exercised_by(&delegatee);
    assert_eq!(together.purposes, [Purpose::Treatment]);
    assert_eq!((&together.oin, together.recipient), (&delegator.oin, RecipientType::Municipality));
    assert_eq!(together.municipality_code.as_deref(), Some("0518"));
    assert!(together.bsn_ground.is_some() && together.secrecy_signed && !together.records_standing);

    delegatee.bsn_ground = None;
    delegatee.secrecy_signed = false;
    delegatee.suspended = true;
    delegatee.agreement.until = date(2026, 1, 1);
    let together = delegator.exercised_by(&delegatee);
    assert!(together.bsn_ground.is_none() && !together.secrecy_signed);
    assert!(!together.in_force(date(2025, 12, 31)) && together.agreement.until == date(2026, 1, 1));
}

/// Grant hashes and sealed state rows of before are made of these bytes.
#[test]
fn without_grants_the_written_form_is_the_one_of_before() {
    let mut with = enrolment(2, &[Purpose::Treatment]);
    let before = serde_json::to_string(&with).unwrap();
    assert!(before.ends_with(r#""suspended":false}"#), "{before}");
    assert_eq!(serde_json::from_str::<Enrolment>(&before).unwrap(), with);
    with.fsc_grants.push(grant());
    let after = serde_json::to_string(&with).unwrap();
    assert_eq!(serde_json::from_str::<Enrolment>(&after).unwrap(), with);
    assert!(serde_json::from_str::<Enrolment>(&after.replace("$1$4$", "$1$")).is_err());
    assert!(serde_json::from_str::<Enrolment>(&after.replace("\"delegator\"", "\"delegate\"")).is_err());
}

#[test]
fn a_new_grant_widens_and_an_ended_one_narrows() {
    use super::compare::{compare, widens};
    let plain = enrolment(1, &[Purpose::InvoiceFormal]);
    let with = |grants: Vec<FscGrant>| vec![Enrolment { fsc_grants: grants, ..plain.clone() }];
    let longer = FscGrant { until: None, ..grant() };
    let other = FscGrant { delegator: None, ..grant() };
    assert!(widens(&compare(&with(vec![]), &with(vec![grant()]))));
    assert!(widens(&compare(&with(vec![grant()]), &with(vec![longer.clone()]))));
    assert!(widens(&compare(&with(vec![grant()]), &with(vec![other]))));
    for (before, after) in [(vec![grant()], vec![]), (vec![longer], vec![grant()])] {
        let points = compare(&with(before), &with(after));
        assert!(!points.is_empty() && !widens(&points));
    }
}
