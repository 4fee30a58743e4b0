//! Clients of the holder, written for tests: every column of every table holds a value that occurs nowhere else.
//!
//! Text columns hold a marker that names client, table and column. What must have a shape (numbers, dates, codes) holds a
//! value of its own per client. Only yes-or-no columns and codes of two digits are too small to be recognised.

use jiff::ToSpan;
use jiff::civil::Date;
use rusqlite::{Connection, params};
use sluis_adapters::system::SystemClock;
use sluis_core::organisation::Oin;
use sluis_core::ports::Clock;
use sluis_core::standing::{AuthorityState, Change};
use sluis_core::subject::{Actor, Bsn, dutch_date};
use sluis_proto::v1;
use std::path::Path;

/// The municipality of The Hague as the holder of worlds writes it: a word, so that it can be searched for.
pub const HAGUE_CODE: &str = "Mk0518HagueZ";
/// The municipality of Rotterdam, likewise.
pub const ROTTERDAM_CODE: &str = "Mk0599RotterdamZ";
/// What the map of worlds makes of them for the fact, and what their enrolments say.
pub const MUNICIPALITIES: [(&str, &str); 2] = [(HAGUE_CODE, "0518"), (ROTTERDAM_CODE, "0599")];

/// The UZOVI code of the insurer of everybody in worlds.
pub const UZOVI_CODE: &str = "9901";
/// The AGB code of the practice in worlds: long enough to be searched for.
pub const GP_CODE: &str = "98419001";
/// The AGB code of whoever referred.
pub const REFERRER_CODE: &str = "98419002";
/// A practice that is not enrolled.
const OTHER_CODE: &str = "98419003";

/// One client.
#[derive(Debug, Clone)]
pub struct Client {
    /// From 1 to 99; stands in every marker.
    pub n: u32,
    /// Age in years today.
    pub age: i32,
    /// The holder's client number.
    pub number: String,
    /// BSN of the range for tests.
    pub bsn: String,
    /// The responsible municipality.
    pub municipality: &'static str,
    /// Whether the holder marks the residence as secret.
    pub secret: bool,
    /// Whether care is running.
    pub active: bool,
    /// The law that pays.
    pub financing: &'static str,
    /// Whether the privacy statement towards the insurer was signed.
    pub private: bool,
    /// The GP's AGB code, and that of whoever referred.
    pub doctors: (&'static str, &'static str),
}

/// The text that stands in a column of a client.
pub fn marker(n: u32, table: &str, column: &str) -> String {
    format!("Mk{n}q{table}q{column}Z")
}

/// The `n`-th BSN of the range for tests, from 1.
pub fn test_bsn(n: u32) -> String {
    let mut all = (999_900_006..=999_999_990_u32).map(|b| b.to_string()).filter(|b| Bsn::parse(b).is_ok());
    all.nth(n as usize).unwrap()
}

/// Today in the Netherlands.
pub fn today() -> Date {
    dutch_date(SystemClock.now())
}

impl Client {
    /// A client of The Hague of this age, in running care.
    pub fn new(n: u32, age: i32) -> Self {
        let number = format!("KR-Z{n:02}Z");
        let (financing, doctors) = ("jeugdwet", (GP_CODE, REFERRER_CODE));
        let (municipality, bsn) = (HAGUE_CODE, test_bsn(n));
        Self { n, age, number, bsn, municipality, secret: false, active: true, financing, private: false, doctors }
    }

    /// With a secret residence, as the holder says.
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// For whom another municipality is responsible.
    pub fn of(mut self, municipality: &'static str) -> Self {
        self.municipality = municipality;
        self
    }

    /// Of whom care has ended.
    pub fn ended(mut self) -> Self {
        self.active = false;
        self
    }

    /// Whose care falls under the Zvw.
    pub fn zvw(mut self) -> Self {
        self.financing = "zvw";
        self
    }

    /// Who signed the privacy statement.
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Whose GP and referrer are others.
    pub fn of_other_doctors(mut self) -> Self {
        self.doctors = (OTHER_CODE, OTHER_CODE);
        self
    }

    /// Date of birth, another one for every client.
    pub fn birth_date(&self) -> String {
        today().saturating_sub(self.age.years()).saturating_sub(i64::from(self.n).days()).to_string()
    }

