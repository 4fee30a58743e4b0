//! `sluis log freshness`: replays an export, and says what was compared and what was not.

use super::{VerifyFault, trusted};
use crate::cli::{ANSWER_NO, Failure};
use crate::client::consistency::key_of;
use crate::compose::freshness::{FreshnessFault, Replayed, freshness};
use crate::config::Config;
use std::path::PathBuf;
use std::process::ExitCode;

/// Replay an export: no permit relies on a state that an earlier entry changed
///
/// From the export alone the policies are compared, and that organisations were admitted. With --config, on the machine of
/// the gateway and beside it, also purposes, roles, certificates, and what stands for each client.
#[derive(Debug, clap::Args)]
pub struct Freshness {
    /// The export
    dir: PathBuf,
    /// The configuration of its gateway, to open payloads
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The verifier key you trust, or a file with it; the export's own file `vkey` when absent
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
}

impl Freshness {
    pub(super) async fn run(&self) -> Result<ExitCode, Failure> {
        let vkey = trusted(self.vkey.as_deref(), || key_of(&[&self.dir]))?;
        let config = self.config.as_deref().map(Config::read).transpose()?;
        let bar = indicatif::ProgressBar::new(0);
        let replayed = freshness(&self.dir, &vkey, config.as_ref(), |done, of| {
            bar.set_length(of);
            bar.set_position(done);
        });
        let replayed = replayed.await;
        bar.finish_and_clear();
        match replayed {
            Ok(replayed) => Ok(print(&replayed)),
            Err(FreshnessFault::Export(VerifyFault::Found(finding))) => {
                println!("NOT VERIFIED: {finding}");
                Ok(ExitCode::from(ANSWER_NO))
            }
            Err(fault) => Err(fault.into()),
        }
    }
}

fn print(replayed: &Replayed) -> ExitCode {
    let Replayed { summary, report, stale, count } = replayed;
    println!("{}", summary.origin);
    for (number, what) in [
        (report.policies, "answers: the policy in force"),
        (report.admissions, "permits: role, purpose, certificate and days of the organisation"),
        (report.admissions_by_name, "permits: only that the organisation was admitted before"),
        (report.subjects, "releases: what stood for the client"),
    ] {
        println!("  {number:>8} compared, {what}");
    }
    let not = [
        (report.policies_unknown, "answers: the policy was set in an earlier shard"),
        (report.admissions_unknown, "permits: the organisation was admitted in an earlier shard"),
        (
            report.subjects_not_asked,
            "releases, what stood for the client: needs --config on the machine of the gateway",
        ),
        (report.subjects_erased, "releases, what stood for the client: erased"),
        (
            report.subjects_earlier,
            "releases, what stood for the client: it may have been set in an earlier year or shard",
        ),
        (report.subjects_unclear, "releases that differ from what stands, while changes of standing were erased"),
        (report.pages, "pages: what stood for the clients of each"),
    ];
    for (number, what) in not.into_iter().filter(|(number, _)| *number > 0) {
        println!("  {number:>8} NOT compared, {what}");
    }
    println!("never compared: what the holder's own database said");
    if *count == 0 {
        println!("{} entries: nothing stale in what was compared", summary.size);
        return ExitCode::SUCCESS;
    }
    for one in stale {
        println!("STALE: {one}");
    }
    println!("{} entries, {count} findings: NOT FRESH", summary.size);
    ExitCode::from(ANSWER_NO)
}
