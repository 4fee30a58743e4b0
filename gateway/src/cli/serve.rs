//! `sluis serve`: runs the gateway until a signal ends it.

use super::Failure;
use crate::compose;
use crate::config::{Config, Mode};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

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
        match listening.token {
            Some(token) => println!("token         https://{token}/token"),
            None => println!("token         by the FSC Manager of {}", config.organisation.oin),
        }
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
