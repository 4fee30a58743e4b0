//! `sluis policy check`: loads a policy, enumerates its space, lists where it departs from the statute.

use super::{ANSWER_NO, Failure};
use sluis_core::policy::{self, PolicyFault, Sources, enumerate};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Check a policy.
#[derive(Debug, clap::Args)]
pub struct Policy {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Load a policy strictly and enumerate every point its rules can tell apart
    Check {
        /// The policy
        file: PathBuf,
        #[command(flatten)]
        beside: PolicyFiles,
        /// Enumerate every rule with the facts of every other too, not only with its own
        #[arg(long)]
        full: bool,
    },
}

/// The two files that belong to a policy.
#[derive(Debug, clap::Args)]
pub(super) struct PolicyFiles {
    /// The field catalogue; `catalog.toml` beside the policy when absent
    #[arg(long, value_name = "FILE", requires = "file")]
    catalog: Option<PathBuf>,
    /// The legal ceiling; `ceiling.toml` beside the policy when absent
    #[arg(long, value_name = "FILE", requires = "file")]
    ceiling: Option<PathBuf>,
}

impl PolicyFiles {
    /// Reads and checks a policy with them; the inner error holds its faults.
    pub(super) fn load(&self, file: &Path) -> Result<Result<policy::Policy, Vec<PolicyFault>>, Failure> {
        let beside = |name: &str| file.parent().unwrap_or(Path::new(".")).join(name);
        let policy = text(file)?;
        let catalog = text(self.catalog.as_ref().unwrap_or(&beside("catalog.toml")))?;
        let ceiling = text(self.ceiling.as_ref().unwrap_or(&beside("ceiling.toml")))?;
        Ok(policy::load(&Sources { catalog: &catalog, ceiling: &ceiling, policy: &policy }))
    }
}

fn text(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|e| format!("cannot read `{}`: {e}", file.display()).into())
}

impl Policy {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let Action::Check { file, beside, full } = self.command;
        let policy = match beside.load(&file)? {
            Ok(policy) => policy,
            Err(faults) => {
                faults.iter().for_each(|fault| eprintln!("{fault}"));
                eprintln!("{}: {} faults, refused", file.display(), faults.len());
                return Ok(ExitCode::from(ANSWER_NO));
            }
        };
        let report = if full {
            enumerate::check_full(&policy, policy.ceiling(), |rule| eprintln!("enumerating {}", rule.id()))
        } else {
            enumerate::check(&policy, policy.ceiling())
        };
        print(&policy, &report);
        Ok(if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(ANSWER_NO) })
    }
}

fn print(policy: &policy::Policy, report: &enumerate::Report) {
    println!("policy {} version {}, sha256 {}", policy.name(), policy.number(), policy.digest().to_hex());
    for rule in policy.rules() {
        println!("  {:<24} {} / {}: {}", rule.id(), rule.recipient(), rule.purpose(), rule.basis().join(", "));
    }
    for departure in &report.departures {
        println!("departs from the statute: rule {}: {}", departure.rule, departure.text);
    }
    for violation in &report.violations {
        println!(
            "VIOLATION rule {}: {} at {} points, for example {}",
            violation.rule, violation.property, violation.count, violation.example
        );
    }
    println!("citations are checked for their form and the controller's bases; what the articles say, a lawyer checks");
    println!("{} rules, {} points, {} violations", report.rules, report.points, report.violations.len());
}
