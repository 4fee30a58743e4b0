//! Rotation of the wrapping key: a generation begins, every key goes over to it, the one before ends, and its secret is
//! destroyed. What backups of its time hold under it nobody opens any more (A21).
//!
//! A rotation is a row of steps. Each looks at what stands, does the next act, and is durable when it returns: if the process dies
//! anywhere, the next run goes on. No secret is destroyed before every key was opened under the next generation, and before the
//! database has said that no key names the old one and none ever can.

use super::{StartFault, engine, servers};
use crate::config::{Config, Engine};
use sluis_adapters::master::MasterKey;
use sluis_adapters::system::{OsEntropy, SystemClock};
use sluis_adapters::wrapping::{SecretFolder, WrappingFault};
use sluis_core::log::Millis;
use sluis_core::ports::{Clock, StoreError};
use sluis_core::upkeep::{Alone, Generation, KeyRotation};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Keys that go over in one transaction.
const PAGE: u32 = 500;
/// How often a generation is tried to be ended while keys are being made or destroyed.
const TRIES: u32 = 25;
/// Between two of these.
const PAUSE: Duration = Duration::from_millis(200);

/// Why a rotation stopped. What was done stays, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RotationFault {
    /// The stores.
    #[error(transparent)]
    Start(#[from] StartFault),
    /// A secret.
    #[error(transparent)]
    Wrapping(#[from] WrappingFault),
    /// Another process rotates.
    #[error("another rotation is at work on this key database: wait until it ended")]
    Running,
    /// Gateways would meet keys that they cannot open.
    #[error(
        "`{0}` does not exist: gateways need the secret of a generation before keys are wrapped under it; run `sluis keys prepare`, copy \
         the file to the same folder of every gateway of this log, then run this again"
    )]
    NotPrepared(PathBuf),
    /// A key that does not open would be lost with the secret.
    #[error(
        "a row of `{0}` does not open, so no secret was destroyed: the log lines name it; restore that row from a backup, or erase \
         whose it is, then run this again"
    )]
    Unopened(&'static str),
    /// Gateways hold or make keys under the old generation again and again.
    #[error("keys of the old generation are held by others at this moment, so no secret was destroyed: run this again")]
    Busy,
}

impl From<StoreError> for RotationFault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt { table, .. } if table.ends_with("_key") => Self::Unopened(table),
            other => Self::Start(other.into()),
        }
    }
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The secret of a generation was made.
    Made(u32),
    /// New keys are wrapped under this generation.
    Began(u32),
    /// So many keys went over.
    Rewrapped(u64),
    /// Nothing is wrapped under a generation any more; so many keys open under the next.
    Ended {
        /// Which.
        generation: u32,
        /// How many.
        proven: u64,
    },
    /// The secret of a generation was destroyed here, where it was here.
    Destroyed {
        /// Which.
        generation: u32,
        /// Whether its file was there.
        there: bool,
    },
}

/// A rotation at work.
pub struct Rotation {
    keys: Arc<dyn KeyRotation>,
    folder: SecretFolder,
    /// Whether a secret that is missing is made on the way: only where one process uses it.
    makes: bool,
    /// The generation that is the only one in the end.
    goal: u32,
    tries: u32,
    _alone: Box<dyn Alone>,
}

impl Rotation {
    /// Opens the key database of a configuration: on SQLite the gateway must be stopped, on PostgreSQL gateways may serve.
    ///
    /// # Errors
    /// [`RotationFault`]; nothing was done.
    pub async fn open(config: &Config) -> Result<Self, RotationFault> {
        let master = MasterKey::read(&config.keys.master_key).map_err(StartFault::from)?;
        servers::refuse_unsafe(config).await?;
        let makes = matches!(config.engine().map_err(StartFault::from)?, Engine::Sqlite { .. });
        let keys = engine::rotation(config, &master).await?;
        Self::begin(keys, SecretFolder::new(config.keys.wrapping()), makes).await
    }

    /// Begins a rotation to the generation after the newest, or goes on with one that was interrupted.
    ///
    /// # Errors
    /// [`RotationFault::Running`] while another is at work.
    pub async fn begin(keys: Arc<dyn KeyRotation>, folder: SecretFolder, makes: bool) -> Result<Self, RotationFault> {
        let alone = keys.alone().await?.ok_or(RotationFault::Running)?;
        let all = keys.generations().await?;
        let newest = in_use(&all).last().map_or(0, |newest| newest.number);
        let interrupted = in_use(&all).count() > 1 || undestroyed(&all).is_some();
        let goal = newest.saturating_add(u32::from(!interrupted));
        Ok(Self { keys, folder, makes, goal, tries: 0, _alone: alone })
    }

