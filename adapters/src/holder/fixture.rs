//! For tests: the demo's map, sets of fields, and a database in which every column holds a marker of its own.

use super::map::HolderMap;
use rusqlite::Connection;
use sluis_core::field::{Field, FieldSet};
use std::path::PathBuf;

pub(super) const MAP: &str = include_str!("../../../gateway/policy/holder.toml");

/// The empty set, every set of one, the full set, and many more in a fixed order.
pub(super) fn sets() -> Vec<FieldSet> {
    let mut sets = vec![FieldSet::EMPTY, FieldSet::of(Field::ALL)];
    sets.extend(Field::ALL.iter().map(|f| FieldSet::of(&[*f])));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..300 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        sets.push(Field::ALL.iter().copied().filter(|f| state >> (*f as u8) & 1 == 1).collect());
    }
    sets
}

/// A database file that is removed with the test.
pub(super) struct Scratch {
    pub(super) path: PathBuf,
}

impl Scratch {
    /// A fresh file with the tables of the demo's map. Every column of the clients KR-A1 and KR-A2, their parents
    /// and records holds the text `table.column#row`, but for what must have a form.
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sluis-holder-{name}-{}.db", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE client (client_number TEXT PRIMARY KEY COLLATE NOCASE, bsn TEXT, first_name, prefix,
                   last_name, gender, birth_date, street, house_number, postcode, place, phone, email,
                   municipality_code, active_case, residence_secret, reimbursement, help_question, health_summary,
                   plan, plan_summary, care_status, appointments, parents_reports, av_recordings, whereabouts,
                   danger_nature, persons_at_risk, end_reason, session_notes, youth_confidential, care_form,
                   crisis_start, referrer_type, outcome, informant, worker_contact, registered_on, financing,
                   insurer_uzovi, performance_code, diagnosis_group, privacy_statement, gp_agb, referrer_agb);
                 CREATE TABLE parent (parent_id, first_name, prefix, last_name, phone, email);
                 CREATE TABLE client_parent (client_number, parent_id, authority);
                 CREATE TABLE billing (record_id TEXT, client_number, provider_agb, allocation_number,
                   product_category, product_code, period_begin, period_end, volume, unit, tariff, amount,
                   start_date, end_date, referring_doctor, decision_number, measure_type);",
            )
            .unwrap();
        HolderMap::parse(MAP).unwrap().check(&connection).unwrap();
        for (row, bsn) in [("1", "999900006"), ("2", "999900018")] {
            let client = format!("KR-A{row}");
            fill(
                &connection,
                "client",
                row,
                &[
                    ("client_number", &client),
                    ("bsn", bsn),
                    ("birth_date", "2010-11-21"),
                    ("active_case", "@1"),
                    ("municipality_code", "0518"),
                    ("residence_secret", "@0"),
                    ("financing", "zvw"),
                    ("privacy_statement", "@1"),
                ],
            );
            let record = format!("R{row}");
            fill(
                &connection,
                "billing",
                row,
                &[
                    ("record_id", &record),
                    ("client_number", &client),
                    ("provider_agb", "41410001"),
                    ("allocation_number", "@7001"),
                    ("product_category", "45"),
                    ("product_code", "45A04"),
                    ("period_begin", "2026-10-01"),
                    ("period_end", "2026-10-31"),
                    ("volume", "@120"),
                    ("unit", "01"),
                    ("tariff", "@112"),
                    ("amount", "@13440"),
                    ("start_date", &format!("2025-01-0{row}")),
                    ("end_date", &format!("2025-02-0{row}")),
                ],
            );
            for parent in ["a", "b"] {
                let id = format!("parent-{row}{parent}");
                fill(&connection, "parent", &format!("{row}{parent}"), &[("parent_id", &id)]);
                let links = [("client_number", client.as_str()), ("parent_id", id.as_str())];
                fill(&connection, "client_parent", &format!("{row}{parent}"), &links);
            }
        }
        Self { path }
    }

    /// A connection that can write.
    pub(super) fn writer(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// One row: the given values (`@` before a number), and markers in every other column.
fn fill(connection: &Connection, table: &str, row: &str, given: &[(&str, &str)]) {
    let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?1)").unwrap();
    let names: Vec<String> = columns.query_map([table], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
    let values: Vec<String> = names
        .iter()
        .map(|name| match given.iter().find(|(n, _)| n == name).map(|(_, v)| *v) {
            Some(value) => value.strip_prefix('@').map_or(format!("'{value}'"), str::to_owned),
            None => format!("'{table}.{name}#{row}'"),
        })
        .collect();
    connection.execute(&format!("INSERT INTO {table} VALUES ({})", values.join(",")), []).unwrap();
}
