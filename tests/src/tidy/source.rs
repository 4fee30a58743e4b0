//! Rust sources as the rules see them: without comments and strings, with test modules marked.

use std::path::{Path, PathBuf};

/// One file of the repository.
pub struct Source {
    /// Path from the root, with `/`.
    pub path: String,
    /// The text as it is.
    pub text: String,
    /// The text with comments, strings and characters blanked; lines stay where they are.
    pub code: String,
}

impl Source {
    /// The code without the test module at its end.
    pub fn outside_tests(&self) -> &str {
        if self.path.starts_with("tests/") || self.path.contains("/tests/") {
            return "";
        }
        self.code.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
    }

    /// The line number of a byte offset, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every file of the repository that somebody wrote, in order.
pub fn files() -> Vec<PathBuf> {
    const SKIPPED: [&str; 7] = ["target", ".git", ".venv", "__pycache__", "node_modules", "sluis-demo", "gen"];
    let mut found = Vec::new();
    let mut open = vec![root()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap().map(Result::unwrap) {
            let name = entry.file_name().to_string_lossy().into_owned();
            match entry.file_type().unwrap() {
                kind if kind.is_dir() && !SKIPPED.contains(&name.as_str()) => open.push(entry.path()),
                kind if kind.is_file() && name != ".git" => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// The path from the root, with `/`.
pub fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

/// Every Rust source, outside generated code.
pub fn rust() -> Vec<Source> {
    let sources: Vec<Source> = files()
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            Source { path: relative(path), code: blank(&text), text }
        })
        .filter(|source| !super::rules::GENERATED.iter().any(|g| source.path.starts_with(g)))
        .collect();
    assert!(sources.len() > 20, "only {} sources found: the walk is broken", sources.len());
    sources
}

/// Replaces comments, strings and characters by spaces; newlines and the length in bytes stay.
pub fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = skipped(bytes, at);
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    String::from_utf8(out).unwrap()
}

/// Where the comment, string or character that begins at `at` ends; `at` when none begins.
fn skipped(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let word_before = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    let find = |needle: &[u8], from: usize| {
        (from..rest.len()).find(|n| rest[*n..].starts_with(needle)).map_or(rest.len(), |n| n + needle.len())
    };
    let length = match rest {
        [b'/', b'/', ..] => find(b"\n", 0) - 1,
        [b'/', b'*', ..] => find(b"*/", 2),
        [b'"', ..] => closing_quote(rest, 1),
        [b'r', b'"' | b'#', ..] | [b'b', b'r', b'"' | b'#', ..] if !word_before => {
            let hashes = rest.iter().skip_while(|b| **b != b'#' && **b != b'"').take_while(|b| **b == b'#').count();
            let opening = rest.iter().position(|b| *b == b'"').unwrap_or(0);
            let only_hashes = rest[..opening].iter().all(|b| b"br#".contains(b));
            if only_hashes { find(&[b"\"".as_slice(), &b"#".repeat(hashes)].concat(), opening + 1) } else { 0 }
        }
        [b'\'', b'\\', ..] => find(b"'", 3),
        [b'\'', ..] => char_literal(rest),
        _ => 0,
    };
    at + length
}

fn closing_quote(rest: &[u8], mut at: usize) -> usize {
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// A character such as 'a' or 'é'; a lifetime is none.
fn char_literal(rest: &[u8]) -> usize {
    (2..=5)
        .find(|n| {
            rest.get(*n) == Some(&b'\'') && std::str::from_utf8(&rest[1..*n]).is_ok_and(|s| s.chars().count() == 1)
        })
        .map_or(0, |n| n + 1)
}

/// Offsets where the words stand, not as a part of a longer word.
pub fn occurrences(code: &str, words: &str) -> Vec<usize> {
    let name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(words)
        .filter(|(at, _)| {
            let before = code[..*at].chars().next_back().is_some_and(name) && words.starts_with(name);
            let after = code[at + words.len()..].chars().next().is_some_and(name) && words.ends_with(name);
            !before && !after
        })
        .map(|(at, _)| at)
        .collect()
}

/// The modules of a crate that the code names: `a::b` gives b, `a::{b::C, d}` gives b and d.
pub fn modules(code: &str, of: &str) -> Vec<(usize, String)> {
    let word =
        |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for at in occurrences(code, &format!("{of}::")) {
        let rest = code[at + of.len() + 2..].trim_start();
        let Some(group) = rest.strip_prefix('{') else {
            found.push((at, word(rest)));
            continue;
        };
        let (mut depth, mut part) = (0_i32, true);
        for (n, c) in group.char_indices() {
            if part && depth == 0 && !c.is_whitespace() {
                found.push((at, word(&group[n..])));
                part = false;
            }
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => part = true,
                _ => {}
            }
        }
    }
    found.retain(|(_, name)| !name.is_empty());
    found
}

/// Every function with a body: its name, the offset of `fn`, and its number of lines.
pub fn functions(code: &str) -> Vec<(String, usize, usize)> {
    occurrences(code, "fn ")
        .into_iter()
        .filter_map(|at| {
            let rest = &code[at + 3..];
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let (mut braces, mut brackets) = (0_i32, 0_i32);
            for (n, c) in rest.char_indices() {
                match c {
                    '(' | '[' => brackets += 1,
                    ')' | ']' => brackets -= 1,
                    '{' => braces += 1,
                    '}' => {
                        braces -= 1;
                        if braces == 0 {
                            return Some((name, at, rest[..n].matches('\n').count() + 1));
                        }
                    }
                    ';' if braces == 0 && brackets == 0 => return None,
                    _ => {}
                }
            }
            None
        })
        .filter(|(name, ..)| !name.is_empty())
        .collect()
}

#[test]
fn the_reader_sees_code_only() {
    let code = blank("let a = \"x // y\"; // z\nlet b = 'q'; let c: &'a str = r#\"unsafe\"#; /* t */ d");
    assert_eq!(code.replace(' ', ""), "leta=;\nletb=;letc:&'astr=;d");
    assert_eq!(modules("use x::{a::B, c::{D, e}, f}; x::g::h()", "x").len(), 4);
    assert_eq!(functions("fn a(x: [u8; 2]) -> u8 {\n{\n}\n}\nfn b();\nlet c: fn (u8);"), vec![("a".to_owned(), 0, 4)]);
    assert_eq!(occurrences("unsafe_code unsafe", "unsafe"), vec![12]);
}
