//! `sluis log retention` and `sluis log prune`: the end of the term of a closed shard.

use crate::cli::Failure;
use crate::cli::subject::{day, some_text};
use crate::compose::pruning::{Removing, Status, prune, status};
use crate::config::Config;
use std::path::PathBuf;
use std::process::ExitCode;

/// Say of every shard when its term ends, and what holds it; the gateway must be stopped
#[derive(Debug, clap::Args)]
pub struct Retention {
    /// The configuration; `log.retention.years` is the term
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// An export of the log, which then counts as made
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
}

impl Retention {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        for status in status(&Config::read(&self.config)?, self.export.as_deref()).await? {
            print(&status)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(status: &Status) -> Result<(), Failure> {
    let Status { name, size, closed_at, until, pruned_by, held } = status;
    if let Some(entry) = pruned_by {
        println!("{name}  {size} entries, removed: entry {entry} says so");
        return Ok(());
    }
    match (closed_at, until) {
        (Some(at), Some(until)) => println!("{name}  {size} entries, closed {}, term until {until}", day(*at)?),
        _ => println!("{name}  {size} entries, open"),
    }
    for line in held {
        println!("  stays: {line}");
    }
    if held.is_empty() {
        println!("  may go: `sluis log prune {name}`");
    }
    Ok(())
}

/// Remove a closed shard whose term is over and that nothing holds; every gateway of the log must be stopped. It cannot be undone
#[derive(Debug, clap::Args)]
pub struct Prune {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// An export of the log that has the shard whole; it is verified first
    #[arg(long, value_name = "DIR")]
    export: PathBuf,
    /// Who decided, and the reference of the decision; encrypted in the log
    #[arg(long, value_name = "TEXT", value_parser = some_text)]
    authorised_by: String,
    /// For how many days backups of the log database are kept
    #[arg(long, value_name = "DAYS", default_value = "30", value_parser = clap::value_parser!(u16).range(1..=366))]
    backup_days: u16,
    /// The shard: `<year>-<epoch>`
    shard: String,
}

impl Prune {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let Self { config, export, authorised_by, backup_days, shard } = &self;
        let removing = Removing { shard, export, authorised_by, backup_days: *backup_days };
        let removed = prune(&Config::read(config)?, &removing).await?;
        println!("removed: shard {shard}, {} entries, root {}", removed.size, removed.root);
        println!("entry {} of the log says so", removed.entry);
        println!("it holds for backups of the log database after {}", day(removed.effective_after)?);
        if let Some(error) = &removed.untidy {
            println!("NOT YET: superseded rows are still in the files ({error}): run `VACUUM` on the log database");
        }
        println!("receipts that were given hold as before");
        Ok(ExitCode::SUCCESS)
    }
}
