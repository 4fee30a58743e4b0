//! Making and opening a log: explicit, as one numbered replica, and only on a head that its own leaves give.

use super::connect::{Kind, Place};
use super::open_error::OpenError;
use super::rows::{self, bound, refused};
use super::settle::on_standby;
use super::writer::{self, Answer, Command, Desk, PATIENCE, Role, Seals};
use super::{check, raw_rows, statements, upkeep};
use crate::master::{HALT_LABEL, INDEX_LABEL, MasterKey, STATE_LABEL, TOMB_LABEL};
use crate::store::{GuardCache, LOG, open_tombs};
use async_trait::async_trait;
use sluis_core::log::Millis;
use sluis_core::ports::{Clock, StoreError};
use sluis_core::subject::SubjectRef;
use sluis_core::upkeep::{Ended, LeftBehind, LogUpkeep};
use sqlx::postgres::{PgConnection, PgPool};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// The log database, version 1.
pub(super) const LOG_KIND: Kind =
    Kind { name: LOG, version: 1, schema: include_str!("../../migrations/postgres/log_0001.sql") };

/// How long a start waits for its number: the server may hold it for a process that just ended, or another replica while it
/// judges what that process left.
const AT_START: Duration = Duration::from_secs(3);
/// How long policy and enrolments are answered from memory: another replica may have changed them meanwhile.
const KNOWN: Duration = Duration::from_secs(1);

/// The log, all shards: ledger and register of one replica.
pub struct PostgresLog {
    pub(super) replica: i16,
    pub(super) pool: PgPool,
    pub(super) seals: Arc<Seals>,
    pub(super) guards: Arc<GuardCache>,
    pub(super) low: Arc<AtomicU64>,
    pub(super) place: Place,
    left: Vec<u64>,
    commands: mpsc::UnboundedSender<Command>,
}

impl PostgresLog {
    /// Makes a new, empty log: an explicit act. The gateway then appends its EPOCH leaf.
    ///
    /// # Errors
    /// [`OpenError::Exists`] when there is one; nothing is ever overwritten.
    pub async fn create(
        place: &Place,
        origin: &str,
        master: &MasterKey,
        now: Millis,
        last_time: Millis,
    ) -> Result<(), OpenError> {
        let first_rows = async |c: &mut PgConnection| {
            sqlx::query(statements::INSERT_SHARD).bind(1i16).bind(origin).bind(bound(now)).execute(&mut *c).await?;
            let head = sqlx::query(statements::INSERT_HEAD).bind(1i16).bind(0i64).bind(&[][..] as &[u8]);
            head.bind(bound(last_time)).execute(c).await.map(|_| ())
        };
        place.create(&LOG_KIND, master, first_rows).await
    }

    /// Opens a log as one replica; every gateway process has a number of its own. Never creates or migrates.
    ///
    /// With `standby`, nothing counts as durable before a synchronous standby has it (A1).
    ///
    /// # Errors
    /// [`OpenError`] names the place and what to do.
    pub async fn open(
        place: &Place,
        replica: i16,
        standby: bool,
        master: &MasterKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let mut session = place.open(&LOG_KIND, master).await?;
        let engine = |source| place.engine(source);
        if !writer::become_replica(&mut session, replica, AT_START).await.map_err(engine)? {
            return Err(OpenError::InUse { place: place.name().to_owned(), replica });
        }
        let (log, head) = check::newest(&mut session, place).await?;
        if standby && !matches!(tokio::time::timeout(PATIENCE, on_standby(&mut session)).await, Ok(Ok(()))) {
            return Err(OpenError::NoStandby { place: place.name().to_owned() });
        }
        let (low, left) = in_flight(&mut session, replica, head.end()).await.map_err(engine)?;
        let seals = Arc::new(Seals {
            state: master.sealing(STATE_LABEL)?,
            index: master.sealing(INDEX_LABEL)?,
            halt: master.sealing(HALT_LABEL)?,
            tomb: master.sealing(TOMB_LABEL)?,
        });
        let (guards, low) = (Arc::new(GuardCache::new(KNOWN)), Arc::new(AtomicU64::new(low)));
        raw_rows::remember_states(&mut session, &guards).await.map_err(engine)?;
        let desk = Desk {
            place: place.clone(),
            role: Role { log, replica, standby },
            session: Some(session),
            seals: Arc::clone(&seals),
            clock,
            guards: Arc::clone(&guards),
            anchor: head.frontier,
            halted: false,
            low_written: u64::MAX,
            low: Arc::clone(&low),
            pending: None,
            written_since_upkeep: false,
        };
        let (commands, receiver) = mpsc::unbounded_channel();
        tokio::spawn(writer::run(desk, receiver));
        let (pool, place) = (place.readers(), place.clone());
        Ok(Self { pool, seals, guards, low, replica, place, left, commands })
    }

