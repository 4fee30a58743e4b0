//! `sluis log lift`: end a halt of the log, when it is known what happened.

use crate::cli::Failure;
use crate::cli::subject::some_text;
use crate::compose::lift::lift;
use crate::config::Config;
use std::path::PathBuf;
use std::process::ExitCode;

/// End a halt: recompute the log, record who decided, and let gateways release again; this gateway must be stopped
#[derive(Debug, clap::Args)]
pub struct Lift {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Why the log can be trusted; stands in the log for everybody who reads it
    #[arg(long, value_parser = ["BACKUP_RESTORED", "ROWS_RESTORED", "HARDWARE_REPLACED", "FALSE_ALARM"])]
    reason: String,
    /// Who decided, and the reference of the decision; encrypted in the log
    #[arg(long, value_name = "TEXT", value_parser = some_text)]
    authorised_by: String,
}

impl Lift {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let lifted = lift(&Config::read(&self.config)?, &self.reason, &self.authorised_by).await?;
        for found in &lifted.found {
            println!("lifted: {found}");
        }
        println!("entry {} of the log says so; every gateway of this log releases again after a start", lifted.index);
        Ok(ExitCode::SUCCESS)
    }
}
