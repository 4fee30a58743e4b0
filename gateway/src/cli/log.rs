//! `sluis log`: export a log, and verify it anywhere, offline.

mod consistency;
mod freshness;
mod lift;
mod policy;
mod retention;
mod subject;
mod turn;

use super::subject::day;
use super::{ANSWER_NO, Failure};
use crate::client::chain::{History, verify_history};
use crate::client::consistency::key_of;
use crate::client::verify::VerifyFault;
use crate::compose;
use crate::config::Config;
use sluis_core::log::pruned::Gone;
use sluis_core::log::receipt::verify_text;
use sluis_core::log::verify::{Continued, Summary};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Export and verify the transfer log.
#[derive(Debug, clap::Args)]
pub struct Log {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Write the log as tlog-tiles files; works beside a running gateway
    Export {
        /// The configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The folder to write; must not exist
        dir: PathBuf,
    },
    /// Recompute every hash and compare every checkpoint of an export
    Verify {
        /// The export
        dir: PathBuf,
        /// The verifier key you trust, or a file with it; the export's own file `vkey` when absent
        #[arg(long, value_name = "KEY")]
        vkey: Option<String>,
    },
    Consistency(consistency::Consistency),
    Freshness(freshness::Freshness),
    Policy(policy::Policy),
    Lift(lift::Lift),
    Subject(subject::Subject),
    Retention(retention::Retention),
    Prune(retention::Prune),
    Turn(turn::Turn),
    /// Write the calls as transaction log records of FSC, JSON lines; works beside a running gateway
    FscRecords(super::fsc_records::FscRecords),
    /// Verify one receipt, and the body it commits to
    Receipt {
        /// The receipt (tlog-proof)
        file: PathBuf,
        /// The verifier key you trust, or a file with it
        #[arg(long, value_name = "KEY")]
        vkey: String,
        /// The body as received
        #[arg(long, value_name = "FILE", requires = "salt")]
        body: Option<PathBuf>,
        /// File with the salt, 64 hex digits
        #[arg(long, value_name = "FILE", requires = "body")]
        salt: Option<PathBuf>,
    },
}

fn text(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|e| format!("cannot read `{}`: {e}", file.display()).into())
}

impl Log {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        match self.command {
            Action::Export { config, dir } => {
                let config = Config::read(&config)?;
                let (size, root) = compose::export_log(&config, &dir).await?;
                println!("exported {size} entries to {}, root {root}", dir.display());
                Ok(ExitCode::SUCCESS)
            }
            Action::Verify { dir, vkey } => verify(&dir, vkey.as_deref()),
            Action::Consistency(command) => command.run(),
            Action::Freshness(command) => command.run().await,
            Action::Policy(command) => command.run().await,
            Action::Lift(command) => command.run().await,
            Action::Subject(command) => command.run().await,
            Action::Retention(command) => command.run().await,
            Action::Prune(command) => command.run().await,
            Action::Turn(command) => command.run().await,
            Action::FscRecords(command) => command.run().await,
            Action::Receipt { file, vkey, body, salt } => {
                receipt(&file, &key(&vkey)?, body.as_deref().zip(salt.as_deref()))
            }
        }
    }
}

/// A verifier key as given, or the first line of the file of that name.
fn key(given: &str) -> Result<String, Failure> {
    if !Path::new(given).is_file() {
        return Ok(given.to_owned());
    }
    Ok(text(Path::new(given))?.lines().next().unwrap_or_default().to_owned())
}

/// The key that is trusted, or else that of the export itself, said plainly: it proves nothing about who signed.
fn trusted(given: Option<&str>, own: impl FnOnce() -> Result<String, VerifyFault>) -> Result<String, Failure> {
    if let Some(given) = given {
        return key(given);
    }
    let own = own()?;
    eprintln!(
        "no --vkey: the key was taken from the export, which shows that the export agrees with itself and not who signed it. Compare it \
         with the key that you were given:\n  {own}"
    );
    Ok(own)
}

fn verify(dir: &Path, vkey: Option<&str>) -> Result<ExitCode, Failure> {
    let vkey = trusted(vkey, || key_of(&[dir]))?;
    let bar = indicatif::ProgressBar::new(0);
    match verify_history(dir, Some(&vkey), |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    }) {
        Ok(History { gone, gone_since, shards }) => {
            bar.finish_and_clear();
            for Gone { name, size, root } in &gone {
                println!("{name}  {size} entries, root {root}: removed at the end of its term");
            }
            if let Some(announced) = gone_since {
                println!("the newest removal was announced at {}", day(announced)?);
            }
            shards.iter().for_each(|shard| print_shard(&shard.summary));
            if shards.len() > 1 {
                println!("{} shards, each continues the one before it: verified", shards.len());
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(VerifyFault::Unusable(text)) => Err(text.into()),
        Err(VerifyFault::Found(finding)) => {
            bar.finish_and_clear();
            println!("NOT VERIFIED: {finding}");
            Ok(ExitCode::from(ANSWER_NO))
        }
    }
}

fn print_shard(summary: &Summary) {
    println!("{}", summary.origin);
    for (kind, count) in &summary.kinds {
        println!("  {kind:<12} {count}");
    }
    if let Some(Continued { after, size, .. }) = summary.continues.as_ref().filter(|c| c.broken) {
        println!("  BREAK: it goes on after entry {size} of {after}; what came after that was lost");
    }
    let root = data_encoding::HEXLOWER.encode(&summary.root);
    println!("{} entries, {} checkpoints, root {root}: verified", summary.size, summary.checkpoints);
}

fn receipt(file: &Path, vkey: &str, body: Option<(&Path, &Path)>) -> Result<ExitCode, Failure> {
    let verified = match verify_text(&text(file)?, vkey) {
        Ok(verified) => verified,
        Err(error) => {
            println!("NOT VERIFIED: {error}");
            return Ok(ExitCode::from(ANSWER_NO));
        }
    };
    println!("{}", verified.leaf_text);
    if let Some((body, salt)) = body {
        let bytes = std::fs::read(body).map_err(|e| format!("cannot read `{}`: {e}", body.display()))?;
        let hex = text(salt)?;
        let salt = data_encoding::HEXLOWER_PERMISSIVE.decode(hex.trim().as_bytes());
        let salt: [u8; 32] = salt.ok().and_then(|s| s.try_into().ok()).ok_or("a salt is 64 hex digits")?;
        let committed = sluis_core::log::commitment::body(&salt, &bytes);
        if verified.leaf.text(sluis_core::log::leaf::Key::Bc) != Some(committed.as_str()) {
            println!("NOT VERIFIED: the entry does not commit to this body");
            return Ok(ExitCode::from(ANSWER_NO));
        }
        println!("the entry commits to exactly this body");
    }
    println!("entry {} of a log of {} entries: verified", verified.index, verified.size);
    Ok(ExitCode::SUCCESS)
}
