//! What the benches take over from the fixture of the tests.

pub mod postgres;

use std::time::Duration;

/// Longest wait for a server to start.
pub const PATIENCE: Duration = Duration::from_secs(30);
