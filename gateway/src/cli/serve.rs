//! `sluis serve`: runs the gateway until a signal ends it.

use super::Failure;
use crate::compose;
use crate::config::{Config, Mode};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Run the gateway.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Serve {
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let filter = tracing_subscriber::EnvFilter::try_from_default_env();
        let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
        let colours = std::io::stderr().is_terminal();
        // A log line that nobody can read any more is dropped: complaining about it would panic in the task that logs.
        let log = tracing_subscriber::fmt().log_internal_errors(false);
        log.with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
        let config = Config::read(&self.config)?;
        let mut listening = compose::listen(&config).await?;
        if config.mode != Mode::Production {
            println!("mode {:?}: generated keys, test numbers only; not for real dossiers", config.mode);
        }
        println!("verifier key  {}", listening.gateway.verifier_key);
        println!("new subjects  {}", listening.provisioned);
        println!("token         https://{}/token", listening.token);
        if let Some(at) = listening.metrics {
            println!("metrics       http://{at}/metrics");
        }
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        println!("ready         {}", listening.grpc);
        tokio::select! {
            ended = listening.ended() => { ended?; return Ok(ExitCode::SUCCESS) }
            () = told(&mut terminate, &mut interrupt) => {}
        }
        // Whoever read along may be gone; the calls in progress still finish.
        let _ = writeln!(std::io::stdout(), "ending: calls in progress finish first; a second signal ends at once");
        tokio::select! {
            stopped = listening.stop() => stopped?,
            // What was in progress is given up; the next start says of its releases that delivery is unknown.
            () = told(&mut terminate, &mut interrupt) => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Waits for a signal to end.
async fn told(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
