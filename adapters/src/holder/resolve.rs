//! After reading: every reference gets its table, every column its form, and what contradicts is refused.

use super::domain::{MUNICIPALITY_CODE, of_field, of_held};
use super::facts::Held;
use super::form::{Form, Money};
use super::identifier::{IdForm, Identifier, Kept, Kind};
use super::map::{HolderMap, Line, MapFault};
use super::name::{Alias, Name, Reference};
use super::table::{Joined, Valid};
use super::value::{Part, Value};
use sluis_core::field::Field;
use std::collections::BTreeMap;

/// Names that a joined table may not have: the sections of the map.
const SECTIONS: [(&str, Alias); 4] =
    [("client", Alias::Client), ("parent", Alias::Parent), ("link", Alias::Link), ("billing", Alias::Billing)];

impl HolderMap {
    /// Orders the joined tables, finds the table of every reference and the form of every column.
    pub(super) fn resolve(&mut self, tables: BTreeMap<Name, Joined>) -> Result<(), MapFault> {
        self.check_sections()?;
        self.order(tables)?;
        self.identifiers()?;
        self.forms();
        let tables = Tables::of(self);
        let client = [Alias::Client];
        let fields = self.client.fields.values_mut().flat_map(columns);
        let identifiers = std::iter::once(&mut self.client.client_number.column);
        let bsn = self.client.bsn.iter_mut().map(|bsn| &mut bsn.column);
        tables.find("client", &client, fields.chain(identifiers).chain(bsn))?;
        tables.find("facts", &client, self.facts.references_mut())?;
        self.check_absence()?;
        self.check_written()?;
        if let Some(parent) = &mut self.parent {
            let fields = parent.fields.values_mut().flat_map(columns);
            tables.find("parent", &[Alias::Parent, Alias::Link], fields)?;
        }
        if let Some(billing) = &mut self.billing {
            let fields = billing.fields.values_mut().flat_map(columns);
            tables.find("billing", &[Alias::Billing], fields.chain(line_columns(&mut billing.line)))?;
        }
        Ok(())
    }

    /// A row that is not there, or not the only one, reads as nothing: for a fact that must stay unknown.
    fn check_absence(&self) -> Result<(), MapFault> {
        let Some(column) = self.facts.answers_without_row() else { return Ok(()) };
        let text = format!(
            "`{column}` stands in a joined table, where a missing row would be an answer: take out `empty` and the code \
             \"\", and keep `until` or `through` in the table of `from`"
        );
        Err(MapFault::section("facts", text))
    }

    /// A value that the map itself writes for a fact or a billing line, and that it cannot have, would never be known.
    fn check_written(&self) -> Result<(), MapFault> {
        let held = self.facts.held.iter().filter_map(|(fact, held)| match held {
            Held::Text(value) => Some((fact.code(), value, of_held(*fact))),
            Held::Flag(_) => None,
        });
        let municipality = self.facts.municipality_code.iter();
        let facts = municipality.map(|value| ("municipality_code", value, MUNICIPALITY_CODE)).chain(held);
        let line = self.billing.iter().flat_map(|billing| billing.line.coded());
        let line = line.map(|(field, value)| ("billing.line", field.code(), value, of_field(field)));
        for (section, name, value, domain) in facts.map(|(name, value, d)| ("facts", name, value, d)).chain(line) {
            if let Some(text) = value.written().into_iter().find(|text| !domain.shape.has(text)) {
                let text = format!("`{name}` cannot be `{}`; it may be: {}", text.escape_debug(), domain.shape.words());
                return Err(MapFault::section(section, text));
            }
        }
        Ok(())
    }

    fn check_sections(&self) -> Result<(), MapFault> {
        if self.client.client_number.kept == Kept::Digits {
            return Err(MapFault::section(
                "client",
                "`kept = \"digits\"` is for a BSN: a client number is text or a number",
            ));
        }
        let Some(parent) = &self.parent else { return Ok(()) };
        if parent.client.is_some() == parent.link.is_some() {
            return Err(MapFault::section("parent", "write either `client` or a section `[parent.link]`"));
        }
        let valid = parent.valid.iter().chain(parent.link.iter().filter_map(|link| link.valid.as_ref()));
        valid.filter_map(Valid::fault).next().map_or(Ok(()), |text| Err(MapFault::section("parent", text)))
    }