    /// Whether it goes on with one that was interrupted.
    pub async fn resumes(&self) -> Result<bool, RotationFault> {
        let all = self.keys.generations().await?;
        Ok(in_use(&all).last().is_some_and(|newest| newest.number == self.goal))
    }

    /// Does the next step; `None` when it is done.
    ///
    /// # Errors
    /// [`RotationFault`]; no key is lost, and the next run goes on.
    pub async fn step(&mut self) -> Result<Option<Step>, RotationFault> {
        let all = self.keys.generations().await?;
        if let Some(gone) = undestroyed(&all) {
            return self.destroy(gone.number).await.map(Some);
        }
        let in_use: Vec<u32> = in_use(&all).map(|generation| generation.number).collect();
        match in_use.as_slice() {
            [] => Err(StoreError::Corrupt { store: "key database", table: "wrapping" }.into()),
            [newest] if *newest >= self.goal => Ok(None),
            [newest] => self.next(newest.saturating_add(1)).await.map(Some),
            [oldest, .., newest] => self.over(*oldest, *newest).await.map(Some),
        }
    }

    async fn next(&self, generation: u32) -> Result<Step, RotationFault> {
        if !self.folder.holds(generation) {
            if !self.makes {
                return Err(RotationFault::NotPrepared(self.folder.file(generation)));
            }
            self.folder.make(generation, &OsEntropy)?;
            return Ok(Step::Made(generation));
        }
        self.folder.settle(generation)?;
        self.keys.begin(generation, now()).await?;
        Ok(Step::Began(generation))
    }

    async fn over(&mut self, from: u32, to: u32) -> Result<Step, RotationFault> {
        let keys = self.keys.rewrap(from, to, PAGE).await?;
        if keys > 0 {
            return Ok(Step::Rewrapped(keys));
        }
        let proven = self.keys.prove(to, PAGE).await?;
        self.folder.settle(to)?;
        if self.keys.end(from, now()).await? {
            return Ok(Step::Ended { generation: from, proven });
        }
        self.tries += 1;
        if self.tries > TRIES {
            return Err(RotationFault::Busy);
        }
        tokio::time::sleep(PAUSE).await;
        Ok(Step::Rewrapped(0))
    }

    async fn destroy(&self, generation: u32) -> Result<Step, RotationFault> {
        let there = self.folder.destroy(generation, now())?;
        self.keys.destroyed(generation, now()).await?;
        Ok(Step::Destroyed { generation, there })
    }
}

/// Makes the secret of the next generation, to be copied to every gateway before it is used. Gives the generation, its file, and
/// whether it was made now.
///
/// # Errors
/// [`RotationFault`]; the key database was not changed.
pub async fn prepare(config: &Config) -> Result<(u32, PathBuf, bool), RotationFault> {
    let (all, folder) = look(config).await?;
    let next = in_use(&all).last().map_or(0, |newest| newest.number).saturating_add(1);
    let made = match folder.make(next, &OsEntropy) {
        Ok(()) => true,
        Err(WrappingFault::Exists { .. }) => false,
        Err(fault) => return Err(fault.into()),
    };
    folder.settle(next)?;
    Ok((next, folder.file(next), made))
}

/// Destroys here the secrets of generations that ended, and of those that were put back. Gives which were here.
///
/// # Errors
/// [`RotationFault`]; in particular when a secret that is in use is not here: then this is not the folder of this database.
pub async fn forget(config: &Config) -> Result<Vec<u32>, RotationFault> {
    let (all, folder) = look(config).await?;
    let master = MasterKey::read(&config.keys.master_key).map_err(StartFault::from)?;
    engine::payload_keys(config, &master).await?.wraps().await?;
    let mut gone = Vec::new();
    for generation in all.iter().filter(|generation| generation.ended.is_some()) {
        if folder.destroy(generation.number, now())? {
            gone.push(generation.number);
        }
    }
    Ok(gone)
}

/// Every generation there ever was, and the folder of their secrets.
///
/// # Errors
/// [`StartFault`] when the key database cannot be read.
pub async fn look(config: &Config) -> Result<(Vec<Generation>, SecretFolder), StartFault> {
    let master = MasterKey::read(&config.keys.master_key)?;
    let all = engine::payload_keys(config, &master).await?.generations().await?;
    Ok((all, SecretFolder::new(config.keys.wrapping())))
}

fn in_use(all: &[Generation]) -> impl Iterator<Item = &Generation> {
    all.iter().filter(|generation| generation.ended.is_none())
}

fn undestroyed(all: &[Generation]) -> Option<&Generation> {
    all.iter().find(|generation| generation.ended.is_some_and(|end| end.destroyed_at.is_none()))
}

fn now() -> Millis {
    SystemClock.now()
}
