//! The holder's database against its column map, and what that means for the rules of the policy.

use super::StartFault;
use super::assemble::{read, read_policy};
use crate::config::{Config, Mode};
use sluis_adapters::holder::HolderMap;
use sluis_adapters::holder::inspect::{self, Bsns, Finding};
use sluis_adapters::system::SystemClock;
use sluis_core::policy::{Policy, Rule};
use sluis_core::ports::Clock;
use sluis_core::subject::dutch_date;
use std::path::Path;

pub use sluis_adapters::holder::inspect::{Report, Weight};

/// Compares a database with a column map, as of today. A map that does not read is a finding too.
///
/// # Errors
/// [`StartFault::Holder`] when the map is not there or the database does not open.
pub fn check(map: &Path, database: &Path) -> Result<Report, StartFault> {
    let named = |file: &Path, e: &dyn std::fmt::Display| StartFault::Holder(format!("`{}`: {e}", file.display()));
    let text = read(map)?;
    if !database.is_file() {
        return Err(named(database, &"does not exist: name the file with the holder's database"));
    }
    match HolderMap::parse(&text) {
        Ok(parsed) => {
            inspect::inspect(database, &parsed, dutch_date(SystemClock.now())).map_err(|e| named(database, &e))
        }
        Err(fault) => Ok(Report::of_map_fault(&fault)),
    }
}

/// The same for a configuration, and what the rules of its policy would lack.
///
/// # Errors
/// As [`check`], and when the policy does not load.
pub fn check_configured(config: &Config) -> Result<Report, StartFault> {
    let mut report = check(&config.holder.map, &config.holder.database)?;
    if report.clients.is_none() && report.kept.is_empty() {
        return Ok(report);
    }
    let policy = read_policy(config)?;
    let lacking = lacking(&report, &policy);
    report.findings.extend(lacking);
    report.findings.extend(refused_numbers(&report.bsns, config.mode));
    report.findings.sort_by_key(|finding| finding.weight);
    Ok(report)
}

/// Clients whose BSN nobody may use in this mode: test numbers in production, and numbers of persons elsewhere.
pub(super) fn refused_numbers(bsns: &Bsns, mode: Mode) -> Option<Finding> {
    let all = bsns.test + bsns.other;
    let (count, is, to_do) = match mode {
        Mode::Production => (
            bsns.test,
            "in the range for tests, which production refuses",
            "name the database with the real clients, or have the test clients taken out",
        ),
        Mode::Demo | Mode::Development => (
            bsns.other,
            "outside the range for tests (999900006 to 999999990), and are refused outside production",
            "use a database of made-up people; where these are real ones, they may not be here (`mode` is not production)",
        ),
    };
    let weight = if count * 2 > all { Weight::Fault } else { Weight::Warning };
    (count > 0).then(|| Finding { weight, is: format!("`bsn`: {count} of {all} lie {is}"), to_do: to_do.to_owned() })
}

/// Which rules name fields that are not kept, or rely on facts that stay unknown.
fn lacking(report: &Report, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut note =
        |is: String, to_do: &str| findings.push(Finding { weight: Weight::Note, is, to_do: to_do.to_owned() });
    for rule in policy.rules() {
        let missing: Vec<&str> = rule.reachable().difference(report.kept).iter().map(|field| field.code()).collect();
        if !missing.is_empty() {
            note(format!("rule `{}` will release no {}", rule.id(), missing.join(", ")), "");
        }
        let facts: Vec<&str> = unknown(rule, report).collect();
        if !facts.is_empty() {
            let is = format!("rule `{}` relies on {}, unknown with this map", rule.id(), facts.join(", "));
            note(is, "map them under `[facts]` (age: birth_date; own_municipality: municipality_code) or `[billing]`");
        }
    }
    findings
}

fn unknown<'a>(rule: &'a Rule, report: &'a Report) -> impl Iterator<Item = &'static str> + 'a {
    let unknown = &report.unknown_facts;
    unknown.iter().copied().filter(|name| rule.mentioned().any(|fact| fact.code() == *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_the_mode_refuses_are_said() {
        let found = |test, other, mode| refused_numbers(&Bsns { test, other }, mode).map(|found| found.weight);
        assert_eq!(found(3, 0, Mode::Production), Some(Weight::Fault));
        assert_eq!(found(1, 3, Mode::Production), Some(Weight::Warning));
        assert_eq!(found(0, 3, Mode::Production), None);
        assert_eq!(found(0, 3, Mode::Development), Some(Weight::Fault));
        assert_eq!(found(3, 1, Mode::Demo), Some(Weight::Warning));
        assert_eq!(found(3, 0, Mode::Demo), None);
    }
}
