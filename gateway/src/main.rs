//! `sluis`: parse the command line, run one command, end with its status.

use clap::Parser;

/// An eighth of a release was spent in the allocator of the C library (docs/decisions/0018).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    sluis::cli::run(sluis::cli::Cli::parse())
}
