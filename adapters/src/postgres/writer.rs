//! The one task that writes: it owns a session, takes commands in order and answers each.
//!
//! A write of which the outcome is unknown is settled before the next one: under the lock, which its session no longer
//! holds, the entry stands at its index or never will (core-design 1.8, A1). Until then nothing is written and nothing
//! that waited for it is released.

use super::connect::Place;
use super::errors::is_usable;
use super::rows::{bound, log_of, refused};
use super::settle::{LOOK_EVERY, Pending, on_standby};
use super::{halts, statements, upkeep};
use crate::master::RowKey;
use crate::store::{GuardCache, LOG, corrupt};
use sluis_core::log::Millis;
use sluis_core::log::draft::Draft;
use sluis_core::log::finalise::{Committed, Head};
use sluis_core::log::shard::{self, Next};
use sluis_core::log::tree::Frontier;
use sluis_core::ports::{Clock, StoreError};
use sluis_core::subject::SubjectRef;
use sluis_core::upkeep::Cut;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How long everything before a COMMIT may take, and how long the COMMIT may. The server gives up earlier (A3).
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long what an entry announced may take: an erasure reads the whole index twice, a removal empties a year.
pub(super) const UNHURRIED: Duration = Duration::from_secs(600);
/// How long the server may take to notice that our last session ended.
const BECOMING: Duration = Duration::from_secs(1);
/// How often what is superseded is pruned and small segments are merged.
const UPKEEP_EVERY: Duration = Duration::from_secs(1);
/// How often a session that is not used is tried: more often than others look for numbers that nobody holds.
const STAY_EVERY: Duration = Duration::from_secs(2);

/// Where an answer goes.
pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the task is asked to do.
pub(super) enum Command {
    Append { drafts: Vec<Draft>, answer: Answer<Committed> },
    Keep { size: u64, note: String, time: Millis },
    Probe { answer: Answer<()> },
    Head { answer: Answer<Head> },
    ForgetTransactions { before: Millis, answer: Answer<u64> },
    Erase { subject: SubjectRef, keys: Vec<[u8; 16]>, answer: Answer<u64> },
    OpenShard { next: Box<Next>, answer: Answer<()> },
    Halt { time: Millis, found: String, answer: Answer<()> },
    LiftHalts { these: Vec<(i16, Millis)>, entry: String, answer: Answer<u64> },
    Prune { cut: Cut, answer: Answer<bool> },
}

/// The keys that protect rows.
pub(super) struct Seals {
    pub state: RowKey,
    pub index: RowKey,
    pub halt: RowKey,
    pub tomb: RowKey,
}

/// What a process is on this log.
#[derive(Clone, Copy)]
pub(super) struct Role {
    pub log: i16,
    pub replica: i16,
    /// Whether nothing counts as durable before a synchronous standby has it.
    pub standby: bool,
}

/// The writer's desk: its session and what it remembers between commands.
pub(super) struct Desk {
    pub place: Place,
    pub role: Role,
    pub session: Option<PgConnection>,
    pub seals: Arc<Seals>,
    pub clock: Arc<dyn Clock>,
    pub guards: Arc<GuardCache>,
    /// The tree as this process last saw it, folded by itself: what the database says must extend it (A5).
    pub anchor: Frontier,
    /// The database contradicted the anchor: this process writes nothing any more (A27).
    pub halted: bool,
    pub low: Arc<AtomicU64>,
    pub low_written: u64,
    pub pending: Option<Pending>,
    pub written_since_upkeep: bool,
}

/// Runs until every sender is gone, then writes the in-flight mark.
pub(super) async fn run(mut desk: Desk, mut commands: mpsc::UnboundedReceiver<Command>) {
    let mut upkeep_due = tokio::time::interval(UPKEEP_EVERY);
    upkeep_due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut staying = tokio::time::interval(STAY_EVERY);
    staying.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            command = commands.recv() => match command {
                Some(command) => desk.serve(command).await,
                None => break,
            },
            _ = upkeep_due.tick(), if desk.written_since_upkeep => desk.keep_up().await,
            _ = staying.tick() => desk.stay().await,
        }
    }
    desk.keep_up().await;
}

impl Desk {
    /// An answer nobody waits for any more is dropped: the caller went away, what is written stays.
    async fn serve(&mut self, command: Command) {
        match command {
            Command::Append { drafts, answer } => _ = answer.send(self.append(drafts).await),
            Command::Keep { size, note, time } => {
                let (log, size) = (log_of(size), shard::index_of(size));
                // A failure loses a note that the same head can be signed for again.
                if let Err(error) = self.outside_lock(async |c| keep(c, log, size, &note, time).await).await {
                    tracing::warn!(%error, "a checkpoint was not kept");
                }
            }
            Command::Probe { answer } => _ = answer.send(self.probe().await),
            Command::OpenShard { next, answer } => _ = answer.send(self.open_shard(&next).await),
            Command::Head { answer } => _ = answer.send(self.durable_head().await),
            Command::ForgetTransactions { before, answer } => {
                let done = self.outside_lock(async |c| upkeep::forget_transactions(c, before).await).await;
                _ = answer.send(done);
            }
            Command::Erase { subject, keys, answer } => {
                let seals = Arc::clone(&self.seals);
                let done = self.within(UNHURRIED, async |c| upkeep::erase(c, &seals, subject, &keys).await).await;
                _ = answer.send(done);
            }
            Command::Halt { time, found, answer } => {
                let (replica, seals) = (self.role.replica, Arc::clone(&self.seals));
                let write = async |c: &mut PgConnection| halts::write(c, &seals.halt, replica, time, &found).await;
                _ = answer.send(self.outside_lock(write).await);
            }
            Command::Prune { cut, answer } => _ = answer.send(self.prune(&cut).await),
            Command::LiftHalts { these, entry, answer } => {
                let seals = Arc::clone(&self.seals);
                let lift = async |c: &mut PgConnection| halts::lift(c, &seals.halt, &these, &entry).await;
                _ = answer.send(self.outside_lock(lift).await);
            }
        }
    }

