//! The values themselves: every one read as the gateway would, and counted where it does not read.

use super::{Findings, Weight, counted};
use crate::holder::bind::{Binds, Given, only};
use crate::holder::date::DateForm;
use crate::holder::facts::Held;
use crate::holder::flag::Flag;
use crate::holder::form::{Cell, Form, Told};
use crate::holder::map::HolderMap;
use crate::holder::name::{Alias, Name, qualified};
use crate::holder::read::cell;
use crate::holder::table::{Only, Valid};
use crate::holder::value::Part;
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

/// What an unknown secrecy means.
const SECRET: &str = "counted as secret";

/// How one column is read for one purpose.
enum Reading<'m> {
    Form(Form),
    Flag(&'m Flag),
}

/// One column of one table, read for one purpose.
struct Job<'m> {
    at: Alias,
    column: &'m Name,
    /// What it is read for, as in the map.
    what: String,
    reading: Reading<'m>,
    /// What happens to a value that does not read.
    effect: &'static str,
}

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
}

/// Reads every mapped column of every row that counts.
pub(super) fn look(
    connection: &Connection,
    map: &HolderMap,
    today: Date,
    findings: &mut Findings,
) -> rusqlite::Result<()> {
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
    }
    Ok(())
}

impl Tally {
    fn take(&mut self, job: &Job<'_>, cell: Cell<'_>, today: Date, dates: DateForm) {
        let empty = cell.text().is_some_and(|text| text.is_empty());
        self.filled += usize::from(!empty);
        let is_coded = match &job.reading {
            Reading::Form(form) => {
                if form.read(cell) != Told::Unreadable {
                    return;
                }
                matches!(form, Form::Codes(_))
            }
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
            None => job.reading.to_do(job.effect).to_owned(),
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

impl Reading<'_> {
    /// What a value must be, for people.
    fn wanted(&self) -> String {
        let form = match self {
            Self::Form(form) => form,
            Self::Flag(_) => return "a yes or a no".to_owned(),
        };
        match form {
            Form::Text => "text or a whole number".to_owned(),
            Form::Codes(_) => "a code of the map".to_owned(),
            Form::Date(form) => format!("a date {}", form.written()),
            Form::Money(_) => "an exact amount".to_owned(),
            Form::Whole => "a whole number".to_owned(),
            Form::Identifier(_) => "an identifier".to_owned(),
        }
    }

    fn to_do(&self, effect: &str) -> &'static str {
        match self {
            Self::Flag(_) if effect == SECRET => {
                "add the codes to `yes` or `no`; nothing cannot mean no: have it filled in"
            }
            Self::Flag(_) => "add the codes to `yes` or `no`, or say with `empty` what nothing means",
            Self::Form(Form::Codes(_)) => "add the codes to `codes`",
            Self::Form(Form::Text) => "for numbers with decimals write `money` or `whole`; bytes cannot be read",
            Self::Form(Form::Date(_)) => "write the form the dates have with `date`, and have what is none mended",
            Self::Form(_) => "write the form the values have, and have what is none mended",
        }
    }
}

/// Which rows of a table the map looks at.
fn rows_that_count(map: &HolderMap, at: Alias) -> Option<&Only> {
    match at {
        Alias::Client => Some(&map.client.only),
        Alias::Parent => map.parent.as_ref().map(|parent| &parent.only),
        Alias::Link => map.parent.as_ref().and_then(|parent| parent.link.as_ref()).map(|link| &link.only),
        Alias::Billing => map.billing.as_ref().map(|billing| &billing.only),
        Alias::Joined(n) => map.tables.get(n).map(|(_, joined)| &joined.only),
    }
}

fn jobs(map: &HolderMap) -> Vec<Job<'_>> {
    let mut jobs = Vec::new();
    let parent = map.parent.iter().flat_map(|parent| &parent.fields);
    let billing = map.billing.iter().flat_map(|billing| &billing.fields);
    for (field, value) in map.client.fields.iter().chain(parent).chain(billing) {
        let what = format!("field `{}`", field.code());
        let parts = value.parts().into_iter().filter(|part| !matches!(part.form, Form::Identifier(_)));
        jobs.extend(parts.map(|part| of_part(part, &what, "withheld")));
    }
    if let Some(billing) = &map.billing {
        let what = "`[billing.line]`";
        jobs.extend(billing.line.parts().into_iter().map(|part| of_part(part, what, "those lines are not confirmed")));
    }
    of_facts(map, &mut jobs);
    of_days(map, &mut jobs);
    jobs
}

