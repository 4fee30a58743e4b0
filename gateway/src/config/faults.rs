//! Every fault of a configuration with its line, not the first only: each section is read apart, and what is wrong in it is
//! taken out and read again.

use super::{
    Config, Enrolment, Holder, Keys, Limits, Listen, Log, Mode, Operation, Operators, Organisation, PolicyFiles,
};
use super::{Tls, Token};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Faults named in one section; whoever has more wants to begin with the sample.
const FAULTS_MAX: usize = 20;

/// One fault of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFault {
    /// Line from 1, where there is one.
    pub line: Option<usize>,
    /// What is wrong.
    pub text: String,
    /// What to do.
    pub advice: String,
}

/// How a section is read, to find out what is wrong with it.
type Attempt = fn(&str) -> Result<(), toml::de::Error>;

fn attempt<T: DeserializeOwned>(text: &str) -> Result<(), toml::de::Error> {
    toml::from_str::<BTreeMap<String, T>>(text).map(drop)
}

/// Every section, whether it must be there, and how it is read.
const SECTIONS: &[(&str, bool, Attempt)] = &[
    ("mode", true, attempt::<Mode>),
    ("organisation", true, attempt::<Organisation>),
    ("listen", true, attempt::<Listen>),
    ("tls", true, attempt::<Tls>),
    ("token", true, attempt::<Token>),
    ("log", true, attempt::<Log>),
    ("keys", true, attempt::<Keys>),
    ("holder", true, attempt::<Holder>),
    ("policy", true, attempt::<PolicyFiles>),
    ("enrolment", false, attempt::<Enrolment>),
    ("limits", false, attempt::<Limits>),
    ("operation", false, attempt::<Operation>),
    ("operators", false, attempt::<Operators>),
];

/// What is wrong with the text of a configuration, by line.
#[must_use]
pub fn faults(text: &str) -> Vec<LineFault> {
    if toml::from_str::<Config>(text).is_ok() {
        return Vec::new();
    }
    if let Err(error) = text.parse::<toml::Table>() {
        return vec![named(text, &error, "correct the line: a key, `=`, a value; texts stand in quotes")];
    }
    let mut found = Vec::new();
    let sections = sections(text);
    for (name, line) in &sections {
        if !SECTIONS.iter().any(|(known, ..)| known == name) {
            let text = format!("unknown section or key `{name}`");
            found.push(LineFault {
                line: Some(*line),
                text,
                advice: "take it out; `sluis init --sample` prints every key".to_owned(),
            });
        }
    }
    for (name, required, attempt) in SECTIONS {
        if sections.iter().any(|(found, _)| found == name) {
            found.extend(faults_in(text, name, *attempt));
        } else if *required {
            let advice = "add it; `sluis init --sample` prints every key".to_owned();
            found.push(LineFault { line: None, text: format!("`{name}` is missing"), advice });
        }
    }
    found.sort_by_key(|fault| fault.line);
    found
}

/// The line of a key by its path, `section.key` or `section.table.key`, or of a section.
#[must_use]
pub fn line_of(text: &str, path: &str) -> Option<usize> {
    let (section, key) = path.split_once('.').unwrap_or((path, ""));
    // Keys of the tables within a section have names that differ.
    let key = key.rsplit('.').next().unwrap_or_default();
    let mut within = "";
    for (number, line) in text.lines().enumerate() {
        if let Some(header) = header(line) {
            within = header;
        }
        let own = line.split('=').next().unwrap_or_default().trim();
        let is_it = if within.is_empty() { own == section } else { within == section && own == key };
        if is_it || (key.is_empty() && header(line) == Some(section)) {
            return Some(number + 1);
        }
    }
    None
}

/// The name in a table's header, whole.
fn table(line: &str) -> Option<&str> {
    let name = line.trim_start().strip_prefix('[')?.trim_start_matches('[');
    name.split(']').next().map(str::trim)
}

/// The first name in a table's header: its section.
fn header(line: &str) -> Option<&str> {
    table(line)?.split('.').next().map(str::trim)
}

/// Names at the top with their lines: sections and keys before the first of them.
fn sections(text: &str) -> Vec<(String, usize)> {
    let mut found: Vec<(String, usize)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let name = match header(line) {
            Some(name) => name,
            None if found.iter().any(|(name, _)| text.contains(&format!("[{name}"))) => continue,
            None => line.split_once('=').map_or("", |(key, _)| key.trim()),
        };
        if !name.is_empty() && !name.starts_with('#') && !found.iter().any(|(known, _)| known == name) {
            found.push((name.to_owned(), number + 1));
        }
    }
    found
}

/// The text with every line blank that is not of this section, so that lines keep their numbers.
fn only(text: &str, section: &str) -> Vec<String> {
    let mut within = "";
    let mut kept = Vec::new();
    for line in text.lines() {
        if let Some(name) = header(line) {
            within = name;
        }
        let own = line.split('=').next().unwrap_or_default().trim();
        let keep = if within.is_empty() { own == section } else { within == section };
        kept.push(if keep { line.to_owned() } else { String::new() });
    }
    kept
}

