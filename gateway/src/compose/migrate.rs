//! The schema versions of the databases of a configuration. There is one version of each so far, so there is no way
//! between two, and no promise that there will be one before the first release.

use super::StartFault;
use super::engine::{place_of_keys, place_of_log};
use crate::config::{Config, Engine};
use sluis_adapters::{postgres, sqlite};

/// A database and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The file, or the place on a server.
    pub place: String,
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
/// [`StartFault::Open`] or [`StartFault::Server`] when one of them is none of ours or cannot be read.
pub async fn migrate(config: &Config) -> Result<Vec<Step>, StartFault> {
    let mut steps = Vec::new();
    match config.engine()? {
        Engine::Sqlite { log, keys } => {
            use sqlite::inspect::{Database, version};
            for (database, file) in [(Database::Log, log), (Database::Keys, keys)] {
                let (place, found) = (file.display().to_string(), version(file, database)?);
                steps.push(Step { place, name: database.name(), found, present: database.version() });
            }
        }
        Engine::Postgres { log, keys } => {
            use postgres::inspect::{Database, version};
            for (database, at) in [(Database::Log, place_of_log(log)?), (Database::Keys, place_of_keys(keys)?)] {
                let (place, found) = (at.name().to_owned(), version(&at, database).await?);
                steps.push(Step { place, name: database.name(), found, present: database.version() });
            }
        }
    }
    Ok(steps)
}
