//! A log that began last year, served by the real binary: its start ends that year, and an auditor gets both.

use super::consistency::python;
use super::load::partner;
use super::place::Place;
use super::program::{Said, sluis};
use sluis::demo::organisations::DOSSIER_SYSTEM;
use sluis_core::log::checkpoint::under_name;
use std::path::Path;

fn words(place: &Place, text: &str) -> Said {
    let place_of = |word: &str| match word {
        "@partner" => place.profile_file(&partner()).display().to_string(),
        "@system" => place.profile_file(&DOSSIER_SYSTEM).display().to_string(),
        _ => word.strip_prefix('/').map_or_else(|| word.to_owned(), |file| place.file(file).display().to_string()),
    };
    sluis(text.split_whitespace().map(place_of))
}

fn good(place: &Place, text: &str) -> Said {
    let said = words(place, text);
    assert_eq!(said.status, Some(0), "{text}: {said:#?}");
    said
}

/// A folder whose log is made as it was made last year.
fn since_last_year(place: &Place) -> i16 {
    let mut config = place.config_read();
    config.log.year -= 1;
    std::fs::write(place.config(), toml::to_string(&config).unwrap()).unwrap();
    for made in ["log.db", "keys.db", "log.anchor", "log.key", "master.key", "wrapping/1.key", "token.key"] {
        let _absent = std::fs::remove_file(place.file(made));
    }
    good(place, "init --config /gateway.toml");
    config.log.year
}

/// Kills the gateway that turned the year, and serves again.
#[test]
fn a_gateway_serves_on_over_a_new_year() {
    let place = Place::new("new-year");
    let year = since_last_year(&place);
    let (before, now) = (format!("{year}-1"), format!("{}-1", year + 1));
    place.serve().kill();
    let gateway = place.serve();
    let holder = rusqlite::Connection::open(place.file("holder.db")).unwrap();
    let one = "SELECT client_number FROM client WHERE active_case = 1 AND residence_secret = 0 LIMIT 1";
    let client: String = holder.query_row(one, [], |row| row.get(0)).unwrap();
    let partner = partner().oin;
    good(&place, &format!("standing --profile @system --client {client} caseload --partner {partner} --worker w-1"));
    let ask = format!("ask --profile @partner --client {client} --purpose TREATMENT --actor w-1 --keep /kept");
    let said = good(&place, &ask);
    let proof = said.out.lines().find_map(|line| line.strip_prefix("kept      ")).unwrap().to_owned();

    good(&place, "log export --config /gateway.toml /export");
    let said = good(&place, "log verify /export");
    assert!(said.out.contains("2 shards, each continues the one before it: verified"), "{}", said.out);
    let (status, text) = python(&["log", &place.file("export").display().to_string()]);
    assert!(status == Some(0) && text.matches("verified: ").count() == 2, "{text}");

    // Whoever was given the key of last year has the key of this one.
    let given = |file: &str| std::fs::read_to_string(place.file(file)).unwrap().trim().to_owned();
    let (first, newest) = (given(&format!("export/before/{before}/vkey")), given("export/vkey"));
    assert!(first.contains(&before) && newest.contains(&now), "{first} {newest}");
    let (name, _) = newest.split_once('+').unwrap();
    assert_eq!(under_name(&first, name).unwrap(), newest);
    assert_eq!(sluis(["log", "receipt", &proof, "--vkey", &newest]).status, Some(0));
    assert_eq!(sluis(["log", "receipt", &proof, "--vkey", &first]).status, Some(1), "a receipt of this year");

    gateway.signal("TERM");
    assert_eq!(gateway.end().status, Some(0));
    let lost = place.file("export/before").join(&before);
    std::fs::rename(&lost, place.file("aside")).unwrap();
    let said = words(&place, "log verify /export");
    assert!(said.status == Some(1) && said.out.contains("is missing from the export"), "{said:#?}");
    // The closed year alone is whole in itself.
    let alone = Path::new("aside");
    let said = words(&place, &format!("log verify /{}", alone.display()));
    assert_eq!(said.status, Some(0), "{said:#?}");
}
