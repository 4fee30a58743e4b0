//! What is frozen: leaves, commitments, field bits, codes, the wire. A leaf must be readable for decades.
//!
//! The values come from `tests/verify.py`, a second implementation that shares no code with the gateway. Lists may
//! grow: `SLUIS_BLESS=1 cargo test -p sluis-tests golden` adds the new lines; a line that vanished stays a failure.

mod commitments;
mod lists;
mod merkle;
mod wire;

use std::collections::BTreeSet;
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_default()
}

/// Compares a list with the frozen one: nothing may vanish or change, and what is new must be blessed.
fn frozen(name: &str, head: &str, current: &[String]) {
    let kept = read(name);
    let kept: BTreeSet<&str> = kept.lines().filter(|line| !line.starts_with('#')).collect();
    let now: BTreeSet<&str> = current.iter().map(String::as_str).collect();
    let gone: Vec<_> = kept.difference(&now).collect();
    assert!(gone.is_empty(), "golden/{name}: frozen, but changed or gone: {gone:#?}");
    if std::env::var_os("SLUIS_BLESS").is_some() {
        std::fs::write(path(name), format!("# {head}\n{}\n", current.join("\n"))).unwrap();
        return;
    }
    let new: Vec<_> = now.difference(&kept).collect();
    assert!(new.is_empty(), "golden/{name}: new, run with SLUIS_BLESS=1 to freeze: {new:#?}");
}
