//! One PostgreSQL server in a room: made, started, asked, stopped.

use super::SUPERUSER;
use super::room::{Room, Runner};
use crate::world::PATIENCE;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

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
    /// Where it listens, on loopback; 0 before the first start.
    port: AtomicU16,
    runner: Runner,
    running: Mutex<Option<Child>>,
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
        let server = Self { data, port: AtomicU16::new(0), runner, running: Mutex::default() };
        server.set(&format!("{SETTINGS}unix_socket_directories = '{}'\n", server.runner.dir.display()));
        server
    }

    /// Copies a running server, with what it writes meanwhile, under a name in its room. When started, the copy is a standby
    /// that calls itself so and streams from the other.
    pub fn following(other: &Self, name: &str) -> Self {
        let copy = Self::copied(other, name, true);
        // It looks for its primary often: a primary that was started again is followed at once.
        copy.set("wal_retrieve_retry_interval = 20ms\n");
        copy
    }

    /// Copies a running server as a backup does. When started, the copy is a server of its own.
    pub fn backup(other: &Self, name: &str) -> Self {
        Self::copied(other, name, false)
    }

    fn copied(other: &Self, name: &str, follows: bool) -> Self {
        let runner = other.runner.clone();
        let data = runner.dir.join(name);
        let mut copy = runner.command(&program("pg_basebackup"));
        let (room, port) = (runner.dir.display(), other.port());
        let at = format!("host={room} port={port} user={SUPERUSER} application_name={name}");
        copy.args(["--no-sync", "--checkpoint=fast", "--dbname", &at, "--pgdata"]).arg(&data);
        copy.args(follows.then_some("--write-recovery-conf"));
        let out = copy.output().unwrap();
        assert!(out.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&out.stderr));
        Self { data, port: AtomicU16::new(0), runner, running: Mutex::default() }
    }

    /// Makes a standby a primary; returns when it writes.
    pub fn promote(&self) {
        assert_eq!(self.sql("postgres", "SELECT pg_promote(true, 60)").trim(), "t");
    }

    /// Adds settings, which hold from the next start.
    pub fn set(&self, settings: &str) {
        let file = self.data.join("postgresql.conf");
        let before = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{before}\n{settings}")).unwrap();
    }

    /// Starts it and waits until it answers, on the port it had before.
    pub fn start(&self) {
        if self.port() != 0 {
            return self.try_start().expect("the server did not start");
        }
        for _ in 0..PORTS_TRIED {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            self.port.store(free, Ordering::SeqCst);
            if self.try_start().is_ok() {
                return;
            }
        }
        panic!("the server did not start: {}", fs::read_to_string(self.log_file()).unwrap_or_default());
    }

    fn try_start(&self) -> Result<(), String> {
        let log = fs::File::options().create(true).append(true).open(self.log_file()).unwrap();
        let mut postgres = self.runner.command(&program("postgres"));
        postgres.arg("-D").arg(&self.data).args(["-p", &self.port().to_string()]);
        let mut child = postgres.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            if self.is_ready(&child) {
                *self.running.lock().unwrap() = Some(child);
                return Ok(());
            }
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(LOOK);
        }
        let _ended = (child.kill(), child.wait());
        Err(fs::read_to_string(self.log_file()).unwrap_or_default())
    }

    /// Whether the server says that it takes connections: the last line of its pid file.
    fn is_ready(&self, child: &Child) -> bool {
        let file = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        let mut lines = file.lines();
        let own = lines.next() == Some(child.id().to_string().as_str());
        own && lines.last().is_some_and(|state| matches!(state.trim(), "ready" | "standby"))
    }

    /// Ends it in order.
    pub fn stop(&self) {
        let mut child = self.running.lock().unwrap().take().expect("the server does not run");
        signal("INT", &[child.id()]);
        child.wait().unwrap();
    }

    /// Ends every process of it at once, like a power cut; what the kernel has been given stays.
    pub fn kill(&self) {
        let mut child = self.running.lock().unwrap().take().expect("the server does not run");
        // Halted first, it starts none that is not in the list.
        signal("STOP", &[child.id()]);
        let all = processes(&child);
        signal("KILL", &all);
        child.wait().unwrap();
        // The others are not ours to wait for; a server does not start beside one that has not ended.
        let lives = |id: &u32| fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|cwd| cwd == self.data);
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            if !all.iter().any(lives) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        panic!("processes of the server do not end");
    }

    /// Whether it runs: after an error that it takes for a danger to the data it ends all its processes and starts them anew,
    /// or ends itself.
    pub fn runs(&self) -> bool {
        self.running.lock().unwrap().as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Freezes every process of it: connections stay open, and nobody answers.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let running = self.running.lock().unwrap();
        signal(name, &processes(running.as_ref().expect("the server does not run")));
    }

    /// Where it listens, on loopback.
    pub fn port(&self) -> u16 {
        self.port.load(Ordering::SeqCst)
    }

    /// The address of a database for a role.
    pub fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port())
    }

    /// Runs statements as superuser, in one transaction, and gives what it printed.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        let out = self.psql(database, statement).output().unwrap();
        assert!(out.status.success(), "{statement}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    /// Returns when a condition holds in a database, which is asked as superuser until it does.
    pub fn until(&self, database: &str, condition: &str) {
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            if self.sql(database, condition).trim() == "t" {
                return;
            }
            std::thread::sleep(LOOK);
        }
        panic!("this does not come: {condition}");
    }

    fn psql(&self, database: &str, statement: &str) -> Command {
        let mut psql = self.runner.command(&program("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", SUPERUSER, "-d", database]);
        psql.arg("-h").arg(&self.runner.dir).args(["-p", &self.port().to_string()]);
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
        let Some(mut child) = self.running.lock().unwrap().take() else { return };
        signal("CONT", &processes(&child));
        signal("QUIT", &[child.id()]);
        let _ended = child.wait();
    }
}

/// The server's processes: the one that starts the others, and those.
fn processes(server: &Child) -> Vec<u32> {
    let id = server.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    std::iter::once(id).chain(children.split_whitespace().map(|child| child.parse().unwrap())).collect()
}

/// Sends a signal to processes, in order; those that ended meanwhile are passed over.
fn signal(name: &str, processes: &[u32]) {
    let ids = processes.iter().map(u32::to_string);
    let _sent = Command::new("kill").args(["-s", name]).args(ids).stderr(Stdio::null()).status().unwrap();
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
