//! Files that hold one secret: readable by their owner and by nobody else, written once.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The largest secret that is read, in bytes.
const SECRET_BYTES_MAX: u64 = 4096;

/// Why a secret cannot be had from its file. Names the file, never the content.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// There is no such file.
    #[error("`{0}` does not exist: generate it, or restore it from its own backup")]
    Missing(PathBuf),
    /// A generated secret would overwrite another.
    #[error("`{0}` exists already and is never overwritten: move it away first if it is really to be replaced")]
    Exists(PathBuf),
    /// Others can read it, or its owner can write it.
    #[error(
        "`{file}` has mode {mode:04o} and must have 0400: run `chmod 0400` on it, and replace the secret if others could read it"
    )]
    Mode {
        /// The file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The content is not what it should be.
    #[error("`{file}` does not hold {expected}")]
    Content {
        /// The file.
        file: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
    /// The operating system refused.
    #[error("`{file}` cannot be used: {source}")]
    Io {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl SecretFileError {
    fn io(file: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing(file.to_owned()),
            io::ErrorKind::AlreadyExists => Self::Exists(file.to_owned()),
            _ => Self::Io { file: file.to_owned(), source },
        }
    }
}

/// Reads a secret from a file of mode 0400.
///
/// # Errors
/// [`SecretFileError`]; in particular when the file is readable for group or others.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    let file = File::open(path).map_err(|e| SecretFileError::io(path, e))?;
    let meta = file.metadata().map_err(|e| SecretFileError::io(path, e))?;
    let mode = meta.permissions().mode() & 0o7777;
    if mode & 0o377 != 0 {
        return Err(SecretFileError::Mode { file: path.to_owned(), mode });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(SECRET_BYTES_MAX).unwrap_or(0)));
    file.take(SECRET_BYTES_MAX).read_to_end(&mut bytes).map_err(|e| SecretFileError::io(path, e))?;
    Ok(bytes)
}

/// Writes a new secret with mode 0400 and makes it durable, its name in the folder included.
///
/// # Errors
/// [`SecretFileError::Exists`] when there is one already; nothing is ever overwritten.
pub fn create(path: &Path, secret: &[u8]) -> Result<(), SecretFileError> {
    let fail = |e| SecretFileError::io(path, e);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(path).map_err(fail)?;
    file.write_all(secret).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|f| f.sync_all()).map_err(fail)
}