    /// Hands a command to the writer and waits. A writer that is gone leaves the outcome unknown.
    pub(super) async fn ask<T>(&self, command: impl FnOnce(Answer<T>) -> Command) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.tell(command(answer))?;
        answered.await.unwrap_or(Err(StoreError::Unknown { store: LOG }))
    }

    pub(super) fn tell(&self, command: Command) -> Result<(), StoreError> {
        self.commands.send(command).map_err(|_| StoreError::Unknown { store: LOG })
    }
}

#[async_trait]
impl LogUpkeep for PostgresLog {
    async fn left_in_flight(&self) -> Result<Vec<u64>, StoreError> {
        Ok(self.left.clone())
    }

    async fn ended_replicas(&self) -> Result<Vec<Ended>, StoreError> {
        self.ended().await
    }

    async fn hold_replica(&self, replica: i16) -> Result<Option<Box<dyn LeftBehind>>, StoreError> {
        self.hold(&self.place, replica).await
    }

    async fn erased_keys(&self) -> Result<Vec<[u8; 16]>, StoreError> {
        open_tombs(&self.seals.tomb, upkeep::tombs(&self.pool).await.map_err(refused("erased_key"))?)
    }

    async fn erase(&self, subject: SubjectRef, keys: Vec<[u8; 16]>) -> Result<u64, StoreError> {
        self.ask(|answer| Command::Erase { subject, keys, answer }).await
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        let tables = ["VACUUM log_leaf", "VACUUM subject_segment"];
        self.place.vacuum(&tables).await.map_err(refused("log_leaf"))
    }

    async fn forget_transactions(&self, before: Millis) -> Result<u64, StoreError> {
        self.ask(|answer| Command::ForgetTransactions { before, answer }).await
    }

    async fn entries_of(&self, subject: SubjectRef) -> Result<Vec<(u64, u32)>, StoreError> {
        let refused = refused("subject_segment");
        let mut connection = self.pool.acquire().await.map_err(&refused)?;
        upkeep::entries_of(&mut connection, &self.seals.index, subject).await.map_err(&refused)
    }

    async fn page(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let page = sqlx::query_scalar(statements::PAGE).bind(rows::log_of(index)).bind(rows::index(index));
        page.fetch_optional(&self.pool).await.map_err(refused("page_blob"))
    }
}

/// The mark of a replica, and its entries from there on, in whichever shards. A replica that never wrote starts at the end.
pub(super) async fn in_flight(c: &mut PgConnection, replica: i16, end: u64) -> Result<(u64, Vec<u64>), sqlx::Error> {
    let low: Option<i64> = sqlx::query_scalar(statements::LOW).bind(replica).fetch_one(&mut *c).await?;
    let from = low.and_then(|low| u64::try_from(low).ok()).unwrap_or(0);
    let left = sqlx::query_scalar::<_, i64>(statements::LEFT).bind(rows::log_of(from)).bind(replica);
    let left = left.bind(rows::index(from));
    let left: Vec<u64> = left.fetch_all(c).await?.into_iter().filter_map(|n| u64::try_from(n).ok()).collect();
    Ok((left.first().copied().unwrap_or(end).max(from), left))
}
