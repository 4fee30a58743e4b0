//! What the person sees who runs Sluis: numbers, readiness, log lines. Nothing here decides anything about a release.
//!
//! - [`metrics`] is where the rest of the house counts; [`series`] and [`histogram`] are made of atomics, so that counting
//!   neither waits nor fails. [`page`] turns them and what is read at that moment into OpenMetrics text.
//! - [`lines`] writes log lines; [`ending`] is how far the end has come.
//! - [`listener`] serves that page and readiness over plain HTTP; [`watch`] raises and clears conditions by looking.
//!
//! To add a number: a field in [`metrics::Metrics`] and a line in [`page`]. For something that happens now and then,
//! `gateway.metrics.event("its_name")` is enough. To add a state: a line in [`crate::condition`].

pub mod coarse;
mod encode;
pub mod ending;
pub mod histogram;
pub mod lines;
pub mod listener;
pub mod metrics;
pub mod page;
pub mod series;
pub mod stopwatch;
pub mod watch;
pub mod watched;
