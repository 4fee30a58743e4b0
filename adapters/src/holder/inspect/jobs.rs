//! Every column that is read, with what it is read for: fields, facts, billing lines, and the days between which rows hold.

use crate::holder::date::DateForm;
use crate::holder::domain::{BIRTH_DATE, Domain, MUNICIPALITY_CODE, of_field, of_held};
use crate::holder::facts::Held;
use crate::holder::flag::Flag;
use crate::holder::form::Form;
use crate::holder::map::{HolderMap, Line};
use crate::holder::name::{Alias, Name};
use crate::holder::table::{Only, Valid};
use crate::holder::value::{Part, Value};
use sluis_core::field::Field;

/// What an unknown secrecy means.
const SECRET: &str = "counted as secret";
/// What happens to a fact that does not read.
const UNKNOWN: &str = "unknown, which never permits";
/// What happens to a line that does not read.
const NOT_CONFIRMED: &str = "those lines are not confirmed";

/// How one column is read for one purpose.
pub(super) enum Reading<'m> {
    Form(Form),
    Flag(&'m Flag),
}

/// One column of one table, read for one purpose.
pub(super) struct Job<'m> {
    pub(super) at: Alias,
    pub(super) column: &'m Name,
    /// What it is read for, as in the map.
    pub(super) what: String,
    pub(super) reading: Reading<'m>,
    /// What happens to a value that does not read.
    pub(super) effect: &'static str,
    /// What a value that reads must be, where the whole value stands in this column.
    pub(super) domain: Option<Domain>,
    /// Whether a value that is something else leaves as it stands: it is a field. What is not a field is refused.
    pub(super) leaves: bool,
}

impl<'m> Job<'m> {
    fn of_part(part: &'m Part, what: String, effect: &'static str, domain: Option<Domain>) -> Self {
        let reading = Reading::Form(part.form.clone());
        Self { at: part.column.at, column: &part.column.column, what, reading, effect, domain, leaves: false }
    }

    /// The columns of a value; it has its domain where it is one column as a whole.
    fn of_value(value: &'m Value, what: &str, effect: &'static str, domain: Domain) -> Vec<Self> {
        let whole = value.alone().map(|_| domain);
        value.parts().into_iter().map(|part| Self::of_part(part, what.to_owned(), effect, whole)).collect()
    }

    /// What to do about values that do not read.
    pub(super) fn to_do(&self) -> &'static str {
        match &self.reading {
            Reading::Flag(_) if self.effect == SECRET => {
                "add the codes to `yes` or `no`; nothing cannot mean no: have it filled in"
            }
            Reading::Flag(_) => "add the codes to `yes` or `no`, or say with `empty` what nothing means",
            Reading::Form(Form::Codes(_)) => "add the codes to `codes`",
            Reading::Form(Form::Text) => "for numbers with decimals write `money` or `whole`; bytes cannot be read",
            Reading::Form(Form::Date(_)) => "write the form the dates have with `date`, and have what is none mended",
            Reading::Form(_) => "write the form the values have, and have what is none mended",
        }
    }
}

impl Reading<'_> {
    /// What a value must be, for people.
    pub(super) fn wanted(&self) -> String {
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
}

/// Which rows of a table the map looks at.
pub(super) fn rows_that_count(map: &HolderMap, at: Alias) -> Option<&Only> {
    match at {
        Alias::Client => Some(&map.client.only),
        Alias::Parent => map.parent.as_ref().map(|parent| &parent.only),
        Alias::Link => map.parent.as_ref().and_then(|parent| parent.link.as_ref()).map(|link| &link.only),
        Alias::Billing => map.billing.as_ref().map(|billing| &billing.only),
        Alias::Joined(n) => map.tables.get(n).map(|(_, joined)| &joined.only),
    }
}

/// Every field that is mapped, with how it is made; not the identifiers, which are looked at with the keys.
pub(super) fn fields(map: &HolderMap) -> impl Iterator<Item = (Field, &Value)> {
    let parent = map.parent.iter().flat_map(|parent| &parent.fields);
    let billing = map.billing.iter().flat_map(|billing| &billing.fields);
    let all = map.client.fields.iter().chain(parent).chain(billing).map(|(field, value)| (*field, value));
    all.filter(|(field, _)| !matches!(field, Field::Bsn | Field::ClientNumber))
}

/// Everything that is read.
pub(super) fn jobs(map: &HolderMap) -> Vec<Job<'_>> {
    let mut jobs = Vec::new();
    for (field, value) in fields(map) {
        let what = format!("field `{}`", field.code());
        let of_value = Job::of_value(value, &what, "withheld", of_field(field));
        jobs.extend(of_value.into_iter().map(|job| Job { leaves: true, ..job }));
    }
    if let Some(billing) = &map.billing {
        of_line(&billing.line, &mut jobs);
    }
    of_facts(map, &mut jobs);
    of_days(map, &mut jobs);
    jobs
}

fn of_line<'m>(line: &'m Line, jobs: &mut Vec<Job<'m>>) {
    let what = |name: &str| format!("`{name}` of `[billing.line]`");
    for (field, value) in line.coded() {
        jobs.extend(Job::of_value(value, &what(field.code()), NOT_CONFIRMED, of_field(field)));
    }
    for (field, part) in line.counted() {
        jobs.push(Job::of_part(part, what(field.code()), NOT_CONFIRMED, Some(of_field(field))));
    }
    for (name, part) in [("begin", &line.begin), ("end", &line.end)] {
        jobs.push(Job::of_part(part, what(name), NOT_CONFIRMED, None));
    }
}

fn of_facts<'m>(map: &'m HolderMap, jobs: &mut Vec<Job<'m>>) {
    let facts = &map.facts;
    let birth_date = facts.birth_date.iter();
    jobs.extend(birth_date.map(|part| Job::of_part(part, "fact `birth_date`".to_owned(), UNKNOWN, Some(BIRTH_DATE))));
    if let Some(value) = &facts.municipality_code {
        jobs.extend(Job::of_value(value, "fact `municipality_code`", UNKNOWN, MUNICIPALITY_CODE));
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
            Held::Flag(flag) => of_flag(map, flag, &what, UNKNOWN, jobs),
            Held::Text(value) => jobs.extend(Job::of_value(value, &what, UNKNOWN, of_held(*fact))),
        }
    }
}

fn of_flag<'m>(map: &'m HolderMap, flag: &'m Flag, what: &str, effect: &'static str, jobs: &mut Vec<Job<'m>>) {
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
        domain: None,
        leaves: false,
    }));
}

/// The days between which rows hold, and by which the newest is found.
fn of_days<'m>(map: &'m HolderMap, jobs: &mut Vec<Job<'m>>) {
    let effect = "such a row is never taken, nor one beside it";
    let mut add = |at: Alias, what: String, column: &'m Name, dates: Option<DateForm>| {
        let reading = Reading::Form(Form::Date(dates.unwrap_or(map.head.dates)));
        jobs.push(Job { at, column, what, reading, effect, domain: None, leaves: false });
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