    /// Puts each joined table after the one it hangs on.
    fn order(&mut self, mut waiting: BTreeMap<Name, Joined>) -> Result<(), MapFault> {
        for (name, joined) in &waiting {
            let section = format!("tables.{}", name.as_str());
            if SECTIONS.iter().any(|(taken, _)| *taken == name.as_str()) {
                return Err(MapFault::section(section, "the map has a section of that name: choose another"));
            }
            if let Some(text) = joined.fault() {
                return Err(MapFault::section(section, text));
            }
        }
        while !waiting.is_empty() {
            let tables = Tables::of(self);
            let ready = waiting.iter().find_map(|(name, joined)| Some((name.clone(), tables.place(joined)?)));
            let Some((name, (target, base))) = ready else {
                let names: Vec<&str> = waiting.keys().map(Name::as_str).collect();
                let text = "`match` must name one table, as `client.column`: a section of this map or a joined table that \
                            does not hang on this one";
                return Err(MapFault::section(format!("tables.{}", names.join(", ")), text));
            };
            if let Some(mut joined) = waiting.remove(&name) {
                joined.base = base;
                joined.on.values_mut().for_each(|reference| reference.at = target);
                self.tables.push((name, joined));
            }
        }
        Ok(())
    }

    /// The identifiers are fields too, in their one form, under the section of the client alone.
    fn identifiers(&mut self) -> Result<(), MapFault> {
        for field in [Field::Bsn, Field::ClientNumber] {
            if self.client.fields.contains_key(&field) {
                return Err(MapFault::Identifier(field));
            }
        }
        let value = |kind, identifier: &Identifier| {
            let form = Form::Identifier(IdForm { kind, kept: identifier.kept });
            Value::Join(vec![Part { column: identifier.column.clone(), form }])
        };
        let number = value(Kind::ClientNumber, &self.client.client_number);
        self.client.fields.insert(Field::ClientNumber, number);
        if let Some(bsn) = &self.client.bsn {
            self.client.fields.insert(Field::Bsn, value(Kind::Bsn, bsn));
        }
        Ok(())
    }

    /// What has a form by its meaning is read in it where the map does not say otherwise.
    fn forms(&mut self) {
        let date = || Form::Date(self.head.dates);
        let billing = self.billing.iter_mut().flat_map(|billing| &mut billing.fields);
        for (field, value) in self.client.fields.iter_mut().chain(billing) {
            let form = match field {
                Field::BirthDate | Field::StartDate | Field::EndDate | Field::Period => date(),
                Field::Amount | Field::Tariff => Form::Money(Money::Cents),
                Field::AllocationNumber | Field::Volume => Form::Whole,
                _ => continue,
            };
            value.parts_mut().into_iter().for_each(|part| part.or_form(form.clone()));
        }
        if let Some(part) = &mut self.facts.birth_date {
            part.or_form(date());
        }
        let Some(billing) = &mut self.billing else { return };
        let line = &mut billing.line;
        line.begin.or_form(date());
        line.end.or_form(date());
        line.allocation_number.or_form(Form::Whole);
        line.volume.or_form(Form::Whole);
        line.tariff.or_form(Form::Money(Money::Cents));
        line.amount.or_form(Form::Money(Money::Cents));
    }
}

fn columns(value: &mut Value) -> impl Iterator<Item = &mut Reference> {
    value.parts_mut().into_iter().map(|part| &mut part.column)
}

fn line_columns(line: &mut Line) -> impl Iterator<Item = &mut Reference> {
    let Line {
        provider_agb,
        allocation_number,
        product_category,
        product_code,
        begin,
        end,
        volume,
        unit,
        tariff,
        amount,
    } = line;
    let values = [provider_agb, product_category, product_code, unit].into_iter().flat_map(columns);
    let parts = [allocation_number, begin, end, volume, tariff, amount];
    values.chain(parts.into_iter().map(|part| &mut part.column))
}

/// The tables that can be named so far, with the section each hangs on.
struct Tables {
    known: BTreeMap<String, (Alias, Alias)>,
}

impl Tables {
    fn of(map: &HolderMap) -> Self {
        let sections = SECTIONS.into_iter().filter(|(_, at)| map.named_table(*at).is_some());
        let mut known: BTreeMap<_, _> = sections.map(|(name, at)| (name.to_owned(), (at, at))).collect();
        let joined = map.tables.iter().enumerate();
        known.extend(joined.map(|(n, (name, j))| (name.as_str().to_owned(), (Alias::Joined(n), j.base))));
        Self { known }
    }

