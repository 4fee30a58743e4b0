//! `sluis log subject`: the entries that concern one client, each with its proof, while the gateway is stopped.

use crate::cli::Failure;
use crate::cli::subject::{Who, some_text};
use crate::compose::subject::{Found, look_up};
use crate::config::Config;
use sluis_core::log::leaf::Key;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// List the entries that concern one client, each with a proof; the gateway must be stopped
///
/// The lookup itself becomes an entry about the client before anything is shown.
#[derive(Debug, clap::Args)]
pub struct Subject {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    who: Who,
    /// Why it is looked up; encrypted in the log
    #[arg(long, value_name = "TEXT", value_parser = some_text)]
    reason: String,
    /// Write each receipt into this folder, for `sluis log receipt`; must not exist
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Subject {
    pub(super) async fn run(&self) -> Result<ExitCode, Failure> {
        let subject = self.who.subject()?;
        if let Some(dir) = &self.keep {
            std::fs::create_dir(dir).map_err(|e| format!("cannot make `{}`: {e}", dir.display()))?;
        }
        let (lookup, found) = look_up(&Config::read(&self.config)?, &subject, &self.reason).await?;
        for entry in &found {
            println!("{}", line(entry)?);
            if let Some(dir) = &self.keep {
                keep(dir, entry)?;
            }
        }
        println!("{} entries, this lookup included (entry {lookup})", found.len());
        println!("complete as far as the subject index goes: who erased from it, or wrote past it, is not found here");
        Ok(ExitCode::SUCCESS)
    }
}

/// Index, moment, kind, and what the leaf says in clear about the call.
fn line(entry: &Found) -> Result<String, Failure> {
    let leaf = &entry.leaf;
    let at = jiff::Timestamp::from_millisecond(i64::try_from(leaf.time())?)?;
    let words = [Key::Rt, Key::Rp, Key::Pu, Key::Ru].map(|key| leaf.text(key).unwrap_or("-"));
    let reasons = leaf.list(Key::Rs).unwrap_or_default().join(",");
    let item = if leaf.text(Key::Sr).is_some() { format!(" item {}", entry.item) } else { String::new() };
    Ok(format!("{}:{:<8} {at} {:<10} {} {reasons}{item}", entry.shard, leaf.index(), leaf.kind(), words.join(" ")))
}

fn keep(dir: &Path, entry: &Found) -> Result<(), Failure> {
    let file = dir.join(format!("{}-{}.proof", entry.shard, entry.leaf.index()));
    std::fs::write(&file, entry.receipt.text()).map_err(|e| format!("cannot write `{}`: {e}", file.display()).into())
}
