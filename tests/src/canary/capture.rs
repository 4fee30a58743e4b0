//! Every log line of this process: ours at the most talkative level, the libraries' at `debug`.
//!
//! The subscriber is the process's, because one per thread misses lines: a place that another thread reaches first is
//! remembered as silent. It is deaf until a capture begins. While it lasts the lines of tests beside it are captured too,
//! and they may not name anybody either.

use std::io::Write;
use std::sync::{Mutex, OnceLock};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

const DEAF: &str = "off";
const TALKATIVE: &str = "debug,sluis=trace,sluis_core=trace,sluis_adapters=trace";

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Captures until its end.
pub struct Capture(());

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn listen(level: &str) {
    let handle = FILTER.get_or_init(|| {
        let (filter, handle) = reload::Layer::new(EnvFilter::new(DEAF));
        let lines = fmt::layer().with_ansi(false).with_writer(|| Lines);
        tracing_subscriber::registry().with(filter).with(lines).init();
        handle
    });
    handle.reload(EnvFilter::new(level)).unwrap();
}

impl Capture {
    /// From here on.
    pub fn begin() -> Self {
        listen(TALKATIVE);
        Self(())
    }

    /// What was said.
    pub fn end(self) -> Vec<u8> {
        listen(DEAF);
        std::mem::take(&mut *LINES.lock().unwrap())
    }
}
