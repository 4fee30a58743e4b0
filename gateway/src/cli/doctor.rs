//! `sluis doctor` and `sluis check-config`: findings with what to do, status 1 when one of them is a fault.

use super::{ANSWER_NO, Failure};
use crate::compose::doctor::{Finding, Level, configuration, examine};
use sluis_adapters::system::SystemClock;
use sluis_core::ports::Clock;
use std::path::PathBuf;
use std::process::ExitCode;

/// Look at everything a gateway stands on.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print only what is not well
    #[arg(long)]
    brief: bool,
}

/// Look at what a start reads.
#[derive(Debug, clap::Args)]
pub struct CheckConfig {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Doctor {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        Ok(print(&examine(&self.config, SystemClock.now()).await, self.brief))
    }
}

impl CheckConfig {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        Ok(print(&configuration(&self.config).await, false))
    }
}

fn print(findings: &[Finding], brief: bool) -> ExitCode {
    let count = |level| findings.iter().filter(|f| f.level == level).count();
    for finding in findings.iter().filter(|f| !brief || f.level != Level::Ok) {
        let level = match finding.level {
            Level::Ok => "ok     ",
            Level::Warning => "warning",
            Level::Fault => "FAULT  ",
        };
        println!("{level}  {}: {}", finding.subject, finding.text.replace('\n', "\n         "));
        if !finding.advice.is_empty() {
            println!("         → {}", finding.advice);
        }
    }
    let (warnings, faults) = (count(Level::Warning), count(Level::Fault));
    println!("{} looked at, {warnings} warnings, {faults} faults", findings.len());
    if faults == 0 { ExitCode::SUCCESS } else { ExitCode::from(ANSWER_NO) }
}
