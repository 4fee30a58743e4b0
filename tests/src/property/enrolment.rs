//! What is called narrower never permits more: on random enrolments, for every purpose, certificate and day.

use jiff::civil::{Date, date};
use proptest::prelude::*;
use sluis_core::enrolment::compare::{compare, widens};
use sluis_core::enrolment::select::select;
use sluis_core::enrolment::{Agreement, BsnGround, Capacity, Enrolment, PinnedCertificate};
use sluis_core::fact::{Fact, Facts};
use sluis_core::organisation::{Oin, Purpose, RecipientType};

const PURPOSES: [Purpose; 3] = [Purpose::Treatment, Purpose::Crisis, Purpose::InvoiceFormal];
const CERTIFICATES: [&str; 3] = ["one", "two", "three"];
const MUNICIPALITIES: [&str; 2] = ["0518", "0599"];

fn days() -> impl Iterator<Item = Date> {
    (1..=4).map(|day| date(2026, 11, day))
}

fn day() -> impl Strategy<Value = Date> {
    (1..=3_i8).prop_map(|day| date(2026, 11, day))
}

fn agreement() -> impl Strategy<Value = Agreement> {
    (0..2, day()).prop_map(|(n, until)| Agreement { reference: format!("A-{n}"), until })
}

fn purposes() -> impl Strategy<Value = Vec<Purpose>> {
    proptest::collection::vec(proptest::sample::select(&PURPOSES), 0..3)
}

fn pins() -> impl Strategy<Value = Vec<PinnedCertificate>> {
    let pin = (proptest::sample::select(&CERTIFICATES[..2]), proptest::option::of(day()))
        .prop_map(|(name, until)| PinnedCertificate { thumbprint: name.to_owned(), until });
    proptest::collection::vec(pin, 0..3)
}

fn enrolment() -> impl Strategy<Value = Enrolment> {
    let who = (0..2, proptest::sample::select(&[RecipientType::CarePartner, RecipientType::AccessTeam]));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), proptest::bool::weighted(0.2));
    let grounds = (
        agreement(),
        proptest::option::of(agreement()),
        proptest::option::of(proptest::sample::select(&MUNICIPALITIES)),
        proptest::option::of(proptest::sample::select(Capacity::ALL)),
    );
    (who, purposes(), proptest::bool::weighted(0.2), flags, grounds, pins()).prop_map(
        |((unit, recipient), purposes, off, (secrecy, ground, standing, suspended), grounds, certificates)| Enrolment {
            oin: Oin::parse("00000099000000001001").unwrap(),
            name: "name".to_owned(),
            unit: format!("unit {unit}"),
            recipient,
            capacity: grounds.3,
            suspended_purposes: if off { purposes.first().copied().into_iter().collect() } else { Vec::new() },
            purposes,
            agreement: grounds.0,
            agreement_6a3: grounds.1,
            municipality_code: grounds.2.map(str::to_owned),
            secrecy_signed: secrecy,
            bsn_ground: ground.then(|| BsnGround { article: "7.2.1".to_owned() }),
            records_standing: standing,
            suspended,
            certificates,
            fsc_grants: Vec::new(),
            uzovi: None,
            agb: None,
        },
    )
}

/// One step that somebody could take with an entry; most of them narrow.
fn step(entry: &mut Enrolment, other: Enrolment, what: u8) {
    match what % 14 {
        0 => entry.purposes = other.purposes,
        1 => entry.suspended_purposes = other.suspended_purposes,
        2 => entry.agreement.until = other.agreement.until,
        3 => entry.agreement_6a3 = other.agreement_6a3,
        4 => entry.municipality_code = None,
        5 => entry.secrecy_signed = false,
        6 => entry.bsn_ground = None,
        7 => entry.records_standing = other.records_standing,
        8 => entry.suspended = true,
        9 => entry.certificates = other.certificates,
        10 => entry.purposes.clear(),
        11 => entry.certificates.truncate(1),
        12 => entry.purposes.truncate(1),
        _ => *entry = other,
    }
}

fn change() -> impl Strategy<Value = (Vec<Enrolment>, Vec<Enrolment>)> {
    let steps = proptest::collection::vec((any::<proptest::sample::Index>(), enrolment(), any::<u8>()), 0..3);
    (
        proptest::collection::vec(enrolment(), 0..4),
        steps,
        proptest::option::weighted(0.3, any::<proptest::sample::Index>()),
    )
        .prop_map(|(before, steps, gone)| {
            let mut after = before.clone();
            for (at, other, what) in steps {
                match after.len() {
                    0 => after.push(other),
                    count => step(&mut after[at.index(count)], other, what),
                }
            }
            if let Some(at) = gone.filter(|_| !after.is_empty()) {
                after.remove(at.index(after.len()));
            }
            (before, after)
        })
}

/// Everything a call can get: facts in its favour, a ground for a BSN, the type of recipient, recording standing.
fn permitted(
    enrolments: &[Enrolment],
    purpose: Option<Purpose>,
    certificate: &str,
    today: Date,
) -> Option<(RecipientType, Vec<bool>)> {
    let chosen = select(enrolments, purpose, certificate, today).ok()?;
    let Some(purpose) = purpose else {
        return chosen.records_standing.then(|| (RecipientType::Holder, Vec::new()));
    };
    let own = |code: &str| chosen.answer(Facts::UNKNOWN, purpose, Some(code), today);
    let yes = |facts: Facts, fact| facts.value(fact) == Some("true");
    let facts = own(MUNICIPALITIES[0]);
    let mut rights: Vec<bool> =
        [Fact::Agreement6a3, Fact::SecrecySigned].into_iter().map(|fact| yes(facts, fact)).collect();
    rights.extend(MUNICIPALITIES.iter().map(|code| yes(own(code), Fact::OwnMunicipality)));
    rights.push(chosen.bsn_ground.is_some());
    yes(facts, Fact::EnrolledPurpose).then_some((chosen.recipient, rights))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn what_is_narrower_permits_no_more((before, after) in change()) {
        let points = compare(&before, &after);
        prop_assert_eq!(points.is_empty(), before == after);
        if widens(&points) {
            return Ok(());
        }
        for purpose in PURPOSES.into_iter().map(Some).chain([None]) {
            for (certificate, today) in CERTIFICATES.iter().flat_map(|c| days().map(move |day| (c, day))) {
                let Some((recipient, new)) = permitted(&after, purpose, certificate, today) else { continue };
                let old = permitted(&before, purpose, certificate, today);
                let within = old.as_ref().is_some_and(|(was, old)| {
                    *was == recipient && new.iter().zip(old).all(|(new, old)| !new || *old)
                });
                prop_assert!(within, "{:?} {} {}: {:?} was {:?}\n{:#?}", purpose, certificate, today, new, old, points);
            }
        }
    }
}