    /// The parent, as the portal names the person.
    pub fn parent(&self) -> String {
        marker(self.n, "parent", "parent_id")
    }

    /// The client by client number.
    pub fn by_number(&self) -> v1::Subject {
        sluis::client::ask::by_client_number(&self.number)
    }

    /// The client by BSN.
    pub fn by_bsn(&self) -> v1::Subject {
        sluis::client::ask::by_bsn(&self.bsn)
    }

    /// A question by client number about everything.
    pub fn question(&self, purpose: v1::Purpose, actor: &str) -> v1::ReleaseRequest {
        question(self.by_number(), purpose, actor)
    }

    /// That a worker is on the case.
    pub fn caseload(&self, partner: &str, worker: &str) -> Change {
        Change::Caseload { partner: Oin::parse(partner).unwrap(), worker: actor(worker), on: true }
    }

    /// That the parent's authority is verified.
    pub fn authority(&self) -> Change {
        Change::Authority {
            portal: sluis_core::organisation::Oin::parse(sluis::demo::organisations::PORTAL.oin).unwrap(),
            person: actor(&self.parent()),
            state: Some(AuthorityState::Verified),
        }
    }

    /// The billing record as a claim line that agrees.
    pub fn claim(&self) -> v1::ClaimLine {
        v1::ClaimLine {
            reference: format!("R{}", self.n),
            bsn: self.bsn.clone(),
            allocation_number: self.whole(1),
            product_category: "45".to_owned(),
            product_code: self.product_code(),
            begin: self.period().0,
            end: self.period().1,
            volume: self.whole(2),
            unit: "14".to_owned(),
            tariff: Some(self.whole(3)),
            amount: self.whole(4),
            credit: false,
        }
    }

    /// The declarant, for an opening.
    pub fn provider_agb(&self) -> String {
        format!("9841{:04}", 7000 + self.n)
    }

    /// The code as a text in a message, with its length: four digits alone would be found by chance.
    fn municipality_on_wire(&self) -> String {
        let found = MUNICIPALITIES.iter().find(|(written, _)| *written == self.municipality);
        format!("\u{4}{}", found.unwrap().1)
    }

    fn product_code(&self) -> String {
        format!("~{:02}~k", self.n)
    }

    fn period(&self) -> (String, String) {
        let begin = jiff::civil::date(2001, 3, 1).saturating_add(i64::from(self.n).days());
        (begin.to_string(), begin.saturating_add(400.days()).to_string())
    }

    /// A day of that year and the next that is this client's own.
    fn day_of(&self, year: i16) -> String {
        jiff::civil::date(year, 3, 1).saturating_add(i64::from(self.n).days()).to_string()
    }

    fn whole(&self, k: u32) -> u32 {
        610_000_000 + self.n * 100_000 + k * 11_111
    }

    /// Every value of this client in the database that can be recognised, under `table.column`.
    pub fn values(&self) -> Vec<(String, String)> {
        let mut values = Vec::new();
        for (table, columns) in TEXT {
            for column in columns.split_whitespace() {
                values.push((format!("{table}.{column}"), marker(self.n, table, column)));
            }
        }
        let (begin, end) = self.period();
        for (place, value) in [
            ("client.client_number", self.number.clone()),
            ("client.bsn", self.bsn.clone()),
            ("client.birth_date", self.birth_date()),
            ("client.municipality_code", self.municipality.to_owned()),
            ("fact.municipality_code", self.municipality_on_wire()),
            ("client.gp_agb", self.doctors.0.to_owned()),
            ("client.referrer_agb", self.doctors.1.to_owned()),
            ("billing.provider_agb", self.provider_agb()),
            ("billing.allocation_number", self.whole(1).to_string()),
            ("billing.product_code", self.product_code()),
            ("billing.period_begin", begin),
            ("billing.period_end", end),
            ("billing.start_date", self.day_of(2003)),
            ("billing.end_date", self.day_of(2006)),
            ("billing.volume", self.whole(2).to_string()),
            ("billing.tariff", self.whole(3).to_string()),
            ("billing.amount", self.whole(4).to_string()),
        ] {
            values.push((place.to_owned(), value));
        }
        values
    }
}

/// A question about a subject.
pub fn question(subject: v1::Subject, purpose: v1::Purpose, actor: &str) -> v1::ReleaseRequest {
    let subject = Some(subject);
    v1::ReleaseRequest { subject, purpose: purpose as i32, fields: Vec::new(), actor: actor.to_owned() }
}

