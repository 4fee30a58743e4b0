//! The benches: `bench decide` and `bench release`. One JSON object per line on stdout, progress on stderr.

mod decide;
mod report;

use std::process::ExitCode;

/// Whatever goes wrong ends the bench with its text: a number that is not measured is not printed.
type Fault = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["decide", rest @ ..] => decide::run(rest),
        _ => Err("give `decide`".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("bench: {fault}");
            ExitCode::FAILURE
        }
    }
}
