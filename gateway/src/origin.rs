//! The origin of a log shard: `sluis-log.<domain>/<OIN>/<year>-<epoch>`. Frozen: it stands in every checkpoint.

use sluis_core::organisation::Oin;

/// The origin of a shard.
#[must_use]
pub fn origin(domain: &str, oin: &Oin, year: i16, epoch: u32) -> String {
    format!("sluis-log.{domain}/{oin}/{year}-{epoch}")
}

/// The part that names the shard in `ref`: `<year>-<epoch>`.
#[must_use]
pub fn shard_of(origin: &str) -> &str {
    origin.rsplit('/').next().unwrap_or(origin)
}
