//! `sluis source check`: whether the holder's database is what the column map says, in plain words.

use super::{ANSWER_NO, Failure};
use crate::compose::source::{Report, Weight, check, check_configured};
use crate::config::Config;
use std::path::PathBuf;
use std::process::ExitCode;

/// Connect a holder's own database.
#[derive(Debug, clap::Args)]
pub struct Source {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Compare the holder's database with its column map; reads only, and tells no value of a person
    Check(Check),
}

#[derive(Debug, clap::Args)]
struct Check {
    /// The configuration, whose policy is looked at too
    #[arg(long, value_name = "FILE", required_unless_present = "map", conflicts_with_all = ["map", "database"])]
    config: Option<PathBuf>,
    /// The column map, without a configuration
    #[arg(long, value_name = "FILE", requires = "database")]
    map: Option<PathBuf>,
    /// The holder's database, without a configuration
    #[arg(long, value_name = "FILE", requires = "map")]
    database: Option<PathBuf>,
}

impl Source {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let Action::Check(asked) = self.command;
        let report = match (asked.config, asked.map, asked.database) {
            (Some(config), ..) => check_configured(&Config::read(&config)?)?,
            (None, Some(map), Some(database)) => check(&map, &database)?,
            _ => return Err("name a configuration with --config, or a map and a database".into()),
        };
        print(&report);
        Ok(if report.count(Weight::Fault) == 0 { ExitCode::SUCCESS } else { ExitCode::from(ANSWER_NO) })
    }
}

fn print(report: &Report) {
    for finding in &report.findings {
        println!("{:<8} {}", finding.weight.word(), finding.is);
        if !finding.to_do.is_empty() {
            println!("{:8} -> {}", "", finding.to_do);
        }
    }
    if let Some(clients) = report.clients {
        println!("{clients} clients, {} fields of the catalogue kept", report.kept.len());
    }
    let count = |weight| report.count(weight);
    let (faults, warnings, notes) = (count(Weight::Fault), count(Weight::Warning), count(Weight::Note));
    println!("faults: {faults}, warnings: {warnings}, notes: {notes}");
}
