//! SQLite as an engine of the suite: a folder with two files that goes with the test.

use super::draft::ORIGIN;
use super::{Engine, TestClock};
use async_trait::async_trait;
use rusqlite::Connection;
use sluis_adapters::master::MasterKey;
use sluis_adapters::signer::Ed25519Signer;
use sluis_adapters::sqlite::{Limits, OpenError, SqliteKeys, SqliteKeysReader, SqliteLog, SqliteLogReader};
use sluis_adapters::system::OsEntropy;
use sluis_adapters::wrapping::Wrapping;
use sluis_core::ports::{Clock, Signer};
use sluis_core::upkeep::{KeyRotation, KeyUpkeep, LogArchive, LogUpkeep, PayloadKeys};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder with a log, a key database and a signer.
pub struct Sqlite {
    pub folder: PathBuf,
    pub master: MasterKey,
    pub wrapping: Wrapping,
    clock: Arc<TestClock>,
    signer: Arc<Ed25519Signer>,
}

impl Sqlite {
    pub fn fresh() -> Self {
        static FOLDERS: AtomicU32 = AtomicU32::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("sluis-contract-{}-{number}", std::process::id()));
        let _earlier = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let signer = Arc::new(Ed25519Signer::generate(&folder.join("log.key"), &OsEntropy).unwrap());
        let master = MasterKey::generate(&folder.join("master.key"), &OsEntropy).unwrap();
        let clock = Arc::new(TestClock::new());
        let wrapping = Wrapping::generate(master.clone(), folder.join("wrapping"), &OsEntropy).unwrap();
        SqliteLog::create(&folder.join("log.db"), ORIGIN, &master, clock.now(), 0).unwrap();
        SqliteKeys::create(&folder.join("keys.db"), &wrapping, clock.now()).unwrap();
        Self { folder, master, wrapping, clock, signer }
    }

    pub fn log_file(&self) -> PathBuf {
        self.folder.join("log.db")
    }

    pub fn keys_file(&self) -> PathBuf {
        self.folder.join("keys.db")
    }

    pub fn open(&self, limits: Limits) -> Result<SqliteLog, OpenError> {
        SqliteLog::open(&self.log_file(), &self.master, Arc::<TestClock>::clone(&self.clock), limits)
    }

    pub fn open_keys(&self, master: &MasterKey) -> Result<SqliteKeys, OpenError> {
        let wrapping = Wrapping::new(master.clone(), self.wrapping.folder().path());
        SqliteKeys::open(&self.keys_file(), &wrapping, Arc::new(OsEntropy), Limits::default())
    }

    /// A connection past the engine, as an intruder or a careless administrator has it.
    pub fn intruder(&self) -> Connection {
        Connection::open(self.log_file()).unwrap()
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

#[async_trait]
impl Engine for Sqlite {
    async fn empty() -> Self {
        Self::fresh()
    }

    async fn log(&self) -> Arc<dyn LogUpkeep> {
        Arc::new(self.open(Limits::default()).unwrap())
    }

    async fn archive(&self) -> Arc<dyn LogArchive> {
        Arc::new(SqliteLogReader::open(&self.log_file()).unwrap())
    }

    async fn keys(&self) -> Arc<dyn KeyUpkeep> {
        Arc::new(self.open_keys(&self.master).unwrap())
    }

    async fn rotation(&self) -> Arc<dyn KeyRotation> {
        Arc::new(self.open_keys(&self.master).unwrap())
    }

    async fn payload_keys(&self, wrapping: &Wrapping) -> Arc<dyn PayloadKeys> {
        Arc::new(SqliteKeysReader::open(&self.keys_file(), wrapping).unwrap())
    }

    async fn opens(&self) -> Result<(), String> {
        self.open_keys(&self.master).map(drop).map_err(|error| error.to_string())
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
        let connection = self.intruder();
        let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = connection
            .prepare("SELECT kind, key, sealed FROM state")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(!rows.is_empty());
        connection.execute_batch("DROP TRIGGER state_grows").unwrap();
        for (kind, key, mut sealed) in rows {
            sealed[0] ^= 1;
            connection
                .execute("UPDATE state SET sealed = ?3 WHERE kind = ?1 AND key = ?2", (kind, key, sealed))
                .unwrap();
        }
    }

    async fn intrude(&self, sql: &str) {
        let connection = self.intruder();
        let triggers: Vec<String> = connection
            .prepare("SELECT 'DROP TRIGGER ' || name FROM sqlite_master WHERE type = 'trigger'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {};", triggers.join(";"))).unwrap();
        connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    async fn intrude_keys(&self, sql: &str) {
        let connection = Connection::open(self.keys_file()).unwrap();
        connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn hex(&self, digits: &str) -> String {
        format!("x'{digits}'")
    }

    async fn at_rest(&self) -> Vec<u8> {
        let files = std::fs::read_dir(&self.folder).unwrap().map(|file| file.unwrap().path());
        files
            .filter(|file| file.is_file() && !file.to_string_lossy().ends_with(".key"))
            .flat_map(|file| std::fs::read(file).unwrap())
            .collect()
    }

    async fn opens_under(&self, master: MasterKey) -> bool {
        self.open_keys(&master).is_ok()
    }
}
