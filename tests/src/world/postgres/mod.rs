//! A PostgreSQL of the tests' own: a cluster in a temporary folder, shared by all tests of this process, with a pair of
//! databases for each test. Never skipped: without the package `postgresql` the tests fail and say so.
//!
//! [`room::Room`] is the folder and what removes it, [`server::Server`] one server in it, [`pair::Pair`] two servers, of
//! which the second streams from the first.

pub mod pair;
pub mod room;
pub mod server;

use room::Room;
use server::Server;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

/// The role of the gateway: no superuser, and no secrets but what a monitor may see (A1).
pub const ROLE: &str = "sluis";
/// Who may do everything: intruders and careless administrators.
pub const SUPERUSER: &str = "postgres";

/// Pairs that lie still before the oldest is used again: tasks of a test may outlive its last line by a moment.
const RESTING: usize = 4;

/// A running cluster.
pub struct Cluster {
    /// The server.
    pub server: Server,
    made: AtomicU32,
    free: Mutex<VecDeque<[String; 2]>>,
    _room: Room,
}

impl Cluster {
    /// The cluster of this process, started at first use. It goes when the process ends, however it ends.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A cluster of one's own, for tests that stop or starve it.
    pub fn start() -> Self {
        let room = Room::make();
        let server = Server::make(&room, "primary");
        server.start();
        server.sql("postgres", &format!("CREATE ROLE {ROLE} LOGIN; GRANT pg_monitor TO {ROLE}"));
        Self { server, made: AtomicU32::new(0), free: Mutex::default(), _room: room }
    }

    /// Two empty databases: new ones, or those of a test that has been over for a while. Removing one would cost a checkpoint.
    pub fn database(&self) -> Database<'_> {
        let mut free = self.free.lock().unwrap();
        let rested = if free.len() > RESTING { free.pop_front() } else { None };
        drop(free);
        let names = rested.inspect(|names| names.iter().for_each(|name| self.empty(name)));
        let names = names.unwrap_or_else(|| {
            let number = self.made.fetch_add(1, Ordering::SeqCst);
            let names = ["log", "keys"].map(|kind| format!("{kind}_{number}"));
            names
                .iter()
                .for_each(|name| _ = self.server.sql("postgres", &format!("CREATE DATABASE {name} OWNER {ROLE}")));
            names
        });
        let [log_url, keys_url] = names.clone().map(|name| self.server.url(ROLE, &name));
        Database { log_url, keys_url, cluster: self, names }
    }

    fn empty(&self, name: &str) {
        let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        self.server.sql(name, end);
        let schema = "DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION pg_database_owner";
        self.server.sql(name, schema);
    }
}

/// A log database and a key database.
pub struct Database<'c> {
    /// Address of the log database.
    pub log_url: String,
    /// Address of the key database.
    pub keys_url: String,
    cluster: &'c Cluster,
    names: [String; 2],
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        self.cluster.free.lock().unwrap().push_back(self.names.clone());
    }
}

impl Database<'_> {
    /// A connection to the log database past the gateway and its rights.
    pub async fn log_intruder(&self) -> PgConnection {
        self.intruder(0).await
    }

    /// A connection to the key database past the gateway and its rights.
    pub async fn keys_intruder(&self) -> PgConnection {
        self.intruder(1).await
    }

    async fn intruder(&self, which: usize) -> PgConnection {
        PgConnection::connect(&self.cluster.server.url(SUPERUSER, &self.names[which])).await.unwrap()
    }

    /// Every byte of every table of both databases as the engine holds it, and what the server wrote into its own log.
    pub async fn at_rest(&self) -> Vec<u8> {
        let mut bytes = std::fs::read(self.cluster.server.log_file()).unwrap();
        for which in 0..self.names.len() {
            let mut intruder = self.intruder(which).await;
            for table in tables(&mut intruder).await {
                bytes.extend(copied(&mut intruder, &table).await);
            }
        }
        bytes
    }
}

/// The tables that hold rows: those of partitioned ones are in their partitions.
async fn tables(session: &mut PgConnection) -> Vec<String> {
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
    sqlx::query_scalar(tables).fetch_all(session).await.unwrap()
}

async fn copied(session: &mut PgConnection, table: &str) -> Vec<u8> {
    use tokio_stream::StreamExt;
    let mut copy = session.copy_out_raw(&format!("COPY {table} TO STDOUT (FORMAT binary)")).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = copy.next().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    bytes
}

/// What was committed survives that every process of the server is killed.
#[tokio::test]
async fn a_cluster_serves_its_role_durably_and_goes_with_its_folder() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut session = PgConnection::connect(&database.log_url).await.unwrap();
    session.execute("CREATE TABLE t (b bytea); INSERT INTO t VALUES ('needle')").await.unwrap();
    for (name, expected) in [("fsync", "on"), ("full_page_writes", "on"), ("data_checksums", "on")] {
        let setting = sqlx::query_scalar::<_, String>("SELECT setting FROM pg_settings WHERE name = $1");
        assert_eq!(setting.bind(name).fetch_one(&mut session).await.unwrap(), expected, "{name}");
    }
    let superuser = sqlx::query_scalar("SELECT rolsuper FROM pg_roles WHERE rolname = current_user");
    let superuser: bool = superuser.fetch_one(&mut session).await.unwrap();
    assert!(!superuser);
    cluster.server.kill();
    cluster.server.start();
    let holds = |bytes: &[u8]| bytes.windows(6).any(|window| window == b"needle");
    assert!(holds(&database.at_rest().await));
    let url = database.log_url.clone();
    drop(database);
    (0..RESTING).for_each(|_| drop(cluster.database()));
    let again = cluster.database();
    assert_eq!(again.log_url, url, "used again");
    assert!(!holds(&again.at_rest().await), "what a test left is there for the next");
    drop(again);
    let data = cluster.server.data.clone();
    assert!(data.exists());
    drop(cluster);
    assert!(!data.exists());
}
