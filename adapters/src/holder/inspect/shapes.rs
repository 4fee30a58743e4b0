//! Values that read and are not what their field or fact may be: counted, never told, with how to translate them.

use super::jobs::{Job, fields};
use super::{Findings, Weight};
use crate::holder::date::DateForm;
use crate::holder::domain::{Domain, Shape, of_field};
use crate::holder::form::{Cell, Form, Told};
use crate::holder::map::HolderMap;
use crate::holder::name::Name;
use std::collections::BTreeMap;

/// What the map itself writes for a field, fixed or by its codes. The map of a fact or billing line does not read at all.
pub(super) fn written(map: &HolderMap, findings: &mut Findings) {
    for (field, value) in fields(map) {
        let domain = of_field(field);
        let wrong: Vec<String> =
            value.written().into_iter().filter(|text| !domain.shape.has(text)).map(quoted).collect();
        if wrong.is_empty() {
            continue;
        }
        let is = format!(
            "field `{}`: the map writes {}, and {} may be: {}",
            field.code(),
            wrong.join(", "),
            domain.meaning,
            domain.shape.words()
        );
        findings.add(Weight::Fault, is, "correct `fixed`, or what the codes are translated to");
    }
}

fn quoted(text: &str) -> String {
    format!("`{}`", text.escape_debug())
}

/// How many values of one column are not what they may be.
#[derive(Default)]
pub(super) struct Misshapen {
    rows: usize,
    /// Those of them that would read in a form of date.
    as_dates: BTreeMap<&'static str, usize>,
}

impl Misshapen {
    /// Looks at one value that reads.
    pub(super) fn take(&mut self, job: &Job<'_>, form: &Form, cell: Cell<'_>, told: &str) {
        // What codes are translated to stands in the map, and is looked at there.
        let Some(domain) = job.domain.filter(|_| !matches!(form, Form::Codes(_))) else { return };
        if domain.shape.has(told) {
            return;
        }
        self.rows += 1;
        if domain.shape == Shape::Date {
            let forms = DateForm::ALL.iter().filter(|form| matches!(Form::Date(**form).read(cell), Told::Value(_)));
            forms.for_each(|form| *self.as_dates.entry(form.written()).or_default() += 1);
        }
    }

    /// Says how many of the rows with a value they are, what was wanted and how to get there.
    pub(super) fn tell(&self, job: &Job<'_>, table: &Name, filled: usize, findings: &mut Findings) {
        let Some(domain) = job.domain.filter(|_| self.rows > 0) else { return };
        let effect = if job.leaves { "it leaves as it stands" } else { job.effect };
        let is = format!(
            "{}: in {} of {filled} filled rows of table `{}`, `{}` is not what {} may be: {effect}",
            job.what,
            self.rows,
            table.as_str(),
            job.column.as_str(),
            domain.meaning
        );
        // Nothing stops a field on its way out.
        let is_fault = job.leaves || self.rows * 2 > filled;
        findings.add(if is_fault { Weight::Fault } else { Weight::Warning }, is, self.to_do(job.column, domain));
    }

    fn to_do(&self, column: &Name, Domain { shape, .. }: Domain) -> String {
        let name = column.as_str();
        let codes = |ours: &str| {
            format!("translate each of your codes: {{ column = \"{name}\", codes = {{ \"…\" = \"{ours}\" }} }}")
        };
        let how = match shape {
            Shape::Code(list) => codes(list.example()),
            Shape::Word(fact) => codes(fact.values().first().copied().unwrap_or_default()),
            Shape::Digits(count) => {
                let digits: String = ('1'..='9').take(count).collect();
                format!("{}; a leading zero that was lost must be given back, by codes or in a view", codes(&digits))
            }
            Shape::Date => match self.as_dates.iter().find(|(_, rows)| **rows == self.rows) {
                Some((form, _)) => {
                    format!("they would all read as `{form}`: {{ column = \"{name}\", date = \"{form}\" }}")
                }
                None => {
                    format!("write their form: {{ column = \"{name}\", date = \"…\" }}, and have what is none mended")
                }
            },
            _ => "name the column that holds it, or have those rows mended".to_owned(),
        };
        format!("it may be: {}; {how}", shape.words())
    }
}
