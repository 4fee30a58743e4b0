//! `sluis operator`: the key of a person who signs for changes.

use super::Failure;
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::system::OsEntropy;
use sluis_core::enrolment::operator::{Operator as Entry, OperatorRole, Operators};
use sluis_core::ports::Signer;
use std::path::PathBuf;
use std::process::ExitCode;

/// The key of a person who signs for changes.
#[derive(Debug, clap::Args)]
pub struct Operator {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key of one's own and print the entry for the register of operators
    Key {
        /// Who: as it will stand in the log
        #[arg(long)]
        name: String,
        /// The file for the private key, readable by its owner only; never overwritten
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// For what
        #[arg(long, default_value = "ENROLMENT", value_parser = ["ENROLMENT", "POLICY"])]
        role: String,
    },
}

impl Operator {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let Action::Key { name, out, role } = self.command;
        let role = OperatorRole::from_code(&role).ok_or("an unknown role")?;
        let entry = |key| Entry { name: name.clone(), role, key }.to_entry();
        // A name that no register takes is refused before a key is made for it.
        Operators::read(&entry([0; 32])).map_err(|fault| format!("--name: {fault}"))?;
        let key = Ed25519Signer::generate(&out, &OsEntropy)?.public_key();
        eprintln!("made {}: keep it to yourself; whoever has it signs as you", out.display());
        eprintln!("give this entry to whoever keeps the register of operators (`operators.register`):\n");
        print!("{}", entry(key));
        Ok(ExitCode::SUCCESS)
    }
}
