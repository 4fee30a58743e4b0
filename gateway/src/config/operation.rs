//! What the operator sees: metrics, log lines, health; how the gateway spreads its work, and how it ends.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::num::NonZeroU16;

/// A day.
const SCRUB_HOURS: NonZeroU16 = NonZeroU16::MIN.saturating_add(23);

/// What the operator sees, how the gateway spreads its work, and how it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operation {
    /// Where metrics and readiness are served over plain HTTP; absent: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<SocketAddr>,
    /// Whether that address may be another than loopback. Whoever reaches it reads the numbers.
    pub metrics_beyond_loopback: bool,
    /// Form of log lines.
    pub log: LogForm,
    /// The least severe log lines that are written; `RUST_LOG` wins where it is set.
    pub log_level: LogLevel,
    /// Runtimes of one thread each among which the gRPC connections are dealt; 0: one runtime with a thread per processor.
    pub runtimes: u8,
    /// Seconds between readiness turning red and the end of accepting, so that load balancers see it.
    pub stop_delay_s: u64,
    /// Seconds that calls in progress get to finish, after which they are ended.
    pub stop_within_s: u64,
    /// New releases stop when less of the disk of the log is free, in percent (core-design 1.10).
    pub disk_free_min_percent: u8,
    /// Hours within which the whole log is recomputed and compared, again and again.
    pub scrub_hours: NonZeroU16,
}

impl Default for Operation {
    fn default() -> Self {
        Self {
            metrics: None,
            metrics_beyond_loopback: false,
            log: LogForm::Text,
            log_level: LogLevel::Info,
            runtimes: 0,
            stop_delay_s: 0,
            stop_within_s: 20,
            disk_free_min_percent: 5,
            scrub_hours: SCRUB_HOURS,
        }
    }
}

impl Operation {
    /// Settings that are refused in any mode, each with what to do.
    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        let beyond = self.metrics.is_some_and(|at| !at.ip().is_loopback()) && !self.metrics_beyond_loopback;
        let text = "operation.metrics: plain HTTP beyond loopback; use 127.0.0.1 or ::1, or set `operation.metrics_beyond_loopback`";
        beyond.then(|| text.to_owned()).into_iter().collect()
    }
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogForm {
    /// For people.
    Text,
    /// One JSON object per line, for collectors.
    Json,
}

/// How severe a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Something is wrong and a person must act.
    Error,
    /// Something is wrong that may pass.
    Warn,
    /// One line per call and per change of state.
    Info,
    /// For finding a fault.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Its name in filters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
