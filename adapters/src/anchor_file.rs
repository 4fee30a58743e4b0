//! The anchor in a file: the newest checkpoint that this process signed, kept outside the database.
//!
//! Written to a second file, flushed, and put in its place: if the process or the machine dies here, the older anchor or
//! the newer one is there, never half of one.

use sluis_core::upkeep::AnchorStore;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

/// Longest note that is read, in bytes: origin, size, root and a few signatures.
const NOTE_BYTES_MAX: u64 = 64 * 1024;

/// An anchor in one file, best on other storage than the database.
pub struct AnchorFile(PathBuf);

impl AnchorFile {
    /// The anchor in this file, which need not exist yet.
    #[must_use]
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self(file.into())
    }
}

impl AnchorStore for AnchorFile {
    fn read(&self) -> io::Result<Option<String>> {
        use std::io::Read;
        let file = match File::open(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut note = String::new();
        file.take(NOTE_BYTES_MAX).read_to_string(&mut note)?;
        Ok(Some(note))
    }

    fn keep(&self, note: &str) -> io::Result<()> {
        let mut beside = self.0.clone().into_os_string();
        beside.push(".new");
        let mut file = File::create(&beside)?;
        file.write_all(note.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.0)
    }

    fn name(&self) -> String {
        self.0.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_note_that_was_kept_is_read_and_none_at_first() {
        let folder = std::env::temp_dir().join(format!("sluis-anchor-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let anchor = AnchorFile::new(folder.join("log.anchor"));
        assert_eq!(anchor.read().unwrap(), None);
        anchor.keep("one\n").unwrap();
        anchor.keep("two\n").unwrap();
        assert_eq!(anchor.read().unwrap().as_deref(), Some("two\n"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
