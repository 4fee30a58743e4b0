//! A PostgreSQL server of the bench's own, in a temporary folder that goes with this process: the one of the tests, with
//! its durability, and with room for the WAL of a level so that no checkpoint of the server falls into one by chance.

use super::super::Fault;
use super::super::report::cpu_us;
use room::Room;
use serde_json::{Value, json};
use server::Server;
use std::sync::atomic::{AtomicU32, Ordering};

#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the fixture of the tests: a server that fails ends the bench"
)]
#[path = "../../../world/postgres/room.rs"]
mod room;
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    reason = "the fixture of the tests: a server that fails ends the bench, which never stops or freezes it"
)]
#[path = "../../../world/postgres/server.rs"]
mod server;

/// Who may do everything, as the fixture names him.
const SUPERUSER: &str = "postgres";
/// The role of the gateway.
const ROLE: &str = "sluis";
const SETTINGS: &str = "shared_buffers = 256MB\nmax_wal_size = 4GB\nfsync = on\nsynchronous_commit = on\n";
const SHOWN: [&str; 7] = [
    "server_version",
    "fsync",
    "synchronous_commit",
    "synchronous_standby_names",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
];

/// A running server.
pub struct Cluster {
    server: Server,
    made: AtomicU32,
    _room: Room,
}

impl Cluster {
    /// Makes and starts it.
    pub fn start() -> Self {
        eprintln!("starting a PostgreSQL server");
        let room = Room::make();
        let server = Server::make(&room, "bench");
        server.set(SETTINGS);
        server.start();
        server.sql(SUPERUSER, &format!("CREATE ROLE {ROLE} LOGIN; GRANT pg_monitor TO {ROLE}"));
        Self { server, made: AtomicU32::new(0), _room: room }
    }

    /// The address of a new, empty database. It stays until the server goes: removing one would cost a checkpoint.
    pub fn database(&self) -> String {
        let name = format!("bench_{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.server.sql(SUPERUSER, &format!("CREATE DATABASE {name} OWNER {ROLE}"));
        self.server.url(ROLE, &name)
    }

    /// Writes what earlier levels left to disk, so that each begins alike.
    pub fn settle(&self) {
        self.server.sql(SUPERUSER, "CHECKPOINT");
    }

    /// What durability rests on, as the server says it.
    pub fn settings(&self) -> Value {
        let shown =
            SHOWN.map(|name| (name.to_owned(), json!(self.server.sql(SUPERUSER, &format!("SHOW {name}")).trim())));
        Value::Object(shown.into_iter().collect())
    }

    /// Processor time of all its processes that run, microseconds.
    ///
    /// # Errors
    /// When the server does not run.
    pub fn cpu_us(&self) -> Result<f64, Fault> {
        let file = std::fs::read_to_string(self.server.data.join("postmaster.pid"))?;
        let id = file.lines().next().ok_or("the server has no process")?;
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        Ok(cpu_us(id) + children.split_whitespace().map(cpu_us).sum::<f64>())
    }
}
