//! The benches: `bench commit`, `bench decide`, `bench release` and `bench verify`. One JSON object per line on stdout,
//! progress on stderr.
//!
//! `bench floor` is the other side of `bench release`, and `bench pass` one side of `bench verify`: processes of their own.

mod commit;
mod decide;
mod floor;
mod ground;
mod load;
mod release;
mod report;
mod verify;
mod world;

use std::path::Path;
use std::process::ExitCode;

/// The floor allocates as the gateway does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whatever goes wrong ends the bench with its text: a number that is not measured is not printed.
type Fault = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["commit", rest @ ..] => commit::run(rest),
        ["decide", rest @ ..] => decide::run(rest),
        ["release", rest @ ..] => release::run(rest),
        ["verify", rest @ ..] => verify::run(rest),
        ["floor", config, bytes] => floor::run(config, bytes),
        ["pass", what, dir] => verify::pass::run(what, Path::new(dir)),
        _ => Err("give `commit`, `decide`, `release` or `verify`".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("bench: {fault}");
            ExitCode::FAILURE
        }
    }
}
