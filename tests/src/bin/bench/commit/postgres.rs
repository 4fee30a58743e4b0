//! The three logs of a level as databases of one server; the floors write on one session each, one statement per table.

use super::Fault;
use super::drafts::ORIGIN;
use super::place::{
    Place, Row, SEGMENT_TAG_BYTES, SUBTREE_LEAVES, Tally, Template, Which, Writer, incompressible, subtrees,
};
use super::statement;
use crate::world::postgres::Cluster;
use async_trait::async_trait;
use sluis_adapters::master::MasterKey;
use sluis_adapters::postgres::{LOG_STATEMENTS, Place as Server, PostgresLog};
use sluis_adapters::segment::RECORD_BYTES;
use sluis_adapters::system::SystemClock;
use sluis_core::ports::{Clock, Ledger};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use std::str::FromStr;
use std::sync::Arc;

const SCHEMA: &str = include_str!("../../../../../adapters/migrations/postgres/log_0001.sql");
/// The leaves alone, without their secondary indexes.
const UNINDEXED: &str = r#"CREATE TABLE log_leaf (log_id smallint NOT NULL, idx bigint NOT NULL, leaf text COLLATE "C",
    hash bytea NOT NULL, kind smallint NOT NULL, t bigint NOT NULL, rid bytea NOT NULL, replica smallint NOT NULL,
    oin text COLLATE "C", txn bytea, digest bytea, key_id bytea, ct bytea, PRIMARY KEY (log_id, idx));
    ALTER TABLE log_leaf ALTER COLUMN ct SET STORAGE EXTERNAL"#;
const LEAVES: &str = "SELECT count(*), coalesce(sum(octet_length(leaf) + octet_length(hash) + octet_length(rid) +
    octet_length(oin) + octet_length(txn) + octet_length(digest) + octet_length(key_id) + octet_length(ct)), 0)::bigint
    FROM log_leaf WHERE log_id = 1 AND idx >= $1";
const SUBTREES: &str =
    "SELECT count(*) FROM log_subtree WHERE (level = 1 AND number >= $1) OR (level = 2 AND number >= $2)";
const SEGMENTS: &str =
    "SELECT count(*), coalesce(sum(octet_length(sealed)), 0)::bigint FROM subject_segment WHERE first >= $1";
/// The shard and the process in rows.
const LOG: i16 = 1;
const REPLICA: i16 = 1;

/// Three databases.
pub struct Databases {
    urls: [String; 3],
    master: MasterKey,
}

impl Databases {
    /// Makes them, empty.
    pub fn make(cluster: &Cluster) -> Self {
        Self { urls: [(); 3].map(|()| cluster.database()), master: MasterKey::from_bytes([1; 32]) }
    }

    async fn session(&self, which: Which) -> Result<PgConnection, Fault> {
        let [product, floor, unindexed] = &self.urls;
        let url = match which {
            Which::Product => product,
            Which::Floor => floor,
            Which::Unindexed => unindexed,
        };
        Ok(PgConnection::connect_with(&PgConnectOptions::from_str(url)?.disable_statement_logging()).await?)
    }

    /// Opens the gateway's log once more, as another replica.
    ///
    /// # Errors
    /// When it is not made yet, or the number is in use.
    pub async fn replica(&self, number: i16) -> Result<Arc<dyn Ledger>, Fault> {
        let [product, ..] = &self.urls;
        let place = Server::parse(product, None)?;
        Ok(Arc::new(PostgresLog::open(&place, number, false, &self.master, Arc::new(SystemClock)).await?))
    }
}

#[async_trait]
impl Place for Databases {
    async fn ledger(&self) -> Result<Arc<dyn Ledger>, Fault> {
        let [product, ..] = &self.urls;
        PostgresLog::create(&Server::parse(product, None)?, ORIGIN, &self.master, SystemClock.now(), 0).await?;
        self.replica(REPLICA).await
    }

    async fn template(&self, index: u64) -> Result<Template, Fault> {
        type Columns = (String, Vec<u8>, i16, String, Vec<u8>, Vec<u8>, Vec<u8>);
        let columns = "SELECT leaf, hash, kind, oin, digest, key_id, ct FROM log_leaf WHERE log_id = $1 AND idx = $2";
        let row = sqlx::query_as(columns).bind(LOG).bind(i64::try_from(index)?);
        let row: Columns = row.fetch_one(&mut self.session(Which::Product).await?).await?;
        let (leaf, hash, kind, oin, digest, key_id, ct) = row;
        Ok(Template { leaf, hash, kind, oin, digest, key_id, ct })
    }

