//! Every log line of this thread: ours at the most talkative level, the libraries' at `debug`.
//!
//! The runtime of a plain test has one thread, so this sees every task of gateway and clients. The writer threads of SQLite
//! are others; they speak only of codes.

use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::util::SubscriberInitExt;

/// Captures until its end.
pub struct Capture {
    lines: Lines,
    _guard: tracing::subscriber::DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Capture {
    /// From here on.
    pub fn begin() -> Self {
        let lines = Lines::default();
        let writer = lines.clone();
        let all = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::new(
                "debug,sluis=trace,sluis_core=trace,sluis_adapters=trace",
            ))
            .with_ansi(false)
            .with_writer(move || writer.clone());
        Self { lines, _guard: all.set_default() }
    }

    /// What was said.
    pub fn end(self) -> Vec<u8> {
        self.lines.0.lock().unwrap().clone()
    }
}
