//! The folder with the secrets of wrapping generations: `1.key`, `2.key`, and `1.destroyed` for one that is gone.
//!
//! A secret gets its name only when it is durable, so that no reader meets half of one. It is destroyed in this order: a marker
//! that says so, other bytes in its place, its name. If the process dies between two of these, doing it again goes on: from the
//! marker on nobody reads the secret, whether or not its file is still there.
//!
//! Where this ends: what a file system or a disk keeps of bytes that were overwritten (snapshots, copy on write, spare blocks)
//! is out of reach of a program.

use super::fault::WrappingFault;
use crate::secret_file::{self, SecretFileError};
use sluis_core::log::Millis;
use sluis_core::ports::Entropy;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Length of a secret, in bytes.
pub const SECRET_BYTES: usize = 32;

/// Secrets of generations, by their number.
#[derive(Debug, Clone)]
pub struct SecretFolder(PathBuf);

impl SecretFolder {
    /// This folder, which need not exist yet.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The file of a secret.
    #[must_use]
    pub fn file(&self, generation: u32) -> PathBuf {
        self.0.join(format!("{generation}.key"))
    }

    /// The file that says that a generation was destroyed.
    #[must_use]
    pub fn marker(&self, generation: u32) -> PathBuf {
        self.0.join(format!("{generation}.destroyed"))
    }

    /// Whether there is a secret of a generation, or what may be one.
    #[must_use]
    pub fn holds(&self, generation: u32) -> bool {
        !matches!(self.file(generation).try_exists(), Ok(false))
    }

    /// Makes the secret of a generation, and the folder where there is none. It is durable, and read back, when this returns.
    ///
    /// If the process dies here, there is a whole secret or none; what is left of an attempt is never read.
    ///
    /// # Errors
    /// [`WrappingFault::Exists`] when there is one; nothing is ever overwritten.
    pub fn make(&self, generation: u32, entropy: &dyn Entropy) -> Result<(), WrappingFault> {
        let file = self.file(generation);
        self.refuse_destroyed(generation)?;
        self.make_folder()?;
        if file.try_exists().map_err(|source| failed(&file, source))? {
            return Err(WrappingFault::Exists { file });
        }
        let mut secret = Zeroizing::new([0u8; SECRET_BYTES]);
        entropy.fill(&mut *secret);
        let mut name = [0u8; 8];
        entropy.fill(&mut name);
        // A name of its own: two who make a secret at the same time must not write into one file.
        let unnamed = self.0.join(attempt(generation) + &data_encoding::HEXLOWER.encode(&name));
        let named = secret_file::create(&unnamed, &*secret).map_err(WrappingFault::from).and_then(|()| {
            fs::hard_link(&unnamed, &file).map_err(|source| match source.kind() {
                io::ErrorKind::AlreadyExists => WrappingFault::Exists { file: file.clone() },
                _ => failed(&file, source),
            })
        });
        // Of no use to anybody: where it cannot be taken away, it goes with its generation.
        let _left = fs::remove_file(&unnamed);
        named?;
        self.flush()?;
        if self.read(generation)? == secret { Ok(()) } else { Err(self.short(generation)) }
    }

    /// Reads the secret of a generation.
    ///
    /// # Errors
    /// [`WrappingFault::Destroyed`] when the generation was destroyed, whatever stands in its file.
    pub fn read(&self, generation: u32) -> Result<Zeroizing<[u8; SECRET_BYTES]>, WrappingFault> {
        self.refuse_destroyed(generation)?;
        let bytes = match secret_file::read(&self.file(generation)) {
            Err(SecretFileError::Missing(file)) => return Err(WrappingFault::Missing { generation, file }),
            bytes => bytes?,
        };
        let secret = <[u8; SECRET_BYTES]>::try_from(bytes.as_slice()).map(Zeroizing::new);
        secret.ok().filter(|secret| **secret != [0; SECRET_BYTES]).ok_or_else(|| self.short(generation))
    }

