//! The help of every command is frozen: what operators paste into scripts does not change unseen.
//!
//! `SLUIS_BLESS=1` writes `tests/golden/help/*.txt` anew.

use super::program::sluis;
use std::path::Path;

const COMMANDS: &[&[&str]] = &[
    &[],
    &["ask"],
    &["audit"],
    &["check-config"],
    &["connect-test"],
    &["demo"],
    &["doctor"],
    &["init"],
    &["keys"],
    &["keys", "forget"],
    &["keys", "prepare"],
    &["keys", "rotate"],
    &["keys", "status"],
    &["log"],
    &["log", "consistency"],
    &["log", "export"],
    &["log", "freshness"],
    &["log", "policy"],
    &["log", "lift"],
    &["log", "receipt"],
    &["log", "subject"],
    &["log", "turn"],
    &["log", "verify"],
    &["manual"],
    &["manual", "open"],
    &["manual", "record"],
    &["manual", "review"],
    &["migrate"],
    &["operator"],
    &["operator", "key"],
    &["organisation"],
    &["organisation", "add"],
    &["organisation", "approve"],
    &["organisation", "resume"],
    &["organisation", "rotate"],
    &["organisation", "show"],
    &["organisation", "suspend"],
    &["policy"],
    &["policy", "check"],
    &["serve"],
    &["source"],
    &["source", "check"],
    &["standing"],
    &["subject"],
    &["subject", "erase"],
    &["subject", "hold"],
    &["subject", "retention"],
];

#[test]
fn help_is_as_it_was() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/help");
    let bless = std::env::var_os("SLUIS_BLESS").is_some();
    if bless {
        std::fs::create_dir_all(&folder).unwrap();
    }
    let mut listed = Vec::new();
    for command in COMMANDS {
        let said = sluis(command.iter().chain(&["--help"]));
        assert_eq!((said.status, said.err.as_str()), (Some(0), ""), "{command:?}");
        let name = if command.is_empty() { "sluis".to_owned() } else { command.join("-") };
        let file = folder.join(format!("{name}.txt"));
        if bless {
            std::fs::write(&file, &said.out).unwrap();
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(said.out, golden, "help of {command:?} changed: if it should, bless it with SLUIS_BLESS=1");
        listed.push(said.out);
    }
    every_command_has_a_golden(&listed[0]);
}

fn every_command_has_a_golden(top: &str) {
    let commands = top.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    for command in commands.lines().filter_map(|line| line.split_whitespace().next()).filter(|c| *c != "help") {
        assert!(COMMANDS.iter().any(|known| known.first() == Some(&command)), "`{command}` has no golden help");
    }
}

#[test]
fn what_is_no_command_is_status_2() {
    for words in [&["frobnicate"][..], &["serve"], &["ask", "--purpose", "TREATMENT"], &["log"]] {
        let said = sluis(words);
        assert_eq!(said.status, Some(2), "{words:?}: {said:#?}");
        assert!(said.out.is_empty() && said.err.contains("Usage"), "{words:?}: {said:#?}");
    }
}
