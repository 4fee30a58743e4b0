//! Why a PostgreSQL database is not made or opened, and what to do about it.

use crate::master::CryptoRefused;
use crate::wrapping::WrappingFault;

/// Why a database was not made or opened. Names the place (`host:port/database`, never a password) and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address cannot be read.
    #[error("`{url}` is not an address of a PostgreSQL database: write postgres://user@host:5432/database")]
    Address {
        /// The address without what may be secret.
        url: String,
    },
    /// A secret in a file that others read.
    #[error(
        "the address of `{place}` holds a password: put it in a file of mode 0400 and name that as `password_file`"
    )]
    PasswordInAddress {
        /// Where.
        place: String,
    },
    /// Nobody answers.
    #[error(
        "`{place}` does not answer ({source}): check the address, the password, and that the server lets this machine in (pg_hba.conf)"
    )]
    Unreachable {
        /// Where.
        place: String,
        /// The cause.
        source: sqlx::Error,
    },
    /// No tables of Sluis.
    #[error("`{place}` holds no {expected}: make it with `sluis init`, or restore it and its anchor")]
    Missing {
        /// Where.
        place: String,
        /// `log database` or `key database`.
        expected: &'static str,
    },
    /// Creating would overwrite.
    #[error(
        "`{place}` holds tables of Sluis already: nothing is overwritten; another gateway on them needs no `sluis init`, but a copy of the keys of the first"
    )]
    Exists {
        /// Where.
        place: String,
    },
    /// The other of the two databases.
    #[error("`{place}` is not a {expected} of Sluis: check the address in the configuration")]
    Foreign {
        /// Where.
        place: String,
        /// `log database` or `key database`.
        expected: &'static str,
    },
    /// Another version of the schema; opening never migrates.
    #[error(
        "`{place}` has schema version {found} and this program needs {expected}: run the program of that version, or `sluis migrate` after a backup"
    )]
    Version {
        /// Where.
        place: String,
        /// What this program knows.
        expected: i32,
        /// What stands there.
        found: i32,
    },
    /// Another process is this replica.
    #[error("replica {replica} of `{place}` is in use: give every gateway process a number of its own (`replica`)")]
    InUse {
        /// Where.
        place: String,
        /// The number.
        replica: i16,
    },
    /// The rows were sealed under another master key.
    #[error("`{place}` was made with another master key: configure the key file that belongs to it")]
    MasterKey {
        /// Where.
        place: String,
    },
    /// What is stored contradicts itself.
    #[error("`{place}` contradicts itself in `{table}`: do not serve from it; verify the log and restore")]
    Corrupt {
        /// Where.
        place: String,
        /// Which table.
        table: &'static str,
    },
    /// The newest entries are not on a standby although one is required (A1).
    #[error(
        "`{place}` has no synchronous standby that holds the whole log: bring it back, or configure `require_standby = false`"
    )]
    NoStandby {
        /// Where.
        place: String,
    },
    /// The engine refused.
    #[error("`{place}` cannot be used ({source}): see the log of the server")]
    Engine {
        /// Where.
        place: String,
        /// The cause.
        source: sqlx::Error,
    },
    /// A secret of a wrapping generation.
    #[error(transparent)]
    Wrapping(#[from] WrappingFault),
    /// The cryptographic library refused.
    #[error(transparent)]
    Crypto(#[from] CryptoRefused),
}
