//! `source check`: what a holder's database and a column map have to say to each other, in plain words.
//!
//! Everything is looked at, not the first fault only. What is found is counted: no value of a person is ever told. The
//! one exception are codes of columns that the map translates, and of those only short ones that stand in several rows.

mod index;
mod jobs;
mod near;
mod rows;
mod schema;
mod shapes;
mod values;

use super::fault::store_error;
use super::map::HolderMap;
use super::pool::open_read_only;
use super::{Field, FieldSet, MapFault, OpenFault};
use jiff::civil::Date;
use rusqlite::Connection;
use schema::Schema;
use std::path::Path;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The gateway does not start, or a map that is wrong withholds what could be given.
    Fault,
    /// Some values are withheld, or reading is slow.
    Warning,
    /// Good to know.
    Note,
}

impl Weight {
    /// The word in front of a finding.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fault => "FAULT",
            Self::Warning => "WARNING",
            Self::Note => "NOTE",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub weight: Weight,
    /// What is so.
    pub is: String,
    /// What to do about it; empty when nothing need be done.
    pub to_do: String,
}

/// How many clients have a BSN of the range for tests, and how many another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bsns {
    /// From 999900006 to 999999990.
    pub test: usize,
    /// Every other.
    pub other: usize,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Clients that count, with today's identifiers; none when the schema did not let them be counted.
    pub clients: Option<usize>,
    /// In which range the BSNs of the clients lie.
    pub bsns: Bsns,
    /// The fields that the map keeps.
    pub kept: FieldSet,
    /// The facts that rules of the policy rely on and this map leaves unknown, by their names in rules.
    pub unknown_facts: Vec<&'static str>,
    /// What was found, faults first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The report when the map itself does not read: one fault.
    #[must_use]
    pub fn of_map_fault(fault: &MapFault) -> Self {
        let mut findings = Findings::default();
        findings.add(Weight::Fault, fault.to_string(), "docs/holder-source.md explains every key");
        Self {
            clients: None,
            bsns: Bsns::default(),
            kept: FieldSet::EMPTY,
            unknown_facts: Vec::new(),
            findings: findings.0,
        }
    }

    /// How many findings have this weight.
    #[must_use]
    pub fn count(&self, weight: Weight) -> usize {
        self.findings.iter().filter(|finding| finding.weight == weight).count()
    }
}

/// Findings while they are gathered.
#[derive(Default)]
struct Findings(Vec<Finding>);

/// A number of things, in words.
fn counted(n: impl Into<u128>, thing: &str) -> String {
    let n = n.into();
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

impl Findings {
    fn add(&mut self, weight: Weight, is: impl Into<String>, to_do: impl Into<String>) {
        self.0.push(Finding { weight, is: is.into(), to_do: to_do.into() });
    }
}

/// Opens the database for reading and compares it with the map as of `today`.
///
/// # Errors
/// [`OpenFault::Store`] when the database does not open or answer.
pub fn inspect(path: &Path, map: &HolderMap, today: Date) -> Result<Report, OpenFault> {
    let connection = open_read_only(path)?;
    let look = || look(&connection, path, map, today);
    look().map_err(|fault| OpenFault::Store(store_error(fault)))
}

fn look(connection: &Connection, path: &Path, map: &HolderMap, today: Date) -> rusqlite::Result<Report> {
    let mut findings = Findings::default();
    let schema = Schema::read(connection)?;
    rights(path, &mut findings);
    schema.compare(map, &mut findings);
    let complete = findings.0.iter().all(|finding| finding.weight != Weight::Fault);
    let (mut clients, mut bsns) = (None, Bsns::default());
    if complete {
        index::look(connection, map, &schema, &mut findings)?;
        let (count, of_clients) = rows::look(connection, map, today, &mut findings)?;
        (clients, bsns) = (Some(count), of_clients);
        values::look(connection, map, today, &mut findings)?;
    } else {
        findings.add(Weight::Note, "the data were not looked at", "mend the faults above, then check again");
    }
    not_kept(map, &mut findings);
    findings.0.sort_by_key(|finding| finding.weight);
    Ok(Report { clients, bsns, kept: map.kept(), unknown_facts: unknown_facts(map), findings: findings.0 })
}

/// The gateway opens for reading only; that it also cannot do otherwise is for the operating system to say.
fn rights(path: &Path, findings: &mut Findings) {
    let writable = std::fs::OpenOptions::new().append(true).open(path).is_ok();
    if writable {
        findings.add(
            Weight::Warning,
            "the user who runs this may write to the database file; the gateway opens it for reading only",
            "give the gateway's user read permission alone (with WAL also on the files -wal and -shm), or a read-only copy",
        );
    }
}

fn not_kept(map: &HolderMap, findings: &mut Findings) {
    let kept = map.kept();
    let missing: Vec<&str> = Field::ALL.iter().filter(|field| !kept.contains(**field)).map(|f| f.code()).collect();
    if !missing.is_empty() {
        findings.add(Weight::Note, format!("not kept by this map: {}", missing.join(", ")), String::new());
    }
}

/// What stays unknown to every rule, since the map has no column for it.
fn unknown_facts(map: &HolderMap) -> Vec<&'static str> {
    let facts = &map.facts;
    let known = [
        ("age", facts.birth_date.is_some()),
        ("own_municipality", facts.municipality_code.is_some()),
        ("active_case", facts.active_case.is_some()),
        ("residence_secret", !facts.residence_secret.is_empty()),
        ("declared", map.billing.is_some()),
    ];
    known.into_iter().filter(|(_, is_known)| !is_known).map(|(name, _)| name).collect()
}
