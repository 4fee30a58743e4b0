//! `sluis serve`: runs the gateway until a signal ends it.

use super::Failure;
use crate::compose;
use crate::config::{Config, Mode};
use crate::operation::lines::Lines;
use std::io::Write;
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
        compose::keep_memory_private()?;
        let config = Config::read(&self.config)?;
        let lines = Lines::begin(&config.operation)?;
        let served = serve(&config).await;
        lines.flush();
        served
    }
}

async fn serve(config: &Config) -> Result<ExitCode, Failure> {
    // From here on the signal no longer ends the process; one that comes early is answered when it can be.
    let hangup = signal(SignalKind::hangup())?;
    let mut listening = compose::listen(config).await?;
    tokio::spawn(reload_on(hangup, listening.reload.clone()));
    if config.mode != Mode::Production {
        println!("mode {:?}: generated keys, test numbers only; not for real dossiers", config.mode);
    }
    println!("verifier key  {}", listening.gateway.verifier_key());
    println!("new subjects  {}", listening.provisioned);
    match listening.token {
        Some(token) => println!("token         https://{token}/token"),
        None => println!("token         by the FSC Manager of {}", config.organisation.oin),
    }
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

/// Waits for a signal to end.
async fn told(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn reload_on(mut hangup: Signal, reload: compose::Asking) {
    while hangup.recv().await.is_some() {
        reload.ask();
    }
}