fn of_part<'m>(part: &'m Part, what: &str, effect: &'static str) -> Job<'m> {
    let reading = Reading::Form(part.form.clone());
    Job { at: part.column.at, column: &part.column.column, what: what.to_owned(), reading, effect }
}

fn of_facts<'m>(map: &'m HolderMap, jobs: &mut Vec<Job<'m>>) {
    let facts = &map.facts;
    let unknown = "unknown, which never permits";
    jobs.extend(facts.birth_date.iter().map(|part| of_part(part, "fact `birth_date`", unknown)));
    if let Some(value) = &facts.municipality_code {
        jobs.extend(value.parts().into_iter().map(|part| of_part(part, "fact `municipality_code`", unknown)));
    }
    if let Some(flag) = &facts.active_case {
        of_flag(map, flag, "fact `active_case`", "counted as no running care", jobs);
    }
    for flag in &facts.residence_secret {
        of_flag(map, flag, "fact `residence_secret`", SECRET, jobs);
    }
    for (fact, held) in &facts.held {
        let what = format!("fact `{}`", fact.code());
        match held {
            Held::Flag(flag) => of_flag(map, flag, &what, unknown, jobs),
            Held::Text(value) => jobs.extend(value.parts().into_iter().map(|part| of_part(part, &what, unknown))),
        }
    }
}

fn of_flag<'m>(map: &HolderMap, flag: &'m Flag, what: &str, effect: &'static str, jobs: &mut Vec<Job<'m>>) {
    let dates = match flag {
        Flag::Coded { .. } => None,
        Flag::Running { dates, .. } => Some(dates.unwrap_or(map.head.dates)),
    };
    jobs.extend(flag.references().into_iter().map(|reference| Job {
        at: reference.at,
        column: &reference.column,
        what: what.to_owned(),
        reading: dates.map_or(Reading::Flag(flag), |form| Reading::Form(Form::Date(form))),
        effect,
    }));
}

/// The days between which rows hold, and by which the newest is found.
fn of_days<'m>(map: &'m HolderMap, jobs: &mut Vec<Job<'m>>) {
    let effect = "such a row is never taken, nor one beside it";
    let mut add = |at: Alias, what: String, column: &'m Name, dates: Option<DateForm>| {
        let reading = Reading::Form(Form::Date(dates.unwrap_or(map.head.dates)));
        jobs.push(Job { at, column, what, reading, effect });
    };
    for (n, (name, joined)) in map.tables.iter().enumerate() {
        let what = |key| format!("`{key}` of `[tables.{}]`", name.as_str());
        if let Some(valid) = &joined.valid {
            valid.columns().for_each(|column| add(Alias::Joined(n), what("valid"), column, valid.dates));
        }
        if let Some(latest) = &joined.latest {
            add(Alias::Joined(n), what("latest"), &latest.column, latest.dates);
        }
    }
    let mut of_parent = |at, section: &str, valid: &'m Option<Valid>| {
        if let Some(valid) = valid {
            valid.columns().for_each(|column| add(at, format!("`valid` of `[{section}]`"), column, valid.dates));
        }
    };
    if let Some(parent) = &map.parent {
        of_parent(Alias::Parent, "parent", &parent.valid);
        if let Some(link) = &parent.link {
            of_parent(Alias::Link, "parent.link", &link.valid);
        }
    }
}
