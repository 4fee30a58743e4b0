//! The sample configuration is the truth about every key: none is missing, none is made up, every default is the default.

use serde::de::DeserializeOwned;
use sluis::config::{
    Config, Engine, Enrolment, Holder, Keys, KeysPostgres, Limits, Listen, Log, LogPostgres, Operation,
};
use sluis::config::{Operators, Organisation, PolicyFiles, Tls, Token};
use std::collections::BTreeSet;

const SAMPLE: &str = include_str!("../../gateway/config/gateway.sample.toml");

/// A line that shows a default: `# key = value`.
fn shown(line: &str) -> Option<&str> {
    let bare = line.strip_prefix("# ")?;
    let (key, _) = bare.split_once(" = ")?;
    key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit()).then_some(bare)
}

/// The sample with every default that it shows switched on.
fn switched_on() -> String {
    SAMPLE.lines().map(|line| shown(line).unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// What may stand instead of something else: lines behind `#` and three spaces.
fn instead() -> String {
    SAMPLE.lines().filter_map(|line| line.strip_prefix("#   ")).collect::<Vec<_>>().join("\n")
}

/// The keys of a section, out of the mouth of its own reader.
fn keys<T: DeserializeOwned>() -> BTreeSet<String> {
    let Err(error) = toml::from_str::<T>("no_such_key = 1") else { panic!("an unknown key is accepted") };
    let told = error.message().split("expected").nth(1).unwrap_or_default().to_owned();
    told.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The keys that the sample sets or shows in a section.
fn in_sample(section: &str) -> BTreeSet<String> {
    let tables = [switched_on(), instead()].map(|text| text.parse::<toml::Table>().unwrap());
    let sections = tables.iter().filter_map(|table| table.get(section)?.as_table());
    sections.flat_map(|section| section.keys().cloned()).collect()
}

fn same<T: DeserializeOwned>(section: &str) {
    assert_eq!(in_sample(section), keys::<T>(), "section `{section}` of gateway/config/gateway.sample.toml");
}

#[test]
fn every_key_stands_in_the_sample_and_no_other() {
    same::<Organisation>("organisation");
    same::<Listen>("listen");
    same::<Tls>("tls");
    same::<Token>("token");
    same::<Log>("log");
    same::<Keys>("keys");
    same::<Holder>("holder");
    same::<PolicyFiles>("policy");
    same::<Enrolment>("enrolment");
    same::<Limits>("limits");
    same::<Operation>("operation");
    same::<Operators>("operators");
    let tables = [switched_on(), instead()].map(|text| text.parse::<toml::Table>().unwrap());
    let sections: BTreeSet<String> = tables.iter().flat_map(|table| table.keys().cloned()).collect();
    assert_eq!(sections, keys::<Config>());
}

#[test]
fn a_default_that_is_shown_is_the_default() {
    let as_it_stands: Config = toml::from_str(SAMPLE).unwrap();
    let all_on: Config = toml::from_str(&switched_on()).unwrap();
    assert_eq!(toml::Value::try_from(&as_it_stands).unwrap(), toml::Value::try_from(&all_on).unwrap());
    assert!(SAMPLE.lines().filter_map(shown).count() > 4, "no default was found: the reading is broken");
}

#[test]
fn another_issuer_is_shown_as_it_is_configured() {
    let without = |line: &&str| !line.starts_with("key = \"/var/lib") && !line.starts_with("token = ");
    let bare: Vec<&str> = SAMPLE.lines().filter(without).collect();
    let config: Config = toml::from_str(&format!("{}\n{}", bare.join("\n"), instead())).unwrap();
    assert!(config.token.issuer(config.listen.token.is_some()).is_ok(), "{:?}", config.token);
    let external = toml::Value::try_from(config.token.external.unwrap()).unwrap();
    let shown: BTreeSet<String> = external.as_table().unwrap().keys().cloned().collect();
    assert_eq!(shown, keys::<sluis::config::ExternalIssuer>());
    let minimal = "certificates = [\"/etc/sluis/tls/manager-signing.pem\"]";
    let defaults: sluis::config::ExternalIssuer = toml::from_str(minimal).unwrap();
    assert_eq!(toml::Value::try_from(defaults).unwrap(), external, "a default that is shown is another one");
}

#[test]
fn another_engine_is_shown_as_it_is_configured() {
    let files = ["database = \"/var/lib/sluis/log/log.db\"", "database = \"/srv/sluis-keys/keys.db\""];
    let bare: Vec<&str> = SAMPLE.lines().filter(|line| !files.contains(line)).collect();
    let config: Config = toml::from_str(&format!("{}\n{}", bare.join("\n"), instead())).unwrap();
    assert!(matches!(config.engine(), Ok(Engine::Postgres { .. })));
    let refused = config.judge().unwrap_err().to_string();
    assert!(!refused.contains("postgres") && !refused.contains("SQLite"), "{refused}");
    let (log, keys_of) = (config.log.postgres.unwrap(), config.keys.postgres.unwrap());
    let shown = |value: toml::Value| value.as_table().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    assert_eq!(shown(toml::Value::try_from(&log).unwrap()), keys::<LogPostgres>());
    assert_eq!(shown(toml::Value::try_from(&keys_of).unwrap()), keys::<KeysPostgres>());
    let defaults: (LogPostgres, KeysPostgres) =
        (toml::from_str("address = \"a\"\nreplica = 1").unwrap(), toml::from_str("address = \"a\"").unwrap());
    assert_eq!(
        (defaults.0.require_standby, defaults.1.require_standby),
        (log.require_standby, keys_of.require_standby)
    );
}

#[test]
fn every_key_is_explained() {
    let lines: Vec<&str> = SAMPLE.lines().collect();
    let is_key =
        |line: &str| shown(line).is_some() || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(['#', ' ']));
    // Two files of one sort may share their words.
    let silent =
        lines.windows(2).filter(|pair| is_key(pair[1]) && !pair[0].starts_with('#') && !pair[0].starts_with('['));
    let silent: Vec<_> = silent.map(|pair| pair[1]).filter(|line| !line.starts_with("epoch")).collect();
    assert!(silent.is_empty(), "without a word: {silent:?}");
}

/// Secrets are files: no key takes one as its value, and no option of a command reads one from the environment.
#[test]
fn a_secret_is_a_path() {
    let secret = ["tls.key", "token.key", "log.signing_key", "keys.master_key"];
    let table: toml::Table = SAMPLE.parse().unwrap();
    for path in secret {
        let (section, key) = path.split_once('.').unwrap();
        assert!(table[section][key].as_str().unwrap().starts_with('/'), "{path} is not a path");
    }
    for word in ["password", "passphrase", "secret =", "pin ="] {
        assert!(!SAMPLE.lines().any(|l| !l.starts_with("# ") && l.contains(word)), "`{word}` in the sample");
    }
}
