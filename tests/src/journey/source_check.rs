//! `sluis source check`: everything that is wrong between a map and a database, in plain words, and no value of anybody.

use super::place::Place;
use super::program::{Said, sluis};
use super::schemas::connected;
use rusqlite::Connection;

fn check(place: &Place) -> Said {
    let said = sluis(["source", "check", "--config", place.config().to_str().unwrap()]);
    assert!(!said.out.contains("Canary"), "a value was told: {}", said.out);
    for value in ["Noor", "Lange Voorhout", "012345672", "12345672", "999900043", "999900018", "Question of"] {
        assert!(!said.out.contains(value) && !said.err.contains(value), "`{value}` was told: {said:#?}");
    }
    said
}

/// The check says all of this, with this status.
fn says(place: &Place, status: i32, words: &[&str]) {
    let said = check(place);
    assert_eq!(said.status, Some(status), "{said:#?}");
    for word in words {
        assert!(said.out.contains(word), "`{word}` is not in:\n{}", said.out);
    }
}

fn execute(place: &Place, sql: &str) {
    Connection::open(place.file("theirs.db")).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn what_is_in_order_is_status_0_and_says_what_the_rules_will_lack() {
    let place = connected("source-good", "history");
    says(
        &place,
        0,
        &[
            "3 clients, 31 fields of the catalogue kept",
            "faults: 0,",
            "rule `muni-invoice-formal` will release no start_date, end_date, measure_type",
            "rule `police-danger` will release no whereabouts, danger_nature, persons_at_risk",
            "`[tables.home]`: for 1 row of `Dossier` more than one row of `Address` could be meant today",
            "field `gender`: in 1 row of table `Person`, `Sex` does not read as a code of the map: withheld",
            "table `Dossier` has columns that the map never reads: `Private`",
            "WARNING  `bsn`: 1 of 3 lie outside the range for tests",
        ],
    );
    // Codes are told where they are common and short, never otherwise.
    execute(
        &place,
        "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
         INSERT INTO \"Person\" SELECT i, 20100101,
           CASE WHEN i < 106 THEN 'ONB' WHEN i = 106 THEN 'CanaryOnce' ELSE 'V' END, NULL FROM n",
    );
    says(&place, 0, &["`ONB` (6), 2 too rare or too long to be told"]);
}

#[test]
fn what_is_missing_or_of_the_wrong_type_is_status_1_and_names_what_is_near() {
    let place = connected("source-missing", "wide");
    place.change("theirs.toml", "\"Geboorte datum\"", "\"geboortedatum\"");
    place.change("theirs.toml", "table = \"Facturen\"", "table = \"Factuur\"");
    place.change("theirs.toml", "kept = \"digits\"", "kept = \"number\"");
    says(
        &place,
        1,
        &[
            "FAULT    table `Cliënten` has no column `geboortedatum`",
            "there is `Geboorte datum`",
            "FAULT    there is no table or view `Factuur`",
            "column `BSN` of table `Cliënten` is declared `TEXT`",
            "the data were not looked at",
        ],
    );
    place.change("theirs.toml", "sluis-holder/2", "sluis-holder/9");
    says(&place, 1, &["FAULT    the column map says format `sluis-holder/9`"]);
}

#[test]
fn values_keys_and_indexes_are_counted_and_explained() {
    let place = connected("source-values", "wide");
    place.change("theirs.toml", "date = \"DD-MM-YYYY\"", "date = \"YYYY-MM-DD\"");
    place.change("theirs.toml", "key = \"Factuurregel\"", "key = \"Product\"");
    execute(
        &place,
        "DROP INDEX \"Cliënten BSN\"; DROP INDEX \"Facturen cliënt\";
         UPDATE \"Cliënten\" SET BSN = '12345673' WHERE \"Cliëntnr\" = 'Z-2';
         INSERT INTO \"Cliënten\" (\"Cliëntnr\", BSN) VALUES ('Z-9', '999900043')",
    );
    says(
        &place,
        1,
        &[
            "field `birth_date`: in 3 rows of table `Cliënten`, `Geboorte datum` does not read as a date YYYY-MM-DD",
            "they would all read as `DD-MM-YYYY`: write that",
            "`Geheim adres` does not read as a yes or a no: counted as secret (nothing (2))",
            "nothing cannot mean no: have it filled in",
            "key `Product` of table `Facturen` is not unique: 1 value stand in more than one row",
            "`bsn`: 1 value with more than one client: nobody is known under it",
            "`bsn`: 1 of 4 are no BSN",
            "ask for: CREATE INDEX \"Cliënten_by_BSN\" ON \"Cliënten\" (\"BSN\");",
            "ask for: CREATE INDEX \"Facturen_by_Cliëntnr\" ON \"Facturen\" (\"Cliëntnr\");",
        ],
    );
}

#[test]
fn a_column_without_codes_is_held_against_what_its_field_or_fact_may_be() {
    let place = connected("source-domain", "wide");
    place.change("theirs.toml", "{ column = \"M/V\", codes = { V = \"2\", M = \"1\" } }", "\"M/V\"");
    place.change("theirs.toml", "financing_law = { fixed = \"jeugdwet\" }", "financing_law = \"Plan\"");
    says(
        &place,
        1,
        &[
            "FAULT    field `gender`: in 3 of 3 filled rows of table `Cliënten`, `M/V` is not what gender (geslacht) may be",
            "it may be: 0 unknown, 1 male, 2 female (COD046); translate each of your codes: { column = \"M/V\", codes =",
            "FAULT    fact `financing_law`: in 3 of 3 filled rows",
            "unknown, which never permits",
        ],
    );
    place.change("theirs.toml", "financing_law = \"Plan\"", "financing_law = { fixed = \"JW\" }");
    says(&place, 1, &["FAULT    `[facts]`: `financing_law` cannot be `JW`; it may be: jeugdwet, zvw, other"]);
}

#[test]
fn facts_that_are_not_mapped_are_said_with_the_rules_that_need_them() {
    let place = connected("source-facts", "wide");
    place.change("theirs.toml", "active_case = { column = \"In zorg\", yes = \"J\", no = \"N\" }\n", "");
    says(&place, 0, &["rule `partner-treatment` relies on active_case, unknown with this map"]);
}

#[test]
fn a_map_and_a_database_can_be_named_without_a_configuration() {
    let place = connected("source-bare", "history");
    let (map, database) = (place.file("theirs.toml"), place.file("theirs.db"));
    let words = ["source", "check", "--map", map.to_str().unwrap(), "--database", database.to_str().unwrap()];
    let said = sluis(words);
    assert_eq!(said.status, Some(0), "{said:#?}");
    assert!(!said.out.contains("rule `"), "{}", said.out);
    let nowhere = place.file("nowhere.db");
    let said = sluis(["source", "check", "--map", map.to_str().unwrap(), "--database", nowhere.to_str().unwrap()]);
    assert!(said.status == Some(2) && said.err.contains("does not exist"), "{said:#?}");
    assert!(!nowhere.exists());
}
