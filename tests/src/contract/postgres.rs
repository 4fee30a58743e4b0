//! PostgreSQL as an engine of the suite: a pair of databases on the cluster of this process, gone with the test.

use super::draft::ORIGIN;
use super::{Engine, TestClock};
use crate::world::PATIENCE;
use crate::world::postgres::{Cluster, Database};
use async_trait::async_trait;
use sluis_adapters::master::MasterKey;
use sluis_adapters::postgres::{OpenError, Place, PostgresKeys, PostgresKeysReader, PostgresLog, PostgresLogReader};
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::system::OsEntropy;
use sluis_adapters::wrapping::Wrapping;
use sluis_core::ports::{Clock, Signer};
use sluis_core::upkeep::{KeyRotation, KeyUpkeep, LogArchive, LogUpkeep, PayloadKeys};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How often a log that is still in use is tried again.
pub const LOOK: Duration = Duration::from_millis(5);

/// Two databases, a master key, a signer.
pub struct Postgres {
    pub database: Database<'static>,
    pub master: MasterKey,
    pub wrapping: Wrapping,
    pub folder: PathBuf,
    clock: Arc<TestClock>,
    signer: Arc<Ed25519Signer>,
}

impl Postgres {
    /// Two databases without tables, on the cluster of this process.
    pub fn bare() -> Self {
        Self::bare_on(Cluster::shared())
    }

    /// Two databases without tables.
    pub fn bare_on(cluster: &'static Cluster) -> Self {
        static FOLDERS: AtomicU32 = AtomicU32::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("sluis-contract-pg-{}-{number}", std::process::id()));
        let _earlier = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let signer = Arc::new(Ed25519Signer::generate(&folder.join("log.key"), &OsEntropy).unwrap());
        let master = MasterKey::generate(&folder.join("master.key"), &OsEntropy).unwrap();
        let wrapping = Wrapping::generate(master.clone(), folder.join("wrapping"), &OsEntropy).unwrap();
        let database = cluster.database();
        Self { database, master, wrapping, folder, clock: Arc::new(TestClock::new()), signer }
    }

    pub fn keys_place(&self) -> Place {
        Place::parse(&self.database.keys_url, None).unwrap()
    }

    pub fn log_place(&self) -> Place {
        Place::parse(&self.database.log_url, None).unwrap()
    }

    /// Opens the log as one of several replicas.
    pub async fn open_log(&self, replica: i16) -> Result<PostgresLog, OpenError> {
        let clock = Arc::<TestClock>::clone(&self.clock);
        PostgresLog::open(&self.log_place(), replica, false, &self.master, clock).await
    }

    pub async fn open_keys(&self, master: &MasterKey) -> Result<PostgresKeys, OpenError> {
        let wrapping = Wrapping::new(master.clone(), self.wrapping.folder().path());
        PostgresKeys::open(&self.keys_place(), false, &wrapping, Arc::new(OsEntropy)).await
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

#[async_trait]
impl Engine for Postgres {
    async fn empty() -> Self {
        let engine = Self::bare();
        let now = engine.clock.now();
        PostgresLog::create(&engine.log_place(), ORIGIN, &engine.master, now, 0).await.unwrap();
        PostgresKeys::create(&engine.keys_place(), &engine.wrapping, now).await.unwrap();
        engine
    }

    async fn log(&self) -> Arc<dyn LogUpkeep> {
        let opened = tokio::time::timeout(PATIENCE, async {
            loop {
                match self.open_log(1).await {
                    // The server ends the session of a log that was dropped a moment ago.
                    Err(OpenError::InUse { .. }) => tokio::time::sleep(LOOK).await,
                    opened => break opened,
                }
            }
        });
        Arc::new(opened.await.expect("the log stays in use").unwrap())
    }

    async fn archive(&self) -> Arc<dyn LogArchive> {
        Arc::new(PostgresLogReader::open(&self.log_place(), &self.master).await.unwrap())
    }

    async fn keys(&self) -> Arc<dyn KeyUpkeep> {
        Arc::new(self.open_keys(&self.master).await.unwrap())
    }

    async fn rotation(&self) -> Arc<dyn KeyRotation> {
        Arc::new(self.open_keys(&self.master).await.unwrap())
    }

    async fn payload_keys(&self, wrapping: &Wrapping) -> Arc<dyn PayloadKeys> {
        Arc::new(PostgresKeysReader::open(&self.keys_place(), wrapping).await.unwrap())
    }

    async fn opens(&self) -> Result<(), String> {
        self.open_keys(&self.master).await.map(drop).map_err(|error| error.to_string())
    }

    fn wrapping(&self) -> &Wrapping {
        &self.wrapping
    }

    fn clock(&self) -> &TestClock {
        &self.clock
    }

    fn signer(&self) -> &dyn Signer {
        self.signer.as_ref()
    }

    fn outfit(&self) -> (Arc<dyn Signer>, Arc<dyn Clock>) {
        (Arc::<Ed25519Signer>::clone(&self.signer), Arc::<TestClock>::clone(&self.clock))
    }

    async fn bend_states(&self) {
        use sqlx::Executor;
        let mut intruder = self.database.log_intruder().await;
        let bend = "SET session_replication_role = replica; -- no triggers
                    UPDATE state SET sealed = set_byte(sealed, 0, get_byte(sealed, 0) # 1)";
        let bent = intruder.execute(bend).await.unwrap();
        assert!(bent.rows_affected() > 0);
    }

    async fn intrude(&self, sql: &str) {
        use sqlx::Executor;
        let mut intruder = self.database.log_intruder().await;
        intruder.execute("SET session_replication_role = replica").await.unwrap(); // no triggers
        intruder.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))).await.unwrap();
    }

    async fn intrude_keys(&self, sql: &str) {
        use sqlx::Executor;
        let mut intruder = self.database.keys_intruder().await;
        intruder.execute("SET session_replication_role = replica").await.unwrap(); // no triggers, no foreign keys
        intruder.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))).await.unwrap();
    }

    fn hex(&self, digits: &str) -> String {
        format!("'\\x{digits}'::bytea")
    }

    async fn at_rest(&self) -> Vec<u8> {
        self.database.at_rest().await
    }

    async fn opens_under(&self, master: MasterKey) -> bool {
        self.open_keys(&master).await.is_ok()
    }
}
