//! `sluis migrate`: brings databases to the schema version of this program. Today there is one version.

use super::{ANSWER_NO, Failure};
use crate::compose::{Step, migrate};
use crate::config::Config;
use std::path::PathBuf;
use std::process::ExitCode;

/// Bring databases to the schema version of this program.
#[derive(Debug, clap::Args)]
pub struct Migrate {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Migrate {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let steps = migrate(&Config::read_unjudged(&self.config)?).await?;
        let mut status = ExitCode::SUCCESS;
        for Step { place, name, found, present } in steps {
            if found == present {
                println!("{name}: `{place}` has schema version {found}, as this program needs: nothing to do");
                continue;
            }
            status = ExitCode::from(ANSWER_NO);
            let what = if found > present {
                "is newer than this program: run the newer program; a schema never goes back"
            } else {
                "is older than any that this program can bring forward: run the program of that version"
            };
            eprintln!("{name}: `{place}` has schema version {found}, this program needs {present}; it {what}");
        }
        Ok(status)
    }
}
