//! Log lines: text or JSON to standard error, by a thread of their own, so that a reader who stops reading holds up no call.
//!
//! A line that nobody takes in time is dropped and counted. A panic is told with its place and never with its words, which
//! may hold anything.

use crate::config::{LogForm, Operation};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// What is written at this level. Of the libraries that read what strangers send only errors: a stranger could have them
/// warn a thousand times a second, without a certificate.
fn filter(level: &str) -> String {
    let strangers = ["rustls", "h2", "hyper", "tokio_rustls"].map(|library| format!("{library}=error"));
    format!("{level},{}", strangers.join(","))
}

/// Lines that wait to be written.
const WAITING_MAX: usize = 8192;
/// How long the end of the process waits for what was said last.
const LAST_WORDS: Duration = Duration::from_secs(2);

static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Lines dropped since the start because nobody took them.
#[must_use]
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

enum Said {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

/// The way to standard error.
#[derive(Clone)]
pub struct Lines(SyncSender<Said>);

impl Lines {
    /// Begins to write log lines, in the form and from the level of the settings; `RUST_LOG` wins where it is set.
    ///
    /// # Errors
    /// When the thread cannot be started or lines are written already.
    pub fn begin(settings: &Operation) -> std::io::Result<Self> {
        let (say, said) = sync_channel(WAITING_MAX);
        std::thread::Builder::new().name("sluis-lines".to_owned()).spawn(move || write_all(&said))?;
        let lines = Self(say);
        let filter =
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(filter(settings.log_level.name())));
        let writer = lines.clone();
        let log = tracing_subscriber::fmt()
            .log_internal_errors(false)
            .with_env_filter(filter)
            .with_ansi(settings.log == LogForm::Text && std::io::stderr().is_terminal())
            .with_writer(move || writer.clone());
        let begun = match settings.log {
            LogForm::Text => log.try_init(),
            LogForm::Json => log.json().flatten_event(true).try_init(),
        };
        begun.map_err(std::io::Error::other)?;
        lines.tell_panics();
        Ok(lines)
    }

    /// Waits until what was said before is written, for two seconds at most.
    pub fn flush(&self) {
        let (written, done) = sync_channel(1);
        if self.0.try_send(Said::Flush(written)).is_ok() {
            let _ = done.recv_timeout(LAST_WORDS);
        }
    }

    fn tell_panics(&self) {
        let lines = self.clone();
        std::panic::set_hook(Box::new(move |panic| {
            let place = panic.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
            tracing::error!(place, "a defect ended a task; nothing was released by it");
            lines.flush();
        }));
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.0.try_send(Said::Line(bytes.to_vec()))
        {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn write_all(said: &Receiver<Said>) {
    let mut out = std::io::stderr();
    while let Ok(said) = said.recv() {
        match said {
            Said::Line(bytes) => {
                if out.write_all(&bytes).is_err() {
                    DROPPED.fetch_add(1, Ordering::Relaxed);
                }
            }
            Said::Flush(written) => _ = written.send(()),
        }
    }
}