/// An actor.
pub fn actor(name: &str) -> Actor {
    Actor::parse(name).unwrap()
}

/// Columns that hold a marker.
const TEXT: [(&str, &str); 6] = [
    (
        "client",
        "first_name prefix last_name gender street house_number postcode place phone email reimbursement \
         help_question health_summary plan plan_summary care_status appointments parents_reports av_recordings \
         whereabouts danger_nature persons_at_risk end_reason session_notes youth_confidential care_form crisis_start \
         referrer_type outcome informant worker_contact registered_on performance_code diagnosis_group",
    ),
    ("parent", "parent_id first_name prefix last_name phone email"),
    ("client_parent", "authority"),
    ("caseload", "partner_oin worker since until"),
    ("objection", "kind made_on"),
    ("billing", "record_id referring_doctor decision_number measure_type"),
];

/// Columns that are too small or too short to be recognised in bytes, repeat a key, or say the same of everybody.
const UNMARKED: [&str; 12] = [
    "client.insurer_uzovi",
    "client.active_case",
    "client.residence_secret",
    "client.financing",
    "client.privacy_statement",
    "client_parent.client_number",
    "client_parent.parent_id",
    "caseload.client_number",
    "objection.client_number",
    "billing.client_number",
    "billing.product_category",
    "billing.unit",
];

/// Writes the holder's database with these clients.
pub fn write(file: &Path, clients: &[Client]) {
    let database = Connection::open(file).unwrap();
    database.execute_batch(sluis::demo::people::SCHEMA).unwrap();
    for client in clients {
        insert(&database, client);
    }
}

fn insert(database: &Connection, client: &Client) {
    let values: std::collections::BTreeMap<_, _> = client.values().into_iter().collect();
    let parent = client.parent();
    for table in ["client", "parent", "client_parent", "caseload", "objection", "billing"] {
        let columns = columns(database, table);
        let row: Vec<String> = columns
            .iter()
            .map(|column| match (table, column.as_str()) {
                ("client", "active_case") => u8::from(client.active).to_string(),
                ("client", "residence_secret") => u8::from(client.secret).to_string(),
                ("client", "financing") => client.financing.to_owned(),
                ("client", "privacy_statement") => u8::from(client.private).to_string(),
                ("client_parent", "parent_id") => parent.clone(),
                ("client", "insurer_uzovi") => UZOVI_CODE.to_owned(),
                (_, "client_number") => client.number.clone(),
                ("billing", "product_category") => "45".to_owned(),
                ("billing", "unit") => "14".to_owned(),
                (_, column) => values[&format!("{table}.{column}")].clone(),
            })
            .collect();
        let marks = vec!["?"; row.len()].join(", ");
        database.execute(&format!("INSERT INTO {table} VALUES ({marks})"), rusqlite::params_from_iter(row)).unwrap();
    }
}

fn columns(database: &Connection, table: &str) -> Vec<String> {
    let mut statement = database.prepare("SELECT name FROM pragma_table_info(?1)").unwrap();
    let rows = statement.query_map(params![table], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn every_column_of_every_table_holds_a_value_of_its_own() {
    let database = Connection::open_in_memory().unwrap();
    database.execute_batch(sluis::demo::people::SCHEMA).unwrap();
    let (a, b) = (Client::new(1, 8), Client::new(2, 8));
    let mut tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let held: Vec<_> = a.values().into_iter().map(|(place, _)| place).collect();
    for table in tables {
        for column in columns(&database, &table) {
            let place = format!("{table}.{column}");
            assert!(held.contains(&place) != UNMARKED.contains(&place.as_str()), "{place}");
        }
    }
    let shared = ["municipality_code", "gp_agb", "referrer_agb"];
    let own = |(place, _): &(String, String)| !shared.iter().any(|column| place.ends_with(column));
    let all: Vec<_> = a.values().into_iter().chain(b.values()).filter(own).collect();
    for (n, (place, value)) in all.iter().enumerate() {
        let elsewhere = all.iter().enumerate().find(|(m, (_, other))| *m != n && other.contains(value));
        assert!(elsewhere.is_none(), "{place} also in {elsewhere:?}");
    }
}
