//! The values themselves: every one read as the gateway would, and counted where it does not read.

use super::jobs::{Job, Reading, jobs, rows_that_count};
use super::shapes::{Misshapen, written};
use super::{Findings, Weight, counted};
use crate::holder::bind::{Binds, Given, only};
use crate::holder::date::DateForm;
use crate::holder::form::{Cell, Form, Told};
use crate::holder::map::HolderMap;
use crate::holder::name::{Alias, Name, qualified};
use crate::holder::read::cell;
use jiff::civil::Date;
use rusqlite::{Connection, params_from_iter};
use std::collections::{BTreeMap, BTreeSet};

/// A code is told when it stands in at least so many rows: what fewer have could tell of a person.
const CODE_ROWS_MIN: usize = 5;
/// Longer texts are no codes.
const CODE_LETTERS_MAX: usize = 12;
/// Codes told per column.
const CODES_MAX: usize = 5;
/// A column with more different values than this holds no codes; none of them is told.
const CODES_DIFFERENT_MAX: usize = 40;

/// What reading a column gave.
#[derive(Default)]
struct Tally {
    filled: usize,
    unreadable: usize,
    /// Those of them that are nothing at all.
    nothing: usize,
    /// Those of them that would read in another form of date.
    otherwise: BTreeMap<&'static str, usize>,
    codes: BTreeMap<String, usize>,
    /// Those that read and are not what they may be.
    misshapen: Misshapen,
}

/// Reads every mapped column of every row that counts.
pub(super) fn look(
    connection: &Connection,
    map: &HolderMap,
    today: Date,
    findings: &mut Findings,
) -> rusqlite::Result<()> {
    written(map, findings);
    let jobs = jobs(map);
    let tables: BTreeSet<Alias> = jobs.iter().map(|job| job.at).collect();
    for at in tables {
        let of_table: Vec<&Job<'_>> = jobs.iter().filter(|job| job.at == at).collect();
        scan(connection, map, at, &of_table, today, findings)?;
    }
    Ok(())
}

fn scan(
    connection: &Connection,
    map: &HolderMap,
    at: Alias,
    jobs: &[&Job<'_>],
    today: Date,
    findings: &mut Findings,
) -> rusqlite::Result<()> {
    let Some(table) = map.named_table(at) else { return Ok(()) };
    let mut binds = Binds::default();
    let conditions = rows_that_count(map, at).map_or_else(Vec::new, |rows| only(rows, &at.sql(), &mut binds));
    let wanted = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let columns: Vec<String> = jobs.iter().map(|job| qualified(at, job.column)).collect();
    let sql = format!("SELECT {} FROM {} AS {}{wanted}", columns.join(", "), table.quoted(), at.sql());
    let mut prepared = connection.prepare(&sql)?;
    let given = Given { key: "", today, begin: None, count: 0 };
    let mut rows = prepared.query(params_from_iter(binds.values(&given)))?;
    let mut tallies: Vec<Tally> = jobs.iter().map(|_| Tally::default()).collect();
    while let Some(row) = rows.next()? {
        for (n, (job, tally)) in jobs.iter().zip(&mut tallies).enumerate() {
            tally.take(job, cell(row.get_ref(n)?), today, map.head.dates);
        }
    }
    for (job, tally) in jobs.iter().zip(&tallies) {
        tally.tell(job, table, findings);
        tally.misshapen.tell(job, table, tally.filled, findings);
    }
    Ok(())
}

impl Tally {
    fn take(&mut self, job: &Job<'_>, cell: Cell<'_>, today: Date, dates: DateForm) {
        let empty = cell.text().is_some_and(|text| text.is_empty());
        self.filled += usize::from(!empty);
        let is_coded = match &job.reading {
            Reading::Form(form) => match form.read(cell) {
                Told::Absent => return,
                Told::Value(told) => return self.misshapen.take(job, form, cell, &told),
                Told::Unreadable => matches!(form, Form::Codes(_)),
            },
            Reading::Flag(flag) => {
                if flag.read(&mut std::iter::once(cell), today, dates).is_some() {
                    return;
                }
                true
            }
        };
        self.unreadable += 1;
        if empty {
            self.nothing += 1;
            return;
        }
        if let Reading::Form(Form::Date(_)) = &job.reading {
            let others = DateForm::ALL.iter().filter(|form| matches!(Form::Date(**form).read(cell), Told::Value(_)));
            others.for_each(|form| *self.otherwise.entry(form.written()).or_default() += 1);
        }
        if let (true, Some(code), true) = (is_coded, cell.text(), self.codes.len() <= CODES_DIFFERENT_MAX) {
            *self.codes.entry(code).or_default() += 1;
        }
    }

    fn tell(&self, job: &Job<'_>, table: &Name, findings: &mut Findings) {
        if self.unreadable == 0 {
            return;
        }
        let (what, column, effect) = (&job.what, job.column.as_str(), job.effect);
        let is = format!(
            "{what}: in {} of table `{}`, `{column}` does not read as {}: {effect}{}",
            counted(self.unreadable as u64, "row"),
            table.as_str(),
            job.reading.wanted(),
            self.told_codes(),
        );
        let to_do = match self.otherwise.iter().find(|(_, rows)| **rows == self.unreadable) {
            Some((form, _)) => format!("they would all read as `{form}`: write that"),
            None => job.to_do().to_owned(),
        };
        let most = self.unreadable * 2 > self.filled.max(1);
        findings.add(if most { Weight::Fault } else { Weight::Warning }, is, to_do);
    }

    /// Codes that the map does not have, where they can be no datum of a person.
    fn told_codes(&self) -> String {
        let mut told = Vec::new();
        if self.nothing > 0 {
            told.push(format!("nothing ({})", self.nothing));
        }
        if self.codes.len() <= CODES_DIFFERENT_MAX {
            let tellable =
                |(code, rows): &(&String, &usize)| **rows >= CODE_ROWS_MIN && code.chars().count() <= CODE_LETTERS_MAX;
            let mut common: Vec<(&String, &usize)> = self.codes.iter().filter(tellable).collect();
            common.sort_by_key(|(_, rows)| std::cmp::Reverse(**rows));
            let common = common.iter().take(CODES_MAX);
            let shown = told.len();
            told.extend(common.map(|(code, rows)| format!("`{}` ({rows})", code.escape_debug())));
            let rest = self.codes.len() - (told.len() - shown);
            if rest > 0 {
                told.push(format!("{rest} too rare or too long to be told"));
            }
        }
        if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
    }
}
