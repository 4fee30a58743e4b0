//! The people are who the scenes and the catalogue say they are.

use super::store::fill;
use super::*;
use jiff::civil::{Date, date};
use rusqlite::Connection;
use sluis_adapters::holder::inspect::{Bsns, Weight, inspect};
use sluis_adapters::holder::{HolderDatabase, HolderMap};
use sluis_adapters::ijw::{DeclaredLine, Jw323Reader, signed_total, write_jw323};
use sluis_adapters::system::SystemClock;
use sluis_core::claim::Comparison;
use sluis_core::field::{Field, FieldSet};
use sluis_core::ports::FactSource as _;
use sluis_core::standing::{Change, Standing};
use sluis_core::subject::SubjectId;
use std::collections::HashMap;
use std::sync::Arc;

const TODAY: Date = date(2026, 11, 21);

fn people(seed: u64) -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    fill(&mut connection, seed, TODAY).unwrap();
    connection
}

fn count(holder: &Connection, sql: &str) -> u32 {
    holder.query_row(&format!("SELECT count(*) FROM {sql}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn the_people_are_as_many_and_as_various_as_promised() {
    let holder = people(1);
    let map = HolderMap::parse(include_str!("../../../policy/holder.toml")).unwrap();
    map.check(&holder).unwrap();
    assert_eq!(count(&holder, "client"), CLIENTS);
    assert_eq!(count(&holder, "client WHERE bsn BETWEEN '999900006' AND '999999990'"), CLIENTS);
    let hague = count(&holder, "client WHERE municipality_code = '0518'");
    assert!((7_000..8_500).contains(&hague), "{hague}");
    for code in ["0503", "0603", "0637", "0599"] {
        assert!(count(&holder, &format!("client WHERE municipality_code = '{code}'")) > 100, "{code}");
    }
    let secret = count(&holder, "client WHERE residence_secret = 1");
    assert!((90..300).contains(&secret), "{secret}");
    let objections = count(&holder, "objection");
    assert!((15..90).contains(&objections), "{objections}");
    for age in 0..=22 {
        let (by, after) = (TODAY.year() - age, TODAY.year() - age - 1);
        let born = count(&holder, &format!("client WHERE birth_date <= '{by}-11-21' AND birth_date > '{after}-11-21'"));
        assert!(born > 100, "{born} of age {age}");
    }
    for partner in PARTNERS {
        assert!(count(&holder, &format!("billing WHERE provider_agb = '{}'", partner.agb)) > 2_000, "{}", partner.name);
    }
    assert_eq!(count(&holder, "billing WHERE (unit = '83') <> (tariff IS NULL)"), 0);
    assert_eq!(count(&holder, "billing WHERE amount <> volume * coalesce(tariff, 1)"), 0);
    assert!(count(&holder, "(SELECT parent_id FROM client_parent GROUP BY parent_id HAVING count(*) > 1)") > 1_000);
}

#[test]
fn one_seed_gives_the_same_people_again() {
    let print = |seed| {
        let holder = people(seed);
        let sql = "SELECT group_concat(client_number || bsn || first_name || birth_date || plan) FROM client";
        holder.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap()
    };
    let first = print(7);
    assert!(first == print(7) && first != print(8));
}

#[test]
fn all_standing_can_be_applied_and_covers_what_the_database_says() {
    let holder = people(1);
    let mut standing: HashMap<String, Standing> = HashMap::new();
    let (mut secrets, mut caseloads, mut objections) = (0, 0, 0);
    for (client, change) in standing_of(&holder).unwrap() {
        standing.entry(client).or_default().apply(&change).unwrap();
        secrets += u32::from(matches!(change, Change::SecretResidence { set: true }));
        caseloads += u32::from(matches!(change, Change::Caseload { on: true, .. }));
        objections += u32::from(matches!(change, Change::Objection { made: true, .. }));
    }
    assert_eq!(secrets, count(&holder, "client WHERE residence_secret = 1"));
    assert_eq!(caseloads, count(&holder, "caseload WHERE until IS NULL"));
    assert_eq!(objections, count(&holder, "objection"));
}

#[test]
fn the_cast_is_complete_for_several_seeds() {
    for seed in 1..3 {
        let holder = people(seed);
        let cast = Cast::find(&holder, TODAY).unwrap();
        let age = |client: &Client| {
            let sql = "SELECT birth_date FROM client WHERE client_number = ?1";
            let born: String = holder.query_row(sql, [&client.client_number], |row| row.get(0)).unwrap();
            sluis_core::subject::BirthDate::parse(&born).unwrap().ages_on(TODAY).unwrap().0
        };
        assert_eq!((age(&cast.child_of_ten.client), age(&cast.objected.client)), (10, 14));
        assert!((16..18).contains(&age(&cast.sixteen.client)));
        let involved = &cast.involved.client.client_number;
        let on = |worker: &str| {
            count(&holder, &format!("caseload WHERE client_number = '{involved}' AND worker = '{worker}'"))
        };
        assert_eq!((on(&cast.involved.worker), on(&cast.outsider)), (1, 0));
    }
}

#[test]
fn an_invoice_is_right_but_for_what_was_planted() {
    let holder = people(1);
    for partner in PARTNERS {
        let right = declaration(&holder, partner, date(2026, 10, 1), false).unwrap();
        assert_eq!((right.lines.len(), right.planted.len()), (40, 0));
        let invoice = declaration(&holder, partner, date(2026, 10, 1), true).unwrap();
        assert_eq!((invoice.lines.len(), invoice.planted.len()), (48, 8), "{}", partner.name);
        assert_eq!(signed_total(&invoice.lines), invoice.header.total);
        for declared in &invoice.lines {
            let line = &declared.line;
            let sql = "SELECT count(*) FROM billing b JOIN client c ON c.client_number = b.client_number
                WHERE c.bsn = ?1 AND c.municipality_code = '0518' AND b.allocation_number = ?2 AND b.product_code = ?3
                AND b.product_category = ?4 AND b.volume = ?5 AND b.tariff IS ?6 AND b.amount = ?7
                AND b.period_begin = '2026-10-01' AND b.unit = ?8 AND b.provider_agb = ?9";
            let found: u32 = holder
                .query_row(
                    sql,
                    rusqlite::params![
                        declared.bsn.digits(),
                        line.allocation_number,
                        line.product_code,
                        line.product_category,
                        line.volume,
                        line.tariff,
                        line.amount,
                        line.unit,
                        line.provider_agb,
                    ],
                    |row| row.get(0),
                )
                .unwrap();
            let planted = invoice.planted.iter().any(|(reference, _)| *reference == line.reference);
            assert_eq!(found == 1, !planted, "{}", line.reference);
        }
    }
}

#[test]
fn every_value_of_the_demo_is_what_its_field_or_fact_may_be() {
    let path = std::env::temp_dir().join(format!("sluis-people-domain-{}.db", std::process::id()));
    let _ = std::fs::remove_file(&path);
    create(&path, 1, TODAY).unwrap();
    let map = HolderMap::parse(include_str!("../../../policy/holder.toml")).unwrap();
    let report = inspect(&path, &map, TODAY).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(report.count(Weight::Fault), 0, "{report:#?}");
    assert_eq!(report.bsns, Bsns { test: CLIENTS as usize, other: 0 });
}

/// The whole way: database file, column map, JW323 bytes and back, and the holder's answer to every line.
#[tokio::test]
async fn the_holder_confirms_every_line_but_the_planted_ones() {
    let path = std::env::temp_dir().join(format!("sluis-people-{}.db", std::process::id()));
    let _ = std::fs::remove_file(&path);
    create(&path, 1, TODAY).unwrap();
    let map = HolderMap::parse(include_str!("../../../policy/holder.toml")).unwrap();
    let holder = HolderDatabase::open(&path, map, 1, Arc::new(SystemClock)).unwrap();
    let invoice = declaration(&Connection::open(&path).unwrap(), PARTNERS[0], date(2026, 10, 1), true).unwrap();
    let bytes = write_jw323(&invoice.header, &invoice.lines).unwrap();
    let mut secret = 0;
    for declared in Jw323Reader::open(bytes.as_slice()).unwrap() {
        let DeclaredLine { bsn, line, .. } = declared.unwrap();
        let subject = SubjectId::Bsn(bsn);
        let planted = invoice.planted.iter().find(|(reference, _)| *reference == line.reference).map(|(_, m)| *m);
        let facts = holder.facts(&subject).await.unwrap();
        assert_eq!(facts.is_none(), planted == Some(Mistake::UnknownClient));
        let hague = facts.as_ref().is_some_and(|f| f.municipality_code.as_deref() == Some("0518"));
        assert_eq!(hague, !matches!(planted, Some(Mistake::UnknownClient | Mistake::OtherMunicipality)));
        secret += u32::from(facts.is_some_and(|f| f.residence_secret));
        let fields = match (planted, holder.claim(&subject, &line).await.unwrap()) {
            (None | Some(Mistake::OtherMunicipality), Comparison::Agrees { .. })
            | (Some(Mistake::UnknownClient | Mistake::Period), Comparison::Absent) => continue,
            (_, Comparison::Differs { fields, .. }) => fields,
            (planted, other) => unreachable!("{planted:?}: {other:?}"),
        };
        let expected: &[Field] = match planted {
            Some(Mistake::Volume | Mistake::Amount) => &[Field::Volume, Field::Amount],
            Some(Mistake::Code) => &[Field::ProductCode],
            Some(Mistake::Category) => &[Field::ProductCategory],
            Some(Mistake::Tariff) => &[Field::Tariff, Field::Amount],
            _ => &[],
        };
        assert_eq!(fields, FieldSet::of(expected), "{planted:?}");
    }
    assert!(secret >= 1);
    let mut after = None;
    let mut found = 0;
    loop {
        let page = holder.subjects(after.as_deref(), 1000).await.unwrap();
        let Some(SubjectId::ClientNumber(last)) = page.last().and_then(|ids| ids.first()) else { break };
        after = Some(last.clone());
        found += page.len();
    }
    assert_eq!(found, CLIENTS as usize);
    std::fs::remove_file(&path).unwrap();
}
