//! One PostgreSQL server in a room: made, started, asked, stopped.

use super::SUPERUSER;
use super::room::{Room, Runner};
use crate::world::PATIENCE;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// What every server is set to. Durability stays as it is in production: fsync, full pages, checksums.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
max_connections = 200
shared_buffers = 64MB
wal_level = replica
";

/// How often a server that starts is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// Ports tried: another process may take a free one before the server does.
const PORTS_TRIED: u32 = 5;

/// One server. Its data stay until its room goes.
pub struct Server {
    /// Where its data are.
    pub data: PathBuf,
    /// Where it listens, on loopback.
    pub port: u16,
    runner: Runner,
    running: Option<Child>,
}

impl Server {
    /// Makes the data of a new, empty server under a name in the room.
    pub fn make(room: &Room, name: &str) -> Self {
        let runner = room.runner.clone();
        let data = runner.dir.join(name);
        let mut initdb = runner.command(&program("initdb"));
        initdb.args(["--no-sync", "--no-instructions", "--data-checksums", "--auth=trust", "--locale=C"]);
        let out = initdb.args(["--encoding=UTF8", "--username", SUPERUSER, "--pgdata"]).arg(&data).output().unwrap();
        assert!(out.status.success(), "initdb: {}", String::from_utf8_lossy(&out.stderr));
        let server = Self { data, port: 0, runner, running: None };
        server.set(&format!("{SETTINGS}unix_socket_directories = '{}'\n", server.runner.dir.display()));
        server
    }

    /// Adds settings, which hold from the next start.
    pub fn set(&self, settings: &str) {
        let file = self.data.join("postgresql.conf");
        let before = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{before}\n{settings}")).unwrap();
    }

    /// Starts it and waits until it answers, on the port it had before.
    pub fn start(&mut self) {
        if self.port != 0 {
            return self.try_start().expect("the server did not start");
        }
        for _ in 0..PORTS_TRIED {
            self.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            if self.try_start().is_ok() {
                return;
            }
        }
        panic!("the server did not start: {}", fs::read_to_string(self.log_file()).unwrap_or_default());
    }

    fn try_start(&mut self) -> Result<(), String> {
        let log = fs::File::options().create(true).append(true).open(self.log_file()).unwrap();
        let mut postgres = self.runner.command(&program("postgres"));
        postgres.arg("-D").arg(&self.data).args(["-p", &self.port.to_string()]);
        let mut child = postgres.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let begun = Instant::now();
        while !self.is_ready(&child) {
            let ended = child.try_wait().unwrap();
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let _ended = child.kill();
                return Err(fs::read_to_string(self.log_file()).unwrap_or_default());
            }
            std::thread::sleep(LOOK);
        }
        self.running = Some(child);
        Ok(())
    }

    /// Whether the server says that it takes connections: the last line of its pid file.
    fn is_ready(&self, child: &Child) -> bool {
        let file = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        let mut lines = file.lines();
        let own = lines.next() == Some(child.id().to_string().as_str());
        own && lines.last().is_some_and(|state| matches!(state.trim(), "ready" | "standby"))
    }

    /// Sends it a signal: INT ends it in order, QUIT at once, KILL like a power cut, STOP and CONT freeze and thaw it.
    pub fn signal(&self, name: &str) {
        let child = self.running.as_ref().expect("the server does not run");
        let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Ends it with a signal and waits until it is gone.
    pub fn stop(&mut self, signal: &str) {
        self.signal(signal);
        let ended = self.running.take().map(|mut child| child.wait());
        assert!(matches!(ended, Some(Ok(_))), "{ended:?}");
    }

    /// The address of a database for a role.
    pub fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements as superuser, in one transaction, and gives what it printed.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        let out = self.psql(database, statement).output().unwrap();
        assert!(out.status.success(), "{statement}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    fn psql(&self, database: &str, statement: &str) -> Command {
        let mut psql = self.runner.command(&program("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", SUPERUSER, "-d", database]);
        psql.arg("-h").arg(&self.runner.dir).args(["-p", &self.port.to_string()]);
        psql.args(["-c", statement]);
        psql
    }

    /// What the server and its start wrote.
    pub fn log_file(&self) -> PathBuf {
        self.data.with_extension("log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.signal("CONT");
            self.stop("QUIT");
        }
    }
}

/// A program of the newest PostgreSQL that Debian installed here.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(|entry| {
        let path = entry.ok()?.path();
        let version: u32 = path.file_name()?.to_str()?.parse().ok()?;
        Some((version, path.join("bin"))).filter(|(_, bin)| bin.join("initdb").exists())
    });
    let newest = versions.max().map(|(_, bin): (u32, PathBuf)| bin);
    newest.expect("PostgreSQL is absent: install the package `postgresql`, as tests/run.sh does").join(name)
}