    /// The one table a joined table is matched with, and the section both hang on.
    fn place(&self, joined: &Joined) -> Option<(Alias, Alias)> {
        let mut targets = joined.on.values().map(|r| r.table.as_ref().and_then(|name| self.known.get(name.as_str())));
        let first = targets.next()??;
        targets.all(|other| other == Some(first)).then_some(*first)
    }

    /// Sets where each reference points; a bare name is a column of the first of `may`.
    fn find<'r>(
        &self,
        section: &str,
        may: &[Alias],
        references: impl IntoIterator<Item = &'r mut Reference>,
    ) -> Result<(), MapFault> {
        for reference in references {
            let found = match &reference.table {
                None => may.first().map(|own| (*own, *own)),
                Some(name) => self.known.get(name.as_str()).copied(),
            };
            reference.at = match found {
                Some((at, base)) if may.contains(&base) => at,
                Some(_) => {
                    let text = format!("`{reference}` hangs on another section: join its table to this one");
                    return Err(MapFault::section(section, text));
                }
                None => {
                    let text = format!("`{reference}` names no table of this map: declare it under `[tables]`");
                    return Err(MapFault::section(section, text));
                }
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holder::fixture::MAP;

    fn with(fact: &str, written: &str) -> Result<HolderMap, MapFault> {
        let own = MAP.rsplit_once("[facts]").unwrap().1.lines().find(|line| line.starts_with(fact)).unwrap();
        let (fields, facts) = MAP.rsplit_once("[facts]").unwrap();
        let facts = facts.replacen(own, &format!("{fact} = {written}"), 1);
        let table = "[tables.t]\ntable = \"T\"\nmatch = { id = \"client.client_number\" }";
        HolderMap::parse(&format!("{fields}[facts]{facts}\n{table}"))
    }

    #[test]
    fn a_word_that_a_fact_or_line_cannot_have_is_a_fault_of_the_map() {
        for (fact, written) in [
            ("financing_law", r#"{ fixed = "JW" }"#),
            ("financing_law", r#"{ column = "c", codes = { zin = "jeugdwet", pgb = "budget" } }"#),
            ("municipality_code", r#"{ column = "c", codes = { "Den Haag" = "518" } }"#),
            ("gp_agb", r#"{ fixed = "1999999" }"#),
        ] {
            let fault = with(fact, written).unwrap_err().to_string();
            assert!(fault.contains("`[facts]`") && fault.contains("it may be: "), "{written}: {fault}");
        }
        assert!(with("financing_law", r#"{ column = "c", codes = { zin = "jeugdwet" } }"#).is_ok());
        let line = MAP.replacen("unit = \"unit\"", "unit = { column = \"unit\", codes = { min = \"1\" } }", 1);
        let fault = HolderMap::parse(&line).unwrap_err().to_string();
        assert!(fault.contains("`[billing.line]`: `unit` cannot be `1`"), "{fault}");
    }

    #[test]
    fn a_missing_row_is_no_answer_to_a_fact() {
        for (fact, written) in [
            ("privacy_statement", r#"{ column = "t.SignedOn", filled = true, empty = false }"#),
            ("active_case", r#"{ column = "t.Closed", yes = "N", no = "J", empty = true }"#),
            ("active_case", r#"{ from = "opened", until = "t.ClosedOn" }"#),
            ("municipality_code", r#"{ column = "t.Code", codes = { "" = "0518" } }"#),
            ("insurer_uzovi", r#"{ column = "t.Code", codes = { "" = "9001" } }"#),
        ] {
            let fault = with(fact, written).unwrap_err().to_string();
            assert!(fault.contains("a missing row would be an answer"), "{written}: {fault}");
            assert!(with(fact, &written.replace("t.", "")).is_ok(), "{written}: in the client's own row");
        }
        for (fact, written) in [
            ("active_case", r#"{ from = "t.OpenedOn", until = "t.ClosedOn" }"#),
            ("active_case", r#"{ from = "t.OpenedOn", until = "closed" }"#),
            ("privacy_statement", r#"{ column = "t.Signed", yes = "J", no = "N" }"#),
            ("residence_secret", r#"{ column = "t.Secret", yes = "J", no = "N", empty = true }"#),
        ] {
            assert!(with(fact, written).is_ok(), "{written}");
        }
    }
}
