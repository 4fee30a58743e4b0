//! `sluis log turn`: open the shard of this year in a log in which nothing was written for long.

use crate::cli::Failure;
use crate::compose::turn_year;
use crate::config::Config;
use std::path::PathBuf;
use std::process::ExitCode;

/// Open the shard of this year after a month or more without an entry; the gateway must be stopped
///
/// A gateway does not do that by itself: a year that a wrong clock has ended stays ended.
#[derive(Debug, clap::Args)]
pub struct Turn {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The year that it is; look at a calendar, not at the clock of this machine
    #[arg(long, value_name = "YEAR")]
    year: i16,
}

impl Turn {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let newest = turn_year(&Config::read(&self.config)?, self.year).await?;
        println!("the newest shard is {newest}");
        Ok(ExitCode::SUCCESS)
    }
}
