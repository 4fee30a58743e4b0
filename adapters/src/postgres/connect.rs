//! Where a PostgreSQL database is, and how its sessions are set up.
//!
//! Promises: every session commits durably (`synchronous_commit = on`, whatever the server's default is), reads what the
//! lock's last holder wrote (READ COMMITTED), and loses its lock within 1.5 s when this process freezes (A3). No address
//! holds a secret. A proxy that pools transactions breaks these promises: connect to the server itself.

use super::open_error::OpenError;
use crate::master::{MasterKey, STATE_LABEL};
use crate::store::SEAL_CHECK_TEXT;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor};
use std::str::FromStr;
use std::time::Duration;

/// How long connecting may take.
pub(super) const CONNECT: Duration = Duration::from_secs(5);
/// A session that was idle for so long is tried before it reads: a busy gateway has none.
const TRIED_AFTER: Duration = Duration::from_millis(100);
/// Connections that read; they are not held across the wait of a caller.
pub(super) const READERS_MAX: u32 = 8;

/// What every session starts with. The client waits longer than the server does, so that the server ends first.
const SESSION: &[(&str, &str)] = &[
    ("synchronous_commit", "on"),
    ("default_transaction_isolation", "read committed"),
    ("idle_in_transaction_session_timeout", "1500"),
    ("lock_timeout", "2000"),
    ("statement_timeout", "5000"),
    ("tcp_keepalives_idle", "2"),
    ("tcp_keepalives_interval", "1"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "5000"),
    // Every statement has its index. A plan that was made while the tables were small, and kept, would read the whole log for each
    // entry until the server has analysed them.
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    // The cost of a forbidden scan makes the server compile the plan anew at every call: a hundred times what it saves.
    ("jit", "off"),
    ("search_path", "public"),
    ("client_min_messages", "warning"),
];

/// Which of the two databases, its version and its tables.
pub(super) struct Kind {
    pub name: &'static str,
    pub version: i32,
    pub schema: &'static str,
}

/// Where a database is.
#[derive(Clone)]
pub struct Place {
    options: PgConnectOptions,
    name: String,
}

