//! `sluis`: parse the command line, run one command, end with its status.

use clap::Parser;

fn main() -> std::process::ExitCode {
    sluis::cli::run(sluis::cli::Cli::parse())
}
