//! The machine: files with secrets, disks, ports, the clock.

use super::{Findings, moment};
use crate::compose::engine;
use crate::compose::operate::files;
use crate::config::{Config, Engine};
use crate::token::keys::SigningKey;
use crate::transport::own::Own;
use sluis_adapters::disk::{room, same_device};
use sluis_adapters::master::MasterKey;
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::{ntp, process};
use sluis_core::log::Millis;
use sluis_core::log::finalise::CLOCK_TOLERANCE_MS;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Every key file can be read and holds what it must.
pub(super) fn keys(config: &Config, found: &mut Findings) {
    const RESTORE: &str = "restore it from its backup, or make a new gateway with `sluis init`";
    match MasterKey::read(&config.keys.master_key) {
        Ok(_) => found.ok("master key", format!("`{}` can be read", config.keys.master_key.display())),
        Err(error) => found.fault("master key", error.to_string(), RESTORE),
    }
    match Ed25519Signer::read(&config.log.signing_key) {
        Ok(_) => found.ok("log key", format!("`{}` can be read", config.log.signing_key.display())),
        Err(error) => found.fault("log key", error.to_string(), RESTORE),
    }
    match &config.token.key {
        None => found.ok("token key", "none: an FSC Manager issues the tokens"),
        Some(file) => match SigningKey::load(file) {
            Ok(_) => found.ok("token key", format!("`{}` can be read", file.display())),
            Err(error) => found.fault("token key", error.to_string(), RESTORE),
        },
    }
    for file in config.token.external.iter().flat_map(|external| &external.certificates) {
        match Own::read(file) {
            Ok(_) => found.ok("token issuer", format!("`{}` can be read", file.display())),
            Err(error) => {
                found.fault("token issuer", error.to_string(), "put the Manager's signing certificate there, PEM")
            }
        }
    }
}

/// Nobody but the owner can read a key or a database.
pub(super) fn secrets(config: &Config, found: &mut Findings) {
    open_to_others("certificate", &files(config).key, 0o077, "0400", found);
    if let Some(file) = &config.token.key {
        open_to_others("token key", file, 0o077, "0400", found);
    }
    for (subject, file) in [("log database", &config.log.database), ("key database", &config.keys.database)] {
        if let Some(file) = file {
            open_to_others(subject, file, 0o007, "0600", found);
        }
    }
}

fn open_to_others(subject: &'static str, file: &Path, forbidden: u32, better: &str, found: &mut Findings) {
    let Ok(meta) = std::fs::metadata(file) else { return };
    let mode = meta.permissions().mode() & 0o7777;
    let text = format!("`{}` has mode {mode:04o}", file.display());
    if mode & forbidden == 0 {
        found.ok(subject, text);
    } else if forbidden == 0o007 {
        found.warning(
            subject,
            format!("{text}: others on this machine can read it"),
            format!("run `chmod {better}` on it"),
        );
    } else {
        let advice = format!("run `chmod {better}` on it, and replace the key if others could read it");
        found.fault(subject, format!("{text}: others can read it"), advice);
    }
}

/// There is room, and keys and log do not go down together; this process may have enough files open.
pub(super) fn disk(config: &Config, found: &mut Findings) {
    match config.engine() {
        Ok(Engine::Sqlite { log, keys }) => disks(config, log, keys, found),
        Ok(Engine::Postgres { .. }) => found.ok("disk", "log and keys are on a server: its disk is not looked at here"),
        // Said with the configuration.
        Err(_) => {}
    }
    if let Some(usage) = process::usage()
        && usage.files_max > 0
        && usage.files_max < 2 * config.listen.connections_max as u64
    {
        let text = format!(
            "a process may have {} files open, for {} connections",
            usage.files_max, config.listen.connections_max
        );
        found.warning("machine", text, "raise the limit (`LimitNOFILE` of systemd), or lower `listen.connections_max`");
    }
}

/// Room on the disks of both files, which are not one disk.
fn disks(config: &Config, log: &Path, keys: &Path, found: &mut Findings) {
    const SUBJECT: &str = "disk";
    let least = f64::from(config.operation.disk_free_min_percent);
    for file in [log, keys] {
        match room(file) {
            Err(error) => {
                found.fault(SUBJECT, format!("of `{}` cannot be looked at: {error}", file.display()), "check the path")
            }
            Ok(room) => {
                let (percent, mib) = (room.percent_free(), room.free / 1024 / 1024);
                let text = format!("of `{}` is {percent:.0} % free, {mib} MiB", file.display());
                if percent < least {
                    found.fault(
                        SUBJECT,
                        format!("{text}: releases are stopped"),
                        "make room, or move the log to a larger disk",
                    );
                } else if percent < 2.0 * least {
                    found.warning(SUBJECT, format!("{text}: releases stop below {least} %"), "make room soon");
                } else {
                    found.ok(SUBJECT, text);
                }
            }
        }
    }
    let production = config.mode == crate::config::Mode::Production;
    if production && log.parent() == keys.parent() {
        let advice = "put the key database on another disk, with backups of its own that are kept for 30 days at most";
        found.warning(SUBJECT, "log and key database lie in one folder: one copy takes both", advice);
    } else if production && same_device(log, keys).unwrap_or(false) {
        found.warning(SUBJECT, "log and key database lie on one disk", "put the key database on another disk");
    }
}

/// Every address is free, or it is our gateway that listens there.
pub(super) fn ports(config: &Config, served: bool, found: &mut Findings) {
    let addresses = [
        ("listen.grpc", Some(config.listen.grpc)),
        ("listen.token", config.listen.token),
        ("operation.metrics", config.operation.metrics),
    ];
    for (key, at) in addresses.into_iter().filter_map(|(key, at)| at.map(|at| (key, at))) {
        port(key, at, served, found);
    }
}

fn port(key: &str, at: SocketAddr, served: bool, found: &mut Findings) {
    match (TcpListener::bind(at), served) {
        (Ok(_), false) => found.ok("port", format!("{at} ({key}) is free")),
        (Err(_), true) => found.ok("port", format!("{at} ({key}) is in use, and a gateway serves from these files")),
        (Ok(_), true) => {
            let text = format!("nobody listens on {at} ({key}), and a gateway serves from these files");
            found.warning("port", text, "the gateway runs with another configuration: start it again with this one");
        }
        (Err(error), false) => {
            let text = format!("{at} ({key}) cannot be used: {error}");
            found.fault("port", text, "end the other program that listens there, or choose another port");
        }
    }
}

/// The clock agrees with the log, and with the time of others where this machine follows it.
pub(super) async fn clock(config: &Config, now: Millis, found: &mut Findings) {
    const SUBJECT: &str = "clock";
    let last = match engine::archive(config).await {
        Ok(log) => log.head().await.ok().map(|head| head.last_time),
        Err(_) => None,
    };
    match last {
        Some(last) if now + CLOCK_TOLERANCE_MS < last => {
            let text = format!("is at {}, behind the last entry of the log at {}", moment(now), moment(last));
            found.fault(SUBJECT, text, "set the clock right; until then nothing is released");
        }
        Some(_) => found.ok(SUBJECT, "is not behind the last entry of the log"),
        None => {}
    }
    match ntp::is_synchronised() {
        Some(true) => found.ok(SUBJECT, "is synchronised"),
        Some(false) => {
            let advice = "run an NTP client (chrony, systemd-timesyncd) and see that it reaches a server";
            found.warning(SUBJECT, "is not synchronised", advice);
        }
        None => found.ok(SUBJECT, "whether it is kept right is not known here: `timedatectl` does not say"),
    }
}
