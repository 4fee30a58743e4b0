//! The partner guide is kept by the tests: its snippets are the tested code, its table has every reason of the proto.
//!
//! A line `<!-- code: FILE NAME -->` stands before a snippet, which is what FILE has between `guide: NAME` and
//! `guide: end`. `SLUIS_BLESS=1` writes the snippets anew.

use std::path::{Path, PathBuf};

const GUIDE: &str = "docs/partner-guide.md";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The lines between two markers, without the indentation that they share.
fn snippet(file: &str, name: &str) -> String {
    let text = read(file);
    let mut lines = text.lines().skip_while(|line| !line.trim_end().ends_with(&format!(" guide: {name}"))).skip(1);
    let taken: Vec<&str> = lines.by_ref().take_while(|line| !line.trim_end().ends_with(" guide: end")).collect();
    assert!(!taken.is_empty(), "{file} has no snippet `{name}`");
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let shared = taken.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    taken.iter().map(|line| format!("{}\n", line.get(shared..).unwrap_or_default())).collect()
}

/// A command of the `buf curl` client, without the Python around it; else the snippet as it stands.
fn fenced(file: &str, name: &str) -> String {
    let text = snippet(file, name);
    let (language, text) = match file.rsplit('.').next() {
        Some("js") => ("js", text),
        _ => match text.split_once("\"\"\"\n").filter(|(before, _)| before.ends_with(" = ")) {
            Some((_, command)) => ("sh", command.trim_end().trim_end_matches("\"\"\"").replace("\\\\\n", "\\\n")),
            None => ("python", text),
        },
    };
    format!("```{language}\n{text}```\n")
}

/// The guide as it must be: after every marker its snippet.
fn as_it_must_be(guide: &str) -> String {
    let mut out = String::new();
    let mut lines = guide.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(named) = line.strip_prefix("<!-- code: ").and_then(|l| l.strip_suffix(" -->")) else { continue };
        let (file, name) = named.split_once(' ').unwrap_or_else(|| panic!("no name in {line}"));
        out.push_str(&fenced(file, name));
        if lines.next_if(|l| l.starts_with("```")).is_some() {
            lines.by_ref().find(|l| l.starts_with("```"));
        }
    }
    out
}

#[test]
fn snippets_are_the_tested_code() {
    let guide = read(GUIDE);
    let wanted = as_it_must_be(&guide);
    if std::env::var_os("SLUIS_BLESS").is_some() {
        std::fs::write(root().join(GUIDE), &wanted).unwrap();
        return;
    }
    for (line, (has, must)) in guide.lines().zip(wanted.lines()).enumerate() {
        assert_eq!(has, must, "{GUIDE}, line {}: bless it with SLUIS_BLESS=1", line + 1);
    }
    assert_eq!(guide.len(), wanted.len(), "{GUIDE}: bless it with SLUIS_BLESS=1");
}

/// Rows of the tables of errors: reason, and the cells after it.
fn rows(guide: &str) -> Vec<(String, Vec<String>)> {
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| {
        let (reason, rest) = row.split_once("` | ")?;
        let cells: Vec<String> = rest.trim_end_matches('|').split(" | ").map(|c| c.trim().to_owned()).collect();
        (cells.len() == 4).then(|| (reason.to_owned(), cells))
    })
    .collect()
}

#[test]
fn every_reason_of_the_proto_is_in_the_table() {
    let rows = rows(&read(GUIDE));
    let proto = read("proto/sluis/v1/common.proto");
    let names = proto.lines().filter_map(|line| line.trim().strip_prefix("ERROR_REASON_")?.split(" = ").next());
    let names: Vec<&str> = names.filter(|name| *name != "UNSPECIFIED").collect();
    assert!(names.len() >= 40, "only {} reasons were found in the proto", names.len());
    for name in names {
        let count = rows.iter().filter(|(reason, _)| reason == name).count();
        assert_eq!(count, 1, "{GUIDE}: `{name}` stands {count} times in the tables of reasons");
    }
    for (reason, cells) in &rows {
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{reason}: {cells:?}");
        assert!(["no", "token", "same", "new"].contains(&cells[3].as_str()), "{reason}: retry `{}`", cells[3]);
        assert!(
            cells[0].split(", ").all(|s| s.chars().all(|c| c.is_ascii_uppercase() || c == '_')),
            "{reason}: {cells:?}"
        );
    }
}

/// What the examples do with an error is what the table says.
#[test]
fn the_examples_retry_as_the_table_says() {
    let rows = rows(&read(GUIDE));
    for (file, quote) in [("docs/partner/python/sluis_client.py", '"'), ("docs/partner/node/sluis_client.js", '\'')] {
        let errors = snippet(file, "errors");
        let says = |word: &str| errors.contains(&format!("{quote}{word}{quote}"));
        for (reason, cells) in &rows {
            let repeats = cells[0].split(", ").all(says);
            assert_eq!(repeats && !reason.starts_with("TOKEN_"), cells[3] == "same", "{file}: {reason} {cells:?}");
            assert_eq!(says(reason), cells[3] == "token", "{file}: {reason} is retried with a new token");
        }
    }
}
