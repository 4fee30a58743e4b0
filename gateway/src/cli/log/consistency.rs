//! `sluis log consistency`: whether what was seen of a log later extends what was seen before.

use super::{VerifyFault, trusted};
use crate::cli::{ANSWER_NO, Failure};
use crate::client::consistency::{compare, key_of};
use std::path::PathBuf;
use std::process::ExitCode;

/// Prove that a newer view of a log extends an older one, or say where they part
///
/// OLD and NEW are each an export, a checkpoint or a receipt. Two receipts come in any order.
#[derive(Debug, clap::Args)]
pub struct Consistency {
    /// What was seen first
    old: PathBuf,
    /// What was seen later
    new: PathBuf,
    /// An export of the log, where NEW is none and the sizes differ
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    /// The verifier key you trust, or a file with it; the one in the export when absent
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
}

impl Consistency {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let vkey = trusted(self.vkey.as_deref(), || {
            let places = [Some(&self.new), Some(&self.old), self.export.as_ref()];
            key_of(&places.into_iter().flatten().map(PathBuf::as_path).collect::<Vec<_>>())
        })?;
        let bar = indicatif::ProgressBar::new(0);
        let compared = compare(&self.old, &self.new, self.export.as_deref(), &vkey, |done, of| {
            bar.set_length(of);
            bar.set_position(done);
        });
        bar.finish_and_clear();
        match compared {
            Ok(extension) => {
                println!("{}", extension.origin);
                let (old, new, hashes) = (extension.old, extension.new, extension.hashes);
                match hashes {
                    0 if old == new => println!("both are of the same {new} entries: consistent"),
                    _ => println!("{new} entries extend {old}, proven by {hashes} hashes: consistent"),
                }
                Ok(ExitCode::SUCCESS)
            }
            Err(VerifyFault::Unusable(text)) => Err(text.into()),
            Err(VerifyFault::Found(finding)) => {
                println!("NOT CONSISTENT: {finding}");
                Ok(ExitCode::from(ANSWER_NO))
            }
        }
    }
}
