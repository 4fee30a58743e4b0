//! Why a wrapping key cannot be had, and what to do about it.

use crate::master::CryptoRefused;
use crate::secret_file::SecretFileError;
use std::path::PathBuf;

/// Why a secret of a generation is not used, made or destroyed. Names the file, never the content.
#[derive(Debug, thiserror::Error)]
pub enum WrappingFault {
    /// The secret is not here.
    #[error(
        "`{file}` does not exist: without the secret of wrapping generation {generation} no key that it wraps can be opened; copy it \
         from another gateway of this log, or from where its copy is kept"
    )]
    Missing {
        /// Which generation.
        generation: u32,
        /// Its file.
        file: PathBuf,
    },
    /// The generation was destroyed: its database is older than that.
    #[error(
        "wrapping generation {generation} was destroyed, as `{marker}` says: this key database was put back from before that, and \
         nothing opens its keys; put back one that was made later"
    )]
    Destroyed {
        /// Which generation.
        generation: u32,
        /// The file that says so.
        marker: PathBuf,
    },
    /// Another secret, or another row.
    #[error(
        "`{file}` is not the secret with which wrapping generation {generation} of this key database was made: put the right one \
         there, from another gateway of this log; if it is the right one, somebody changed the row of the generation"
    )]
    Other {
        /// Which generation.
        generation: u32,
        /// Its file.
        file: PathBuf,
    },
    /// A secret is there that nothing says anything about.
    #[error("`{file}` exists already: a secret is never overwritten")]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// The file.
    #[error(transparent)]
    Secret(#[from] SecretFileError),
    /// The operating system refused.
    #[error("`{file}` cannot be used: {source}")]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The cryptographic library refused.
    #[error(transparent)]
    Crypto(CryptoRefused),
}