impl Place {
    /// Reads an address, `postgres://user@host:5432/database`, with `?sslmode=verify-full&sslrootcert=file` where the
    /// server is on another machine.
    ///
    /// # Errors
    /// [`OpenError::Address`] and [`OpenError::PasswordInAddress`].
    pub fn parse(address: &str, password: Option<&str>) -> Result<Self, OpenError> {
        let shown = || address.split('?').next().unwrap_or_default().to_owned();
        let rest = address.strip_prefix("postgres://").or_else(|| address.strip_prefix("postgresql://"));
        let rest = rest.ok_or_else(|| OpenError::Address { url: shown() })?;
        let user = rest.split(['/', '?']).next().and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user);
        if user.is_some_and(|user| user.contains(':')) || rest.contains("password=") {
            let place = rest.rsplit('@').next().unwrap_or_default().split('?').next().unwrap_or_default();
            return Err(OpenError::PasswordInAddress { place: place.to_owned() });
        }
        let options = PgConnectOptions::from_str(address).map_err(|_| OpenError::Address { url: shown() })?;
        let host = options.get_socket().map_or_else(|| options.get_host().to_owned(), |s| s.display().to_string());
        let name = format!("{host}:{}/{}", options.get_port(), options.get_database().unwrap_or_default());
        let options = options.application_name("sluis").options(SESSION.iter().copied());
        let options = options.log_statements(tracing::log::LevelFilter::Off);
        // Without a password of its own it is empty: none is taken from the environment or from a file of somebody else.
        Ok(Self { options: options.password(password.unwrap_or_default()), name })
    }

    /// `host:port/database`, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A session of its own, for whoever writes.
    pub(super) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let connected = tokio::time::timeout(CONNECT, PgConnection::connect_with(&self.options)).await;
        connected.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
    }

    /// Frees what superseded rows hold, in a session of its own that may take its time. What an old snapshot still sees, and
    /// what stands in WAL, stays.
    pub(super) async fn vacuum(&self, statements: &[&'static str]) -> Result<(), sqlx::Error> {
        let mut session = self.connect().await?;
        session.execute("SET statement_timeout = 0").await?;
        for statement in statements {
            // Each alone: in one message they would be one transaction.
            session.execute(*statement).await?;
        }
        session.close().await
    }

    /// Sessions that read. None is opened before it is needed.
    pub(super) fn readers(&self) -> PgPool {
        let options = PgPoolOptions::new().max_connections(READERS_MAX).acquire_timeout(CONNECT);
        let options = options.test_before_acquire(false).before_acquire(|session, session_was| {
            Box::pin(async move {
                // Of a server that was started again every session is dead; without this, each would fail one call more.
                if session_was.idle_for > TRIED_AFTER {
                    session.ping().await?;
                }
                Ok(true)
            })
        });
        options.connect_lazy_with(self.options.clone())
    }

    /// A session to open the database with: the server answers and holds what is expected.
    pub(super) async fn open(&self, kind: &Kind, master: &MasterKey) -> Result<PgConnection, OpenError> {
        let mut connection = self.connect().await.map_err(|source| self.unreachable(source))?;
        self.identify(&mut connection, kind).await?;
        self.check_seal(&mut connection, kind, master).await?;
        Ok(connection)
    }

    /// Makes the tables and the first rows, in one transaction.
    ///
    /// If the process dies here, the database is as it was.
    pub(super) async fn create(
        &self,
        kind: &Kind,
        master: &MasterKey,
        first_rows: impl AsyncFnOnce(&mut PgConnection) -> Result<(), sqlx::Error>,
    ) -> Result<(), OpenError> {
        let sealed = master.sealing(STATE_LABEL)?.seal(kind.name.as_bytes(), SEAL_CHECK_TEXT)?;
        let mut connection = self.connect().await.map_err(|source| self.unreachable(source))?;
        if self.version(&mut connection).await?.is_some() {
            return Err(OpenError::Exists { place: self.name.clone() });
        }
        let mut transaction = connection.begin().await.map_err(|e| self.engine(e))?;
        transaction.execute(kind.schema).await.map_err(|e| self.engine(e))?;
        let written = sqlx::query("INSERT INTO sluis_schema (one, kind, version, sealed) VALUES (1, $1, $2, $3)");
        let written = written.bind(kind.name).bind(kind.version).bind(sealed).execute(&mut *transaction);
        written.await.map_err(|e| self.engine(e))?;
        first_rows(&mut transaction).await.map_err(|e| self.engine(e))?;
        transaction.commit().await.map_err(|e| self.engine(e))
    }

    /// The kind and schema version that stand there; `None` without tables of Sluis.
    pub(super) async fn version(&self, connection: &mut PgConnection) -> Result<Option<(String, i32)>, OpenError> {
        let there = sqlx::query_scalar::<_, bool>("SELECT to_regclass('sluis_schema') IS NOT NULL");
        if !there.fetch_one(&mut *connection).await.map_err(|e| self.engine(e))? {
            return Ok(None);
        }
        let found = sqlx::query_as("SELECT kind, version FROM sluis_schema WHERE one = 1");
        found.fetch_optional(connection).await.map_err(|e| self.engine(e))
    }

    async fn identify(&self, connection: &mut PgConnection, kind: &Kind) -> Result<(), OpenError> {
        let place = self.name.clone();
        match self.version(connection).await? {
            None => Err(OpenError::Missing { place, expected: kind.name }),
            Some((found, _)) if found != kind.name => Err(OpenError::Foreign { place, expected: kind.name }),
            Some((_, found)) if found != kind.version => {
                Err(OpenError::Version { place, expected: kind.version, found })
            }
            Some(_) => Ok(()),
        }
    }

    async fn check_seal(
        &self,
        connection: &mut PgConnection,
        kind: &Kind,
        master: &MasterKey,
    ) -> Result<(), OpenError> {
        let sealed = sqlx::query_scalar::<_, Vec<u8>>("SELECT sealed FROM sluis_schema WHERE one = 1");
        let sealed = sealed.fetch_one(connection).await.map_err(|e| self.engine(e))?;
        let opened = master.sealing(STATE_LABEL)?.open(kind.name.as_bytes(), &sealed);
        let right = opened.is_some_and(|plain| plain.as_slice() == SEAL_CHECK_TEXT);
        if right { Ok(()) } else { Err(OpenError::MasterKey { place: self.name.clone() }) }
    }

    pub(super) fn unreachable(&self, source: sqlx::Error) -> OpenError {
        OpenError::Unreachable { place: self.name.clone(), source }
    }

    pub(super) fn engine(&self, source: sqlx::Error) -> OpenError {
        OpenError::Engine { place: self.name.clone(), source }
    }

    pub(super) fn corrupt(&self, table: &'static str) -> OpenError {
        OpenError::Corrupt { place: self.name.clone(), table }
    }
}
