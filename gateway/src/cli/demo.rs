//! `sluis demo`
use super::Failure;
use std::process::ExitCode;
/// Demo.
#[derive(Debug, clap::Args)]
pub struct Demo {}
impl Demo {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> { Ok(ExitCode::SUCCESS) }
}