    /// The session, or a new one that is this replica.
    pub(super) async fn session(&mut self) -> Result<PgConnection, StoreError> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        let mut session = self.place.connect().await.map_err(refused("log_shard"))?;
        let became = become_replica(&mut session, self.role.replica, BECOMING).await.map_err(refused("log_shard"))?;
        // Our last session waits for a standby that does not answer, another process took our number, or another replica
        // took us for dead and judges what we left.
        if became { Ok(session) } else { Err(StoreError::Unavailable { store: LOG, state: "REPLICA_IN_USE" }) }
    }

    /// Keeps our number while nothing is written: a server that was started again, or that gave the session up, has let it
    /// go, and whose number is free counts as ended.
    async fn stay(&mut self) {
        let there = match self.session.as_mut() {
            None => false,
            Some(session) => matches!(tokio::time::timeout(PATIENCE, session.ping()).await, Ok(Ok(()))),
        };
        if !there {
            self.session = None;
            // Tried again at the next turn, and by the next command, which says what is wrong.
            self.session = self.session().await.ok();
        }
    }

    /// Rolls back and keeps the session, unless it is not to be trusted any more: then it is closed, which rolls back.
    pub(super) async fn give_back(&mut self, mut session: PgConnection) {
        let rolled = tokio::time::timeout(PATIENCE, sqlx::query("ROLLBACK").execute(&mut session)).await;
        if matches!(rolled, Ok(Ok(_))) {
            self.session = Some(session);
        }
    }

    /// Work of statements that each stand alone and change nothing an entry relies on, so that the lock is not needed.
    pub(super) async fn outside_lock<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        self.within(PATIENCE, work).await
    }

    /// The same with a patience of its own.
    pub(super) async fn within<T>(
        &mut self,
        patience: Duration,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let mut session = self.session().await?;
        match tokio::time::timeout(patience, work(&mut session)).await {
            Ok(Ok(done)) => {
                self.session = Some(session);
                Ok(done)
            }
            Ok(Err(error)) => {
                if is_usable(&error) {
                    self.give_back(session).await;
                }
                Err(refused("log_leaf")(error))
            }
            Err(_) => Err(StoreError::Unavailable { store: LOG, state: "SLOW" }),
        }
    }

    /// Prunes superseded heads and marks, merges small segments, writes the mark where it moved. Failures are tried again.
    async fn keep_up(&mut self) {
        let (role, seals, low) = (self.role, Arc::clone(&self.seals), self.low.load(Ordering::Acquire));
        let moved = low != self.low_written;
        let done = self.outside_lock(async |c| {
            if moved {
                sqlx::query(statements::WRITE_LOW).bind(role.replica).bind(bound(low)).execute(&mut *c).await?;
            }
            upkeep::prune(c, role, &seals.index).await
        });
        match done.await {
            Ok(()) => (self.low_written, self.written_since_upkeep) = (low, false),
            Err(error) => tracing::warn!(%error, "superseded rows of the log were not pruned"),
        }
    }

    /// What an append needs of lock, head, clock, disk and standby, without an entry: the in-flight mark is written anew.
    async fn probe(&mut self) -> Result<(), StoreError> {
        self.rehearse().await?;
        let (role, low) = (self.role, self.low.load(Ordering::Acquire));
        self.outside_lock(async |c| {
            let mut transaction = c.begin().await?;
            sqlx::query(statements::DROP_LOW).bind(role.replica).bind(bound(low)).execute(&mut *transaction).await?;
            sqlx::query(statements::WRITE_LOW).bind(role.replica).bind(bound(low)).execute(&mut *transaction).await?;
            transaction.commit().await?;
            if role.standby { on_standby(c).await } else { Ok(()) }
        })
        .await
    }

    pub(super) fn halt(&mut self, table: &'static str) -> StoreError {
        tracing::error!(
            table,
            "the database does not extend what this process last saw of the log: it writes nothing more"
        );
        self.halted = true;
        corrupt(table)
    }
}

/// Becomes this replica for as long as the session lasts; false when another session is it.
pub(super) async fn be_replica(session: &mut PgConnection, replica: i16) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(statements::BE_REPLICA).bind(i32::from(replica)).fetch_one(session).await
}

/// The same, trying for so long.
pub(super) async fn become_replica(
    session: &mut PgConnection,
    replica: i16,
    patience: Duration,
) -> Result<bool, sqlx::Error> {
    let becoming = async {
        while !be_replica(session, replica).await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    };
    tokio::time::timeout(patience, becoming).await.map_or(Ok(false), |became| became.map(|()| true))
}

/// Keeps the newest note, and of the older ones the last of each minute.
pub(super) async fn keep(
    c: &mut PgConnection,
    log: i16,
    size: u64,
    note: &str,
    time: Millis,
) -> Result<(), sqlx::Error> {
    let (size, time) = (bound(size), bound(time));
    sqlx::query(statements::THIN_CHECKPOINTS).bind(log).bind(size).bind(time).execute(&mut *c).await?;
    let kept = sqlx::query(statements::WRITE_CHECKPOINT).bind(log).bind(size).bind(note).bind(time);
    kept.execute(c).await.map(|_| ())
}
