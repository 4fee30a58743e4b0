//! The guide for holders is true: every piece of TOML in it reads, and the first one is a whole map that answers.

use super::*;
use crate::system::SystemClock;
use rusqlite::Connection;
use std::collections::BTreeSet;

const GUIDE: &str = include_str!("../../../docs/holder-source.md");

/// The pieces of one language, in order.
fn pieces(language: &str) -> Vec<&'static str> {
    let begin = format!("```{language}\n");
    GUIDE.split(begin.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// A piece with what it leaves out: sections that must be there, tables it names, and every other field not kept.
fn completed(piece: &str) -> String {
    let has = |section: &str| piece.lines().any(|line| line == section);
    let mut text = piece.to_owned();
    if !has("[client]") {
        text.push_str("[client]\ntable = \"C\"\nkey = \"K\"\nclient_number = \"N\"\nbsn = \"B\"\n");
    }
    let declared = |name: &str| has(&format!("[tables.{name}]"));
    for name in
        ["name", "home", "person"].into_iter().filter(|name| !declared(name) && piece.contains(&format!("\"{name}.")))
    {
        text.push_str(&format!("[tables.{name}]\ntable = \"T\"\nmatch = {{ K = \"client.K\" }}\n"));
    }
    let mut kept = BTreeSet::from(["client_number", "bsn"]);
    let mut in_fields = false;
    for line in piece.lines() {
        in_fields = if line.starts_with('[') { line.contains("fields]") } else { in_fields };
        let name = line.split('=').next().unwrap_or_default().trim();
        kept.extend(Field::from_code(name).filter(|_| in_fields).map(Field::code));
    }
    let rest: Vec<String> =
        Field::ALL.iter().map(|f| f.code()).filter(|f| !kept.contains(f)).map(|f| format!("\"{f}\"")).collect();
    let not_kept = format!("not_kept = [{}]", rest.join(", "));
    if let Some(line) = text.lines().find(|line| line.starts_with("not_kept = ")).map(str::to_owned) {
        return text.replace(&line, &not_kept);
    }
    format!("[map]\nformat = \"sluis-holder/2\"\n{not_kept}\n{text}")
}

#[test]
fn every_piece_of_the_guide_reads() {
    let pieces = pieces("toml");
    assert!(pieces.len() >= 8, "only {} pieces were found", pieces.len());
    for (n, piece) in pieces.iter().enumerate() {
        let whole = if n == 0 { (*piece).to_owned() } else { completed(piece) };
        if let Err(fault) = HolderMap::parse(&whole) {
            panic!("piece {n}: {fault}\n{whole}");
        }
    }
}

#[test]
fn the_tables_of_the_guide_say_what_the_code_goes_by() {
    let (fields, facts) = domain::rows();
    let told: Vec<&str> = GUIDE.lines().filter(|line| line.starts_with("| `")).collect();
    let meant: Vec<String> = fields.into_iter().chain(facts).collect();
    assert_eq!(told, meant, "write these rows into the guide:\n{}", meant.join("\n"));
}

#[tokio::test]
async fn the_first_map_answers_on_the_first_schema() {
    let path = std::env::temp_dir().join(format!("sluis-guide-{}.db", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let database = Connection::open(&path).unwrap();
    database.execute_batch(pieces("sql")[0]).unwrap();
    let row =
        "INSERT INTO \"Clienten\" VALUES ('K-0001', '999900006', 'Noor', 'Berg', '31-12-2015', 'Den Haag', '0518',
               'LOPEND', 0, 'a question')";
    database.execute_batch(row).unwrap();
    let map = HolderMap::parse(pieces("toml")[0]).unwrap();
    let report = inspect::inspect(&path, &map, jiff::civil::date(2026, 11, 22)).unwrap();
    assert_eq!(report.count(inspect::Weight::Fault), 0, "{report:#?}");
    let holder = HolderDatabase::open(&path, map, 1, Arc::new(SystemClock)).unwrap();
    let subject = SubjectId::client_number("K-0001").unwrap();
    let values =
        holder.values(&subject, FieldSet::of(&[Field::Name, Field::BirthDate, Field::Bsn]), None, false).unwrap();
    let told: Vec<&str> = values.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(told, ["Noor Berg", "2015-12-31", "999900006"]);
    let facts = holder.facts(&subject).await.unwrap().unwrap();
    assert!(facts.active_case && !facts.residence_secret && facts.birth_date.is_some());
    std::fs::remove_file(&path).unwrap();
}
