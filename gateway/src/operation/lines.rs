//! Log lines: text or JSON to standard error, by a thread of their own, so that a reader who stops reading holds up no call.
//!
//! Lines about single calls are gathered for a moment and written together; everything else is written at once, before them
//! ([`waiting`]). A line that nobody takes in time is dropped and counted, and when the reader reads again he is told how many.
//! A panic is told with its place and never with its words, which may hold anything.

mod waiting;

use crate::config::{LogForm, Operation};
use std::io::{IsTerminal, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use waiting::{Haste, Pen, Waiting};

/// The target of the line that every call gets: the one kind of line that comes by the thousand.
pub const CALL: &str = "sluis::call";

/// What is written at this level. Of the libraries that read what strangers send only errors: a stranger could have them
/// warn a thousand times a second, without a certificate.
fn filter(level: &str) -> String {
    let strangers = ["rustls", "h2", "hyper", "tokio_rustls"].map(|library| format!("{library}=error"));
    format!("{level},{}", strangers.join(","))
}

/// How long the end of the process waits for what was said last.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The lines of this process, for the number on the metrics page.
static WAITING: OnceLock<Arc<Waiting>> = OnceLock::new();

/// Lines dropped since the start because nobody took them.
#[must_use]
pub fn dropped() -> u64 {
    WAITING.get().map_or(0, |waiting| waiting.dropped())
}

/// The way to standard error.
#[derive(Clone)]
pub struct Lines(Arc<Waiting>);

impl Lines {
    /// Begins to write log lines, in the form and from the level of the settings; `RUST_LOG` wins where it is set.
    ///
    /// # Errors
    /// When the thread cannot be started or lines are written already.
    pub fn begin(settings: &Operation) -> std::io::Result<Self> {
        let lines = Self(Arc::clone(WAITING.get_or_init(Arc::default)));
        let filter =
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(filter(settings.log_level.name())));
        let log = tracing_subscriber::fmt()
            .log_internal_errors(false)
            .with_env_filter(filter)
            .with_ansi(settings.log == LogForm::Text && std::io::stderr().is_terminal())
            .with_writer(lines.clone());
        let begun = match settings.log {
            LogForm::Text => log.try_init(),
            LogForm::Json => log.json().flatten_event(true).try_init(),
        };
        begun.map_err(std::io::Error::other)?;
        let waiting = Arc::clone(&lines.0);
        std::thread::Builder::new().name("sluis-lines".to_owned()).spawn(move || write_all(&waiting))?;
        lines.tell_panics();
        Ok(lines)
    }

    /// Waits until what was said before is written, for two seconds at most.
    pub fn flush(&self) {
        self.0.flush(LAST_WORDS);
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

/// Calls, and what is there to find a fault, come in such numbers that they are gathered.
fn haste(of: &Metadata<'_>) -> Haste {
    if of.target() == CALL || *of.level() > Level::INFO { Haste::Gathered } else { Haste::AtOnce }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { waiting: &self.0, haste: Haste::AtOnce }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        Line { waiting: &self.0, haste: haste(metadata) }
    }
}

/// One line on its way.
pub struct Line<'a> {
    waiting: &'a Waiting,
    haste: Haste,
}

impl Write for Line<'_> {
    /// The whole line, with its end.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.waiting.say(bytes, self.haste);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn write_all(waiting: &Waiting) {
    let mut pen = Pen::new(std::io::stderr());
    loop {
        if let Some(dropped) = pen.write_next(waiting) {
            tracing::warn!(dropped, "log lines were dropped since the start: nobody took them in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether what is said then waits for other lines.
    fn gathers(say: impl FnOnce()) -> bool {
        let lines = Lines(Arc::default());
        let log = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(lines.clone()).finish();
        tracing::subscriber::with_default(log, say);
        lines.0.gathers()
    }

    #[test]
    fn only_calls_and_what_is_there_to_find_a_fault_are_gathered() {
        assert!(gathers(|| tracing::info!(target: CALL, code = "OK", "call")));
        assert!(gathers(|| tracing::debug!("a detail")));
        assert!(!gathers(|| tracing::info!("condition cleared")));
        assert!(!gathers(|| tracing::warn!("condition raised")));
        assert!(!gathers(|| tracing::error!("a defect")));
    }
}
