//! Composition: the only room besides `main.rs` that names an engine. Reads files, opens stores, assembles, serves.

mod assemble;
mod behind;
pub mod doctor;
mod engine;
mod export;
pub mod freshness;
mod fsc_records;
mod holds;
mod housekeeping;
mod init;
pub mod lift;
mod migrate;
mod operate;
mod payloads;
pub mod pruning;
mod recomputed;
pub mod redecide;
mod reload;
mod replicas;
pub mod retention;
pub mod rotation;
mod serve;
mod servers;
pub mod signable;
pub mod source;
mod stopped;
pub mod subject;
mod turn;

pub use assemble::{Assembled, assemble, assemble_at, read_policy, verifier_key};
pub use export::export_log;
pub use fsc_records::{Unavailable, fsc_records};
pub use housekeeping::Housekeeper;
pub use init::init;
pub use migrate::{Step, migrate};
pub use reload::Asking;
pub use replicas::Others;
pub use serve::{Listening, listen, listen_at};
pub use sluis_adapters::process::keep_memory_private;
pub use stopped::Stopped;
pub use turn::{TurnFault, turn_year};

use crate::config::ConfigFault;
use crate::fault::Fault;
use crate::transport::MaterialError;
use sluis_adapters::secret_file::SecretFileError;
use sluis_adapters::sqlite::OpenError;
use sluis_core::ports::StoreError;

/// Why the gateway does not start. Each text names the file or setting and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigFault),
    /// A certificate, key or list.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// A key file.
    #[error(transparent)]
    Secret(#[from] SecretFileError),
    /// A secret of a wrapping generation.
    #[error(transparent)]
    Wrapping(#[from] sluis_adapters::wrapping::WrappingFault),
    /// A database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A database on a server.
    #[error(transparent)]
    Server(#[from] sluis_adapters::postgres::OpenError),
    /// Settings of a server that production does not rely on.
    #[error("the server of `{place}` is not safe to rely on:\n{}", .wrong.iter().map(|s| format!("  - {s}\n")).collect::<String>())]
    UnsafeServer {
        /// Host, port and database.
        place: String,
        /// Each what is wrong and what to do.
        wrong: Vec<String>,
    },
    /// The holder's database or its column map.
    #[error("{0}")]
    Holder(String),
    /// The policy; every fault with its place.
    #[error("the policy cannot be used:\n{0}")]
    Policy(String),
    /// A store did not answer while starting.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Conduct refused while starting.
    #[error(transparent)]
    Conduct(#[from] Fault),
    /// A file cannot be read or an address cannot be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Another shard than the one configured.
    #[error(
        "the log database holds shard `{found}` and the configuration says `{expected}`: correct `log.year`, `log.epoch` or the path"
    )]
    OtherShard {
        /// In the database.
        found: String,
        /// In the configuration.
        expected: String,
    },
    /// The log is not what this gateway last saw of it.
    #[error(transparent)]
    Anchor(#[from] crate::anchor::AnchorFault),
    /// Nothing was written for long, and the year is over.
    #[error(
        "by the clock of this machine the year of the log is over, and its last entry is more than 31 days old or of the year \
         before the last: nothing was written, for a year that a wrong clock has ended stays ended. See that the clock is right; \
         then `sluis log turn --year` opens the shard of this year"
    )]
    ClockLeapt,
    /// The log that an export would sign is not the one that was signed before.
    #[error(transparent)]
    NotSigned(#[from] signable::NotSigned),
    /// An export cannot be written.
    #[error(transparent)]
    Export(#[from] crate::client::export::ExportFault),
    /// Somebody else wrote that a key was erased.
    #[error(
        "`erased_key` of the log database holds a row that no gateway of this log wrote: nothing was destroyed and nothing is \
         served. Find out who can write this database and what else they changed; then take away the rows whose key id the log \
         lines name, as owner of the database, or restore it, and start again"
    )]
    ForeignTombstone,
    /// What answers calls ended.
    #[error("the server ended: {0}")]
    Ended(String),
    /// The outcome of an append is not known; the process must start again to find what is durable.
    #[error("the outcome of a write to the log is not known: the gateway stops, start it again")]
    Halted,
}
