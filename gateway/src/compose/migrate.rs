//! The schema versions of the databases of a configuration. There is one version of each so far, so there is no way
//! between two; no promise is made about one before PostgreSQL is in.

use super::StartFault;
use crate::config::Config;
use sluis_adapters::sqlite::inspect::{Database, version};
use std::path::PathBuf;

/// A database and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The file.
    pub file: PathBuf,
    /// `log database` or `key database`.
    pub name: &'static str,
    /// The version that stands in it.
    pub found: i32,
    /// The version that this program works with.
    pub present: i32,
}

/// Looks at both databases; changes nothing.
///
/// # Errors
/// [`StartFault::Open`] when one of them is none of ours or cannot be read.
pub fn migrate(config: &Config) -> Result<Vec<Step>, StartFault> {
    let both = [(Database::Log, &config.log.database), (Database::Keys, &config.keys.database)];
    let step = |(database, file): (Database, &PathBuf)| -> Result<Step, StartFault> {
        let found = version(file, database)?;
        Ok(Step { file: file.clone(), name: database.name(), found, present: database.version() })
    };
    both.into_iter().map(step).collect()
}
