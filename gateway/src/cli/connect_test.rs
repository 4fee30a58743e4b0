//! `sluis connect-test`: for a partner, which step between profile and accepted call fails, why, and what to do.

use super::ask::new_transaction;
use super::{ANSWER_NO, Failure};
use crate::client::connect_test::{self, Outcome, Step, Tried};
use sluis_adapters::system::SystemClock;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Try every step of a connection, and say which fails and what to do.
#[derive(Debug, clap::Args)]
pub struct ConnectTest {
    /// The profile: where the gateway is and who asks
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// One JSON document at the end instead of lines
    #[arg(long)]
    json: bool,
}

impl ConnectTest {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let lines = !self.json;
        let mut tell = |tried: &Tried| {
            if lines {
                println!("{}", line(tried));
            }
        };
        let tried = connect_test::run(&self.profile, Arc::new(SystemClock), new_transaction(), &mut tell).await;
        let count = |wanted: fn(&Outcome) -> bool| tried.iter().filter(|t| wanted(&t.outcome)).count();
        let good = count(|o| matches!(o, Outcome::Ok { .. }));
        let bad = count(|o| matches!(o, Outcome::Failed { .. }));
        if self.json {
            println!("{}", serde_json::json!({ "ok": good == tried.len(), "steps": tried }));
        } else {
            println!("connect-test: {good} ok, {bad} failed, {} not tried", tried.len() - good - bad);
        }
        Ok(if good == tried.len() { ExitCode::SUCCESS } else { ExitCode::from(ANSWER_NO) })
    }
}

fn line(Tried { step, outcome }: &Tried) -> String {
    let name = step.name();
    match outcome {
        Outcome::Ok { found } => format!("ok         {name:<13} {found}"),
        Outcome::Failed { why, to_do } => format!("failed     {name:<13} {why}\n{:25}to do: {to_do}", ""),
        Outcome::NotTried { needs } => format!("not tried  {name:<13} needs {}", Step::name(*needs)),
    }
}
