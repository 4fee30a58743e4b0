//! Manifests and the lock file: who depends on whom, in which version, under which licence.

use super::{none, rules, source};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

fn cargo(arguments: &[&str]) -> String {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let out = Command::new(program).args(arguments).current_dir(source::root()).output().unwrap();
    assert!(out.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// `cargo metadata` of this platform; other platforms are not downloaded.
fn metadata() -> Value {
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut arguments = vec!["metadata", "--format-version", "1", "--locked"];
    if cfg!(all(target_os = "linux", target_env = "gnu")) {
        arguments.extend(["--filter-platform", &host]);
    }
    serde_json::from_str(&cargo(&arguments)).unwrap()
}

/// Name and version of everything that is built, for code, tests and build scripts.
fn built() -> BTreeMap<String, BTreeSet<String>> {
    let tree = cargo(&[
        "tree",
        "--workspace",
        "--locked",
        "--edges",
        "normal,build,dev",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
    for line in tree.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            versions.entry(name.to_owned()).or_default().insert(version.to_owned());
        }
    }
    assert!(versions.len() > 50, "cargo tree names {} packages: the reading is broken", versions.len());
    versions
}

fn packages(metadata: &Value) -> &Vec<Value> {
    metadata["packages"].as_array().unwrap()
}

/// Our packages: name, and what each depends on in code (not in tests).
fn members(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    packages(metadata)
        .iter()
        .filter(|package| package["source"].is_null())
        .map(|package| {
            let needs = package["dependencies"].as_array().unwrap().iter();
            let names = needs.filter(|d| d["kind"].is_null()).map(|d| d["name"].as_str().unwrap().to_owned());
            (package["name"].as_str().unwrap().to_owned(), names.collect())
        })
        .collect()
}

#[test]
fn floors_hold() {
    let members = members(&metadata());
    let known: BTreeSet<&str> = rules::FLOORS.iter().map(|(name, _)| *name).collect();
    assert_eq!(members.keys().map(String::as_str).collect::<BTreeSet<_>>(), known, "a package without a floor");
    let mut findings = Vec::new();
    for (name, may) in rules::FLOORS {
        let ours = members[*name].iter().filter(|d| known.contains(d.as_str()));
        findings.extend(ours.filter(|d| !may.contains(&d.as_str())).map(|d| format!("{name} may not depend on {d}")));
    }
    for (name, never) in rules::NEVER {
        findings
            .extend(never.iter().filter(|d| members[*name].contains(**d)).map(|d| format!("{name} may never see {d}")));
    }
    let core: BTreeSet<&str> = rules::CORE_DEPENDENCIES.iter().copied().collect();
    findings.extend(
        members["sluis-core"]
            .iter()
            .filter(|d| !core.contains(d.as_str()))
            .map(|d| format!("the core may not see {d}")),
    );
    none(&findings);
}

#[test]
fn nothing_banned_is_built_and_versions_are_single() {
    let built = built();
    let mut findings: Vec<String> = rules::BANNED_PACKAGES
        .iter()
        .filter(|(name, _)| built.contains_key(*name))
        .map(|(name, because)| format!("{name} is built: {because}"))
        .collect();
    let borne: BTreeSet<&str> = rules::DUPLICATES.iter().map(|(name, _)| *name).collect();
    for (name, versions) in &built {
        if versions.len() > 1 && !borne.contains(name.as_str()) {
            findings.push(format!("{name} is built as {versions:?}: remove one or give the reason"));
        }
        if versions.len() == 1 && borne.contains(name.as_str()) {
            findings.push(format!("{name} is single again: take it off the list of duplicates"));
        }
    }
    none(&findings);
}

#[test]
fn what_is_delivered_holds_no_second_cryptography() {
    let tree =
        cargo(&["tree", "-p", "sluis", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
    let named: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(named.contains("aws-lc-rs"), "cargo tree names {} packages: the reading is broken", named.len());
    let built = built();
    for name in rules::TESTS_ONLY {
        assert!(built.contains_key(*name), "{name} is not built at all any more: take it off the list");
        assert!(!named.contains(name), "{name} is for tests and would be delivered");
    }
}

#[test]
fn licences_and_sources_are_known() {
    let metadata = metadata();
    let mut findings = Vec::new();
    for package in packages(&metadata) {
        let name = package["name"].as_str().unwrap();
        match package["license"].as_str() {
            Some(licence) if permitted(licence) => {}
            other => findings.push(format!("{name}: licence {other:?} is not on the list")),
        }
        if package["source"].as_str().is_some_and(|s| !s.starts_with("registry+")) {
            findings.push(format!("{name}: comes from {}", package["source"]));
        }
    }
    none(&findings);
}

/// Whether an SPDX expression can be met with the list. `AND` binds closer than `OR`.
fn permitted(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let result = any_of(&words, &mut at);
    result && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize) -> bool {
    let mut result = all_of(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        result |= all_of(words, at);
    }
    result
}

fn all_of(words: &[&str], at: &mut usize) -> bool {
    let mut result = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        result &= one(words, at);
    }
    result
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let result = any_of(words, at);
        *at += 1;
        return result;
    }
    if words.get(*at) == Some(&"WITH") {
        let whole = format!("{word} WITH {}", words.get(*at + 1).copied().unwrap_or_default());
        *at += 2;
        return rules::LICENCES.contains(&whole.as_str());
    }
    rules::LICENCES.contains(word)
}

#[test]
fn every_dependency_stands_once_with_its_reason() {
    let text = std::fs::read_to_string(source::root().join("Cargo.toml")).unwrap();
    let table = text.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let lines = table.lines().filter(|line| line.contains('=') && !line.starts_with('#') && !line.contains("path ="));
    let mut findings: Vec<String> = lines
        .filter(|line| line.rsplit_once("# ").is_none_or(|(_, reason)| reason.len() <= 8))
        .map(|line| format!("Cargo.toml: say why: {}", line.split('=').next().unwrap_or_default()))
        .collect();
    for member in ["proto", "gateway", "gateway/core", "adapters", "tests"] {
        let manifest = std::fs::read_to_string(source::root().join(member).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in manifest.get(section).and_then(|s| s.as_table()).into_iter().flatten() {
                if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    findings.push(format!("{member}/Cargo.toml: {name} has a version of its own"));
                }
            }
        }
        let linted = manifest.get("lints").and_then(|l| l.get("workspace")).and_then(toml::Value::as_bool);
        if linted != Some(true) && member != "proto" {
            findings.push(format!("{member}/Cargo.toml: does not take the lints of the workspace"));
        }
    }
    none(&findings);
}

#[test]
fn licence_expressions_are_read_right() {
    assert!(
        permitted("MIT/Apache-2.0") && permitted("(GPL-3.0 OR MIT) AND ISC") && permitted("GPL-3.0 OR MIT AND ISC")
    );
    assert!(!permitted("GPL-3.0") && !permitted("MIT AND GPL-3.0") && !permitted("") && !permitted("MIT ISC"));
}
