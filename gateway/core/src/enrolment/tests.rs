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

/// The person who signs for a new role is shown every right that it gives.
#[test]
fn a_new_role_shows_its_codes_and_all_that_a_grant_says() {
    let mut new = enrolment(1, &[Purpose::InvoiceFormal]);
    new.uzovi = Some("9001".to_owned());
    new.agb = Some("01000001".to_owned());
    new.fsc_grants = vec![FscGrant { publication_delegator: Some(oin(3)), ..grant() }];
    let shown = new.lines().join("\n");
    let points = super::compare::compare(&[], &[new]);
    let told = points.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for part in ["9001", "01000001", HASH, oin(2).as_str(), oin(3).as_str(), "2027-06-30", "INVOICE_FORMAL"] {
        assert!(shown.contains(part) && told.contains(part), "{part} is not shown: {told}");
    }
}

/// What does not print is refused while it is read; what is no code, before it widens.
#[test]
fn codes_that_hide_something_are_refused() {
    use super::change::{ChangeDocument, ChangeFault, Signed};
    let read = |uzovi: &str, agb: &str| {
        let entry = Enrolment {
            uzovi: Some(uzovi.to_owned()),
            agb: Some(agb.to_owned()),
            capacity: Some(Capacity::Controller),
            records_standing: false,
            ..enrolment(1, &[Purpose::Treatment])
        };
        let document = serde_json::json!({
            "format": super::change::CHANGE_FORMAT, "gateway": "g", "organisation": oin(1),
            "from": { "version": 0, "grant": "" }, "enrolments": [entry], "reason": "test",
            "made_at": "2026-01-01T00:00:00Z", "valid_until": "2026-01-02T00:00:00Z",
        });
        ChangeDocument::read(document.to_string().as_bytes())
    };
    assert!(read("9001", "01000001").is_ok());
    assert!(read("9001\u{1b}[2K", "01000001").is_err());
    assert!(read("9001", "0100\u{200b}0001").is_err());
    let against = |uzovi, agb| {
        let document = read(uzovi, agb).unwrap();
        let basis = document.from.clone();
        Signed { document, signers: Vec::new() }.against(&[], &basis).unwrap_err()
    };
    assert!(matches!(against("9001", "01000001"), ChangeFault::NotEnoughPersons { .. }));
    for (uzovi, agb, field) in [("900", "01000001", "`uzovi`"), ("9001", "0100000x", "`agb`")] {
        let fault = against(uzovi, agb);
        assert!(matches!(&fault, ChangeFault::Content(text) if text.contains(field)), "{fault}");
    }
}
