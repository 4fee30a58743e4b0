//! The flag of a halt in a file beside the anchor: a replica that halted stays so when its row in the database is gone.
//!
//! One line: milliseconds since 1970, a space, what was found. Written like the anchor: whole, or as before.

use crate::anchor_file::AnchorFile;
use sluis_core::log::Millis;
use sluis_core::upkeep::{AnchorStore, HaltFlag};
use std::path::PathBuf;
use std::{fs, io};

/// A flag in one file.
pub struct HaltFile {
    path: PathBuf,
    file: AnchorFile,
}

impl HaltFile {
    /// The flag beside an anchor, under its name with `.halt`.
    #[must_use]
    pub fn beside(anchor: impl Into<PathBuf>) -> Self {
        let mut path = anchor.into().into_os_string();
        path.push(".halt");
        let path = PathBuf::from(path);
        Self { file: AnchorFile::new(&path), path }
    }
}

impl HaltFlag for HaltFile {
    fn read(&self) -> io::Result<Option<(Millis, String)>> {
        let Some(text) = self.file.read()? else { return Ok(None) };
        let (time, found) = text.trim_end().split_once(' ').unwrap_or_default();
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, "it is not a line that a gateway wrote");
        Ok(Some((time.parse().map_err(|_| malformed())?, found.to_owned())))
    }

    fn raise(&self, time: Millis, found: &str) -> io::Result<()> {
        self.file.keep(&format!("{time} {found}\n"))
    }

    fn lower(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            lowered => lowered,
        }
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_stays_until_it_is_lowered_and_a_broken_one_is_not_absent() {
        let folder = std::env::temp_dir().join(format!("sluis-halt-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let flag = || HaltFile::beside(folder.join("log.anchor"));
        assert_eq!(flag().read().unwrap(), None);
        flag().raise(7, "`state` at 3: the row is gone").unwrap();
        assert_eq!(flag().read().unwrap(), Some((7, "`state` at 3: the row is gone".to_owned())));
        fs::write(folder.join("log.anchor.halt"), "").unwrap();
        assert!(flag().read().is_err());
        flag().lower().unwrap();
        flag().lower().unwrap();
        assert_eq!(flag().read().unwrap(), None);
        fs::remove_dir_all(&folder).unwrap();
    }
}