    async fn writer(&self, which: Which, template: &Arc<Template>, first: u64) -> Result<Box<dyn Writer>, Fault> {
        let mut session = self.session(which).await?;
        session.execute(if which == Which::Floor { SCHEMA } else { UNINDEXED }).await?;
        session.execute("SET synchronous_commit = on").await?;
        let sealed = incompressible(256 * RECORD_BYTES + SEGMENT_TAG_BYTES);
        Ok(Box::new(Session { session, template: Arc::clone(template), next: first, sealed, which }))
    }

    async fn tally(&self, which: Which, first: u64) -> Result<Tally, Fault> {
        let (mut session, from) = (self.session(which).await?, i64::try_from(first)?);
        let unsigned = |(count, bytes): (i64, i64)| Ok::<_, Fault>((u64::try_from(count)?, u64::try_from(bytes)?));
        let (leaves, bytes) = unsigned(sqlx::query_as(LEAVES).bind(from).fetch_one(&mut session).await?)?;
        if which == Which::Unindexed {
            return Ok(Tally { leaves, bytes, ..Tally::default() });
        }
        let (segments, segment_bytes) = unsigned(sqlx::query_as(SEGMENTS).bind(from).fetch_one(&mut session).await?)?;
        let mut subtrees = sqlx::query_scalar::<_, i64>(SUBTREES);
        for leaves in SUBTREE_LEAVES {
            subtrees = subtrees.bind(i64::try_from(first / leaves)?);
        }
        let subtrees = u64::try_from(subtrees.fetch_one(&mut session).await?)?;
        Ok(Tally { leaves, bytes, subtrees, segments, segment_bytes })
    }
}

/// The session of a floor.
struct Session {
    session: PgConnection,
    template: Arc<Template>,
    next: u64,
    sealed: Vec<u8>,
    which: Which,
}

#[async_trait]
impl Writer for Session {
    async fn write(&mut self, rows: Vec<Row>) -> Result<(), Fault> {
        let to = self.next + u64::try_from(rows.len())?;
        sqlx::query("BEGIN").execute(&mut self.session).await?;
        self.leaves(&rows).await?;
        if self.which == Which::Floor {
            self.others(rows.len(), to).await?;
        }
        sqlx::query("COMMIT").execute(&mut self.session).await?;
        self.next = to;
        Ok(())
    }
}

impl Session {
    async fn leaves(&mut self, rows: &[Row]) -> Result<(), Fault> {
        let (template, count, first) = (&self.template, rows.len(), i64::try_from(self.next)?);
        let ids = || rows.iter().map(|row| row.rid.as_slice()).collect::<Vec<&[u8]>>();
        let insert = sqlx::query(statement(LOG_STATEMENTS, "INSERT_LEAVES")?)
            .bind(LOG)
            .bind(REPLICA)
            .bind((first..).take(count).collect::<Vec<i64>>())
            .bind(rows.iter().map(|row| row.leaf.as_str()).collect::<Vec<&str>>())
            .bind(vec![template.hash.as_slice(); count])
            .bind(vec![template.kind; count])
            .bind(vec![i64::try_from(SystemClock.now())?; count])
            .bind(ids())
            .bind(vec![template.oin.as_str(); count])
            .bind(ids())
            .bind(vec![template.digest.as_slice(); count])
            .bind(vec![template.key_id.as_slice(); count])
            .bind(rows.iter().map(|row| row.ct.as_slice()).collect::<Vec<&[u8]>>());
        insert.execute(&mut self.session).await?;
        Ok(())
    }

    async fn others(&mut self, count: usize, to: u64) -> Result<(), Fault> {
        let (levels, numbers): (Vec<i16>, Vec<u64>) =
            subtrees(self.next, to).map(|(level, number)| (i16::from(level), number)).unzip();
        if !levels.is_empty() {
            let numbers = numbers.into_iter().map(i64::try_from).collect::<Result<Vec<_>, _>>()?;
            let hashes = vec![self.template.hash.as_slice(); levels.len()];
            let insert = sqlx::query(statement(LOG_STATEMENTS, "INSERT_SUBTREES")?).bind(LOG).bind(levels);
            insert.bind(numbers).bind(hashes).execute(&mut self.session).await?;
        }
        let (first, last) = (i64::try_from(self.next)?, i64::try_from(to)? - 1);
        let sealed = self.sealed.get(..count * RECORD_BYTES + SEGMENT_TAG_BYTES).ok_or("a batch too large")?;
        let insert = sqlx::query(statement(LOG_STATEMENTS, "INSERT_SEGMENT")?).bind(LOG).bind(0i16);
        insert.bind(first).bind(last).bind(sealed).execute(&mut self.session).await?;
        let mark = sqlx::query(statement(LOG_STATEMENTS, "WRITE_LOW")?).bind(REPLICA).bind(first);
        mark.execute(&mut self.session).await?;
        Ok(())
    }
}