fn faults_in(text: &str, section: &str, attempt: Attempt) -> Vec<LineFault> {
    let own = only(text, section).into_iter().enumerate();
    let mut lines: Vec<(usize, String)> = own.map(|(at, line)| (at + 1, line)).collect();
    let (mut found, mut taken_out) = (Vec::new(), Vec::new());
    while found.len() < FAULTS_MAX {
        let now = joined(&lines);
        let Err(error) = attempt(&now) else { break };
        let mut fault = named(&now, &error, "correct the key or its value; `sluis init --sample` prints every key");
        let at = fault.line.map(|line| line - 1).filter(|at| *at < lines.len());
        if let Some(missing) = error.message().strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
            let within = at.and_then(|at| Some((at, table(&lines.get(at)?.1)?.to_owned())));
            // What was taken out because it is wrong is not missing too.
            if !taken_out.iter().any(|key| key == missing) {
                let name = within.as_ref().map_or(section, |(_, table)| table);
                fault.line = within.as_ref().and_then(|(at, _)| Some(lines.get(*at)?.0)).or(line_of(text, section));
                fault.text = format!("`{name}.{missing}` is missing");
                fault.advice = "add it; `sluis init --sample` prints every key".to_owned();
                found.push(fault);
            }
            let place = within.map_or(lines.len(), |(at, _)| at + 1);
            let Some(stand_in) = stand_in(&lines, place, missing, attempt) else { break };
            lines.insert(place, (0, stand_in));
            continue;
        }
        let Some((number, line)) = at.and_then(|at| lines.get_mut(at)).filter(|(_, line)| !line.is_empty()) else {
            break;
        };
        taken_out.push(line.split('=').next().unwrap_or_default().trim().to_owned());
        *line = String::new();
        fault.line = Some(*number);
        found.push(fault);
    }
    found
}

fn joined(lines: &[(usize, String)]) -> String {
    lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n")
}

/// A line for a key that is missing, at its place, with some value that its type accepts, so that the next one is found.
fn stand_in(lines: &[(usize, String)], place: usize, key: &str, attempt: Attempt) -> Option<String> {
    ["\"00000001000000000000\"", "1", "true", "[]", "\"127.0.0.1:1\""]
        .iter()
        .map(|value| format!("{key} = {value}"))
        .find(|line| {
            let mut tried = lines.to_vec();
            tried.insert(place, (0, line.clone()));
            attempt(&joined(&tried))
                .err()
                .is_none_or(|error| error.message().starts_with("missing field") && !error.message().contains(key))
        })
}

fn named(text: &str, error: &toml::de::Error, advice: &str) -> LineFault {
    let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
    LineFault { line, text: error.message().to_owned(), advice: advice.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_named_with_its_line() {
        let text = "mode = \"demo\"\ncolour = 1\n[organisation]\noin = \"12\"\ndomain = \"x\"\n[listen]\ngrpc = \"127.0.0.1:1\"\n\
                    token = 7\nshoe = 2\n[keys]\ndatabase = \"a\"\n";
        let found = faults(text);
        let says = |line: Option<usize>, words: &str| found.iter().any(|f| f.line == line && f.text.contains(words));
        for (line, words) in [
            (Some(2), "unknown section or key `colour`"),
            (Some(4), "an OIN has 20 positions"),
            (Some(3), "`organisation.name` is missing"),
            (Some(8), "invalid type"),
            (Some(9), "unknown field `shoe`"),
            (Some(10), "`keys.master_key` is missing"),
            (None, "`tls` is missing"),
        ] {
            assert!(says(line, words), "{line:?} `{words}` is not in {found:#?}");
        }
        assert!(
            found.iter().all(|f| !f.advice.is_empty()) && !found.iter().any(|f| f.text.contains("organisation.oin"))
        );
        assert_eq!(line_of(text, "listen.token"), Some(8));
    }

    #[test]
    fn a_fault_in_a_table_within_a_section_is_named_with_that_table() {
        let text = "mode = \"demo\"\n[log]\nyear = 2026\n[log.postgres]\npassword_file = \"p\"\nreplica = 40000\nshoe = 2\n\
                    [keys]\nmaster_key = \"m\"\n[keys.postgres]\naddress = \"postgres://db/keys\"\n";
        let found: Vec<_> = faults(text).into_iter().map(|f| (f.line, f.text)).collect();
        for (line, words) in [
            (2, "`log.signing_key` is missing"),
            (2, "`log.epoch` is missing"),
            (4, "`log.postgres.address` is missing"),
            (6, "invalid value: integer `40000`"),
            (7, "unknown field `shoe`"),
        ] {
            assert!(found.iter().any(|(at, text)| *at == Some(line) && text.contains(words)), "{words}: {found:#?}");
        }
        assert!(!found.iter().any(|(_, text)| text.contains("keys")), "{found:#?}");
        assert_eq!(line_of(text, "log.postgres.replica"), Some(6));
        assert_eq!(line_of(text, "keys.postgres.address"), Some(11));
    }
}
