//! Tests by their path, looked up in their source.

use std::path::{Path, PathBuf};

/// Whether `module::sub::name` is a test of this crate.
pub fn is_test(path: &str) -> bool {
    let (module, name) = path.rsplit_once("::").unwrap();
    let text = sources(module).iter().find_map(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let Some((before, _)) = text.split_once(&format!("fn {name}(")) else { return false };
    // The attribute stands in the lines right above.
    before.lines().rev().take(4).any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

fn sources(module: &str) -> [PathBuf; 2] {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module.replace("::", "/"));
    [root.with_extension("rs"), root.join("mod.rs")]
}

#[test]
fn a_test_is_found_and_what_is_none_is_not() {
    assert!(is_test("closed::named::a_test_is_found_and_what_is_none_is_not"));
    assert!(!is_test("closed::named::sources") && !is_test("closed::named::absent") && !is_test("absent::x"));
}
