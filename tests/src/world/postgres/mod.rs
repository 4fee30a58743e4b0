//! A PostgreSQL of the tests' own: a cluster in a temporary folder, shared by all tests of this process, with a pair of
//! databases for each test. Never skipped: without the package `postgresql` the tests fail and say so.
//!
//! [`room::Room`] is the folder and what removes it, [`server::Server`] one server in it: a second one, streaming from the
//! first, belongs into the same room.

pub mod room;
pub mod server;

use room::Room;
use server::Server;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The role of the gateway: no superuser, and no secrets but what a monitor may see (A1).
pub const ROLE: &str = "sluis";
/// Who may do everything: intruders and careless administrators.
pub const SUPERUSER: &str = "postgres";

/// A running cluster.
pub struct Cluster {
    /// The server.
    pub server: Server,
    databases: AtomicU32,
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
        let mut server = Server::make(&room, "primary");
        server.start();
        server.sql(&format!("CREATE ROLE {ROLE} LOGIN; GRANT pg_monitor TO {ROLE}"));
        Self { server, databases: AtomicU32::new(0), _room: room }
    }

    /// Two new, empty databases.
    pub fn database(&'static self) -> Database {
        let number = self.databases.fetch_add(1, Ordering::SeqCst);
        let names = ["log", "keys"].map(|kind| format!("{kind}_{number}"));
        for name in &names {
            self.server.sql(&format!("CREATE DATABASE {name} OWNER {ROLE}"));
        }
        let [log_url, keys_url] = names.clone().map(|name| self.server.url(ROLE, &name));
        Database { log_url, keys_url, cluster: self, names }
    }
}

/// A log database and a key database.
pub struct Database {
    /// Address of the log database.
    pub log_url: String,
    /// Address of the key database.
    pub keys_url: String,
    cluster: &'static Cluster,
    names: [String; 2],
}

impl Drop for Database {
    fn drop(&mut self) {
        self.cluster.server.sql_later(&self.names.each_ref().map(|name| format!("DROP DATABASE {name} WITH (FORCE)")));
    }
}

impl Database {
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

#[tokio::test]
async fn a_cluster_serves_its_role_durably_and_forgets_its_folder() {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start()));
    let database = cluster.database();
    let mut session = PgConnection::connect(&database.log_url).await.unwrap();
    session.execute("CREATE TABLE t (b bytea); INSERT INTO t VALUES ('needle')").await.unwrap();
    let setting = |name: &'static str| {
        let query = sqlx::query_scalar::<_, String>("SELECT setting FROM pg_settings WHERE name = $1");
        query.bind(name)
    };
    for (name, expected) in [("fsync", "on"), ("full_page_writes", "on"), ("data_checksums", "on")] {
        assert_eq!(setting(name).fetch_one(&mut session).await.unwrap(), expected, "{name}");
    }
    let superuser: bool = sqlx::query_scalar("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        .fetch_one(&mut session)
        .await
        .unwrap();
    assert!(!superuser);
    assert!(database.at_rest().await.windows(6).any(|window| window == b"needle"));
}
