//! The house in order: floors, banned calls, lengths, licences and versions, as [`rules`] says.
//!
//! A rule that is broken fails with the file, the line, and what to do instead.

mod campaign;
mod manifest;
mod rules;
mod source;

use source::Source;

/// Fails with every finding at once.
fn none(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

fn under(path: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| path.starts_with(prefix))
}

#[test]
fn nothing_banned_is_called() {
    let mut findings = Vec::new();
    for source in source::rust() {
        for ban in rules::BANS.iter().filter(|b| under(&source.path, b.within) && !under(&source.path, b.except)) {
            let code = if ban.tests_may { source.outside_tests() } else { &source.code };
            for at in source::occurrences(code, ban.words).into_iter().filter(|at| !is_type(code, *at)) {
                findings.push(format!("{}:{}: `{}`: {}", source.path, source.line(at), ban.words, ban.because));
            }
        }
    }
    none(&findings);
}

/// `struct X {`, `impl X {`, `-> X {` open a body; they make no value.
fn is_type(code: &str, at: usize) -> bool {
    ["struct ", "enum ", "impl ", " for ", "-> ", "-> &"].iter().any(|before| code[..at].ends_with(before))
}

#[test]
fn rooms_see_what_they_may() {
    let mut findings = Vec::new();
    for source in source::rust() {
        let mut decided = Vec::new();
        for sight in rules::SIGHTS.iter().filter(|s| source.path.starts_with(s.within)) {
            if decided.contains(&sight.of) {
                continue;
            }
            decided.push(sight.of);
            for (at, name) in source::modules(source.outside_tests(), sight.of) {
                if !sight.may.contains(&"*") && !sight.may.contains(&name.as_str()) {
                    findings.push(format!("{}:{}: names {}::{name}", source.path, source.line(at), sight.of));
                }
            }
        }
    }
    none(&findings);
}

#[test]
fn files_and_functions_fit() {
    let mut findings = Vec::new();
    for source in source::rust() {
        let code = if source.path.starts_with("tests/") { source.code.as_str() } else { source.outside_tests() };
        let lines = code.lines().filter(|line| !line.trim().is_empty()).count();
        if lines > rules::FILE_LINES_MAX {
            findings.push(format!("{}: {lines} lines of code, at most {}", source.path, rules::FILE_LINES_MAX));
        }
        findings.extend(long_functions(&source));
    }
    none(&findings);
}

/// Whoever does not trust us reads it in an hour.
#[test]
fn the_other_verifier_stays_readable() {
    let (file, max) = rules::VERIFIER;
    let lines = std::fs::read_to_string(source::root().join(file)).unwrap().lines().count();
    assert!((100..max).contains(&lines), "{file}: {lines} lines, it must have fewer than {max}");
}

fn long_functions(source: &Source) -> Vec<String> {
    source::functions(&source.code)
        .into_iter()
        .filter(|(.., lines)| *lines > rules::FUNCTION_LINES_MAX)
        .map(|(name, at, lines)| format!("{}:{}: `{name}` has {lines} lines", source.path, source.line(at)))
        .collect()
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<_> = source::rust()
        .iter()
        .filter(|s| !s.text.starts_with("//! ") || s.text.starts_with("//! placeholder"))
        .map(|s| format!("{}: begin with `//! ` and what the file is for", s.path))
        .collect();
    none(&silent);
}

#[test]
fn nothing_is_said_about_one_machine() {
    let mut findings = Vec::new();
    for path in source::files() {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for word in rules::UNSAID.iter().filter(|word| text.contains(**word)) {
            findings.push(format!("{}: says `{word}`", source::relative(&path)));
        }
    }
    none(&findings);
}
