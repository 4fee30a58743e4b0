//! `sluis log policy`: which policy was in force at which entry, and whether every answer names it and follows from it.

use super::{VerifyFault, trusted};
use crate::cli::policy::PolicyFiles;
use crate::cli::{ANSWER_NO, Failure};
use crate::client::consistency::key_of;
use crate::client::policies::{Replayed, policies};
use crate::compose::freshness::FreshnessFault;
use crate::compose::redecide::{Redecided, redecide};
use crate::config::Config;
use sluis_core::log::policies::InForce;
use sluis_core::policy;
use std::path::PathBuf;
use std::process::ExitCode;

/// Show which policy was in force at which entry of an export, and that every answer names it
///
/// With --policy also whether exactly this policy, with its catalogue and ceiling, was in force, and when.
///
/// With --config too, on the machine of the gateway and beside it, every answer under this policy is decided again from what its
/// payload says.
#[derive(Debug, clap::Args)]
pub struct Policy {
    /// The export
    dir: PathBuf,
    /// A policy that was given to you apart from the export
    #[arg(long = "policy", value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    beside: PolicyFiles,
    /// The configuration of its gateway, to open payloads
    #[arg(long, value_name = "FILE", requires = "file")]
    config: Option<PathBuf>,
    /// The verifier key you trust, or a file with it; the export's own file `vkey` when absent
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
}

impl Policy {
    pub(super) async fn run(&self) -> Result<ExitCode, Failure> {
        let vkey = trusted(self.vkey.as_deref(), || key_of(&[&self.dir]))?;
        let given = self.given()?;
        let bar = indicatif::ProgressBar::new(0);
        let replayed = policies(&self.dir, &vkey, |done, of| {
            bar.set_length(of);
            bar.set_position(done);
        });
        let named = match replayed {
            Ok(replayed) => bar.suspend(|| print(&replayed, given.as_ref()))?,
            Err(fault) => {
                bar.finish_and_clear();
                return unverified(fault);
            }
        };
        let again = match given.as_ref().zip(self.config.as_deref()) {
            None => true,
            Some((policy, config)) => {
                let config = Config::read(config)?;
                let again = redecide(&self.dir, &vkey, policy, &config, |done, of| {
                    bar.set_length(of);
                    bar.set_position(done);
                });
                let again = again.await;
                bar.finish_and_clear();
                match again {
                    Ok(again) => print_again(&again),
                    Err(FreshnessFault::Export(fault)) => return unverified(fault),
                    Err(fault) => return Err(fault.into()),
                }
            }
        };
        bar.finish_and_clear();
        Ok(if named && again { ExitCode::SUCCESS } else { ExitCode::from(ANSWER_NO) })
    }

    fn given(&self) -> Result<Option<policy::Policy>, Failure> {
        let Some(file) = &self.file else { return Ok(None) };
        let loaded = self.beside.load(file)?;
        loaded.map(Some).map_err(|faults| {
            let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
            format!("`{}` is not a policy that this program reads:\n{}", file.display(), lines.join("\n")).into()
        })
    }
}

fn unverified(fault: VerifyFault) -> Result<ExitCode, Failure> {
    match fault {
        VerifyFault::Unusable(text) => Err(text.into()),
        VerifyFault::Found(finding) => {
            println!("NOT VERIFIED: {finding}");
            Ok(ExitCode::from(ANSWER_NO))
        }
    }
}

/// Says what came of deciding again; whether each came out the same.
fn print_again(again: &Redecided) -> bool {
    let Redecided { decided, other_policy, erased, otherwise, count } = again;
    for (number, what) in [(other_policy, "they name another policy"), (erased, "their payload is erased")] {
        if *number > 0 {
            println!("  {number} answers NOT decided again: {what}");
        }
    }
    for one in otherwise {
        println!("OTHER DECISION: {one}");
    }
    if *count == 0 {
        println!("{decided} answers decided again: each is what the entry says");
    } else {
        println!("{decided} answers decided again, {count} findings: NOT DECIDED UNDER THIS POLICY");
    }
    *count == 0
}

/// Says which policies were in force; whether every answer names its own, and the one given was.
fn print(replayed: &Replayed, given: Option<&policy::Policy>) -> Result<bool, Failure> {
    let Replayed { shards, policies, others, count } = replayed;
    shards.iter().for_each(|shard| println!("{}", shard.origin));
    for (at, one) in policies.all().iter().enumerate() {
        let until = policies.all().get(at + 1).map_or("the end".to_owned(), |next| next.since.to_string());
        println!("  from entry {} to {until}, {}: policy number {}", one.since, moment(one)?, one.number);
        println!("    sha256 {}, over field catalogue {}", one.digest, one.catalogue);
        let said = |text: &Option<String>| text.as_ref().map_or("not said".to_owned(), Clone::clone);
        println!("    engine {}, signers {}; {} answers", said(&one.engine), said(&one.signers), one.answers);
    }
    if policies.unknown() > 0 {
        println!("  {} answers NOT compared: the policy was set in an earlier shard", policies.unknown());
    }
    for other in others {
        println!("OTHER POLICY: {other}");
    }
    let held = given.is_none_or(|given| was_in_force(given, policies.all()));
    let size: u64 = shards.iter().map(|shard| shard.size).sum();
    let answers: u64 = policies.all().iter().map(|one| one.answers).sum();
    if *count == 0 {
        println!("{size} entries, {answers} answers: each names the policy in force");
    } else {
        println!("{size} entries, {count} findings: NOT UNDER THE POLICY IN FORCE");
    }
    Ok(*count == 0 && held)
}

/// Says when a policy that was given was in force, or which one with its number was.
fn was_in_force(given: &policy::Policy, all: &[InForce]) -> bool {
    let (digest, number) = (given.digest().to_hex(), given.number());
    let same: Vec<_> = all.iter().filter(|one| one.digest == digest).map(|one| one.since.to_string()).collect();
    if !same.is_empty() {
        println!(
            "the policy given is number {number}, sha256 {digest}: in force from entry {}",
            same.join(", from entry ")
        );
        return true;
    }
    println!("NOT THIS POLICY: the policy given is number {number}, sha256 {digest}, and no entry puts it in force");
    for one in all.iter().filter(|one| one.number == number) {
        println!(
            "  number {number} of entry {} is {}: a rule, the catalogue or the ceiling differs",
            one.since, one.digest
        );
    }
    false
}

fn moment(one: &InForce) -> Result<String, Failure> {
    Ok(jiff::Timestamp::from_millisecond(i64::try_from(one.time)?)?.to_string())
}
