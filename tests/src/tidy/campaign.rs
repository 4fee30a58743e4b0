//! `tests/campaign.sh` sets what tests read, and runs those that read it: a name that nobody reads would run a normal round
//! and call it a campaign.

use super::source;
use std::collections::{BTreeMap, BTreeSet};

/// What tests read from the environment that is no measure of a campaign.
const OTHER: [&str; 2] = ["SLUIS_BLESS", "SLUIS_PYTHON"];

/// The names of the environment that a text has.
fn names(text: &str) -> BTreeSet<String> {
    let word = |at: usize| text[at..].chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect::<String>();
    text.match_indices("SLUIS_").map(|(at, _)| word(at)).collect()
}

/// The modules of the tests that read a name, as paths.
fn readers() -> BTreeMap<String, BTreeSet<String>> {
    let mut readers = BTreeMap::<_, BTreeSet<_>>::new();
    let own = |path: &str| path.starts_with("tests/src/") && !path.ends_with("tidy/campaign.rs");
    for source in source::rust().iter().filter(|source| own(&source.path)) {
        let module = source.path.trim_start_matches("tests/src/").trim_end_matches(".rs").trim_end_matches("/mod");
        let code: String = source.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let quoted = names(&code).into_iter().filter(|name| code.contains(&format!("\"{name}\"")));
        for name in quoted.filter(|name| !OTHER.contains(&name.as_str())) {
            readers.entry(name).or_default().insert(module.replace('/', "::"));
        }
    }
    readers
}

/// The functions of the script that run tests: their filter, and what they set.
fn entries(script: &str) -> Vec<(String, BTreeSet<String>)> {
    let bodies = script.split("() {\n").skip(1).map(|rest| rest.split("\n}").next().unwrap());
    let filtered = bodies.filter_map(|body| {
        let filter = body.split("--lib ").nth(1)?.split(' ').next()?;
        Some((filter.to_owned(), names(body)))
    });
    filtered.collect()
}

/// Each as a finding.
fn findings(script: &str) -> Vec<String> {
    let (mut findings, readers, entries) = (Vec::new(), readers(), entries(script));
    for (filter, set) in &entries {
        for name in set {
            let read =
                readers.get(name).is_some_and(|by| by.iter().any(|module| format!("{module}::").contains(filter)));
            if !read {
                findings.push(format!("`{filter}` runs no test that reads {name}"));
            }
        }
    }
    let said = names(script);
    findings
        .extend(readers.keys().filter(|name| !said.contains(*name)).map(|name| format!("nothing is said of {name}")));
    findings
}

#[test]
fn a_campaign_sets_what_the_tests_that_it_runs_read() {
    let script = std::fs::read_to_string(source::root().join("tests/campaign.sh")).unwrap();
    assert!(entries(&script).len() >= 7, "the script is written otherwise: {:?}", entries(&script));
    super::none(&findings(&script));
    // Negative control: another name, and another filter.
    let other = script.replace("SLUIS_RACE_ROUNDS=", "SLUIS_RACES=").replace("--lib journey::kill", "--lib closed");
    assert_eq!(findings(&other).len(), 3, "{:?}", findings(&other));
}
