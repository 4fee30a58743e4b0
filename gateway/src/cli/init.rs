//! `sluis init`: keys and empty databases.

use super::Failure;
use crate::compose;
use crate::config::Config;
use std::path::PathBuf;
use std::process::ExitCode;

/// Make the keys and empty databases of a configuration.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// The configuration
    #[arg(long, value_name = "FILE", required_unless_present = "sample")]
    config: Option<PathBuf>,
    /// Print a commented configuration and make nothing
    #[arg(long, conflicts_with = "config")]
    sample: bool,
}

/// Every key with its meaning, in the shape of production.
const SAMPLE: &str = include_str!("../../config/gateway.sample.toml");

impl Init {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let Some(file) = self.config.filter(|_| !self.sample) else {
            print!("{SAMPLE}");
            return Ok(ExitCode::SUCCESS);
        };
        let config = Config::read(&file)?;
        for made in compose::init(&config).await? {
            println!("made {made}");
        }
        println!("verifier key of the log, to give to partners and auditors:\n  {}", compose::verifier_key(&config)?);
        println!("keep a copy of the master key apart from the databases: without it no payload can be read again");
        Ok(ExitCode::SUCCESS)
    }
}
