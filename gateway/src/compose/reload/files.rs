//! Looking at files for changes: cheap while nothing changes, exact when something does.
//!
//! A look compares the metadata of each file, symbolic links followed, so that it works on network folders and on the links
//! that Kubernetes swaps. Only when that differs are the files read and their digests compared. Metadata can stay the same
//! when a file is written twice within one tick of the clock of the file system, so for a while after a change every look
//! reads. Files are handed out when two looks in a row saw the same, so that a file that is being written, or the second
//! file of a pair, gets the moment it needs; a file that never rests is handed out all the same.

use crate::transport::MaterialError;
use crate::transport::trust::Pem;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Looks that read the files after their metadata changed.
const READING_LOOKS: u32 = 15;
/// Looks that may see another content each before it is tried anyway.
const RESTLESS_LOOKS: u32 = 3;

/// The bytes of one file, as they were when looked at.
pub(crate) struct Content {
    file: PathBuf,
    bytes: Result<Zeroizing<Vec<u8>>, std::io::ErrorKind>,
}

impl Content {
    /// The file, as it stands in the configuration.
    pub(crate) fn file(&self) -> String {
        self.file.display().to_string()
    }

    /// The bytes.
    ///
    /// # Errors
    /// [`MaterialError::Unreadable`] names the file.
    pub(crate) fn bytes(&self, what: &'static str) -> Result<&Zeroizing<Vec<u8>>, MaterialError> {
        let unreadable =
            |reason: &std::io::ErrorKind| MaterialError::Unreadable { what, name: self.file(), reason: *reason };
        self.bytes.as_ref().map_err(unreadable)
    }

    /// The bytes as text.
    ///
    /// # Errors
    /// [`MaterialError`] names the file, also when it is not UTF-8.
    pub(crate) fn text(&self, what: &'static str) -> Result<&str, MaterialError> {
        let reason = || "it must be text in UTF-8".to_owned();
        std::str::from_utf8(self.bytes(what)?).map_err(|_| MaterialError::Unusable {
            what,
            name: self.file(),
            reason: reason(),
        })
    }

    /// The bytes as a named piece of PEM.
    ///
    /// # Errors
    /// [`MaterialError::Unreadable`] names the file.
    pub(crate) fn pem(&self, what: &'static str) -> Result<Pem, MaterialError> {
        Ok(Pem::of_bytes(&self.file(), self.bytes(what)?.clone()))
    }
}

/// What tells cheaply that a file was replaced or written: any difference counts, also an older time.
#[derive(Clone, PartialEq, Eq)]
struct Print {
    place: (u64, u64),
    size: u64,
    changed: (i64, i64),
    modified: (i64, i64),
}

fn print(file: &Path) -> Result<Print, std::io::ErrorKind> {
    let meta = std::fs::metadata(file).map_err(|error| error.kind())?;
    Ok(Print {
        place: (meta.dev(), meta.ino()),
        size: meta.size(),
        changed: (meta.ctime(), meta.ctime_nsec()),
        modified: (meta.mtime(), meta.mtime_nsec()),
    })
}

/// Over the contents of all files of a group, in their order.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Digest([u8; 32]);

fn digest(contents: &[Content]) -> Digest {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for content in contents {
        match &content.bytes {
            Ok(bytes) => {
                context.update(&[1]);
                context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
                context.update(bytes);
            }
            Err(kind) => {
                context.update(&[0]);
                context.update(kind.to_string().as_bytes());
            }
        }
    }
    Digest(context.finish().as_ref().try_into().unwrap_or([0; 32]))
}

fn read(files: &[PathBuf]) -> Vec<Content> {
    let content = |file: &PathBuf| Content {
        file: file.clone(),
        bytes: std::fs::read(file).map(Zeroizing::new).map_err(|error| error.kind()),
    };
    files.iter().map(content).collect()
}

/// What a look found.
pub(crate) enum Look {
    /// Nothing to do.
    Nothing,
    /// The files are again what is in force, after something else was refused.
    AsInForce,
    /// Something to take over.
    Changed(Vec<Content>),
}

/// A group of files that belong together.
pub(crate) struct Watched {
    files: Vec<PathBuf>,
    prints: Vec<Result<Print, std::io::ErrorKind>>,
    in_force: Digest,
    refused: Option<Digest>,
    retry_in: Option<u32>,
    resting: Option<Digest>,
    restless: u32,
    reading: u32,
}

impl Watched {
    /// Takes the files as they are now for those in force. Begin before they are loaded: a change in between is then seen
    /// as a change, and taken over once more.
    pub(crate) fn begin(files: Vec<PathBuf>) -> Self {
        let prints = files.iter().map(|file| print(file)).collect();
        let in_force = digest(&read(&files));
        Self {
            files,
            prints,
            in_force,
            refused: None,
            retry_in: None,
            resting: None,
            restless: 0,
            reading: READING_LOOKS,
        }
    }

    /// Looks. `at_once`: whoever asks is done writing, and wants what was refused to be tried again.
    pub(crate) fn look(&mut self, at_once: bool) -> Look {
        let prints: Vec<_> = self.files.iter().map(|file| print(file)).collect();
        if prints != self.prints {
            self.prints = prints;
            self.reading = READING_LOOKS;
        }
        let retry = self.is_retry_due() || (at_once && self.refused.is_some());
        if self.reading == 0 && !at_once && !retry {
            return Look::Nothing;
        }
        self.reading = self.reading.saturating_sub(1);
        let contents = read(&self.files);
        let digest = digest(&contents);
        if digest == self.in_force {
            (self.resting, self.restless, self.retry_in) = (None, 0, None);
            return if self.refused.take().is_some() { Look::AsInForce } else { Look::Nothing };
        }
        if self.refused == Some(digest) {
            (self.resting, self.restless) = (None, 0);
            return if retry { Look::Changed(contents) } else { Look::Nothing };
        }
        if !at_once && self.resting != Some(digest) && self.restless < RESTLESS_LOOKS {
            self.resting = Some(digest);
            self.restless += 1;
            self.reading = self.reading.max(1);
            return Look::Nothing;
        }
        (self.resting, self.restless) = (None, 0);
        Look::Changed(contents)
    }

    /// These contents are in force now.
    pub(crate) fn taken(&mut self, contents: &[Content]) {
        (self.in_force, self.refused, self.retry_in) = (digest(contents), None, None);
    }

    /// These contents were refused: until they change, or for this many looks.
    pub(crate) fn refused(&mut self, contents: &[Content], retry_in: Option<u32>) {
        (self.refused, self.retry_in) = (Some(digest(contents)), retry_in);
    }

    /// Whether what was seen last was refused.
    pub(crate) const fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    fn is_retry_due(&mut self) -> bool {
        match &mut self.retry_in {
            Some(0) => true,
            Some(looks) => {
                *looks -= 1;
                false
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests;
