//! What the table needs of an engine: to be kept whole, changed past its triggers, and put back for the next case.

use crate::contract::Engine;
use crate::contract::postgres::{LOOK, Postgres};
use crate::contract::sqlite::Sqlite;
use crate::world::PATIENCE;
use async_trait::async_trait;
use sluis_adapters::postgres::{OpenError, PostgresLogReader};
use sluis_adapters::sqlite::{self, Limits, SqliteLogReader};
use sluis_core::upkeep::{KeyUpkeep, LogArchive, LogUpkeep};
use sqlx::Executor;
use sqlx::postgres::PgConnection;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Tables that a case put beside those of the gateway.
const ASIDE: [&str; 2] = ["before_", "kept_"];

/// Of which of the two databases something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    Log,
    Keys,
}

/// An engine on which every case is tried in turn.
#[async_trait]
pub trait Stage: Engine {
    /// How a case is spelled here.
    fn dialect() -> Dialect;
    /// Waits until whoever had the log open has ended.
    async fn settle(&self) {}
    /// Keeps both databases as they are.
    async fn keep(&self);
    /// Puts both back as they were kept. Nobody has them open.
    async fn put_back(&self);
    /// The log as the next process opens it; `None` when it refuses.
    async fn try_log(&self) -> Option<Arc<dyn LogUpkeep>>;
    /// The log for reading; `None` when it refuses.
    async fn try_archive(&self) -> Option<Arc<dyn LogArchive>>;
    /// The keys as the next process opens them; `None` when it refuses.
    async fn try_keys(&self) -> Option<Arc<dyn KeyUpkeep>>;
    /// Every column of every table: table, column.
    async fn columns(&self, of: Of) -> BTreeSet<(String, String)>;

    /// Changes one of the databases past the gateway.
    async fn change(&self, of: Of, sql: &str) {
        match of {
            Of::Log => self.intrude(sql).await,
            Of::Keys => self.intrude_keys(sql).await,
        }
    }

    /// The tables of the gateway.
    async fn tables(&self, of: Of) -> BTreeSet<String> {
        self.columns(of).await.into_iter().map(|(table, _)| table).collect()
    }
}

/// How an engine spells what the cases have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Spells a statement: `{i}` is the index of an entry, `{row 21}` its place to be set, `{zero 32}` so many zero bytes,
    /// `{turn ct}` the bytes of a column in another order.
    pub fn spell(self, sql: &str) -> String {
        let mut out = String::new();
        let mut rest = sql;
        while let Some((before, after)) = rest.split_once('{') {
            let (word, after) = after.split_once('}').expect("a brace is closed");
            out.push_str(before);
            out.push_str(&self.word(word));
            rest = after;
        }
        out + rest
    }

    fn word(self, word: &str) -> String {
        let (word, of) = word.split_once(' ').unwrap_or((word, ""));
        let turned = format!("substr({of}, 2) || substr({of}, 1, 1)");
        match (word, self) {
            ("i", Self::Sqlite) => "(row & 0xffff)".to_owned(),
            ("i", Self::Postgres) => "idx".to_owned(),
            ("row", Self::Sqlite) => format!("row = (1 << 40) + {of}"),
            ("row", Self::Postgres) => format!("idx = {of}"),
            ("zero", Self::Sqlite) => format!("zeroblob({of})"),
            ("zero", Self::Postgres) => format!("decode(repeat('00', {of}), 'hex')"),
            ("turn", Self::Sqlite) => format!("CAST({turned} AS BLOB)"),
            ("turn", Self::Postgres) => turned,
            _ => panic!("no such word: {word}"),
        }
    }
}

fn is_ours(table: &str) -> bool {
    ASIDE.iter().all(|aside| !table.starts_with(aside))
}

/// Opens a file that this process has closed. What another test starts at that moment has the lock of the file too, from its
/// fork until its exec.
async fn unlocked<T>(open: impl Fn() -> Result<T, sqlite::OpenError>) -> Result<T, sqlite::OpenError> {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        match open() {
            Err(sqlite::OpenError::InUse { .. }) if tokio::time::Instant::now() < until => {
                tokio::time::sleep(LOOK).await
            }
            opened => return opened,
        }
    }
}

#[async_trait]
impl Stage for Sqlite {
    fn dialect() -> Dialect {
        Dialect::Sqlite
    }

