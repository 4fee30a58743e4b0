//! The command line: one file per command. Errors say what to do and go to standard error; the status tells scripts.

mod ask;
mod audit;
mod connect_test;
mod demo;
mod doctor;
mod fsc_records;
mod init;
mod keys;
mod log;
mod manual;
mod migrate;
mod operator;
mod organisation;
mod policy;
mod serve;
mod source;
mod standing;
mod subject;

pub(crate) use ask::connect;
pub(crate) use audit::{on_wire, print_findings, read_declaration};

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Status when a command did what was asked and the answer is a no: a refusal, rejected lines, a log that does not verify.
pub const ANSWER_NO: u8 = 1;
/// Status when a command could not do what was asked.
pub const FAILED: u8 = 2;

/// Sluis, the gateway at the edge of the organisation that holds the dossiers.
#[derive(Debug, Parser)]
#[command(name = "sluis", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// See it work: a gateway, twelve organisations, 9,000 fictitious clients, on loopback
    Demo(demo::Demo),
    /// Make the keys and empty databases of a configuration; never overwrites
    Init(init::Init),
    /// Run the gateway
    Serve(serve::Serve),
    /// Look at the configuration and all that a start reads; lists every fault, writes nothing
    CheckConfig(doctor::CheckConfig),
    /// Look at everything a gateway stands on: what is wrong, and what to do
    Doctor(doctor::Doctor),
    /// Bring databases to the schema version of this program
    Migrate(migrate::Migrate),
    /// Ask about one client, as a partner
    Ask(ask::Ask),
    /// Audit a declaration (JW323), as a municipality
    Audit(audit::Audit),
    /// Try every step of a connection, and say which fails and what to do
    ConnectTest(connect_test::ConnectTest),
    /// Record or withdraw what holds for a client, as the holder's own system
    Standing(standing::Standing),
    /// Record what was told outside the gateway and its review, as the holder's own system
    Manual(manual::Manual),
    /// Show and change who is admitted; a second person approves what becomes wider
    Organisation(organisation::Organisation),
    /// Make the key of a person who signs for changes
    Operator(operator::Operator),
    /// Erase what was kept about a client in a year, or keep a client from erasure
    Subject(subject::Subject),
    /// Wrap every key under a new secret and destroy the old one, so that older backups open nothing
    Keys(keys::Keys),
    /// Export and verify the transfer log
    Log(log::Log),
    /// Check a policy
    Policy(policy::Policy),
    /// Connect a holder's own database
    Source(source::Source),
}

/// What went wrong, for the person at the keyboard.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs a command.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    crate::transport::install_cryptography();
    if !matches!(cli.command, Command::Serve(_)) {
        end_quietly_when_nobody_reads();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(workers()).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Demo(command) => command.run().await,
            Command::Init(command) => command.run().await,
            Command::Serve(command) => command.run().await,
            Command::CheckConfig(command) => command.run().await,
            Command::Doctor(command) => command.run().await,
            Command::Migrate(command) => command.run().await,
            Command::Ask(command) => command.run().await,
            Command::Audit(command) => command.run().await,
            Command::ConnectTest(command) => command.run().await,
            Command::Standing(command) => command.run().await,
            Command::Manual(command) => command.run().await,
            Command::Organisation(command) => command.run().await,
            Command::Operator(command) => command.run(),
            Command::Subject(command) => command.run().await,
            Command::Keys(command) => command.run().await,
            Command::Log(command) => command.run().await,
            Command::Policy(command) => command.run(),
            Command::Source(command) => command.run(),
        }
    });
    outcome.unwrap_or_else(|error| failed(&error))
}

/// `sluis … | head` closes the pipe: printing then panics, and that is no defect. Status 141, as of SIGPIPE. Standard
/// output only, and not while a gateway serves: who reads along must not be able to end it.
fn end_quietly_when_nobody_reads() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let text = info.payload_as_str().unwrap_or_default();
        if text.starts_with("failed printing to stdout") && text.contains("Broken pipe") {
            std::process::exit(141);
        }
        default(info);
    }));
}

/// One worker per processor, at least two: a blocked disk read must not stop every connection.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get().max(2))
}

fn failed(error: &Failure) -> ExitCode {
    eprintln!("sluis: {error}");
    ExitCode::from(FAILED)
}
