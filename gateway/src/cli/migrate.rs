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
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let steps = migrate(&Config::read_unjudged(&self.config)?)?;
        let mut status = ExitCode::SUCCESS;
        for Step { file, name, found, present } in steps {
            let file = file.display();
            if found == present {
                println!("{name}: `{file}` has schema version {found}, as this program needs: nothing to do");
                continue;
            }
            status = ExitCode::from(ANSWER_NO);
            let what = if found > present {
                "is newer than this program: run the newer program; a schema never goes back"
            } else {
                "is older than any that this program can bring forward: run the program of that version"
            };
            eprintln!("{name}: `{file}` has schema version {found}, this program needs {present}; it {what}");
        }
        Ok(status)
    }
}