    /// The threads of a log end in their own time; files under one that is open are not exchanged.
    async fn settle(&self) {
        let folder = self.log_file().parent().unwrap().canonicalize().unwrap();
        let is_open = || {
            let mut open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
            open.any(|file| std::fs::read_link(file.path()).is_ok_and(|path| path.starts_with(&folder)))
        };
        let ended = async {
            while is_open() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("a file of the log stays open");
    }

    async fn keep(&self) {
        for file in [self.log_file(), self.keys_file()] {
            let flush = "PRAGMA wal_checkpoint(TRUNCATE)";
            rusqlite::Connection::open(&file).unwrap().query_row(flush, [], |row| row.get::<_, i64>(0)).unwrap();
            std::fs::copy(&file, file.with_extension("kept")).unwrap();
        }
    }

    async fn put_back(&self) {
        for file in [self.log_file(), self.keys_file()] {
            for side in ["db-wal", "db-shm"] {
                let _absent = std::fs::remove_file(file.with_extension(side));
            }
            std::fs::copy(file.with_extension("kept"), &file).unwrap();
        }
    }

    async fn try_log(&self) -> Option<Arc<dyn LogUpkeep>> {
        Some(Arc::new(unlocked(|| self.open(Limits::default())).await.ok()?))
    }

    async fn try_archive(&self) -> Option<Arc<dyn LogArchive>> {
        Some(Arc::new(SqliteLogReader::open(&self.log_file()).ok()?))
    }

    async fn try_keys(&self) -> Option<Arc<dyn KeyUpkeep>> {
        Some(Arc::new(unlocked(|| self.open_keys(&self.master)).await.ok()?))
    }

    async fn columns(&self, of: Of) -> BTreeSet<(String, String)> {
        let file = if of == Of::Log { self.log_file() } else { self.keys_file() };
        let connection = rusqlite::Connection::open(file).unwrap();
        let every = "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'";
        let mut statement = connection.prepare(every).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).filter(|(table, _): &(String, String)| is_ours(table)).collect()
    }
}

#[async_trait]
impl Stage for Postgres {
    fn dialect() -> Dialect {
        Dialect::Postgres
    }

    async fn settle(&self) {
        let mut intruder = self.database.log_intruder().await;
        let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'sluis'";
        let ended = async {
            while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut intruder).await.unwrap() > 0 {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("a session stays");
    }

    async fn keep(&self) {
        for of in [Of::Log, Of::Keys] {
            for table in self.tables(of).await {
                self.change(of, &format!("CREATE TABLE kept_{table} AS TABLE {table}")).await;
            }
        }
    }

    async fn put_back(&self) {
        for of in [Of::Log, Of::Keys] {
            let again = |table| format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}");
            let all: Vec<String> = self.tables(of).await.into_iter().map(again).collect();
            self.change(of, &all.join(";")).await;
        }
    }

    async fn try_log(&self) -> Option<Arc<dyn LogUpkeep>> {
        let opened = tokio::time::timeout(PATIENCE, async {
            loop {
                match self.open_log(1).await {
                    // The server ends the session of a log that was dropped a moment ago.
                    Err(OpenError::InUse { .. }) => tokio::time::sleep(LOOK).await,
                    opened => break opened,
                }
            }
        });
        Some(Arc::new(opened.await.expect("the log stays in use").ok()?))
    }

    async fn try_archive(&self) -> Option<Arc<dyn LogArchive>> {
        Some(Arc::new(PostgresLogReader::open(&self.log_place(), &self.master).await.ok()?))
    }

    async fn try_keys(&self) -> Option<Arc<dyn KeyUpkeep>> {
        Some(Arc::new(self.open_keys(&self.master).await.ok()?))
    }

    async fn columns(&self, of: Of) -> BTreeSet<(String, String)> {
        let mut intruder: PgConnection = match of {
            Of::Log => self.database.log_intruder().await,
            Of::Keys => self.database.keys_intruder().await,
        };
        // A partition has the columns of its table.
        let every = "SELECT c.table_name::text, c.column_name::text FROM information_schema.columns c
                     JOIN pg_class r ON r.oid = c.table_name::regclass
                     WHERE c.table_schema = 'public' AND NOT r.relispartition";
        intruder.execute("SET search_path = public").await.unwrap();
        let rows: Vec<(String, String)> = sqlx::query_as(every).fetch_all(&mut intruder).await.unwrap();
        rows.into_iter().filter(|(table, _)| is_ours(table)).collect()
    }
}
