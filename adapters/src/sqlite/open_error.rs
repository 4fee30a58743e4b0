//! Why a database file is not made or opened, and what to do about it.

use crate::master::CryptoRefused;
use crate::wrapping::WrappingFault;
use std::path::PathBuf;

/// Why a database was not made or opened. Names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such file.
    #[error("`{file}` does not exist: create it with `sluis init`, or restore it and its anchor")]
    Missing {
        /// The file.
        file: PathBuf,
    },
    /// Creating would overwrite.
    #[error("`{file}` exists already: creating a log never overwrites one")]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// Another kind of file.
    #[error("`{file}` is not a {expected} of Sluis: check the path in the configuration")]
    Foreign {
        /// The file.
        file: PathBuf,
        /// `log database` or `key database`.
        expected: &'static str,
    },
    /// Another version of the schema; opening never migrates.
    #[error(
        "`{file}` has schema version {found} and this program needs {expected}: run the program of that version, or `sluis migrate` after a backup"
    )]
    Version {
        /// The file.
        file: PathBuf,
        /// What this program knows.
        expected: i32,
        /// What stands in the file.
        found: i32,
    },
    /// It cannot be written.
    #[error("`{file}` is read-only: give the gateway's user write permission on the file and its folder")]
    ReadOnly {
        /// The file.
        file: PathBuf,
    },
    /// Another process uses it.
    #[error("`{file}` is in use by another process: one gateway process serves one SQLite log")]
    InUse {
        /// The file.
        file: PathBuf,
    },
    /// Somebody reads or writes it past the lock, so the WAL cannot be emptied.
    #[error("the WAL of `{file}` cannot be emptied because another program holds the file: close it and start again")]
    WalBusy {
        /// The file.
        file: PathBuf,
    },
    /// The rows were sealed under another master key.
    #[error("`{file}` was made with another master key: configure the key file that belongs to it")]
    MasterKey {
        /// The file.
        file: PathBuf,
    },
    /// What is stored contradicts itself.
    #[error("`{file}` contradicts itself in `{table}`: do not serve from it; verify the log and restore")]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// Where.
        table: &'static str,
    },
    /// The operating system refused.
    #[error("`{file}` cannot be opened: {source}")]
    Io {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The engine refused.
    #[error("`{file}` cannot be opened: {source}")]
    Engine {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: rusqlite::Error,
    },
    /// A secret of a wrapping generation.
    #[error(transparent)]
    Wrapping(#[from] WrappingFault),
    /// The cryptographic library refused.
    #[error(transparent)]
    Crypto(#[from] CryptoRefused),
}
