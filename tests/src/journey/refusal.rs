//! A start that is refused: status 2, words that say what to do, and a folder that is as it was.

use super::place::Place;
use super::program::Running;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every file with its content. The engine's own side files of an open database are not content.
fn content(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            files.extend(content(&path));
        } else if !["db-wal", "db-shm", "lock"].iter().any(|end| path.extension().is_some_and(|e| e == *end)) {
            let bytes = std::fs::read(&path).unwrap();
            files.insert(path, bytes);
        }
    }
    files
}

/// The gateway of this place does not start, says these words, and changes nothing.
pub fn refused(place: &Place, words: &[&str]) {
    let before = content(&place.dir);
    let Err(said) = Running::serve(&place.config()) else { panic!("it starts; it should say {words:?}") };
    assert_eq!(said.status, Some(2), "{said:#?}");
    for word in words {
        assert!(said.err.contains(word), "`{word}` is not in: {}", said.err);
    }
    let explained = said.err.lines().any(|line| line.starts_with("sluis: "));
    assert!(explained && !said.err.contains("panicked") && !said.err.contains('\u{1b}'), "{}", said.err);
    let after = content(&place.dir);
    let changed: Vec<_> = before.keys().chain(after.keys()).filter(|f| before.get(*f) != after.get(*f)).collect();
    assert!(changed.is_empty(), "changed by a start that was refused: {changed:?}");
}
