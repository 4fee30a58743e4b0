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
        // From here on the signal no longer ends the process; one that comes early is answered when it can be.
        let hangup = signal(SignalKind::hangup())?;
        let mut listening = compose::listen(&config).await?;
        tokio::spawn(reload_on(hangup, listening.reload.clone()));
        if config.mode != Mode::Production {
            println!("mode {:?}: generated keys, test numbers only; not for real dossiers", config.mode);
        }
        println!("verifier key  {}", listening.gateway.verifier_key);
        println!("new subjects  {}", listening.provisioned);
        println!("token         https://{}/token", listening.token);
        println!("ready         {}", listening.grpc);
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            ended = listening.ended() => { ended?; return Ok(ExitCode::SUCCESS) }
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        // Whoever read along may be gone; the calls in progress still finish.
        let _ = writeln!(std::io::stdout(), "ending: calls in progress finish first");
        listening.stop().await?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn reload_on(mut hangup: Signal, reload: compose::Asking) {
    while hangup.recv().await.is_some() {
        reload.ask();
    }
}