    /// Makes a secret durable that somebody may just have copied here, before anything is wrapped under it.
    ///
    /// # Errors
    /// [`WrappingFault`] names the file.
    pub fn settle(&self, generation: u32) -> Result<(), WrappingFault> {
        self.read(generation)?;
        let file = self.file(generation);
        File::open(&file).and_then(|open| open.sync_all()).map_err(|source| failed(&file, source))?;
        self.flush()
    }

    fn flush(&self) -> Result<(), WrappingFault> {
        File::open(&self.0).and_then(|folder| folder.sync_all()).map_err(|source| failed(&self.0, source))
    }

    /// Destroys the secret of a generation. Gives whether there was one here. May be repeated.
    ///
    /// # Errors
    /// [`WrappingFault::Io`]: the secret may still be there; do it again.
    pub fn destroy(&self, generation: u32, now: Millis) -> Result<bool, WrappingFault> {
        self.make_folder()?;
        self.mark(generation, now)?;
        let there = wipe(&self.file(generation))?;
        let attempt = attempt(generation);
        for name in self.names()?.iter().filter(|name| name.starts_with(&attempt)) {
            wipe(&self.0.join(name))?;
        }
        self.flush()?;
        Ok(there)
    }

    /// Generations of which there is a secret although they were destroyed: destroying was interrupted, or one was put back.
    ///
    /// # Errors
    /// [`WrappingFault::Io`].
    pub fn undead(&self) -> Result<Vec<u32>, WrappingFault> {
        let names = self.names()?;
        let marked = names.iter().filter_map(|name| name.strip_suffix(".destroyed")?.parse().ok());
        let mut found: Vec<u32> = marked.filter(|generation| self.holds(*generation)).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// Files that are neither a secret nor a marker: a copy of a secret keeps backups of its time alive.
    ///
    /// # Errors
    /// [`WrappingFault::Io`].
    pub fn strangers(&self) -> Result<Vec<String>, WrappingFault> {
        let ours = |name: &String| {
            let number = [".key", ".destroyed"].iter().find_map(|end| name.strip_suffix(end));
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        let mut names = self.names()?;
        names.retain(|name| !ours(name));
        names.sort_unstable();
        Ok(names)
    }

    fn names(&self) -> Result<Vec<String>, WrappingFault> {
        let list = fs::read_dir(&self.0).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let list = list.map_err(|source| failed(&self.0, source))?;
        Ok(list.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
    }

    fn mark(&self, generation: u32, now: Millis) -> Result<(), WrappingFault> {
        let (marker, beside) = (self.marker(generation), self.0.join(format!("{generation}.destroyed.new")));
        if !matches!(marker.try_exists(), Ok(true)) {
            let at = i64::try_from(now).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
            let text = format!("wrapping generation {generation} was destroyed, {}\n", at.unwrap_or_default());
            let written = File::create(&beside).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            });
            written.and_then(|()| fs::rename(&beside, &marker)).map_err(|source| failed(&marker, source))?;
        }
        self.flush()
    }

    fn refuse_destroyed(&self, generation: u32) -> Result<(), WrappingFault> {
        let marker = self.marker(generation);
        match marker.try_exists() {
            Ok(false) => Ok(()),
            Ok(true) => Err(WrappingFault::Destroyed { generation, marker }),
            Err(source) => Err(failed(&marker, source)),
        }
    }

    fn make_folder(&self) -> Result<(), WrappingFault> {
        if self.0.is_dir() {
            return Ok(());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(|source| failed(&self.0, source))?;
        let parent = self.0.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent).and_then(|folder| folder.sync_all()).map_err(|source| failed(parent, source))
    }

    fn short(&self, generation: u32) -> WrappingFault {
        let file = self.file(generation);
        SecretFileError::Content { file, expected: "the secret of a wrapping generation, 32 bytes" }.into()
    }
}

/// How the files begin in which a secret is written before it has its name.
fn attempt(generation: u32) -> String {
    format!("{generation}.key.new-")
}

/// Puts other bytes in the place of a secret, makes that durable, and takes its name away. Gives whether it was there.
fn wipe(file: &Path) -> Result<bool, WrappingFault> {
    let wiped = fs::metadata(file).and_then(|meta| {
        fs::set_permissions(file, Permissions::from_mode(0o600))?;
        let mut open = OpenOptions::new().write(true).open(file)?;
        open.write_all(&vec![0; usize::try_from(meta.len()).unwrap_or(SECRET_BYTES)])?;
        open.sync_all()?;
        fs::remove_file(file)
    });
    match wiped {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(failed(file, source)),
    }
}

fn failed(file: &Path, source: io::Error) -> WrappingFault {
    WrappingFault::Io { file: file.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::OsEntropy;

    fn folder(name: &str) -> SecretFolder {
        let path = std::env::temp_dir().join(format!("sluis-secrets-{name}-{}", std::process::id()));
        let _earlier = fs::remove_dir_all(&path);
        SecretFolder::new(path)
    }

    #[test]
    fn a_secret_is_made_once_and_read_back() {
        let folder = folder("made");
        folder.make(1, &OsEntropy).unwrap();
        let secret = folder.read(1).unwrap();
        assert!(matches!(folder.make(1, &OsEntropy), Err(WrappingFault::Exists { .. })));
        assert_eq!(folder.read(1).unwrap(), secret);
        assert!(matches!(folder.read(2), Err(WrappingFault::Missing { generation: 2, .. })));
        assert_eq!(fs::metadata(folder.file(1)).unwrap().permissions().mode() & 0o7777, 0o400);
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o7777, 0o700);
        assert_eq!(folder.strangers().unwrap(), Vec::<String>::new());
        fs::remove_dir_all(folder.path()).unwrap();
    }

    /// Many at the same time: one makes it, and what it made is whole.
    #[test]
    fn of_two_who_make_a_secret_one_does() {
        let folder = folder("race");
        folder.make(1, &OsEntropy).unwrap();
        for generation in 2..40 {
            let made = std::thread::scope(|scope| {
                let tries = [(); 4].map(|()| scope.spawn(|| folder.make(generation, &OsEntropy).is_ok()));
                tries.map(|one| one.join().unwrap())
            });
            assert_eq!(made.iter().filter(|made| **made).count(), 1, "{generation}");
            folder.read(generation).unwrap();
        }
        assert_eq!(folder.strangers().unwrap(), Vec::<String>::new());
        fs::remove_dir_all(folder.path()).unwrap();
    }

    #[test]
    fn what_was_destroyed_is_not_read_again_and_goes_on_where_it_stopped() {
        let folder = folder("destroyed");
        folder.make(1, &OsEntropy).unwrap();
        let second_name = folder.path().join("held");
        fs::hard_link(folder.file(1), &second_name).unwrap();
        // What an attempt that was killed leaves.
        fs::write(folder.path().join("1.key.new-00"), [1; 32]).unwrap();
        assert!(folder.destroy(1, 1_795_262_400_000).unwrap());
        assert_eq!(fs::read(&second_name).unwrap(), [0; SECRET_BYTES], "the bytes are still there");
        assert_eq!(folder.strangers().unwrap(), ["held"]);
        assert!(!folder.destroy(1, 0).unwrap());
        assert!(fs::read_to_string(folder.marker(1)).unwrap().contains("2026-11-21T12:00:00Z"));
        assert!(matches!(folder.make(1, &OsEntropy), Err(WrappingFault::Destroyed { .. })));
        fs::write(folder.file(1), [3; 32]).unwrap();
        assert!(matches!(folder.read(1), Err(WrappingFault::Destroyed { generation: 1, .. })));
        assert_eq!(folder.undead().unwrap(), [1]);
        assert!(folder.destroy(1, 0).unwrap() && folder.undead().unwrap().is_empty());
        fs::remove_dir_all(folder.path()).unwrap();
    }
}
